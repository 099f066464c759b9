"""What nobody may read leaves a document before it is indexed: what is not in the index no search can guess at.

Secrets and personal numbers are found as the document says them: in its text, below its headings, and in each sentence,
item and row under what it stands below. A contact that a document gives is none of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate

from assistant.core.records import Document
from assistant.guards import Span, merge_spans
from assistant.guards.personal import CONTACTS
from assistant.guards.run import Guards, mark, mask
from assistant.text.canonical import HEADING, blocks, cells, named_cells, row_text
from assistant.text.units import Unit, units

STRETCH = 30_000  # characters that are screened at once: no rule is tried on a text without bounds
BEFORE, BEHIND = 300, 6_000  # characters beside a stretch: no name is further from its value, no value is longer


def masked_document(document: Document, guards: Guards) -> tuple[Document, tuple[Span, ...]]:
    """Return a document with what nobody may read replaced by its kind, and where that was in its text."""
    spans = withheld(document.text, guards)
    if not spans:
        return document, ()
    begins = [span.start for span in spans]
    # By how much what stands behind each span moves.
    shifts = list(accumulate(len(mark(span.kind)) - (span.end - span.start) for span in spans))

    def moved(at: int) -> int:
        before = bisect_right(begins, at) - 1
        if before < 0:
            return at
        if at >= spans[before].end:
            return at + shifts[before]
        return begins[before] + (shifts[before - 1] if before else 0)  # where its mark begins

    def is_whole(start: int, end: int) -> bool:
        before = bisect_right(begins, end - 1) - 1
        return before < 0 or spans[before].end <= start

    masked = replace(
        document,
        text=mask(document.text, spans),
        pages=tuple(map(moved, document.pages)),
        emphases=tuple((moved(start), moved(end)) for start, end in document.emphases if is_whole(start, end)),
    )
    return masked, spans


def withheld(text: str, guards: Guards) -> tuple[Span, ...]:
    """Return where a document's text holds what nobody may read, none overlapping another, in order."""
    return merge_spans((*_in_text(text, guards), *_as_said(text, guards)))


def _in_text(text: str, guards: Guards) -> Iterator[Span]:
    for start in range(0, len(text), STRETCH):
        first = max(0, start - BEFORE)
        found = (span.moved(first) for span in _found(text[first : start + STRETCH + BEHIND], guards))
        yield from (span for span in found if start <= span.start < start + STRETCH)  # others are cut at an edge


def _as_said(text: str, guards: Guards) -> Iterator[Span]:
    """Yield what units hold of it once they are said: "The alarm code:" and an item are no secret line by line."""
    for said in _together((unit, way) for unit, heading in _below_headings(text) for way in _ways(text, unit, heading)):
        lines = "\n".join(way for _, way in said)
        begins = list(accumulate((len(way) + 1 for _, way in said), initial=0))
        for span in _found(lines, guards):
            unit, _ = said[bisect_right(begins, span.start) - 1]
            yield from _within(text, unit, lines[span.start : span.end], span.kind)


def _together(said: Iterable[tuple[Unit, str]]) -> Iterator[list[tuple[Unit, str]]]:
    """Yield what is screened at once."""
    batch, size = list[tuple[Unit, str]](), 0
    for unit, way in said:
        batch.append((unit, way))
        size += len(way)
        if size > STRETCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _found(text: str, guards: Guards) -> Iterator[Span]:
    return (span for span in guards.output(text, ()).spans if span.kind not in CONTACTS)


def _below_headings(text: str) -> Iterator[tuple[Unit, str]]:
    """Yield the units, each with the heading above it; only what begins a block of its own is read below that."""
    found = iter(units(text))
    unit = next(found, None)
    heading = ""
    for block in blocks(text):
        if block.kind == "heading":
            match = HEADING.match(text, block.start, block.end)
            heading = match[2].strip() if match else ""
        above = heading
        while unit and unit.start < block.end:
            yield unit, above
            above, unit = "", next(found, None)


def _ways(text: str, unit: Unit, heading: str) -> Iterator[str]:
    """Yield how a unit is said below all that it stands under, and below each of it alone: any of that may name it."""
    lead, own = text[slice(*unit.lead)] if unit.lead else "", text[unit.start : unit.end]
    above = [text[slice(*span)][-BEFORE:] for span in unit.also]
    ways: list[str] = []
    # "| Door code | 4821 |", and a sheet's "Field: Door code; Value: 4821": the first cell may name the others.
    values = cells(own) if unit.kind == "row" else [value for _, value in named_cells(own)]
    if len(filled := [value for value in values if value]) > 1:
        ways.append(f"{filled[0]}: {', '.join(filled[1:])}")
    if unit.kind == "row":
        own, lead = row_text(lead, own), ""
    own = own.strip("`~ \n")  # a code block without its fence
    if unit.lead or unit.also:
        ways.append(f"{' '.join(above)} {lead[-BEFORE:]} {own}")
    ways += [f"{one} {own}" for one in above if lead or len(above) > 1]
    _, colon, value = own.partition(": ")
    if unit.kind == "item" and colon and (unit.lead or unit.also):  # "The door codes:" and below it "- Hall: 4821"
        ways.append(f"{(lead or above[-1])[-BEFORE:]} {value}")
    yield from (" ".join(way.split()) for way in ways)
    if heading and not ways:
        yield f"# {heading}\n\n{' '.join(own.split())}"


def _within(text: str, unit: Unit, value: str, kind: str) -> Iterator[Span]:
    """Yield where a value stands in a unit; all of the unit where it is said there in another way."""
    found = [at.span() for at in re.finditer(re.escape(value), text[unit.start : unit.end])]
    edge = len("| ") if unit.kind == "row" else 0  # it stays one
    for start, end in found or [(edge, unit.end - unit.start - edge)]:
        yield Span(unit.start + start, unit.start + end, kind)
