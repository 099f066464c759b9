"""What nobody may read leaves a document before it is indexed: what is not in the index no search can guess at.

Secrets and personal numbers are found as the document says them: in its text, and in each sentence, item and row under
what it stands below. A contact that a document gives is none of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import accumulate, chain, pairwise, repeat

from assistant.core.records import Document
from assistant.guards import Span, merge_spans
from assistant.guards.personal import CONTACTS
from assistant.guards.run import Guards, mark, mask
from assistant.text.canonical import HEADING, blocks, cells, named_cells
from assistant.text.units import Unit, units

STRETCH, MOST_STRETCH = 30_000, 300_000  # characters screened at once, and without an empty line among them
BEFORE, BEHIND = 300, 6_000  # characters beside a stretch: no name is further from its value, no value is longer
MOST_ABOVE = 4  # of what a unit stands under that names it: the outermost, and those right above
APART = "\n\n\n"  # between what is said: no name is read with the value of another
CELL = re.compile(r"(?:\\\||[^|])+")
WORD = re.compile(r"\S+")

Place = tuple[int, int]
Part = str | Place  # what stands above a unit, or where its own words are


class Places:
    """Where the places of a text are once parts of it are masked."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._begins = [span.start for span in spans]
        grown = (len(mark(span.kind)) - (span.end - span.start) for span in spans)
        self._shifts = list(accumulate(grown, initial=0))  # of what stands behind so many spans

    def moved(self, at: int) -> int:
        """Return where a place is now; one within what is masked is where that begins."""
        before = bisect_right(self._begins, at)
        if before and at < self._spans[before - 1].end:
            return self._begins[before - 1] + self._shifts[before - 1]
        return at + self._shifts[before]

    def is_whole(self, start: int, end: int) -> bool:
        """Tell whether nothing is masked in text[start:end]."""
        before = bisect_right(self._begins, end - 1)
        return not before or self._spans[before - 1].end <= start


def masked_document(
    document: Document, guards: Guards, check: Callable[[], None] = lambda: None
) -> tuple[Document, tuple[Span, ...]]:
    """Return a document with what nobody may read replaced by its kind, and where that was in its text.

    Its hash is then that of what is left: the file's would tell a right guess at the rest. `check` is called now and
    then, and may raise.
    """
    spans = withheld(document.text, guards, check)
    if not spans:
        return document, ()
    places, text = Places(spans), mask(document.text, spans)
    masked = replace(
        document,
        text=text,
        sha256=sha256(f"{document.title}\n{text}".encode()).hexdigest(),
        pages=tuple(map(places.moved, document.pages)),
        emphases=tuple((places.moved(a), places.moved(b)) for a, b in document.emphases if places.is_whole(a, b)),
    )
    return masked, spans


def withheld(text: str, guards: Guards, check: Callable[[], None] = lambda: None) -> tuple[Span, ...]:
    """Return where a document's text holds what nobody may read, none overlapping another, in order."""
    return merge_spans((*_in_text(text, guards, check), *_as_said(text, guards, check)))


def _in_text(text: str, guards: Guards, check: Callable[[], None]) -> Iterator[Span]:
    start = 0
    while start < len(text):
        check()
        # A stretch ends where a block does, if one does: a list is named by its beginning.
        blank = text.find("\n\n", start + STRETCH, start + MOST_STRETCH)
        end = min(len(text), start + MOST_STRETCH) if blank < 0 else blank
        first, last = max(0, start - BEFORE), min(len(text), end + BEHIND)
        found = (span.moved(first) for span in _found(text[first:last], guards))
        yield from (span for span in found if span.end < last or last == len(text))  # others are cut at the edge
        start = end


def _as_said(text: str, guards: Guards, check: Callable[[], None]) -> Iterator[Span]:
    """Yield what units hold of it once they are said: "The alarm code:" and an item are no secret line by line."""
    said = (_say(text, parts) for unit, heading in _below_headings(text) for parts in _ways(text, unit, heading))
    for together in _batches(said):
        check()
        begins = list(accumulate((len(one.line) + len(APART) for one in together), initial=0))
        for span in _found(APART.join(one.line for one in together), guards):
            which = bisect_right(begins, span.start) - 1
            yield from together[which].own(span.moved(-begins[which]))


def _found(text: str, guards: Guards) -> Iterator[Span]:
    return (span for span in guards.output(text, ()).spans if span.kind not in CONTACTS)


