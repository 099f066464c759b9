"""How evidence is said, to the reader, a generator and whoever asks; and which span of its document proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.verbalizations import (
    BULLET,
    item_verbalizations,
    opening,
    row_verbalizations,
    sentence_verbalizations,
    unmarked,
)
from assistant.core.records import Evidence, Hit
from assistant.text.canonical import ITEM, heading_path, last_heading, row_text
from assistant.text.words import content

SHORT_QUOTE = 400  # characters of what is said and quoted whole, with what it stands under and beside
MIN_WORDS = 3  # a shorter sentence proves nothing on its own
MAX_REACH = 4_000  # characters from what governs evidence to its end; what is further apart cannot be told


def place(hit: Hit) -> str:
    """Return `title > heading > heading` of a hit, each once."""
    return heading_path(hit.title, hit.passage.headings)


def in_place(evidence: Evidence) -> str:
    """Say a candidate beside those of other passages: with its title and headings, its lead-in or column names."""
    return f"{place(evidence.hit)}: {plain(evidence)}"


def as_read(evidence: Evidence) -> str:
    """Say evidence as the reader meets it, after what stands before it in its passage."""
    text = " ".join(evidence.text.split())
    if evidence.kind == "row":
        return row_text(evidence.lead_text, text)
    return f"- {text}" if evidence.kind == "item" else text


def plain(evidence: Evidence) -> str:
    """Say evidence as one line that stands alone: with its lead-in, question, column names or term."""
    lead, text = evidence.lead_text, " ".join(evidence.text.split())
    if evidence.kind == "definition" and lead:
        return f"{lead}: {text}"
    if evidence.kind == "item" and lead:
        ways = [*item_verbalizations(quote_text(evidence))]
        return ways[_more_follow(evidence)] if ways else f"{governing_text(evidence)} {text}"
    if evidence.kind == "row":
        text = row_text(lead, text)
    elif evidence.kind == "list":
        text = " ".join(unmarked(evidence.text).split())
    return f"{governing_text(evidence)} {text}".strip()


def governing_text(evidence: Evidence) -> str:
    """Return what evidence stands under, a table's header left out."""
    spans = evidence.also if evidence.kind == "row" else evidence.governors
    return " ".join(" ".join(evidence.hit.slice(*span).split()) for span in spans)


def _more_follow(evidence: Evidence) -> bool:
    """Tell whether another item of its list follows an item."""
    passage = evidence.hit.passage
    after = passage.text[evidence.end - passage.start :].split("\n", 1)[-1].lstrip("\n")
    return ITEM.match(after) is not None


def needed_heading(evidence: Evidence) -> str:
    """Return the heading that evidence is said under, as it opens a statement; "" where it stands for itself.

    A heading may forbid the items and rows that nothing else introduces, or ask what a sentence answers, or say when
    it holds: only a sentence that repeats most of its heading's words is said without it.
    """
    heading = last_heading("", evidence.hit.passage.headings)
    if not heading or evidence.kind == "definition":
        return ""
    if evidence.kind == "note":
        needed = _is_item(evidence, evidence.start)
    elif evidence.kind == "sentence":
        named, said = (content(text.replace("-", " ")) for text in (heading, evidence.text))  # "Carry-over"
        needed = not evidence.governors and 2 * len(named & said) < len(named)
    elif evidence.kind == "row":
        needed = not evidence.also
    else:
        needed = not evidence.governors or _is_item(evidence, evidence.governors[0][0])
    return opening(heading) if needed else ""


def _is_item(evidence: Evidence, start: int) -> bool:
    """Tell whether what begins at `start` is an item of a list, which may need an introduction itself."""
    before = evidence.hit.slice(max(0, start - 40), start).rsplit("\n", 1)[-1]
    return ITEM.match(f"{before}x") is not None


def verbalized(evidence: Evidence) -> str:
    """Say evidence as its quote proves it: its row, item or sentences under what governs them, or else all of it."""
    quote, text = quote_text(evidence), " ".join(evidence.text.split())
    ways: list[str] = []
    if evidence.kind in ("row", "definition"):
        ways = [*row_verbalizations(quote)]
    elif evidence.kind == "item":
        ways = [*item_verbalizations(quote)][_more_follow(evidence) :]
    elif evidence.kind == "sentence" and evidence.governors and len(quote) > SHORT_QUOTE:
        ways = [way for way in sentence_verbalizations(quote) if way.endswith(text)]
    whole = quote if evidence.kind == "list" else " ".join(BULLET.sub("", quote).split())
    return ways[0] if ways else whole


def said_once(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return evidence without sentences that other evidence, of the same place or another, says with more beside."""
    said = [verbalized(one).casefold() if one.kind == "sentence" else "" for one in evidence]
    repeated = [own != "" and any(own != more and own in more for more in said) for own in said]
    return tuple(one for one, again in zip(evidence, repeated, strict=True) if not again)


def quote_span(evidence: Evidence) -> tuple[int, int]:
    """Return the span that proves evidence: itself, from what it stands under on."""
    starts = [start for start, _ in evidence.governors if start < evidence.start]
    return min((evidence.start, *starts)), evidence.end


def alone(evidence: Evidence) -> Evidence:
    """Return evidence without what it stands under."""
    return replace(evidence, lead=None, also=())


def overlap(one: Evidence, other: Evidence) -> bool:
    """Tell whether two share a part of a document."""
    same = one.hit.passage.document_id == other.hit.passage.document_id
    return same and one.start < other.end and other.start < one.end


def covers(one: Evidence, other: Evidence) -> bool:
    """Tell whether one holds all of the other."""
    return overlap(one, other) and one.start <= other.start and other.end <= one.end


def reach(evidence: Evidence) -> int:
    """Return how many characters its quote has."""
    start, end = quote_span(evidence)
    return end - start


def quote_text(evidence: Evidence) -> str:
    """Return the document's text at `quote_span`."""
    start, end = quote_span(evidence)
    if end <= evidence.hit.passage.end:
        return evidence.hit.slice(start, end)
    return evidence.hit.slice(start, evidence.start) + evidence.text
