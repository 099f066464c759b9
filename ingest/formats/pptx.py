"""Read PPTX: a heading a slide, its text and tables in order, the speaker's notes after them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.inline import Inline
from ingest.formats.ooxml import open_package
from ingest.formats.parsed import MAX_PAGES, Parsed
from ingest.formats.text import BULLET, NUMBER
from ingest.formats.titles import sensible_title

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
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
            title = _write_slide(slide, number, builder)
            first = first or title
    return builder.build(MEDIA_TYPE, sensible_title(presentation.core_properties.title) or first)


def _write_slide(slide: Any, number: int, builder: Builder) -> str:
    """Write a slide and return its title."""
    shapes = list(_shapes(slide.shapes, builder))
    titled = (shape for shape in shapes if _kind(shape) in _TITLES and shape.has_text_frame)
    heads = [shape for shape in titled if shape.text_frame.text.strip()]
    title = Inline()
    for shape in heads[:1]:
        for paragraph in shape.text_frame.paragraphs:
            title.add(" ")
            title.extend(_inline(paragraph._p, plain=True))
    # Text without a title of its own would seem to belong to the slide before.
    builder.heading(2, title if title else Inline(f"Slide {number}"))
    for shape in shapes:
        if any(shape is head for head in heads[:1]):
            continue
        if getattr(shape, "has_table", False) and shape.has_table:
            rows = shape.table.rows
            builder.table([[_cell(cell) for cell in row.cells] for row in rows])
        elif shape.has_text_frame:
            _write_frame(shape, builder)
        builder.end_list()
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        _write_notes(frame, builder)
    return title.plain()


def _shapes(shapes: Any, builder: Builder) -> Iterator[Any]:
    """Yield the shapes that show text, those of groups in place, without dates, footers and numbers."""
    for shape in shapes:
        properties = next((item for item in shape._element.iter() if str(item.tag).endswith("}cNvPr")), None)
        if properties is not None and properties.get("hidden") in {"1", "true"}:
            builder.flag_hidden("hidden shape", " ".join(_all_text(shape._element)))
        elif hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes, builder)
        elif _kind(shape) not in _FURNITURE:
            yield shape


def _kind(shape: Any) -> str:
    """Return a placeholder's type, or an empty string."""
    if not shape.is_placeholder:
        return ""
    kind = shape.placeholder_format.type
    return kind.name if kind is not None else ""


def _write_frame(shape: Any, builder: Builder) -> None:
    listed = _kind(shape) in _LISTS
    counts: dict[int, int] = {}
    for paragraph in shape.text_frame.paragraphs:
        inline = _inline(paragraph._p)
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


def _write_notes(frame: Any, builder: Builder) -> None:
    lead = "Notes: "
    for paragraph in frame.paragraphs:
        inline = _inline(paragraph._p)
        if inline:
            noted = Inline(lead)
            noted.extend(inline)
            builder.paragraph(noted)
            lead = ""


def _inline(paragraph: Any, plain: bool = False) -> Inline:
    """Return a paragraph's runs, fields and breaks."""
    inline = Inline()
    for child in paragraph:
        if child.tag == f"{_A}br":
            inline.line_break()
        elif child.tag in {f"{_A}r", f"{_A}fld"}:
            properties, text = child.find(f"{_A}rPr"), child.find(f"{_A}t")
            marks = () if plain or properties is None else (properties.get("b"), properties.get("i"))
            inline.add((text.text or "") if text is not None else "", any(mark in {"1", "true"} for mark in marks))
    return inline


def _cell(cell: Any) -> Inline:
    inline = Inline()
    if cell.is_spanned:
        return inline  # part of a merged cell
    for paragraph in cell.text_frame.paragraphs:
        inline.add(" ")
        inline.extend(_inline(paragraph._p))
    return inline


def _all_text(element: Any) -> Iterator[str]:
    return (item.text for item in element.iter(f"{_A}t") if item.text)
