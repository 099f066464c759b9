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
from assistant.answer.question import MOST_BEFORE
from assistant.audit.ledger import Entry
from assistant.core.records import Hit
from assistant.evaluate.feedback import REVIEW, asks_documents, last_words
from assistant.text.canonical import heading_path
from assistant.text.words import STOP_WORDS, WORD, content, stem

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant

FEW = 50  # what all questions have in common is left out; that is trusted as far as there are many
NEAR = 20  # questions whose nearness says what one is about; 10 and 30 do as well
# Distance (Ward's) of two groups' neighbours from which they are two gaps, and how alike a group's questions must be:
# their mean cosine times the root of how many they are. Measured on 400 questions each (docs/log/experiments.md).
APART, ALIKE = 1.45, 0.7
MOST_COMPARED = 5_000  # questions, the latest ones: each with each takes a gigabyte
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
    texts = list(dict.fromkeys(one.question for one in reversed(asked)))[:MOST_COMPARED]
    groups = group(assistant.encode(texts))
    of = dict(zip(texts, groups, strict=True))
    members: dict[int, list[Unanswered]] = {}
    for one in asked:
        if one.question in of:
            members.setdefault(of[one.question], []).append(one)
    found = [members for members in members.values() if len({one.asker for one in members}) >= least]
    return sorted((describe(group, assistant) for group in found), key=lambda gap: (-gap.askers, -gap.asked, gap.name))


def unanswered(entries: Iterable[Entry], since: str) -> Iterator[Unanswered]:
    """Yield the questions of the log that found passages and no answer, or one that its asker marked as wrong.

    A greeting finds no passages. What an asker said last of an answer counts.
    """
    asked: list[tuple[str, str, Unanswered]] = []
    began: dict[tuple[str, ...], str] = {}  # the conversation that a line is of, by what the next line of it holds
    remarks: list[Entry] = []
    for entry in entries:
        raw = entry.raw
        if raw["command"] in (FEEDBACK, REVIEW):
            remarks.append(entry)
        elif asks_documents(entry):
            who = f"{raw['time'][:10]} {raw['roles']}"
            first = next(iter(raw["history"]), raw["question"])
            conversation = began.get((who, *raw["history"]), f"{who} {first}")
            began[who, *[*raw["history"], raw["question"]][-MOST_BEFORE:]] = conversation
            one = Unanswered(raw["question"], raw["time"], raw.get("asker", conversation))
            asked += [(entry.id, raw["status"], one)] if raw["time"][:10] >= since else []
    wrong = {of for of, entry in last_words(remarks).items() if entry.raw["status"] == "wrong"}
    yield from (one for id, status, one in asked if status == "abstained" or id in wrong)


def group(vectors: NDArray[np.float32]) -> list[int]:
    """Return the group of each vector [n]: those that have the same neighbours; what is in no dense group stands alone.

    Two ways to say one thing are often no nearer than two questions about leave are; what they are near to is the same.
    """
    count = len(vectors)
    if count < 2:
        return [0] * count
    own = vectors - vectors.mean(axis=0) * count / (count + FEW)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-6)
    cosines = own @ own.T
    groups = _by_neighbours(cosines)
    for label in np.unique(groups):
        at = np.flatnonzero(groups == label)
        pairs = len(at) * (len(at) - 1)
        if pairs and (cosines[np.ix_(at, at)].sum() - len(at)) / pairs * np.sqrt(len(at)) < ALIKE:
            groups[at] = count + 1 + at  # labels that no group has
    return [int(label) for label in groups]


def _by_neighbours(cosines: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the group of each question, from 1: of Ward's linkage over whom they are near to, by squared cosines."""
    from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
    from scipy.spatial.distance import squareform  # type: ignore[import-untyped]

    count = len(cosines)
    least = max(0, count - NEAR - 1)  # a question is near to itself, too
    near = np.argpartition(cosines, least, axis=1)[:, least:]
    weights = np.square(np.maximum(np.take_along_axis(cosines, near, axis=1), 0))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    starts = np.arange(0, near.size + 1, near.shape[1])
    profiles = csr_matrix((weights.ravel(), near.ravel(), starts), shape=(count, count))
    apart = np.sqrt(np.maximum(0, 2 - 2 * (profiles @ profiles.T).toarray()))
    return np.asarray(fcluster(linkage(squareform(apart, checks=False), "ward"), APART, "distance"))


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
    owner = assistant.owner(hit)
    return Place(heading_path(hit.title, hit.passage.headings), hit.source, owner)
