"""A document -> its pieces: each indexed sentence, item, row and heading, with its place and what governs it."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.core.records import Document, Passage
from assistant.text.canonical import HEADING, Block, Kind, blocks, cells, item_body, named_cells
from assistant.text.units import Span, units
from ingest.impact.records import PieceKind
from ingest.terms import SHEETS

KINDS: dict[Kind, PieceKind] = {"paragraph": "sentence", "item": "item", "row": "row", "code": "code"}
# Are one when two texts are compared.
SPELLINGS = str.maketrans("“”„«»‘’‚–—‑−\xa0", '"""""\'\'\'---- ')

Definition = tuple[str, int, int]  # of a document: name, start and end


@dataclass(frozen=True, slots=True)
class Piece:
    """What a document says at [start, end), in one line, below `headings`.

    `lead` is what it stands under; `term` is the name that it defines.
    """

    kind: PieceKind
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    page: int | None
    lead: str = ""
    term: str = ""


def fold(text: str) -> str:
    """Write in one way what may be set in several: white space, quotation marks, dashes, what ends an item."""
    return " ".join(text.translate(SPELLINGS).split()).rstrip(".;, ")


def first_cell(row: Piece) -> str:
    """Return what a table's or a sheet's row is about."""
    return cells(row.text)[0] if row.text.startswith("|") else named_cells(row.text)[0][1]


class Pieces:
    """The pieces of a document."""

    def __init__(self, document: Document, passages: Sequence[Passage], terms: Sequence[Definition]) -> None:
        self._text = document.text
        self._sheet = document.media_type in SHEETS
        self._passages = passages
        self._starts = [passage.start for passage in passages]
        self._terms = sorted((start, end, name) for name, start, end in terms)
        self.all = sorted(self._found(), key=lambda piece: piece.start)

    def line(self, start: int, end: int) -> str:
        """Return the text at [start, end) in one line."""
        return " ".join(self._text[start:end].split())

    def _passage_at(self, place: int) -> int:
        return max(bisect.bisect_right(self._starts, place) - 1, 0)

    def _indexed(self, start: int, end: int) -> bool:
        """Tell whether a span begins and ends in passages: what was left out of the index is not told of."""
        places = (start, end - 1)
        return bool(self._passages) and all(
            self._starts[0] <= place < self._passages[self._passage_at(place)].end for place in places
        )

    def _found(self) -> Iterator[Piece]:
        headers: dict[Span, None] = {}
        records = {start: end for start, end in map(self._body, blocks(self._text)) if self._is_record(start, end)}
        starts = sorted(records)
        for start in starts:
            yield from self._piece("row", start, records[start])
        for unit in units(self._text):
            at = bisect.bisect_right(starts, unit.start) - 1
            if at >= 0 and unit.start < records[starts[at]]:
                continue
            above = sorted({*unit.also, *((unit.lead,) if unit.lead else ())})
            if unit.kind == "row" and unit.lead:
                headers[unit.lead] = None
                above = [unit.lead]
            yield from self._piece(KINDS[unit.kind], unit.start, unit.end, above)
        for start, end in headers:
            yield from self._piece("header", start, end)
        for block in blocks(self._text):
            if block.kind == "heading" and (match := HEADING.match(self._text, block.start, block.end)):
                yield from self._piece("heading", match.start(2), block.end)

    def _body(self, block: Block) -> Span:
        return (item_body(self._text, block) if block.kind == "item" else block.start), block.end

    def _is_record(self, start: int, end: int) -> bool:
        """Tell a sheet's row, which is a line of names and values."""
        return self._sheet and sum(bool(name) for name, _ in named_cells(self._text[start:end])) > 1

    def _piece(self, kind: PieceKind, start: int, end: int, above: Sequence[Span] = ()) -> Iterator[Piece]:
        if start < end and self._indexed(start, end):
            passage = self._passages[self._passage_at(start)]
            scope = tuple(span for span in above if self._indexed(*span))
            yield Piece(
                kind=kind,
                start=start,
                end=end,
                text=self.line(start, end),
                headings=passage.headings,
                page=passage.page,
                lead=" ".join(self.line(*span) for span in scope),
                term=self._term(kind, start, end),
            )

    def _term(self, kind: PieceKind, start: int, end: int) -> str:
        """Return the name whose definition begins in a sentence and goes on to its end, at least."""
        if kind not in ("sentence", "item"):
            return ""
        at = bisect.bisect_left(self._terms, (start, 0, ""))
        return next(
            (name for begin, stop, name in self._terms[at : at + 1] if begin < end <= stop + 2), ""
        )  # a full stop, a bracket
