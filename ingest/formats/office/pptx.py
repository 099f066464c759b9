"""Read PPTX: a heading a slide, its text and tables in order, the speaker's notes after them.

A run is hidden if it says itself that it is struck out, tiny, or of the colour that it stands on, or if its shape is
hidden or lies off the slide; on a shape whose colour is not told, any text is taken to be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ingest.formats.builder import Builder
from ingest.formats.grid import MAX_ACROSS, MAX_DOWN, Cell, Row, lay_on_grid
from ingest.formats.inline import Inline, Script, as_script
from ingest.formats.office.ooxml import DRAWING as _A
from ingest.formats.office.ooxml import ThemeColours, open_package, theme_of, whole
from ingest.formats.parsed import MAX_PAGES, Parsed, sensible_title
from ingest.formats.text.plaintext import BULLET, NUMBER
from ingest.formats.visibility import CLEAR, WHITE, Colour, hidden_reason

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_TITLES = frozenset({"TITLE", "CENTER_TITLE", "VERTICAL_TITLE"})
_LISTS = frozenset({"BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT"})  # bulleted unless they say otherwise
_FURNITURE = frozenset({"DATE", "FOOTER", "HEADER", "SLIDE_NUMBER"})
_UNTOLD = {f"{_A}{name}" for name in ("gradFill", "blipFill", "pattFill", "grpFill")}


def read_pptx(data: bytes) -> Parsed:
    """Return a presentation's text; slides count as pages, hidden ones as empty pages."""
    from pptx import Presentation

    presentation = Presentation(open_package(data, "ppt/presentation.xml"))
    builder = Builder()
    whole = ShapeBox(0, 0, presentation.slide_width, presentation.slide_height)
    first = ""
    for number, slide in enumerate(presentation.slides, 1):
        if number > MAX_PAGES:
            builder.flag("too_large", f"Only the first {MAX_PAGES:,} slides were read.")
            break
        builder.page()
        if slide._element.get("show") in {"0", "false"}:
            builder.flag_hidden(f"slide {number}, which is hidden,", " ".join(_all_text(slide._element)))
        else:
            title = _Writer(builder, number, _Ground(slide, whole)).slide(slide)
            first = first or title
    return builder.build(MEDIA_TYPE, sensible_title(presentation.core_properties.title) or first)


