"""Train the reader that ships with the assistant:  python -m tune.factory.train_reader ../shared WORK

Two rounds: people's questions about general text (../shared/data/reader), so that it learns to read; then questions of
employees about the fictional organisations of `tune/factory/organisations`, with what retrieval brings of the same
documents, some of gov.uk's (the development half), and some of the first round again. The organisations of
`tune/factory/fit_packaged.py` are left out. What ships was made before these steps were one script, in four rounds of
the same kind (its card says which), so that a run makes its like, not its bytes. WORK keeps the first
round and the rows. Two hours on two cores; writes `assistant/packaged/reader/`.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant.evaluate.questions import Question, Split, read_questions
from assistant.text.canonical import sentences
from tune import reader
from tune.factory.fit_packaged import CALIBRATED, ORGANISATIONS, UNSEEN, Source, note_progress, open_index
from tune.graphs.encoders import ADAPTER
from tune.graphs.merge_lora import WEIGHTS
from tune.train_reader import ReaderRow, train

SEED = 11
MAX_WORDS = 300  # of a general passage
FIRST = {
    "squad2_dev_half": 1700,
    "squadshifts_reddit": 700,
    "squadshifts_amazon": 350,
    "squadshifts_wiki": 250,
    "nq_open_gold": 250,
    "qed_nq_dev": 250,
    "selqa": 350,
    "squad1_dev_sent": 400,
    "squad1_train_sent": 400,
    "neg_squad1_train": 250,
    "xquad_en": 150,
    "covid_faq_gov": 150,
    "trecqa": 250,
}
AGAIN = {
    "squad2_dev_half": 2200,
    "squadshifts_reddit": 600,
    "squadshifts_amazon": 200,
    "nq_open_gold": 200,
    "qed_nq_dev": 300,
    "selqa": 100,
    "covid_faq_gov": 200,
}
PUBLIC = Source("qa_conditionalqa_train", "public rules")
PUBLIC_ROWS = 1300


def general_rows(shared: Path, counts: Mapping[str, int], seed: int) -> list[ReaderRow]:
    """Return so many rows of each source, evenly drawn; a passage's sentences are its parts."""
    rng = random.Random(seed)
    found = []
    for name, count in counts.items():
        with gzip.open(shared / "data" / "reader" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [row for line in lines if (row := general_row(json.loads(line)))]
        found += rng.sample(rows, min(count, len(rows)))
    return found


def general_row(raw: Mapping[str, Any]) -> ReaderRow | None:
    """Read one row, or None if its passage is too long or its answer is all of it."""
    text = raw["context"]
    spans = list(_sentences(text))
    if not spans or len(text.split()) > MAX_WORDS:
        return None
    gold: set[int] = set()
    for answer, start in zip(raw["answers"], raw["answer_starts"], strict=True):
        met = [i for i, (begin, end) in enumerate(spans) if begin < start + len(answer) and start < end]
        gold.update(met if raw.get("kind") in ("sentence", "block") else met[:1])
    if raw["answerable"] != bool(gold) or len(gold) == len(spans) > 4:
        return None
    return ReaderRow(raw["question"], raw.get("title", ""), tuple(text[slice(*s)] for s in spans), tuple(sorted(gold)))


def organisation_rows(work: Path) -> Iterator[ReaderRow]:
    """Yield the rows of every organisation that is not kept to calibrate on or to judge by."""
    for folder in sorted(ORGANISATIONS.iterdir()):
        if folder.is_dir() and folder.name not in (*CALIBRATED, *UNSEEN):
            source = Source(folder.name, folder.name, "questions.jsonl")
            yield from indexed_rows(ORGANISATIONS, source, read_questions(folder / "questions.jsonl"), work)


def indexed_rows(root: Path, source: Source, questions: Sequence[Question], work: Path) -> Iterator[ReaderRow]:
    """Yield the rows of questions about the documents of one source."""
    with closing(open_index(root, source, work)) as assistant:
        yield from reader.rows(assistant, questions, note_progress)


def main() -> None:
    shared, work = Path(sys.argv[1]), Path(sys.argv[2])
    first, second = work / "first", work / "second"
    if not (first / WEIGHTS).is_file():
        train(_shuffled(general_rows(shared, FIRST, SEED)), first, note_progress, rate=4e-4)
    asked = read_questions(shared / "data" / PUBLIC.name / PUBLIC.questions, Split.DEV)
    public = list(indexed_rows(shared / "data", PUBLIC, asked, work))
    rows = [
        *organisation_rows(work),
        *random.Random(SEED).sample(public, min(PUBLIC_ROWS, len(public))),
        *general_rows(shared, AGAIN, SEED + 1),
    ]
    (work / "rows.jsonl").write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    measured = train(_shuffled(rows), second, note_progress, start=first)
    for path in second.iterdir():
        shutil.copy(path, ADAPTER / path.name)
    sys.stderr.write(f"\n{json.dumps(measured, indent=1)}\n")


def _shuffled(rows: Sequence[ReaderRow]) -> list[ReaderRow]:
    return random.Random(SEED).sample(list(rows), len(rows))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.split("\n"):
        if line.strip():
            yield from sentences(text, at, at + len(line))
        at += len(line) + 1


if __name__ == "__main__":
    main()