@dataclass(frozen=True, slots=True)
class _Said:
    """A unit as it is said under something; `line` is what is read."""

    text: str
    parts: Sequence[Part]
    line: str

    def own(self, found: Span) -> Iterator[Span]:
        """Yield where the unit itself has what was found in the line: what stands above it was looked at in its place.

        One span for each part, so that the cells of a row stay cells.
        """
        at = 0
        for part in self.parts:
            end = at + len(_words(self.text, part))
            if not isinstance(part, str) and max(found.start, at) < min(found.end, end):
                places = [place for word in WORD.finditer(self.text, *part) for place in range(*word.span())]
                gaps = [place for before, place in pairwise(places) if place > before + 1]
                places = sorted([*places, *(place - 1 for place in gaps)])  # words are said with one blank between
                first, last = max(found.start, at) - at, min(found.end, end) - at - 1
                yield Span(places[first], places[last] + 1, found.kind)
            at = end


def _say(text: str, parts: Sequence[Part]) -> _Said:
    return _Said(text, parts, "".join(_words(text, part) for part in parts))


def _words(text: str, part: Part) -> str:
    return part if isinstance(part, str) else " ".join(text[slice(*part)].split())


def _batches(said: Iterable[_Said]) -> Iterator[list[_Said]]:
    """Yield what is screened at once."""
    batch, size = list[_Said](), 0
    for one in said:
        batch.append(one)
        size += len(one.line)
        if size > STRETCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _below_headings(text: str) -> Iterator[tuple[Unit, str]]:
    """Yield the units, those that begin a block with the heading above it."""
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


def _ways(text: str, unit: Unit, heading: str) -> Iterator[Sequence[Part]]:
    """Yield how a unit is said below all that it stands under, and below each of it alone: any of that may name it."""
    own = _trimmed(text, unit.start, unit.end, "`~ \n")  # a code block without its fence
    header = text[slice(*unit.lead)] if unit.kind == "row" and unit.lead else ""
    spans = [*unit.also, *([unit.lead] if unit.lead and not header else [])]
    above = [" ".join(text[slice(*span)][-BEFORE:].split()) for span in sorted(spans)]
    above = [*above[:1], *above[1:][1 - MOST_ABOVE :]]
    fields = _cells(text, *own) if unit.kind == "row" else _named(text, *own)
    values = [(start, end) for start, end in fields if start < end]
    # "| Door code | 4821 |", and a sheet's "Field: Door code; Value: 4821": the first may name the others.
    if len(values) > 1:
        yield [values[0], ": ", *(part for value in values[1:] for part in (value, ", "))]
    whole: Sequence[Part] = [own] if unit.kind != "row" else _row(text, header, fields)
    if above or header:
        yield [*(f"{one} " for one in above), *whole]
    yield from ([f"{one} ", *whole] for one in (above if len(above) > 1 else ()))
    value = _behind_colon(text, *own)  # "The door codes:" and below it "- Hall: 4821"
    if unit.kind != "row" and value:
        for one in above:
            yield [f"{one} ", value]
    if heading and not (above or header or len(values) > 1):
        for part in filter(None, (own, value)):
            yield [f"# {heading}\n\n", part]
            yield [f"{heading.rstrip(': ')}: ", part]


def _row(text: str, header: str, fields: Sequence[Place]) -> list[Part]:
    """Return a row's cells, each behind its column's name."""
    names = chain(cells(header) if header else (), repeat(""))
    named = ((name, field) for name, field in zip(names, fields, strict=False) if field[0] < field[1])
    return [part for name, field in named for part in (f"{name}: " if name else "", field, "; ")]


def _cells(text: str, start: int, end: int) -> list[Place]:
    return [_trimmed(text, *cell.span()) for cell in CELL.finditer(text, start, end)]


def _named(text: str, start: int, end: int) -> list[Place]:
    """Return where the values of a sheet's row are."""
    found: list[Place] = []
    for _, value in named_cells(text[start:end]):
        if value and (at := text.find(value, start, end)) >= 0:
            found.append((at, start := at + len(value)))
    return found


def _behind_colon(text: str, start: int, end: int) -> Place | None:
    at = text.find(": ", start, end)
    return (at + 2, end) if at >= 0 else None


def _trimmed(text: str, start: int, end: int, signs: str = " \n") -> Place:
    own = text[start:end]
    return (end - len(own.lstrip(signs)), start + len(own.rstrip(signs))) if own.strip(signs) else (start, start)