class ShapeBox(NamedTuple):
    """Where a shape lies on its slide."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, shape: Any) -> ShapeBox | None:
        """Return where a shape lies, or None where nothing says; a line of text has no height."""
        sides = shape.left, shape.top, shape.width, shape.height
        if None in sides:
            return None
        left, top, wide, high = sides
        return cls(left, top, left + max(wide, 1), top + max(high, 1))

    def meets(self, other: ShapeBox) -> bool:
        """Say whether two boxes have a point in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class _Writer:
    """Writes one slide."""

    def __init__(self, builder: Builder, number: int, ground: _Ground) -> None:
        self._builder = builder
        self._number = number
        self._ground = ground
        self._hidden: dict[str, list[str]] = {}

    def slide(self, slide: Any) -> str:
        """Write a slide and return its title."""
        builder = self._builder
        shapes = list(self._shapes(slide.shapes))
        titled = ((shape, behind) for shape, behind in shapes if _kind(shape) in _TITLES and shape.has_text_frame)
        head, on = next((pair for pair in titled if pair[0].text_frame.text.strip()), (None, None))
        title = Inline()
        for paragraph in head.text_frame.paragraphs if head is not None else ():
            title.add(" ")
            title.extend(self._inline(paragraph._p, on, plain=True))
        # Text without a title of its own would seem to belong to the slide before.
        builder.heading(2, title if title else Inline(f"Slide {self._number}"))
        for shape, behind in shapes:
            if shape is head:
                continue
            if getattr(shape, "has_table", False) and shape.has_table:
                builder.table(self._table(shape.table))
            elif shape.has_text_frame:
                self._frame(shape, behind)
            builder.end_list()
        if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
            self._notes(frame)
        for how, texts in self._hidden.items():
            builder.flag_hidden(f"{how} on slide {self._number}", " ".join(texts))
        return title.plain()

    def _shapes(self, shapes: Any, group: ShapeBox | None = None) -> Iterator[tuple[Any, Colour | None]]:
        """Yield the shapes that show text, with what it stands on, but no dates, footers and numbers.

        Those of a group stand in its place, and are taken to lie anywhere in its bounds.
        """
        for shape in shapes:
            box = group or ShapeBox.of(shape)
            properties = next((item for item in shape._element.iter() if str(item.tag).endswith("}cNvPr")), None)
            if properties is not None and properties.get("hidden") in {"1", "true"}:
                self._hide("hidden shape", _all_text(shape._element))
            elif box and not box.meets(self._ground.slide):
                self._hide("shape off the slide", _all_text(shape._element))
            elif hasattr(shape, "shapes"):
                yield from self._shapes(shape.shapes, box)
            elif _kind(shape) not in _FURNITURE:
                yield shape, self._ground.enter(shape, box)
            elif shape.has_text_frame:
                self._builder.margin(shape.text_frame.text)

    def _hide(self, how: str, texts: Iterable[str]) -> None:
        self._hidden.setdefault(how, []).extend(texts)

    def _frame(self, shape: Any, behind: Colour | None) -> None:
        builder = self._builder
        listed = _kind(shape) in _LISTS
        counts: dict[int, int] = {}
        for paragraph in shape.text_frame.paragraphs:
            inline = self._inline(paragraph._p, behind)
            if not inline:
                continue
            properties = paragraph._p.find(f"{_A}pPr")
            mark = {str(child.tag).removeprefix(_A) for child in properties} if properties is not None else set()
            depth = paragraph.level
            counts = {level: count for level, count in counts.items() if level <= depth}
            if "buAutoNum" in mark:
                start = whole(properties.find(f"{_A}buAutoNum").get("startAt"), 1)
                counts[depth] = counts.get(depth, start - 1) + 1
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
            inline = self._inline(paragraph._p, None)
            if inline:
                noted = Inline(lead)
                noted.extend(inline)
                self._builder.paragraph(noted)
                lead = ""

    def _inline(self, paragraph: Any, behind: Colour | None, plain: bool = False) -> Inline:
        """Return a paragraph's runs, fields and breaks, as far as they are seen on a colour."""
        inline = Inline()
        for child in paragraph:
            if child.tag == f"{_A}br":
                inline.line_break()
            elif child.tag in {f"{_A}r", f"{_A}fld"}:
                properties, element = child.find(f"{_A}rPr"), child.find(f"{_A}t")
                text = (element.text or "") if element is not None else ""
                said = dict(properties.attrib) if properties is not None else {}
                if how := self._ground.hidden_reason(properties, behind):
                    self._hide(how, [text])
                    continue
                emphasis = not plain and any(said.get(mark) in {"1", "true"} for mark in "bi")
                share = said.get("baseline", "").strip("0")
                script: Script = "sub" if share[:1] == "-" else "super" if share else ""
                inline.add(as_script(text, script, inline.last), emphasis)
        return inline

    def _table(self, table: Any) -> list[list[Inline]]:
        rows = []
        for row in table.rows:
            cells = (cell for cell in row.cells if not cell.is_spanned)  # another one covers it
            rows.append(Row([self._cell(cell) for cell in cells]))
        return lay_on_grid(rows)

    def _cell(self, cell: Any) -> Cell:
        inline = Inline()
        behind = self._ground.colour(cell._tc.find(f"{_A}tcPr/{_A}solidFill"))
        for paragraph in cell.text_frame.paragraphs:
            inline.add(" ")
            inline.extend(self._inline(paragraph._p, behind))
        spans = cell._tc.get("gridSpan"), cell._tc.get("rowSpan")
        return Cell(inline, whole(spans[0], 1, MAX_ACROSS), whole(spans[1], 1, MAX_DOWN))


