"""Which answers of the log no longer hold: a quote of theirs changed, is no longer in force, or is gone.

The log keeps where each quote stood, and hashes of its text and headings, never a text. A quote holds as long as its
document, as whoever asked may see it today, or on the day of which was asked, says it anywhere under those headings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from assistant.answer.proof.verify import is_whole, lacks_lead
from assistant.audit.ledger import Entry
from assistant.audit.trail import about_of, day_of, earlier_of, headings_hash, quote_hash
from assistant.core.records import Access, Document, make_access
from assistant.index.queries import Queries

CHANGED, GONE = "the document no longer says it there", "the document is gone, or not in force"
UNKNOWN = "the document has changed since; the log does not know whether the quote did"


@dataclass(frozen=True, slots=True)
class LostQuote:
    """A quote that no longer holds, and why; its number is its place among the answer's."""

    number: int
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class StaleAnswer:
    """An answer of the log some of whose quotes no longer hold; `id` is its entry's."""

    id: str
    time: str
    question: str
    lost: tuple[LostQuote, ...]


def find_stale(entries: Iterable[Entry], queries: Queries, since: str = "") -> Iterator[StaleAnswer]:
    """Yield the answers since a day (ISO) that no longer hold, oldest first; of one answer to a question the last.

    Who has asked again meanwhile has another answer: whoever was given the one before may go by it still.
    """
    last = {
        (sha256, raw["question"], tuple(raw["history"]), about_of(entry), tuple(raw["roles"]), day_of(entry)): entry
        for entry in entries
        if (sha256 := (raw := entry.raw)["answer_sha256"]) and raw["status"] == "answered" and raw["time"][:10] >= since
    }
    for entry in last.values():
        roles = entry.raw["roles"]
        shown = [(source, make_access(roles, day_of(entry))) for source in entry.raw["sources"]]
        shown += [(source, make_access(roles, source["until"])) for source in earlier_of(entry)]
        lost = tuple(
            LostQuote(number, source["source"], reason)
            for number, (source, access) in enumerate(shown, 1)
            if (reason := _lost(source, queries, access))
        )
        if lost:
            yield StaleAnswer(entry.id, entry.raw["time"], entry.raw["question"], lost)


def _lost(source: dict[str, Any], queries: Queries, access: Access) -> str:
    """Say why a quote no longer holds, nothing if it does."""
    document = document_of_quote(source, queries, access)
    if document is None:
        return GONE
    if document.sha256 == source["sha256"]:
        return ""
    if "quote_sha256" not in source:  # a line of an earlier version
        return UNKNOWN
    return "" if place_of_quote(source, document, queries, access) else CHANGED


def document_of_quote(source: dict[str, Any], queries: Queries, access: Access) -> Document | None:
    """Return the document that a quote of the log is of: as it was, else what has its name now, or its text."""
    name, sha256 = source["source"], source["sha256"]
    same = queries.document(sha256, access, name)
    return same if same and same.source == name else queries.document(name, access) or same


def place_of_quote(
    source: dict[str, Any], document: Document, queries: Queries, access: Access
) -> tuple[int, int] | None:
    """Return where a document says a quote of the log under its headings, in whole sentences; None if it does not.

    Nor does it where the quote has come to stand below a lead-in or a header, which may turn what it says.
    """
    is_same = document.sha256 == source["sha256"]
    length = source["end"] - source["start"]
    starts = chain((source["start"],), range(len(document.text) - length + 1))  # where it was, and then anywhere
    for start in starts:
        end = start + length
        if (
            quote_hash(document.text[start:end]) == source.get("quote_sha256")
            and is_whole(queries, document, start, end)
            and _is_under(source, document, (start, end), queries)
            and (is_same or not lacks_lead(queries, document, start, end, access))
        ):
            return start, end
    return None


def _is_under(source: dict[str, Any], document: Document, span: tuple[int, int], queries: Queries) -> bool:
    """Tell whether a span of a document stands under the headings of a quote, where the log knows them."""
    logged = source.get("headings_sha256")
    return not logged or any(
        headings_hash(document.title, passage.headings) == logged for passage in queries.passages_of(document.id, *span)
    )
