"""Read PPTX: a heading a slide, its text and tables in order, the speaker's notes after them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.grid import MAX_ACROSS, MAX_DOWN, Cell, Row, lay_on_grid
from ingest.formats.inline import Inline, as_script
from ingest.formats.office.ooxml import DRAWING as _A
from ingest.formats.office.ooxml import open_package
from ingest.formats.office.pptx_visibility import Frame, ShapeVisibility, SlideVisibility, is_struck, script
from ingest.formats.parsed import MAX_PAGES, Parsed, sensible_title
from ingest.formats.text.plaintext import BULLET, NUMBER
from ingest.formats.visibility import STRUCK

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_TITLES = frozenset({"TITLE", "CENTER_TITLE", "VERTICAL_TITLE"})
_LISTS = frozenset({"BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT"})  # bulleted unless they say otherwise
_FURNITURE = frozenset({"DATE", "FOOTER", "HEADER", "SLIDE_NUMBER"})


def read_pptx(data: bytes) -> Parsed:
    """Return a presentation's text; slides count as pages, hidden ones as empty pages."""
    from pptx import Presentation

    presentation = Presentation(open_package(data, "ppt/presentation.xml"))
    builder = Builder()
    first = ""
    for number, slide in enumerate(presentation.slides, 1):
        if number > MAX_PAGES:
            builder.flag("too_large", f"Only the first {MAX_PAGES:,} slides were read.")
            break
        builder.page()
        if slide._element.get("show") in {"0", "false"}:
            builder.flag_hidden(f"slide {number}, which is hidden,", " ".join(_all_text(slide._element)))
        else:
            visibility = SlideVisibility(slide, presentation.slide_width, presentation.slide_height)
            title = _Writer(builder, number, visibility).slide(slide)
            first = first or title
    return builder.build(MEDIA_TYPE, sensible_title(presentation.core_properties.title) or first)


