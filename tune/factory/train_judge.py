"""Train the judge that ships with the assistant:  python -m tune.factory.train_judge ../shared WORK

It goes on from the packaged reader, whose lower layers it keeps. A case is a question with what answers it, chosen and
worded as when it serves, and the words of `SAYS`, of which one is right or none: first of questions of our
organisations' employees and of public rules, then of those and of sets that differ in one respect (`polar.jsonl` of an
organisation). Another quote of the same document stands for one that does not settle a question. The organisations of
`fit_judge.py` are left out. An hour on two cores; writes `assistant/packaged/judge/`.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from assistant.answer.evidence import place
from assistant.answer.proof.citations import cite
from assistant.answer.read import evidence_in
from assistant.answer.select import choose
from assistant.answer.short import SAYS, parts_of
from assistant.core.config import IngestSection, ReaderSection
from assistant.core.records import Document, Evidence, Hit, Passage
from assistant.evaluate.questions import Split, split_of
from assistant.evaluate.retrieval_scores import covers_gold
from ingest.formats import read_document
from ingest.split import split
from tune.factory.fit_packaged import CALIBRATED, DOCUMENTS, QUESTIONS, UNSEEN, note_progress, organisations
from tune.graphs.encoders import ADAPTER, HEADS, JUDGE
from tune.graphs.merge_lora import WEIGHTS
from tune.graphs.mpnet import SHARED
from tune.train_reader import ReaderExample, ReaderPassage, train

Row = Mapping[str, Any]

POLAR = "polar.jsonl"  # of an organisation
SIDES = {"yes": 0, "no": 1, "depends": 2}
GOLD, OTHER = 5.0, -5.0  # log-odds by which what answers is chosen as if the reader had read it
SEED = 3
UNSETTLED = 0.4  # share of the questions that are shown something else, too
NEITHER = 0.25  # share of the questions that want no yes or no
KINDS = {"yes": 1.0, "no": 1.0, "depends": 0.45, "untold": 0.35}  # shares of the questions of a set
MOST = 8  # parts of public rules
PUBLIC, RULES = "qa_conditionalqa_train/qa.jsonl", "yesno_or_sharc_dev/pairs.jsonl"


@dataclass(frozen=True, slots=True)
class Quoted:
    """What proves an answer, as the judge reads it: under which headings, all of it, and what it was picked for."""

    header: str
    whole: tuple[str, ...]
    focus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what is quoted, and the place in `SAYS` of what is right.

    No `side` means that the quotes do not settle the question, or that it wants no yes or no.
    """

    question: str
    quoted: Quoted
    side: int | None


class Pages:
    """The documents of a folder, from which quotes are chosen as an answer's are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hits = cache(self._read)

    def quoted(self, name: str, gold: Sequence[str]) -> Quoted | None:
        """Return the quotes that hold gold evidence; None where they are not found."""
        parts: list[Evidence] = []
        for hit in self._hits(name):
            parts += [replace(e, score=GOLD if covers_gold(e.text, gold) else OTHER) for e in evidence_in(hit)]
        if all(e.score == OTHER for e in parts) or not (picked := choose(parts, ReaderSection())):
            return None
        whole = parts_of([cite(key, e).claim for key, e in enumerate(picked, 1)])
        return Quoted(place(picked[0].hit), tuple(whole), tuple(gold))

    def _read(self, name: str) -> list[Hit]:
        parsed = read_document((self._folder / name).read_bytes(), name)
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        document = Document(sha256, name, parsed.title, parsed.text, parsed.media_type, sha256)
        return [
            Hit(
                Passage(number, document.id, parsed.text[p.start : p.end], p.start, p.end, p.headings),
                score=0.0,
                rank=number,
                methods=(),
                source=name,
                title=parsed.title,
                document_sha256=sha256,
            )
            for number, p in enumerate(split(document, IngestSection(), ""), 1)
        ]


def asked_cases(folder: Path) -> Iterator[Case]:
    """Yield the cases of an organisation's questions."""
    rng, pages = random.Random(folder.name), Pages(folder / DOCUMENTS)
    rows = [row for row in _rows(folder / QUESTIONS) if row["answerable"] and row["evidence"]]
    asked = [(row, quoted) for row in rows if (quoted := pages.quoted(row["doc"], row["evidence"]))]
    for row, quoted in asked:
        side = SIDES.get(row["polarity"])
        if side is not None or rng.random() < NEITHER:
            yield Case(row["question"], quoted, side)
        near = [other for of, other in asked if of["doc"] == row["doc"] and other != quoted]
        if side is not None and near and rng.random() < UNSETTLED:
            yield Case(row["question"], rng.choice(near), None)


