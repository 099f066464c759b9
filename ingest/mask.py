"""What nobody may read leaves a document before it is indexed: what is not in the index no search can guess at.

Secrets and personal numbers are found as the document says them: in its text, and in each sentence, item and cell
behind what it stands below or beside. A contact that a document gives is none of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from itertools import accumulate, product

from assistant.core.records import Document
from assistant.guards import Span, merge_spans
from assistant.guards.personal import CONTACTS
from assistant.guards.rules import names_value
from assistant.guards.run import Guards, mark, mask
from assistant.text.canonical import HEADING, blocks
from assistant.text.units import Unit, units

STRETCH, MOST_STRETCH = 30_000, 300_000  # characters screened at once, and without an empty line among them
BEFORE, BEHIND = 300, 6_000  # characters beside a stretch: no name is further from its value, no value is longer
LONGEST_NAME = 160  # characters: a name stands at the end of what a value stands under
MOST_ABOVE = 4  # of what a unit stands under that names it
ENDS = " :?"  # of what names a value below it
# Behind a name: "(new)", "[^1]", "*", "2".
TAIL = re.compile(r"(?:\s*(?:\([^()]{0,80}\)|\[\^?\w{1,3}\]|[*†‡§¹²³⁴⁵⁶⁷⁸⁹]|(?<!\d)\d{1,2}))+$")
APART = "\n\n\n"  # between what is said: no name is read with the value of another
CELL = re.compile(r"(?:\\\||[^|])+")
WORD = re.compile(r"\S+")

Place = tuple[int, int]


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
    """Yield what is named by what it stands under or beside: "The alarm code:" and an item are no secret by themselves.

    Each is said behind each of its names alone, since what stands between them would part them.
    """
    for together in _batches(_said(text)):
        check()
        begins = list(accumulate((len(one.line) + len(APART) for one in together), initial=0))
        for span in _found(APART.join(one.line for one in together), guards):
            which = bisect_right(begins, span.start) - 1
            yield from together[which].own(span.moved(-begins[which]))


def _found(text: str, guards: Guards) -> Iterator[Span]:
    return (span for span in guards.output(text, ()).spans if span.kind not in CONTACTS)


@dataclass(frozen=True, slots=True)
class _Said:
    """A part of a text behind a name; `line` is what is read."""

    name: str
    places: Sequence[int]  # of each character of what is named, those between its words as one
    line: str

    def own(self, found: Span) -> Iterator[Span]:
        """Yield where the part has what was found in the line: the name was looked at in its place."""
        begin = len(self.name)
        first, last = max(found.start - begin, 0), min(found.end - begin, len(self.places)) - 1
        if first <= last:
            yield Span(self.places[first], self.places[last] + 1, found.kind)


def _said(text: str) -> Iterator[_Said]:
    naming = cache(_names_of)  # what many stand under is looked at once
    for (start, end), place in _named(text):
        for name in naming(text[max(start, end - LONGEST_NAME) : end]):
            yield _say(text, name, place)


def _names_of(above: str) -> tuple[str, ...]:
    """Return how a text names a value that is masked, if it does: "Door code (4 digits):" as "Door code", too."""
    said = " ".join(above.split()).rstrip(ENDS)
    return tuple(name for name in dict.fromkeys((said, TAIL.sub("", said))) if names_value(name))


def _say(text: str, name: str, place: Place) -> _Said:
    words = [range(*word.span()) for word in WORD.finditer(text, *place)]
    places = [at for word in words for at in (*word, word.stop)][:-1]
    name += ":|"  # as a cell, where a number that is short may be a sum
    return _Said(name, places, f"{name}{' '.join(text[word.start : word.stop] for word in words)}|")


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


def _named(text: str) -> Iterator[tuple[Place, Place]]:
    """Yield what may name a value, and where that may be: below it, in its row or column, or behind its colon."""
    asked: list[Place] = []
    for unit, headings in _below_headings(text):
        above = [*headings[-MOST_ABOVE:], *asked, *_leads(unit)]
        asked = [(unit.start, unit.end)] if text[unit.end - 1] == "?" else []
        own = _trimmed(text, unit.start, unit.end, "`~ \n")  # a code block without its fence
        if unit.kind == "row":
            columns = list(_cells(text, *unit.lead)) if unit.lead else []
            yield from _in_row(above, columns, list(_cells(text, *own)))
        elif len(parts := list(_parts(text, *own, "; "))) > 1:  # a sheet's row, "Field: Door code; Value: 4821"
            pairs = [list(_parts(text, *part, ": ", 1)) for part in parts]
            names, values = [pair[0] for pair in pairs], [pair[-1] for pair in pairs]
            yield from _in_row(above, names, values)
            yield from _in_row((), (), names)  # the first row of a sheet without a header is taken for one
        else:
            name, *behind = _parts(text, *own, ": ", 1)
            yield from product(above, (own, *behind))
            yield from product((name,), behind)


def _below_headings(text: str) -> Iterator[tuple[Unit, Sequence[Place]]]:
    """Yield the units, those that begin a block with the headings above it."""
    found = iter(units(text))
    unit = next(found, None)
    path: dict[int, Place] = {}
    for block in blocks(text):
        if block.kind == "heading":
            match = HEADING.match(text[block.start : block.end])
            path = {level: place for level, place in path.items() if level < block.level}
            path[block.level] = (block.start + match.start(2), block.end) if match else (block.start, block.end)
        above = tuple(path.values())
        while unit and unit.start < block.end:
            yield unit, above
            above, unit = (), next(found, None)


def _leads(unit: Unit) -> list[Place]:
    """Return what a unit stands under that may name it: the outermost, and those right above."""
    above = sorted((*unit.also, *([unit.lead] if unit.lead and unit.kind != "row" else [])))
    return [*above[:1], *above[1:][1 - MOST_ABOVE :]]


def _in_row(above: Sequence[Place], columns: Sequence[Place], values: Sequence[Place]) -> Iterator[tuple[Place, Place]]:
    """Yield each value with its column's name and the first value, "| Door code | Hall | 4821 |"."""
    yield from product(above, values)
    yield from zip(columns, values, strict=False)
    yield from product(values[:1], values[1:])


def _cells(text: str, start: int, end: int) -> Iterator[Place]:
    return (_trimmed(text, *cell.span()) for cell in CELL.finditer(text, start, end))


def _parts(text: str, start: int, end: int, sign: str, most: int = -1) -> Iterator[Place]:
    """Yield where the parts of a text are that a sign parts."""
    for part in text[start:end].split(sign, most):
        yield _trimmed(text, start, start + len(part))
        start += len(part) + len(sign)


def _trimmed(text: str, start: int, end: int, signs: str = " \n") -> Place:
    own = text[start:end]
    return (end - len(own.lstrip(signs)), start + len(own.rstrip(signs))) if own.strip(signs) else (start, start)
