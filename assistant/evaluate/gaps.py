"""What people asked in vain, by the document that came closest: what was not answered, or marked as wrong.

No document is told whose questions too few met, and no word that fewer used in all that was asked in vain: what
somebody says of their own case stays with them. Where the log has no names, a conversation counts as an asker, and what
goes on with one that is not found in the log as none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from assistant.answer.feedback import FEEDBACK
from assistant.answer.question import MOST_BEFORE
from assistant.audit.ledger import Entry
from assistant.core.errors import UsageError
from assistant.core.records import Access
from assistant.evaluate.feedback import REVIEW, asks_documents, last_words
from assistant.guards.normalise import fold
from assistant.index.queries import Queries
from assistant.text.words import WORD, content

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant

LEFT_OUT = "…"
PUNCTUATION = frozenset(".,;:!?'\"()-/&")
CHECKS = frozenset({"test", "eval", "replay"})  # commands that ask what others have asked
MOST_TOLD = 10  # questions of a gap


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that were asked in vain, a document that came closest to each, and its owner; times are ISO.

    `questions` are the most frequent, without what few askers said.
    """

    source: str
    title: str
    owner: str
    asked: int
    askers: int
    first: str
    last: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that was asked in vain, as the log has it, and the document that came closest.

    `asker` tells conversations apart, "" if none is known.
    """

    question: str
    time: str
    asker: str
    closest: str = ""


def find_gaps(entries: Iterable[Entry], assistant: Assistant, since: str = "", least: int = 3) -> list[Gap]:
    """Return what was asked in vain since a day (ISO) by at least so many askers, the most frequent first.

    Of the documents, those that the assistant's roles may see today.
    """
    asked = list(unanswered(entries, since))
    common = common_words(asked, least)
    near: dict[str, list[Unanswered]] = {}
    for one in asked:
        near.setdefault(one.closest, []).append(one)
    gaps = []
    for source, about in near.items():
        with assistant.reading() as catalog:
            document = catalog.queries.document(source, assistant.access)
        if document and len(askers_of(about)) >= least:
            times = sorted(one.time for one in about)
            counts = (len(about), len(askers_of(about)), times[0], times[-1])
            gaps.append(Gap(source, document.title, assistant.owner(document), *counts, _questions(about, common)))
    return sorted(gaps, key=lambda gap: (-gap.askers, -gap.asked, gap.source))


def read_gaps(data: bytes, queries: Queries, access: Access) -> list[Gap]:
    """Return the gaps of `assistant gaps --json` by documents that somebody may see today.

    Raises UsageError for what is no such file.
    """
    try:
        found = TypeAdapter(list[Gap]).validate_json(data)
    except ValidationError as error:
        raise UsageError("this is not what `assistant gaps --json` writes.") from error
    seen = {source for source, _ in queries.files({gap.source for gap in found}, access)}
    return [gap for gap in found if gap.source in seen]


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
            closest = raw["hits"][0]["source"] if raw["hits"] else ""
            one = Unanswered(raw["question"], raw["time"], asker, closest)
            counts = raw["time"][:10] >= since and asks_documents(entry)
            asked += [(entry.id, raw["status"], one)] if counts else []
    wrong = {of for of, entry in last_words(remarks).items() if entry.raw["status"] == "wrong"}
    yield from (one for id, status, one in asked if status == "abstained" or id in wrong)


def askers_of(asked: Iterable[Unanswered]) -> frozenset[str]:
    """Return who asked, as far as that is known."""
    return frozenset(one.asker for one in asked if one.asker)


def common_words(asked: Iterable[Unanswered], least: int) -> frozenset[str]:
    """Return the words that so many askers used, spelt like that, in whatever they asked."""
    said = {(word, one.asker) for one in asked if one.asker for word in WORD.findall(one.question.casefold())}
    return frozenset(word for word, askers in Counter(word for word, _ in said).items() if askers >= least)


def _questions(asked: Collection[Unanswered], common: Collection[str]) -> tuple[str, ...]:
    """Return the questions that most ask, without words that are not common."""
    counts = Counter(question for question, _ in {(one.question, one.asker) for one in asked})
    shown = sorted((-count, (told := _without(text, common)).count(LEFT_OUT), told) for text, count in counts.items())
    return tuple(dict.fromkeys(text for *_, text in shown if content(text)))[:MOST_TOLD]


def _without(question: str, common: Collection[str]) -> str:
    """Return a question without what holds a word that is not common, or signs that are no punctuation."""

    def is_told(part: str) -> bool:
        words = WORD.findall(part.casefold())
        return bool(words) and set(WORD.sub("", part)) <= PUNCTUATION and all(word in common for word in words)

    told = [part if is_told(part) else LEFT_OUT for part in question.split()]
    return " ".join(part for part, _ in groupby(told))
