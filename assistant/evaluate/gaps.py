"""What people asked in vain, by meaning, with the closest documents: what was not answered, or marked as wrong.

A gap is a group of questions that mean much the same. It is named by the words that most of its askers use. No gap is
told that too few met, and no word that fewer used in all that was asked in vain: what somebody says of their own case
stays with them. Where the log has no names, a conversation counts as an asker, and what goes on with one that is not
found in the log as none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from assistant.answer.feedback import FEEDBACK
from assistant.answer.question import MOST_BEFORE
from assistant.audit.ledger import Entry
from assistant.core.errors import UsageError
from assistant.core.files import PACKAGED
from assistant.core.records import Access, Hit
from assistant.evaluate.feedback import REVIEW, asks_documents, last_words
from assistant.guards.normalise import fold
from assistant.index.queries import Queries
from assistant.text.canonical import heading_path
from assistant.text.words import STOP_WORDS, WORD, content

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant

MAP = PACKAGED / "encoder" / "same_question.npy"
FEW = 50  # what all questions have in common is left out; that is trusted as far as there are many
# Mean distance (cosine) of two groups from which they are two gaps, and how alike a group's questions must be: their
# mean cosine times the root of how many they are. Measured on 400 questions each (docs/log/experiments.md).
APART, ALIKE = 0.45, 1.25
MOST_COMPARED = 5_000  # questions, the latest ones: each with each takes a gigabyte
LEFT_OUT = "…"
PUNCTUATION = frozenset(".,;:!?'\"()-/&")
CHECKS = frozenset({"test", "eval", "replay"})  # commands that ask what others have asked
MOST_TOLD = 3  # words of a gap's name, questions and places


@dataclass(frozen=True, slots=True)
class NearPlace:
    """A passage that is close to a gap's questions, and who owns its document, of that hash."""

    place: str
    source: str
    owner: str
    sha256: str


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
    closest: tuple[NearPlace, ...]
    is_written_about: bool


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that was asked in vain, as the log has it; `asker` tells conversations apart, "" if none is known."""

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
    found = [members for members in members.values() if len(askers_of(members)) >= least]
    common = common_words(asked, least)
    gaps = (describe(group, common, assistant) for group in found)
    return sorted(gaps, key=lambda gap: (-gap.askers, -gap.asked, gap.name))


def read_gaps(data: bytes, queries: Queries, access: Access) -> list[Gap]:
    """Return the gaps of `assistant gaps --json` with those of their places that somebody may see today.

    Raises UsageError for what is no such file.
    """
    try:
        found = TypeAdapter(list[Gap]).validate_json(data)
    except ValidationError as error:
        raise UsageError("this is not what `assistant gaps --json` writes.") from error

    def seen(place: NearPlace) -> bool:
        return queries.meta_of(place.source, place.sha256, access) is not None

    told = ((gap, tuple(filter(seen, gap.closest))) for gap in found)
    return [replace(gap, closest=seen, is_written_about=is_written_about(gap.name, seen)) for gap, seen in told]


def is_written_about(name: str, places: Iterable[NearPlace]) -> bool:
    """Tell whether the title or the headings of one of these places have a word of a gap's name."""
    return not content(" ".join(at.place for at in places)).isdisjoint(content(name))


def unanswered(entries: Iterable[Entry], since: str) -> Iterator[Unanswered]:
    """Yield the questions of the log that found passages and no answer, or one that its asker marked as wrong.

    A greeting finds no passages. What an asker said last of an answer counts.
    """
    asked: list[tuple[str, str, Unanswered]] = []
    began: dict[tuple[str, ...], str] = {}  # the conversation that a line is of, by what the next lines of it hold
    remarks: list[Entry] = []
    for entry in entries:
        raw = entry.raw
        if raw["command"] in (FEEDBACK, REVIEW):
            remarks.append(entry)
        elif raw["command"] not in CHECKS and raw["answer_sha256"]:
            who = str(raw["roles"])
            # One that a line is missing of goes on with any of its questions; one whose lines were masked otherwise, by
            # what a later question named, with none: that is nobody's. Better too few askers than too many.
            known = ((who, *raw["history"]), *((who, question) for question in raw["history"]))
            new = "" if raw["history"] else f"{raw['time'][:10]} {who} {raw['question']}"
            conversation = next((began[said] for said in known if said in began), new)
            for said in ([*raw["history"], raw["question"]][-MOST_BEFORE:], [raw["question"]]):
                began[who, *said] = conversation
            # A proxy may pass on a name as it was typed, "zoë" in two spellings.
            asker = fold(raw["asker"]).casefold() if "asker" in raw else conversation
            one = Unanswered(raw["question"], raw["time"], asker)
            counts = raw["time"][:10] >= since and asks_documents(entry)
            asked += [(entry.id, raw["status"], one)] if counts else []
    wrong = {of for of, entry in last_words(remarks).items() if entry.raw["status"] == "wrong"}
    yield from (one for id, status, one in asked if status == "abstained" or id in wrong)


