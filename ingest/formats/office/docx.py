"""Read DOCX: the body in order, as Word would print it.

python-docx opens the package; the body is walked as XML, since its own paragraphs leave out what stands in insertions,
content controls and text boxes. Headers and footers are kept beside the text; a note follows the block that refers to
it; comments, contents lists and deleted text are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.grid import MAX_ACROSS, Cell, Row, lay_on_grid
from ingest.formats.inline import Inline, as_script
from ingest.formats.office.docx_lists import Numbering
from ingest.formats.office.docx_parts import (
    FORMULAS,
    TEXTS,
    UNKNOWN,
    flat,
    formula_pieces,
    notes,
    running_lines,
    sign_of,
    words,
)
from ingest.formats.office.docx_styles import Style, Styles, W, exact, on, value
from ingest.formats.office.ooxml import ThemeColours, open_package, theme_of, whole
from ingest.formats.parsed import Parsed, sensible_title
from ingest.formats.text.plaintext import BULLET
from ingest.formats.visibility import WHITE, Colour, hidden_reason

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXT = {f"{W}tab": " ", f"{W}ptab": " ", f"{W}noBreakHyphen": "-"}
_DRAWN = frozenset({f"{W}drawing", f"{W}pict", f"{W}object", f"{_MC}AlternateContent"})
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"


def read_docx(data: bytes) -> Parsed:
    """Return a document's text; its title is the Title paragraph, else the title property, else the first heading 1."""
    from docx import Document

    document = Document(open_package(data, "word/document.xml"))
    builder = Builder()
    walker = _Walker(document, builder)
    walker.blocks(document.element.body)
    for line in running_lines(document):
        builder.margin(line)
    return builder.build(MEDIA_TYPE, walker.title or sensible_title(document.core_properties.title))