def _kind(shape: Any) -> str:
    """Return a placeholder's type, or an empty string."""
    if not shape.is_placeholder:
        return ""
    kind = shape.placeholder_format.type
    return kind.name if kind is not None else ""


def _all_text(element: Any) -> Iterator[str]:
    return (item.text for item in element.iter(f"{_A}t") if item.text)


class _Ground:
    """What the text of one slide stands on; its shapes are asked for in the order in which they are drawn."""

    def __init__(self, slide: Any, whole: ShapeBox) -> None:
        master = slide.slide_layout.slide_master
        mapping = master._element.find(f"{_P}clrMap")
        self.slide = whole
        self._theme = ThemeColours(theme_of(master.part), dict(mapping.attrib) if mapping is not None else None)
        self._paper = self._background((slide, slide.slide_layout, master))
        self._filled: list[ShapeBox] = []
        for sheet in (master, slide.slide_layout):
            for shape in sheet.shapes:
                if not shape.is_placeholder:
                    self.enter(shape, ShapeBox.of(shape))

    def colour(self, fill: Any) -> Colour | None:
        """Return the colour of a solid fill; None where it cannot be told."""
        return self._theme.of_fill(fill)

    def enter(self, shape: Any, box: ShapeBox | None) -> Colour | None:
        """Return what the next shape's text stands on: its fill, or the slide where nothing filled lies below it."""
        fill, untold = shape._element.find(f"{_P}spPr/{_A}solidFill"), _may_be_filled(shape)
        few = len(self._filled) <= 200  # with more, it is a drawing, and any text may stand on a part of it
        on_slide = few and box is not None and not any(box.meets(other) for other in self._filled)
        if fill is not None or untold:
            self._filled.append(box or self.slide)
            return self.colour(fill)
        return self._paper if on_slide else None

    def hidden_reason(self, properties: Any, behind: Colour | None) -> str:
        """Return how text is hidden by its run's properties, or an empty string."""
        if properties is None:
            return ""
        clear = properties.find(f"{_A}noFill") is not None
        colour = CLEAR if clear else self.colour(properties.find(f"{_A}solidFill"))
        points = whole(properties.get("sz")) / 100 or None
        return hidden_reason(colour, behind, points=points, struck=properties.get("strike", "noStrike") != "noStrike")

    def _background(self, sheets: Iterable[Any]) -> Colour | None:
        for sheet in sheets:
            if sheet._element.find(f"{_P}clrMapOvr/{_A}overrideClrMapping") is not None:
                return None
            background = sheet._element.find(f"{_P}cSld/{_P}bg")
            if background is None:
                continue
            reference = background.find(f"{_P}bgRef")
            if reference is not None:
                return self.colour(reference) if reference.get("idx") == "1001" else None  # the first fill is plain
            return self.colour(background.find(f"{_P}bgPr/{_A}solidFill"))
        return WHITE


def _may_be_filled(shape: Any) -> bool:
    """Whether a shape has a fill that it does not tell itself, its layout's placeholder included."""
    properties = shape._element.find(f"{_P}spPr")
    if properties is None or not str(shape._element.tag).endswith("}sp"):
        return True  # a picture, table, chart or group
    if properties.find(f"{_A}noFill") is not None:
        return False
    if any(child.tag in _UNTOLD for child in properties):
        return True
    reference = shape._element.find(f"{_P}style/{_A}fillRef")
    if reference is not None and reference.get("idx") != "0":
        return True
    base = getattr(shape, "_base_placeholder", None)  # of the layout, then of the master
    return base is not None and (base._element.find(f"{_P}spPr/{_A}solidFill") is not None or _may_be_filled(base))