def group(vectors: NDArray[np.float32]) -> list[int]:
    """Return the group of each vector [n]: those that ask the same; what is in no dense group stands alone.

    The vectors are mapped as was learned from questions that ask the same thing in other words; another encoder's are
    taken as they are.
    """
    from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
    from scipy.spatial.distance import squareform  # type: ignore[import-untyped]

    count = len(vectors)
    if count < 2:
        return [0] * count
    own = vectors - vectors.mean(axis=0) * count / (count + FEW)
    learned = np.load(MAP).astype(np.float32)
    own = own @ learned if own.shape[-1] == len(learned) else own
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-6)
    cosines = own @ own.T
    groups = fcluster(linkage(squareform(1 - cosines, checks=False), "average"), APART, "distance")
    for label in np.unique(groups):
        at = np.flatnonzero(groups == label)
        pairs = len(at) * (len(at) - 1)
        if pairs and (cosines[np.ix_(at, at)].sum() - len(at)) / pairs * np.sqrt(len(at)) < ALIKE:
            groups[at] = count + 1 + at  # labels that no group has
    return [int(label) for label in groups]


def askers_of(asked: Iterable[Unanswered]) -> frozenset[str]:
    """Return who asked, as far as that is known."""
    return frozenset(one.asker for one in asked if one.asker)


def common_words(asked: Iterable[Unanswered], least: int) -> frozenset[str]:
    """Return the words that so many askers used, spelt like that, in whatever they asked."""
    said = {(word, one.asker) for one in asked if one.asker for word in WORD.findall(one.question.casefold())}
    return frozenset(word for word, askers in Counter(word for word, _ in said).items() if askers >= least)


def describe(asked: Sequence[Unanswered], common: Collection[str], assistant: Assistant) -> Gap:
    """Name a gap, and find what is closest to the question that most ask; words that are not common are left out.

    What is searched for is what is told: what one asker alone said would show in the documents that are closest to it.
    """
    counts = Counter(question for question, _ in {(one.question, one.asker) for one in asked})
    shown = sorted((-count, (told := _without(text, common)).count(LEFT_OUT), told) for text, count in counts.items())
    shared = name_of(asked, common)
    searched = shown[0][-1].replace(LEFT_OUT, "").strip() or " ".join(shared)
    hits = assistant.search(searched, k=MOST_TOLD).hits if searched else ()
    closest = tuple(dict.fromkeys(_place(hit, assistant) for hit in hits))
    times = sorted(one.time for one in asked)
    return Gap(
        name=", ".join(shared),
        asked=len(asked),
        askers=len(askers_of(asked)),
        first=times[0],
        last=times[-1],
        questions=tuple(dict.fromkeys(text for *_, text in shown))[:MOST_TOLD],
        closest=closest,
        is_written_about=is_written_about(" ".join(shared), closest),
    )


def name_of(asked: Sequence[Unanswered], common: Collection[str]) -> list[str]:
    """Return the common words that most of the askers use."""
    said = dict.fromkeys((word, one.asker) for one in asked for word in WORD.findall(one.question.casefold()))
    askers = Counter(word for word, _ in said if word in common and word not in STOP_WORDS)
    return [word for word, _ in askers.most_common(MOST_TOLD)]


def _without(question: str, common: Collection[str]) -> str:
    """Return a question without what holds a word that is not common, or signs that are no punctuation."""

    def is_told(part: str) -> bool:
        words = WORD.findall(part.casefold())
        return bool(words) and set(WORD.sub("", part)) <= PUNCTUATION and all(word in common for word in words)

    told = [part if is_told(part) else LEFT_OUT for part in question.split()]
    return " ".join(part for part, _ in groupby(told))


def _place(hit: Hit, assistant: Assistant) -> NearPlace:
    owner = assistant.owner(hit)
    return NearPlace(heading_path(hit.title, hit.passage.headings), hit.source, owner, hit.document_sha256)
