"""Lines of an answer, and a place in a document, as the page's templates take them; no HTML is made here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from urllib.parse import urlencode

from assistant.core.records import Citation, Document, Hit, Quote
from assistant.text.canonical import HEADING, Block, Kind, blocks, heading_path
from assistant.text.prompts import KEY

SOURCE_PATH = "/source"

Piece = tuple[str, int, bool]  # a text, the key that it is, or 0, and whether it is what a quote was picked for
Marked = tuple[str, bool]  # a text, and whether it is of the quote
Cells = tuple[tuple[Marked, ...], ...]  # of a line, or of a row


def pieces(line: str, marked: Sequence[str] = ()) -> Iterator[Piece]:
    """Yield the texts of a line, cut at what is to be marked, and the keys between them."""
    at = 0
    for match in KEY.finditer(line):
        yield from _cut(line[at : match.start()], marked)
        yield match.group(), int(match[1]), False
        at = match.end()
    yield from _cut(line[at:], marked)


def _cut(text: str, marked: Sequence[str]) -> Iterator[Piece]:
    focus = next((focus for focus in marked if focus in text), "")
    before, _, after = text.partition(focus) if focus else (text, "", "")
    yield from ((part, 0, strong) for part, strong in ((before, False), (focus, True), (after, False)) if part)


def place(source: Citation | Quote) -> str:
    """Return where a source stands: title, headings and page."""
    return heading_path(source.title, source.headings, source.page)


def link(source: Citation | Quote | Hit) -> str:
    """Return the address of a source's place."""
    span = source.passage if isinstance(source, Hit) else source
    where = {"document": source.document_sha256, "start": span.start, "end": span.end, "source": source.source}
    return f"{SOURCE_PATH}?{urlencode(where)}#quote"


@dataclass(frozen=True, slots=True)
class BlockView:
    """A heading, paragraph or code line, or all items of a list or rows of a table; a row is its cells."""

    kind: Kind
    parts: tuple[Cells, ...]
    level: int = 0

    @property
    def is_quoted(self) -> bool:
        """Whether a part of it is marked."""
        return any(marked for cells in self.parts for cell in cells for _, marked in cell)


def document_facts(document: Document) -> dict[str, str]:
    """Return what the organisation says of a document, by name, as far as it says it."""
    meta = document.meta
    told = {
        "Owner": meta.owner,
        "Version": meta.version,
        "Holds since": meta.effective,
        "Holds until": meta.expires,
        "Replaces": meta.supersedes,
        "To be reviewed by": meta.review,
    }
    return {name: value for name, value in told.items() if value}


def block_views(text: str, start: int, end: int) -> Iterator[BlockView]:
    """Yield the blocks of a document's text as they are read, text[start:end] marked."""
    shown = (block for block in blocks(text) if block.kind != "rule")
    for kind, members in groupby(shown, key=lambda block: block.kind):
        parts = [(block.level, _cells(text, block, start, end)) for block in members]
        if kind in ("item", "row"):
            yield BlockView(kind, tuple(cells for _, cells in parts))
        else:
            yield from (BlockView(kind, (cells,), level) for level, cells in parts)


def _cells(text: str, block: Block, start: int, end: int) -> Cells:
    begin, stop = block.start, block.end
    if block.kind == "row":
        edges = [at for at in range(begin, stop) if text[at] == "|" and text[at - 1 : at] != "\\"]
        spans = [(left + 1, right) for left, right in pairwise(edges)]
        marked = (_marked(text, *span, start, end) for span in spans)
        return tuple(tuple((part.replace(r"\|", "|"), told) for part, told in cell) for cell in marked)
    if block.kind == "heading" and (heading := HEADING.match(text[begin:stop])):
        begin += heading.start(2)
    return (_marked(text, begin, stop, start, end),)


def _marked(text: str, begin: int, stop: int, start: int, end: int) -> tuple[Marked, ...]:
    """Cut text[begin:stop] where the quote begins and ends."""
    first, last = min(max(start, begin), stop), max(min(end, stop), begin)
    cut = ((text[begin:first], False), (text[first:last], True), (text[max(first, last) : stop], False))
    return tuple((part, marked) for part, marked in cut if part)
