"""Train the reader that ships with the assistant:  python -m tune.factory.train_reader ../shared WORK

Two rounds: people's questions about general text (../shared/data/reader), so that it learns to read; then questions of
employees about fictional organisations, small (`tune/factory/organisations`) and large (`large_organisations`), with
what retrieval brings of the same documents or with a short page alone, some of gov.uk's (the development half), and
some of the first round again.
The organisations of `tune/factory/fit_packaged.py` are left out. What ships was made in several rounds of the same kind
(its card says which), so that a run makes its like, not its bytes. WORK keeps the first round and the examples. Four
hours on two cores; writes `assistant/packaged/reader/`.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from assistant.evaluate.questions import Question, Split, read_questions
from assistant.text.canonical import sentences
from tune import reader
from tune.factory.fit_packaged import (
    CALIBRATED,
    DOCUMENTS,
    LARGE_ORGANISATIONS,
    QUESTIONS,
    UNSEEN,
    note_progress,
    open_index,
    organisations,
)
from tune.graphs.encoders import ADAPTER
from tune.graphs.merge_lora import WEIGHTS
from tune.train_reader import ReaderExample, ReaderPassage, train

T = TypeVar("T")

FOLLOW_UPS = "follow_ups.jsonl"  # of an organisation
SEED = 11
MAX_WORDS = 300  # of a general passage
SHORT, MOST_PARTS = 5, 3  # one in so many questions is asked of a page of so many parts, and what answers
SMALL = 80  # questions of a small organisation: what tells passages apart is in the large ones
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
PUBLIC = "qa_conditionalqa_train"
PUBLIC_EXAMPLES = 260


def general_examples(shared: Path, counts: Mapping[str, int], seed: int) -> list[ReaderExample]:
    """Return so many questions with one passage each of every source, evenly drawn; its sentences are its parts."""
    rng = random.Random(seed)
    found = []
    for name, count in counts.items():
        with gzip.open(shared / "data" / "reader" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            read = [example for line in lines if (example := general_example(json.loads(line)))]
        found += rng.sample(read, min(count, len(read)))
    return found


def general_example(raw: Mapping[str, Any]) -> ReaderExample | None:
    """Read one question, or None if its passage is too long or its answer is all of it."""
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
    passage = ReaderPassage(raw.get("title", ""), tuple(text[slice(*s)] for s in spans), tuple(sorted(gold)))
    return ReaderExample(raw["question"], (passage,))


def organisation_examples(work: Path) -> Iterator[ReaderExample]:
    """Yield the examples of every organisation that is not kept to calibrate on or to judge by."""
    for folder in organisations():
        if folder.name not in (*CALIBRATED, *UNSEEN):
            most = None if folder.parent == LARGE_ORGANISATIONS else SMALL
            asked = read_questions(folder / QUESTIONS)
            asked = [*_shuffled(asked)[:most], *follow_ups(folder, asked)]
            found = list(indexed_examples(folder / DOCUMENTS, asked, work / folder.name))
            yield from found
            yield from map(shortened, found[::SHORT])


def follow_ups(folder: Path, asked: Sequence[Question]) -> Iterator[Question]:
    """Yield the questions that follow up on others, glued to those as they are when they are asked."""
    path, of = folder / FOLLOW_UPS, {question.id: question for question in asked}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        raw = json.loads(line)
        yield replace(of[raw["of"]], scenario=raw["history"][-1], question=raw["question"])


def shortened(example: ReaderExample) -> ReaderExample:
    """Return an example with its first passage alone, cut to a few parts: of short pages people ask plain questions."""
    rng = random.Random(example.question)
    page = example.passages[0]
    first = rng.choice(page.gold or range(len(page.units)))
    begin = max(0, first - rng.randrange(MOST_PARTS))
    end = first + rng.randint(1, MOST_PARTS)
    gold = tuple(at - begin for at in page.gold if begin <= at < end)
    return ReaderExample(example.question, (ReaderPassage(page.header, page.units[begin:end], gold),))


def indexed_examples(documents: Path, questions: Sequence[Question], index: Path) -> Iterator[ReaderExample]:
    """Yield the examples of questions about a folder of documents, which is indexed in another."""
    with closing(open_index(documents, index)) as assistant:
        yield from reader.examples(assistant, questions, note_progress)


def main() -> None:
    shared, work = Path(sys.argv[1]), Path(sys.argv[2])
    first, second = work / "first", work / "second"
    if not (first / WEIGHTS).is_file():
        train(_shuffled(general_examples(shared, FIRST, SEED)), first, note_progress, rate=4e-4)
    asked = read_questions(shared / "data" / PUBLIC / "qa.jsonl", Split.DEV)
    public = list(indexed_examples(shared / "data" / PUBLIC / DOCUMENTS, asked, work / PUBLIC))
    examples = [
        *organisation_examples(work),
        *_shuffled(public)[:PUBLIC_EXAMPLES],
        *general_examples(shared, AGAIN, SEED + 1),
    ]
    (work / "examples.jsonl").write_text("".join(json.dumps(asdict(e)) + "\n" for e in examples), encoding="utf-8")
    measured = train(_shuffled(examples), second, note_progress, start=first)
    for path in second.iterdir():
        shutil.copy(path, ADAPTER / path.name)
    sys.stderr.write(f"\n{json.dumps(measured, indent=1)}\n")


def _shuffled(items: Sequence[T]) -> list[T]:
    return random.Random(SEED).sample(list(items), len(items))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.split("\n"):
        if line.strip():
            yield from sentences(text, at, at + len(line))
        at += len(line) + 1


if __name__ == "__main__":
    main()