class _Walker:
    def __init__(self, document: Any, builder: Builder) -> None:
        self.title = ""
        self._builder = builder
        self._styles = Styles(document.styles.element, ThemeColours(theme_of(document.part)))
        numbering = next((rel for rel in document.part.rels.values() if rel.reltype.endswith("/numbering")), None)
        self._numbering = Numbering(getattr(numbering.target_part, "element", None) if numbering else None)
        self._behind: Colour | None = WHITE if document.element.find(f"{W}background") is None else None
        self._hidden: list[tuple[str, str]] = []  # how, text
        self._boxes: list[Any] = []  # text boxes anchored in the open block
        self._notes = notes(document)
        self._numbers: dict[Any, int] = {}  # of the notes referred to so far, by their elements
        self._open_notes: list[Any] = []  # those that the open block refers to first
        self._depth = 0  # of the open block, if it is a list item

    def blocks(self, parent: Any) -> None:
        """Write the paragraphs and tables in an element."""
        for child in flat(parent):
            if child.tag == f"{W}p":
                self._paragraph(child)
            elif child.tag == f"{W}tbl":
                self._table(child)
            self._close_block()

    def _close_block(self) -> None:
        """Report what was hidden in a block, and write the notes and the text boxes that hang on it."""
        while self._open_notes:
            note = self._open_notes.pop(0)
            if said := self._cell(note, plain=False):
                self._builder.continuation(_labelled(f"[{self._numbers[note]}]", said), self._depth)
        for how in dict.fromkeys(how for how, _ in self._hidden):
            text = "".join(text for kind, text in self._hidden if kind == how)
            self._builder.flag_hidden(how + self._builder.place, text)
        self._hidden = []
        boxes, self._boxes = self._boxes, []
        behind, self._behind = self._behind, None  # whatever the box may be filled with, or lie on
        for box in boxes:
            self.blocks(box)
        self._behind = behind

    def _paragraph(self, element: Any) -> None:
        properties = element.find(f"{W}pPr")
        style = self._styles.paragraph(properties)
        if style.contents:
            return
        inline = Inline()
        self._runs(element, inline, style, plain=style.level > 0)
        if not inline:
            return
        label, self._depth = self._numbering.label(style.list_id, style.depth), style.depth
        if style.level:
            if style.title and not self.title:
                self.title = inline.plain()
            # Below a Title paragraph, Word's first level is the second.
            below = bool(self.title) and not style.title
            self._builder.heading(style.level + below, _labelled(label, inline))
        elif label == "-":
            self._builder.item("-", inline, style.depth)
        elif label and (number := label.rstrip(".)")).isdecimal():
            self._builder.item(f"{number}.", inline, style.depth)
        elif label:
            self._builder.item("-", _labelled(label, inline), style.depth)
        elif inline.strip_start(BULLET):
            self._builder.item("-", inline)
        else:
            self._builder.paragraph(inline)

    def _runs(self, element: Any, inline: Inline, style: Style, plain: bool) -> None:
        for child in flat(element):
            if child.tag == f"{W}r":
                self._run(child, inline, style, plain)
            elif child.tag in FORMULAS:
                for piece in formula_pieces(child):
                    if isinstance(piece, str):
                        inline.add(piece)
                    else:
                        self._run(piece, inline, style, plain=True)

    def _run(self, run: Any, inline: Inline, style: Style, plain: bool) -> None:
        properties = run.find(f"{W}rPr")
        character = self._styles.character(properties)
        run_style = self._styles.run(properties, style, character, self._behind)
        hidden = run_style.hidden_reason
        emphasis = not plain and (character.emphasis or on(properties, "b") or on(properties, "i"))
        for child in run:
            text = child.text or "" if child.tag in TEXTS else _TEXT.get(child.tag, "")
            note = self._notes.get((child.tag, child.get(f"{W}id")))
            if hidden:
                self._hidden.append((hidden, text or words(child if note is None else note)))
            elif text:
                inline.add(as_script(text, run_style.script, inline.last), emphasis)
            elif child.tag in {f"{W}br", f"{W}cr"}:
                if child.get(f"{W}type") in {"page", "column"}:
                    inline.add(" ")
                else:
                    inline.line_break()
            elif note is not None:
                self._refer(note, inline, style)
            elif child.tag == f"{W}ruby":
                for base in child.iterfind(f"{W}rubyBase"):
                    self._runs(base, inline, style, plain)
            elif child.tag == f"{W}sym":
                sign = sign_of(child)
                inline.add(sign, emphasis)
                if sign == UNKNOWN:
                    font = child.get(f"{W}font")
                    self._builder.flag("unreadable", f"A sign of the font {font}{self._builder.place} has no meaning.")
            elif child.tag in _DRAWN:
                boxes = [box for box in child.iter(f"{W}txbxContent") if not _is_fallback(box)]
                if any(item.get("hidden") in {"1", "true"} for item in child.iter(f"{_WP}docPr")):
                    self._hidden.append(("hidden text box", "".join(map(words, boxes))))
                else:
                    self._boxes += boxes

    def _refer(self, note: Any, inline: Inline, style: Style) -> None:
        """Write a note's mark, but in headings, by whose words sections are known."""
        if note not in self._numbers:
            self._numbers[note] = len(self._numbers) + 1
            self._open_notes.append(note)
        if not style.level:
            inline.add(f"[{self._numbers[note]}]")

    def _table(self, element: Any) -> None:
        rows = [row for row in flat(element) if row.tag == f"{W}tr" and self._is_shown(row)]
        cells = [[cell for cell in flat(row) if cell.tag == f"{W}tc" and not _is_deleted(cell)] for row in rows]
        properties = element.find(f"{W}tblPr")
        behind = self._behind
        coloured = self._styles.table(properties).colours_cells  # some or all of its cells
        below = None if coloured else self._styles.shaded(behind, properties)
        if all(len(row) < 2 for row in cells):
            for cell in (cell for row in cells for cell in row):
                self._builder.end_list()
                self._behind = self._styles.shaded(below, cell.find(f"{W}tcPr"))
                self.blocks(cell)  # a box drawn around text
            self._behind = behind
            return
        merged: dict[int, Cell] = {}  # by column, the cells that may go on below
        table = []
        for at, row in enumerate(rows):
            head = on(row.find(f"{W}trPr"), "tblHeader")
            table.append(Row(list(self._row(row, cells[at], merged, below, plain=at == 0)), head=head))
        self._behind = behind
        self._builder.table(lay_on_grid(table))

    def _row(
        self, row: Any, cells: list[Any], merged: dict[int, Cell], behind: Colour | None, plain: bool
    ) -> Iterator[Cell]:
        """Yield the cells that begin in a row; one that goes on from the row above covers one row more."""
        column = whole(value(row.find(f"{W}trPr"), "gridBefore"), 0, MAX_ACROSS)
        yield from (Cell(Inline()) for _ in range(column))
        for cell in cells:
            properties = cell.find(f"{W}tcPr")
            across, merge = whole(value(properties, "gridSpan"), 1, MAX_ACROSS), _merge(properties)
            if merge == "continue" and column in merged:
                merged[column].down += 1
            else:
                self._behind = self._styles.shaded(behind, properties)
                written = Cell(self._cell(cell, plain), across)
                if merge:
                    merged[column] = written
                else:
                    merged.pop(column, None)
                yield written
            column += across

    def _is_shown(self, row: Any) -> bool:
        properties = row.find(f"{W}trPr")
        if properties is None:
            return True
        height = properties.find(f"{W}trHeight")
        if on(properties, "hidden") or (
            height is not None and hidden_reason(None, None, points=exact(height, "val", "hRule"))
        ):
            self._hidden.append(("hidden table row", words(row)))
            return False
        return properties.find(f"{W}del") is None

    def _cell(self, cell: Any, plain: bool) -> Inline:
        inline = Inline()
        for paragraph in cell.iter(f"{W}p"):
            if any(parent.tag == f"{W}txbxContent" for parent in paragraph.iterancestors()):
                continue
            style = self._styles.paragraph(paragraph.find(f"{W}pPr"))
            content = Inline()
            self._runs(paragraph, content, style, plain)
            label = self._numbering.label(style.list_id, style.depth) if content else None
            inline.add(" ")
            inline.extend(content if label == "-" else _labelled(label, content))
        return inline


def _is_deleted(cell: Any) -> bool:
    return cell.find(f"{W}tcPr/{W}cellDel") is not None


def _labelled(label: str | None, inline: Inline) -> Inline:
    if not label or label == "-":
        return inline
    labelled = Inline(label + " ")
    labelled.extend(inline)
    return labelled


def _is_fallback(element: Any) -> bool:
    """Whether an element is the copy of a drawing for older programs."""
    return any(parent.tag == f"{_MC}Fallback" for parent in element.iterancestors())


def _merge(properties: Any) -> str:
    """Return whether a cell begins one over several rows (`restart`) or goes on with it, or else an empty string."""
    merged = properties.find(f"{W}vMerge") if properties is not None else None
    return "" if merged is None else merged.get(f"{W}val") or "continue"
