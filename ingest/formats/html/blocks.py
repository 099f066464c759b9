"""Turn HTML's nesting into blocks: paragraphs, lists with their terms, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.formats.builder import Builder
from ingest.formats.grid import MAX_ACROSS, MAX_DOWN, Cell, Row, lay_on_grid
from ingest.formats.inline import Inline, Script, as_script


@dataclass(slots=True)
class _List:
    number: int | None  # of the next item; None in an unordered list
    item: str | None = None  # marker of the open item until its first text is written


@dataclass(slots=True)
class _Table:
    rows: list[Row] = field(default_factory=list)
    caption: Inline | None = None
    cell: Cell | None = None  # the open one
    part: int = 0  # row groups begun
    head: bool = False  # in a <thead>
    layout: bool = False  # holds headings or tables: its cells are plain blocks


class Blocks:
    """Gathers text, and writes it to the builder as the kind of block that is open."""

    def __init__(self, builder: Builder) -> None:
        self.heading = 0  # level of the open heading
        self._builder = builder
        self._inline = Inline()
        self._lists: list[_List] = []
        self._tables: list[_Table] = []
        self._in_term = False  # in a <dt>, which the parser does not always close
        self._terms: list[Inline] = []  # not yet followed by their definition

    def text(self, text: str, emphasis: bool = False, script: Script = "") -> None:
        """Add text to the open block."""
        self._inline.add(as_script(text, script, self._inline.last), emphasis or self._in_term)

    def line_break(self) -> None:
        """Add a `<br>`; two in a row separate paragraphs."""
        if self._inline.at_break and not self._in_cell:
            self.flush()
        else:
            self._inline.line_break()

    def code(self, text: str) -> None:
        """Write preformatted text."""
        if self._in_cell:
            self._inline.add(text)
        else:
            self.flush()
            self._builder.code(text)

    def flush(self) -> None:
        """End the open block."""
        if self._in_cell:
            self._inline.add(" ")  # the blocks of a cell share its line
            return
        inline, self._inline = self._inline, Inline()
        depth = len(self._lists) - 1
        if not inline:
            return
        if self.heading:
            self._builder.heading(self.heading, inline)
        elif depth < 0:
            self._builder.paragraph(inline)
        elif (marker := self._lists[-1].item) is not None:
            self._builder.item(marker, inline, depth)
            self._lists[-1].item = None
        else:
            self._builder.continuation(inline, depth)

    def start_heading(self, level: int) -> None:
        """Begin a heading, which no table cell can hold."""
        self.flush()
        self._dissolve_table()
        self.heading = level

    def start_list(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a `<ul>`, `<ol>`, `<menu>` or `<dl>`."""
        self.flush()
        if not self._lists and not self._in_cell:
            self._builder.end_list()
        self._lists.append(_List(_number(attributes.get("start"), 1) if tag == "ol" else None))

    def end_list(self) -> None:
        """End the innermost list."""
        self.end_term()
        self.flush()
        if not self._lists:
            return
        if self._terms:  # that no definition followed
            self._lists[-1].item = "-"
            self._inline = _joined(self._terms)
            self._terms = []
            self.flush()
        self._lists.pop()
        if not self._lists and not self._in_cell:
            self._builder.end_list()

    def start_item(self, attributes: Mapping[str, str]) -> None:
        """Begin a `<li>` or `<dd>`."""
        self.end_term()
        self.flush()
        if not self._lists:
            self._lists.append(_List(None))  # an item outside a list; closed with the document
        top = self._lists[-1]
        if top.number is None:
            top.item = "-"
        else:
            top.number = _number(attributes.get("value"), top.number)
            top.item = f"{top.number}."
            top.number += 1
        if self._terms:
            self._inline.extend(_joined(self._terms))
            self._inline.add(": ")
            self._terms = []

    def end_item(self) -> None:
        """End a `<li>` or `<dd>`."""
        self.flush()
        if self._lists:
            self._lists[-1].item = None

    def start_term(self) -> None:
        """Begin a `<dt>`."""
        self.end_term()
        self.flush()
        self._in_term = True

    def end_term(self) -> None:
        """End a `<dt>`; its text waits for the definition."""
        if self._in_term and self._inline:
            self._terms.append(self._inline)
            self._inline = Inline()
        self._in_term = False

    def start_table_part(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a table, a group of its rows, its caption, a row or a cell."""
        if tag == "table":
            self._dissolve_table()
            self.flush()
            self._tables.append(_Table())
        elif not self._in_cell:
            self.flush()
        else:
            table = self._tables[-1]
            if tag == "tr":
                table.rows.append(Row([], table.part, table.head))
            elif tag in {"td", "th"}:
                table.rows = table.rows or [Row([], table.part, table.head)]
                across, down = (_number(attributes.get(name), 1) for name in ("colspan", "rowspan"))
                down = min(down or MAX_DOWN, MAX_DOWN)  # 0 means all
                table.cell = Cell(Inline(), min(max(across, 1), MAX_ACROSS), down, tag == "th")
            elif tag != "caption":
                table.part, table.head = table.part + 1, tag == "thead"
            self._inline = Inline()

    def end_table_part(self, tag: str) -> None:
        """End a part of a table, or the table."""
        if not self._in_cell:
            self.flush()
        elif tag == "caption":
            self._tables[-1].caption, self._inline = self._inline, Inline()
        elif tag in {"td", "th"} and (cell := self._tables[-1].cell) is not None:
            cell.inline, self._inline = self._inline, Inline()
            self._tables[-1].rows[-1].cells.append(cell)
            self._tables[-1].cell = None
        elif tag in {"thead", "tbody", "tfoot"}:
            self._tables[-1].part, self._tables[-1].head = self._tables[-1].part + 1, False
        if tag == "table" and self._tables:
            table, self._inline = self._tables.pop(), Inline()
            if table.caption:
                self._builder.paragraph(table.caption)
            if any(len(row.cells) > 1 for row in table.rows):
                self._builder.table(lay_on_grid(table.rows))
            else:
                self._write_cells(table)

    def close(self) -> None:
        """End whatever the document left open."""
        while self._tables:
            self.end_table_part("table")
        while self._lists:
            self.end_list()
        self.flush()

    @property
    def _in_cell(self) -> bool:
        return bool(self._tables) and not self._tables[-1].layout

    def _dissolve_table(self) -> None:
        """Take a table for layout once something inside it cannot be a cell: write its cells so far as paragraphs."""
        if self._in_cell:
            table = self._tables[-1]
            inline, self._inline = self._inline, Inline()
            self._write_cells(table)
            self._builder.paragraph(inline)
            table.rows, table.layout = [], True

    def _write_cells(self, table: _Table) -> None:
        for row in table.rows:
            for cell in row.cells:
                self._builder.paragraph(cell.inline)


def _joined(terms: list[Inline]) -> Inline:
    """Return `A (also: B; C)`."""
    joined = Inline()
    for at, term in enumerate(terms):
        joined.add("" if at == 0 else " (also: " if at == 1 else "; ")
        joined.extend(term)
    joined.add(")" if len(terms) > 1 else "")
    return joined


def _number(text: str | None, default: int) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else default
