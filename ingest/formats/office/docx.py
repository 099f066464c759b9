"""Read DOCX: the body in order, as Word would print it.

python-docx opens the package; the body is walked as XML, since its own paragraphs leave out what stands in insertions,
content controls and text boxes. Headers and footers are kept beside the text; notes, comments, contents lists and
deleted text are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.grid import MAX_ACROSS, Cell, Row, lay_on_grid
from ingest.formats.inline import Inline, as_script
from ingest.formats.office.docx_styles import Numbering, Style, Styles, W, on, value
from ingest.formats.office.ooxml import ThemeColours, open_package, theme_of, whole
from ingest.formats.parsed import Parsed, sensible_title
from ingest.formats.text.plaintext import BULLET
from ingest.formats.visibility import WHITE, Colour

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Wrappers whose content counts as if it stood there itself; insertions and moves are taken as accepted.
_WRAPPERS = frozenset(
    W + name
    for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "hyperlink", "fldSimple", "dir", "bdo")
)
_TEXT = {f"{W}tab": " ", f"{W}ptab": " ", f"{W}noBreakHyphen": "-"}
_DRAWN = frozenset({f"{W}drawing", f"{W}pict", f"{W}object", f"{_MC}AlternateContent"})
_VML = "{urn:schemas-microsoft-com:vml}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"


def read_docx(data: bytes) -> Parsed:
    """Return a document's text; its title is the Title paragraph, else the title property, else the first heading 1."""
    from docx import Document

    document = Document(open_package(data, "word/document.xml"))
    builder = Builder()
    walker = _Walker(document, builder)
    walker.blocks(document.element.body)
    for line in _running(document):
        builder.margin(line)
    return builder.build(MEDIA_TYPE, walker.title or sensible_title(document.core_properties.title))


def _running(document: Any) -> Iterator[str]:
    """Yield the paragraphs and watermarks of the headers and footers."""
    parts = (rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith(("/header", "/footer")))
    for element in (part.element for part in parts if hasattr(part, "element")):
        for paragraph in element.iter(f"{W}p"):
            yield "".join(
                text.text or "" if text.tag == f"{W}t" else "\t" for text in paragraph.iter(f"{W}t", f"{W}tab")
            )
        yield from (mark.get("string", "") for mark in element.iter(f"{_VML}textpath"))


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

    def blocks(self, parent: Any) -> None:
        """Write the paragraphs and tables in an element."""
        for child in _flat(parent):
            if child.tag == f"{W}p":
                self._paragraph(child)
            elif child.tag == f"{W}tbl":
                self._table(child)
            self._close_block()

    def _close_block(self) -> None:
        """Report what was hidden in a block, and write the text boxes that hang on it."""
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
        label = self._numbering.label(style.list_id, style.depth)
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
        for child in _flat(element):
            if child.tag == f"{W}r":
                self._run(child, inline, style, plain)

    def _run(self, run: Any, inline: Inline, style: Style, plain: bool) -> None:
        properties = run.find(f"{W}rPr")
        character = self._styles.character(properties)
        run_style = self._styles.run(properties, style, character, self._behind)
        hidden = run_style.hidden_reason
        emphasis = not plain and (character.emphasis or on(properties, "b") or on(properties, "i"))
        for child in run:
            text = child.text or "" if child.tag == f"{W}t" else _TEXT.get(child.tag, "")
            if hidden:
                self._hidden.append((hidden, text))
            elif text:
                inline.add(as_script(text, run_style.script, inline.last), emphasis)
            elif child.tag in {f"{W}br", f"{W}cr"}:
                if child.get(f"{W}type") in {"page", "column"}:
                    inline.add(" ")
                else:
                    inline.line_break()
            elif child.tag in _DRAWN:
                boxes = [box for box in child.iter(f"{W}txbxContent") if not _is_fallback(box)]
                if any(item.get("hidden") in {"1", "true"} for item in child.iter(f"{_WP}docPr")):
                    texts = (text.text or "" for box in boxes for text in box.iter(f"{W}t"))
                    self._hidden.append(("hidden text box", "".join(texts)))
                else:
                    self._boxes += boxes

    def _table(self, element: Any) -> None:
        rows = [row for row in _flat(element) if row.tag == f"{W}tr" and self._is_shown(row)]
        cells = [[cell for cell in _flat(row) if cell.tag == f"{W}tc"] for row in rows]
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
        if on(properties, "hidden"):
            self._hidden.append(("hidden table row", "".join(text.text or "" for text in row.iter(f"{W}t"))))
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


def _flat(element: Any) -> Iterator[Any]:
    """Yield an element's children, those of wrappers in the wrappers' place."""
    for child in element:
        if child.tag in _WRAPPERS:
            yield from _flat(child)
        else:
            yield child


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
