"""What people asked in vain, by meaning, with the closest documents: what was not answered, or marked as wrong.

A gap is a group of questions that mean much the same. It is named by the words that most of them share, and told only
if enough askers met it. Where the log has no names, a conversation counts as an asker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.answer.feedback import FEEDBACK
from assistant.audit.ledger import Entry
from assistant.core.records import Hit
from assistant.evaluate.feedback import REVIEW, asks_documents, last_words
from assistant.text.canonical import heading_path
from assistant.text.words import STOP_WORDS, WORD, content, stem

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant

# Mean cosine distance of two groups' questions from which they are two gaps, what all questions have in common left
# out; that is trusted as far as there are many. Chosen on 400 questions with 20 gaps (docs/log/experiments.md).
APART, FEW = 0.65, 50
MOST_TOLD = 3  # words of a gap's name, questions and places


@dataclass(frozen=True, slots=True)
class Place:
    """A passage that is close to a gap's questions, and who owns its document."""

    place: str
    source: str
    owner: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that mean much the same and were asked in vain; times are ISO.

    `is_written_about` tells whether a close passage's title or headings have a word of the gap's name.
    """

    name: str
    asked: int
    askers: int
    first: str
    last: str
    questions: tuple[str, ...]
    closest: tuple[Place, ...]
    is_written_about: bool


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that was asked in vain, as the log has it; `asker` tells conversations apart."""

    question: str
    time: str
    asker: str


def find_gaps(entries: Iterable[Entry], assistant: Assistant, since: str = "", least: int = 3) -> list[Gap]:
    """Return what was asked in vain since a day (ISO) by at least so many askers, the most frequent first."""
    asked = list(unanswered(entries, since))
    if not asked:
        return []
    texts = list(dict.fromkeys(one.question for one in asked))
    groups = group(assistant.encode(texts))
    of = dict(zip(texts, groups, strict=True))
    members: dict[int, list[Unanswered]] = {}
    for one in asked:
        members.setdefault(of[one.question], []).append(one)
    found = [members for members in members.values() if len({one.asker for one in members}) >= least]
    return sorted((describe(group, assistant) for group in found), key=lambda gap: (-gap.askers, -gap.asked, gap.name))


def unanswered(entries: Iterable[Entry], since: str) -> Iterator[Unanswered]:
    """Yield the questions of the log that found passages and no answer, or one that its asker marked as wrong.

    A greeting finds no passages. What an asker said last of an answer counts.
    """
    asked: list[tuple[str, str, Unanswered]] = []
    remarks: list[Entry] = []
    for entry in entries:
        raw = entry.raw
        if raw["command"] in (FEEDBACK, REVIEW):
            remarks.append(entry)
        elif asks_documents(entry):
            first = next(iter(raw["history"]), raw["question"])
            conversation = f"{raw['time'][:10]} {raw['roles']} {first}"
            one = Unanswered(raw["question"], raw["time"], raw.get("asker", conversation))
            asked += [(entry.id, raw["status"], one)] if raw["time"][:10] >= since else []
    wrong = {of for of, entry in last_words(remarks).items() if entry.raw["status"] == "wrong"}
    yield from (one for id, status, one in asked if status == "abstained" or id in wrong)


def group(vectors: NDArray[np.float32]) -> list[int]:
    """Return the group of each vector [n]: of average linkage, those whose cosine distance is below `APART`."""
    from sklearn.cluster import AgglomerativeClustering

    if len(vectors) < 2:
        return [0] * len(vectors)
    own = vectors - vectors.mean(axis=0) * len(vectors) / (len(vectors) + FEW)
    model = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=APART)
    return [int(number) for number in model.fit_predict(own)]


def describe(asked: Sequence[Unanswered], assistant: Assistant) -> Gap:
    """Name a gap, and find what is closest to its commonest question."""
    questions = [text for text, _ in Counter(one.question for one in asked).most_common()]
    hits = assistant.search(questions[0], k=MOST_TOLD).hits
    shared = name_of(questions)
    headings = {word for hit in hits for word in content(heading_path(hit.title, hit.passage.headings))}
    times = sorted(one.time for one in asked)
    return Gap(
        name=", ".join(shared),
        asked=len(asked),
        askers=len({one.asker for one in asked}),
        first=times[0],
        last=times[-1],
        questions=tuple(questions[:MOST_TOLD]),
        closest=tuple(_place(hit, assistant) for hit in hits),
        is_written_about=not headings.isdisjoint(content(" ".join(shared))),
    )


def name_of(questions: Sequence[str]) -> list[str]:
    """Return the words that most of the questions share, as they are written most often."""
    words = [[word for word in WORD.findall(text.casefold()) if word not in STOP_WORDS] for text in questions]
    written = Counter((stem(word), word) for said in words for word in said)
    shared = Counter(of for said in words for of in dict.fromkeys(map(stem, said)))
    first = [word for word, _ in shared.most_common(MOST_TOLD)]
    return [max((n, form) for (of, form), n in written.items() if of == word)[1] for word in first] or [questions[0]]


def _place(hit: Hit, assistant: Assistant) -> Place:
    owner = assistant.owner(hit.source)
    return Place(heading_path(hit.title, hit.passage.headings), hit.source, owner)