class _Writer:
    """Writes one slide."""

    def __init__(self, builder: Builder, number: int, visibility: SlideVisibility) -> None:
        self._builder = builder
        self._number = number
        self._visibility = visibility
        self._hidden: dict[str, list[str]] = {}

    def slide(self, slide: Any) -> str:
        """Write a slide and return its title."""
        builder = self._builder
        shapes = list(self._shapes(slide.shapes, Frame()))
        titled = (
            (shape, visibility) for shape, visibility in shapes if _kind(shape) in _TITLES and shape.has_text_frame
        )
        head, head_visibility = next((pair for pair in titled if pair[0].text_frame.text.strip()), (None, None))
        title = Inline()
        for paragraph in head.text_frame.paragraphs if head is not None else ():
            title.add(" ")
            title.extend(self._inline(paragraph._p, head_visibility, head, plain=True))
        # Text without a title of its own would seem to belong to the slide before.
        builder.heading(2, title if title else Inline(f"Slide {self._number}"))
        for shape, visibility in shapes:
            if shape is head:
                continue
            if getattr(shape, "has_table", False) and shape.has_table:
                builder.table(self._table(shape.table, visibility))
            elif shape.has_text_frame:
                self._frame(shape, visibility)
            builder.end_list()
        if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
            self._notes(frame)
        for how, texts in self._hidden.items():
            builder.flag_hidden(f"{how} on slide {self._number}", " ".join(texts))
        return title.plain()

    def _shapes(self, shapes: Any, frame: Frame) -> Iterator[tuple[Any, ShapeVisibility]]:
        """Yield the shapes that show text, those of groups in place, without dates, footers and numbers."""
        for shape in shapes:
            box = frame.box(shape)
            properties = next((item for item in shape._element.iter() if str(item.tag).endswith("}cNvPr")), None)
            if properties is not None and properties.get("hidden") in {"1", "true"}:
                self._hide("hidden shape", _all_text(shape._element))
            elif hasattr(shape, "shapes"):
                yield from self._shapes(shape.shapes, frame.within(shape))
            elif self._visibility.is_off(box):
                self._hide("shape off the slide", _all_text(shape._element))
            elif _kind(shape) not in _FURNITURE:
                yield shape, self._visibility.enter(shape, box)
            elif shape.has_text_frame:
                self._builder.margin(shape.text_frame.text)

    def _hide(self, how: str, texts: Iterable[str]) -> None:
        self._hidden.setdefault(how, []).extend(texts)

    def _frame(self, shape: Any, visibility: ShapeVisibility) -> None:
        builder = self._builder
        listed = _kind(shape) in _LISTS
        counts: dict[int, int] = {}
        for paragraph in shape.text_frame.paragraphs:
            inline = self._inline(paragraph._p, visibility, shape)
            if not inline:
                continue
            properties = paragraph._p.find(f"{_A}pPr")
            mark = {str(child.tag).removeprefix(_A) for child in properties} if properties is not None else set()
            depth = paragraph.level
            counts = {level: count for level, count in counts.items() if level <= depth}
            if "buAutoNum" in mark:
                start = properties.find(f"{_A}buAutoNum").get("startAt") or ""
                counts[depth] = counts.get(depth, int(start) - 1 if re.fullmatch(r"[0-9]{1,5}", start) else 0) + 1
                builder.item(f"{counts[depth]}.", inline, depth)
            elif "buNone" not in mark and (listed or mark & {"buChar", "buBlip"}):
                number = NUMBER.match(inline.plain())  # typed, though the bullet stands before it
                builder.item(f"{number[1]}." if number and inline.strip_start(NUMBER) else "-", inline, depth)
            elif inline.strip_start(BULLET):
                builder.item("-", inline, depth)
            else:
                builder.paragraph(inline)

    def _notes(self, frame: Any) -> None:
        lead = "Notes: "
        for paragraph in frame.paragraphs:
            inline = self._inline(paragraph._p)
            if inline:
                noted = Inline(lead)
                noted.extend(inline)
                self._builder.paragraph(noted)
                lead = ""

    def _inline(
        self, paragraph: Any, visibility: ShapeVisibility | None = None, shape: Any = None, plain: bool = False
    ) -> Inline:
        """Return a paragraph's runs, fields and breaks, as far as they are seen."""
        inline = Inline()
        usual = _usual(paragraph, shape)
        for child in paragraph:
            if child.tag == f"{_A}br":
                inline.line_break()
            elif child.tag in {f"{_A}r", f"{_A}fld"}:
                properties, element = child.find(f"{_A}rPr"), child.find(f"{_A}t")
                text = (element.text or "") if element is not None else ""
                layers = properties, usual
                if how := visibility.hidden_reason(layers) if visibility is not None else is_struck(layers) and STRUCK:
                    self._hide(how, [text])
                    continue
                marks = () if plain or properties is None else (properties.get("b"), properties.get("i"))
                emphasis = any(mark in {"1", "true"} for mark in marks)
                inline.add(as_script(text, script(layers), inline.last), emphasis)
        return inline

    def _table(self, table: Any, visibility: ShapeVisibility) -> list[list[Inline]]:
        rows = []
        for row in table.rows:
            cells = (cell for cell in row.cells if not cell.is_spanned)  # another one covers it
            rows.append(Row([Cell(self._cell(cell, visibility), *_spans(cell._tc)) for cell in cells]))
        return lay_on_grid(rows)

    def _cell(self, cell: Any, visibility: ShapeVisibility) -> Inline:
        inline = Inline()
        own = visibility.on(cell._tc.find(f"{_A}tcPr/{_A}solidFill"))
        for paragraph in cell.text_frame.paragraphs:
            inline.add(" ")
            inline.extend(self._inline(paragraph._p, own))
        return inline


def _kind(shape: Any) -> str:
    """Return a placeholder's type, or an empty string."""
    if not shape.is_placeholder:
        return ""
    kind = shape.placeholder_format.type
    return kind.name if kind is not None else ""


def _spans(cell: Any) -> tuple[int, int]:
    """Return how many columns and rows a cell covers."""
    spans = [cell.get(name) or "" for name in ("gridSpan", "rowSpan")]
    across, down = (int(span) if re.fullmatch(r"[1-9][0-9]{0,3}", span) else 1 for span in spans)
    return min(across, MAX_ACROSS), min(down, MAX_DOWN)


def _usual(paragraph: Any, shape: Any) -> Any:
    """Return the run properties that a shape's list style gives a paragraph, if any."""
    properties = paragraph.find(f"{_A}pPr")
    level = int((properties.get("lvl") if properties is not None else None) or 0) + 1
    body = paragraph.getparent() if shape is not None else None
    return body.find(f"{_A}lstStyle/{_A}lvl{level}pPr/{_A}defRPr") if body is not None else None


def _all_text(element: Any) -> Iterator[str]:
    return (item.text for item in element.iter(f"{_A}t") if item.text)
