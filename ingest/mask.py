"""What nobody may read leaves a document before it is indexed: what is not in the index no search can guess at.

Secrets and personal numbers are found as the document says them: in its text, and in each line and cell behind what
introduces it or stands beside it. A contact that a document gives is none of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from itertools import accumulate, islice

from assistant.core.records import Document
from assistant.guards import Span, merge_spans
from assistant.guards.personal import CONTACTS
from assistant.guards.rules import names_value
from assistant.guards.run import LONGEST_NAME, Guards, mark, mask
from assistant.text.canonical import blocks, item_body
from assistant.text.units import Unit, units

STRETCH, MOST_STRETCH = 30_000, 300_000  # characters screened at once, and without an empty line among them
BEFORE, BEHIND = 300, 6_000  # characters beside a stretch: no name is further from its value, no value is longer
MOST_ABOVE = 4  # of what a unit stands under that names it
ENDS = " .:?!*_\"'”’»"  # of what names a value below it
# Behind a name: "(new)", "[^1]", "*", "2", "are as follows".
TAIL = re.compile(
    r"(?<!\s)\s*(?:\([^()]{0,80}\)|\[\^?\w{1,3}\]|[*†‡§¹²³⁴⁵⁶⁷⁸⁹]|(?<!\d)\d{1,2}"
    r"|(?<=\s)(?:is|are|as follows|the following))\Z"
)
APART = "\n\n\n"  # between what is said: no name is read with the value of another
CELLS = re.compile(r"(?:\\\||[^|])+")
PRINTED = re.compile(r"\S+")
# How a name is said with its value. In cells short numbers may be sums, and keys identifiers.
ALONE, ABOVE, CELL = "", ":|", "|"
MOST_COLONS = 8  # of a line or cell behind which a value is looked for
# "Hall: 4821", "Hall:4821", and no time of day.
COLON = re.compile(r"：|:(?=\s|\Z)|(?<=[^\W\d_]):(?=[A-Za-z]{0,3}\d)")
QUOTES = "\"'”’»*_"
MARKS = " \n(#[]*_`~\"'“‘"  # that may stand before a value
TOKEN = re.compile(r"\w(?:[^\s|]*\w)?")
LEAST_RARE = 6  # signs of a word that stands for nothing else

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
    found = merge_spans((*_in_text(text, guards, check), *_as_said(text, guards, check)))
    return merge_spans((*found, *_elsewhere(text, found)))


def _elsewhere(text: str, found: Iterable[Span]) -> Iterator[Span]:
    """Yield where else a text has a word that was found, if it has letters and digits, or six digits, as few others."""
    values = {text[span.start : span.end]: span.kind for span in found}
    rare = {value: kind for value, kind in values.items() if _is_rare(value)}
    if rare:
        yield from (Span(*word.span(), rare[word[0]]) for word in TOKEN.finditer(text) if word[0] in rare)


def _is_rare(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    return len(value) >= LEAST_RARE and (digits >= LEAST_RARE or 0 < digits < sum(map(str.isalnum, value)))


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
    alone: bool  # whether it is named as a whole

    def own(self, found: Span) -> Iterator[Span]:
        """Yield where the part has what was found in the line: the name was looked at in its place."""
        begin = len(self.name)
        first, last = max(found.start - begin, 0), min(found.end - begin, len(self.places)) - 1
        more = self.alone and any(map(str.isalnum, self.line[found.end :]))
        if first <= last and not more:
            yield Span(self.places[first], self.places[last] + 1, found.kind)


def _said(text: str) -> Iterator[_Said]:
    naming = cache(_names_of)  # what many stand under is looked at once
    for (start, end), link, (first, last) in _named(text):
        for name in naming(text[max(start, end - LONGEST_NAME) : end]):
            place = first, min(last, first + BEHIND)  # whose beginning is named
            yield _say(text, name + (link or ABOVE), place, not link)


def _names_of(above: str) -> tuple[str, ...]:
    """Return how a text names a value that is masked, if it does: "Door code (4 digits):" as "Door code", too."""
    said = bare = " ".join(above.split()).rstrip(ENDS)
    while (shorter := TAIL.sub("", bare)) != bare:
        bare = shorter
    return tuple(name for name in dict.fromkeys((said, bare)) if names_value(name))


def _say(text: str, name: str, place: Place, alone: bool) -> _Said:
    place = _trimmed(text, *place, MARKS)
    words = [range(*word.span()) for word in PRINTED.finditer(text, *place)]
    places = [at for word in words for at in (*word, word.stop)][:-1]
    return _Said(name, places, f"{name}{' '.join(text[word.start : word.stop] for word in words)}|", alone)


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


def _named(text: str) -> Iterator[tuple[Place, str, Place]]:
    """Yield what may name a value, how it is said, and where that may be: in a line or cell, or behind a colon in it.

    A name is what introduces it, the first cell of its row, its column's header, or what stands before the colon; of a
    line that holds nothing else, the heading or question above.
    """
    columns_of = cache(lambda header: list(_cells(text, *header)) if header else [])
    for start, end, headings, above, header in _lines(text):
        yield from ((name, ALONE, (start, end)) for name in headings)
        for columns, values in _rows(text, start, end, columns_of(header)):
            beside = [list(values[:1]) if at else [] for at in range(len(values))]
            for at, name in enumerate(columns[: len(values)]):
                beside[at].append(name)
            for value, named in zip(values, beside, strict=True):
                names, behind = _at_colons(text, value)
                yield from ((name, ABOVE, part) for name in above for part in (value, *behind))
                yield from ((name, CELL, part) for name in named for part in (value, *behind))
                yield from ((name, ABOVE, part) for at, part in enumerate(behind, 1) for name in names[:at])


def _lines(text: str) -> Iterator[tuple[int, int, Sequence[Place], Sequence[Place], Place | None]]:
    """Yield the lines with the heading and question above, what introduces them, and the header of a row."""
    found, at = units(text), 0
    headings: tuple[Place, ...] = ()
    for block in blocks(text):
        own = []
        while at < len(found) and found[at].start < block.end:
            own.append(found[at])
            at += 1
        # A header is no unit; what introduces it is what introduces the first row.
        governed = own or found[at : at + (block.kind == "row")]
        leads = (span for unit in governed for span in (*unit.also, unit.lead) if span and span != _header(unit))
        above, within = _nearest(span for span in leads if text[span[1] - 1] == ":"), list[Place]()
        header = _header(own[0]) if own else None
        body = item_body(text, block) if block.kind == "item" else block.start
        for start, end in _parts(text, body, block.end, "\n"):
            yield start, end, headings, (*above, *within), header
            within = [(start, end)] if text[end - 1] == ":" else within
        if block.kind == "heading":
            headings = ((block.start, block.end),)
        elif text[block.start : block.end].rstrip(QUOTES).endswith("?"):
            headings = (*headings[:1], (block.start, block.end))


def _header(unit: Unit) -> Place | None:
    return unit.lead if unit.kind == "row" else None


def _nearest(leads: Iterable[Place]) -> list[Place]:
    """Return the outermost of what introduces a line, and those right above."""
    above = sorted(set(leads))
    return [*above[:1], *above[1:][1 - MOST_ABOVE :]]


def _rows(
    text: str, start: int, end: int, columns: Sequence[Place]
) -> Iterator[tuple[Sequence[Place], Sequence[Place]]]:
    """Yield the names of columns, and the cells below them, of what a line holds; a line is a row of one cell."""
    if text.startswith("|", start):
        yield columns, list(_cells(text, start, end))
        return
    parts = list(_parts(text, start, end, "; "))
    if len(parts) > 1:  # a sheet's row, "Field: Door code; Value: 4821"; the first one is taken for a header
        pairs = [list(_parts(text, *part, ": ", 1)) for part in parts]
        yield [pair[0] for pair in pairs], [pair[-1] for pair in pairs]
        yield [], [pair[0] for pair in pairs]
    yield [], [(start, end)]


def _cells(text: str, start: int, end: int) -> Iterator[Place]:
    return (_trimmed(text, *cell.span()) for cell in CELLS.finditer(text, start, end))


def _at_colons(text: str, place: Place) -> tuple[list[Place], list[Place]]:
    """Return what stands before each of the first colons, up to the one before, and all that stands behind it."""
    colons = [colon.span() for colon in islice(COLON.finditer(text, *place), MOST_COLONS)]
    starts = [place[0], *(end for _, end in colons)]
    names = [(start, colon[0]) for start, colon in zip(starts, colons, strict=False)]
    return names, [(end, place[1]) for _, end in colons]


def _parts(text: str, start: int, end: int, sign: str, most: int = -1) -> Iterator[Place]:
    """Yield where the parts of a text are that a sign parts, and that are not empty."""
    for part in text[start:end].split(sign, most):
        first, last = _trimmed(text, start, start + len(part))
        if first < last:
            yield first, last
        start += len(part) + len(sign)


def _trimmed(text: str, start: int, end: int, signs: str = " \n") -> Place:
    own = text[start:end]
    return (end - len(own.lstrip(signs)), start + len(own.rstrip(signs))) if own.strip(signs) else (start, start)