def contrasting_cases(folder: Path) -> Iterator[Case]:
    """Yield the cases of an organisation's sets of questions that differ in one respect."""
    rng, pages = random.Random(folder.name), Pages(folder / DOCUMENTS)
    for row in _rows(folder / POLAR):
        if quoted := pages.quoted(row["doc"], row["quote"]):
            kept = (kind for kind, share in KINDS.items() if row[kind] and rng.random() < share)
            yield from (Case(row[kind], quoted, SIDES.get(kind)) for kind in kept)


def public_cases(shared: Path) -> Iterator[Case]:
    """Yield gov.uk's questions that are answered with yes or no (with a condition, it depends), and those of rules."""
    for row in _rows(shared / "data" / PUBLIC):
        said = {answer.lower() for answer in row["answers"]}
        if said and said <= SIDES.keys() and row["evidence"] and split_of(row["doc"]) is Split.DEV:
            side = said.pop() if len(said) == 1 and not any(row["conditions"]) else "depends"
            title = Path(row["doc"]).stem.replace("-", " ")
            yield Case(f"{row['scenario']} {row['question']}".strip(), _of(title, row["evidence"]), SIDES[side])
    for row in _rows(shared / "data" / RULES):
        told = (f"{turn['follow_up_question']} {turn['follow_up_answer']}." for turn in row["history"])
        lines = [line.strip() for text in row["evidence"] for line in text.splitlines() if line.strip()]
        headed = lines[0].startswith("#") and len(lines) > 1
        quoted = _of(lines[0].strip("# "), lines[1:]) if headed else _of("", lines)
        yield Case(" ".join((row["scenario"], *told, row["question"])), quoted, SIDES[row["answers"][0].lower()])


def examples(case: Case) -> Iterator[ReaderExample]:
    """Yield a case in the two forms in which the judge reads it."""
    for parts in dict.fromkeys((case.quoted.whole, case.quoted.focus)):
        gold = () if case.side is None else (case.side,)
        passage = ReaderPassage(case.quoted.header, (*SAYS, *parts), gold, len(SAYS))
        yield ReaderExample(case.question, (passage,))


def _of(header: str, parts: Sequence[str]) -> Quoted:
    return Quoted(header, tuple(parts[:MOST]), tuple(parts[:MOST]))


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def whole_adapter(layers: Path, out: Path) -> Path:
    """Write the reader's adapter with the judge's layers and heads in `out`, to go on from; return it."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(layers, out, dirs_exist_ok=True)
    save_file({**load_file(ADAPTER / WEIGHTS), **load_file(layers / WEIGHTS)}, out / WEIGHTS)
    shutil.copy(layers / HEADS, out / HEADS)
    return out


def main() -> None:
    shared, work = Path(sys.argv[1]), Path(sys.argv[2])
    rng = random.Random(SEED)
    folders = [folder for folder in organisations() if folder.name not in (*CALIBRATED, *UNSEEN)]
    asked = [example for folder in folders for case in asked_cases(folder) for example in examples(case)]
    asked += [example for case in public_cases(shared) for example in examples(case)]
    # Of a set each question is read in one form: there are enough, and what differs is the same in both.
    sets = [rng.choice([*examples(case)]) for folder in folders for case in contrasting_cases(folder)]
    first, second = work / "first", work / "second"
    twice = [*rng.sample(asked, len(asked)), *rng.sample(asked, len(asked))]
    train(twice, first, note_progress, start=ADAPTER, frozen=SHARED, rate=4e-4)
    start, both = whole_adapter(first, work / "whole"), [*asked, *sets]
    measured = train(rng.sample(both, len(both)), second, note_progress, start=start, frozen=SHARED, rate=3e-4)
    for path in second.iterdir():
        shutil.copy(path, JUDGE / path.name)
    sys.stderr.write(f"\n{json.dumps(measured, indent=1)}\n")


if __name__ == "__main__":
    main()
