"""Whether the text of a slide is seen: where its shape lies, its size, and its colour on what is behind it.

Only what a slide says itself of its text counts; colours that come from a layout are taken to be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from ingest.formats.inline import Script
from ingest.formats.office.ooxml import DRAWING, ThemeColours, theme_of
from ingest.formats.office.settings import LIMITS
from ingest.formats.visibility import CLEAR, WHITE, Colour, hidden_reason

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_XFRM = ("off", "ext", "chOff", "chExt")
_FIRST_FILL = "1001"  # of the theme, which is plain
_FILLS = {f"{DRAWING}{name}" for name in ("gradFill", "blipFill", "pattFill", "grpFill")}


class ShapeBox(NamedTuple):
    """Where a shape lies on its slide."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: ShapeBox) -> bool:
        """Say whether two boxes have a point in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class Frame(NamedTuple):
    """How a group's coordinates become its slide's."""

    left: float = 0
    top: float = 0
    across: float = 1
    down: float = 1

    def box(self, shape: Any) -> ShapeBox | None:
        """Return where a shape lies, or None where nothing says."""
        sides = shape.left, shape.top, shape.width, shape.height
        if None in sides:
            return None
        left, top = self.left + self.across * sides[0], self.top + self.down * sides[1]
        return ShapeBox(left, top, left + self.across * sides[2], top + self.down * sides[3])

    def within(self, group: Any) -> Frame:
        """Return the frame of a group's shapes."""
        xfrm = group._element.grpSpPr.find(f"{DRAWING}xfrm")
        off, ext, inner_off, inner_ext = (xfrm.find(DRAWING + name) if xfrm is not None else None for name in _XFRM)
        if off is None or ext is None or inner_off is None or inner_ext is None:
            return self
        (x, y), (inner_x, inner_y) = _pair(off, "x", "y"), _pair(inner_off, "x", "y")
        (wide, high), (inner_wide, inner_high) = _pair(ext, "cx", "cy"), _pair(inner_ext, "cx", "cy")
        across = self.across * (wide / inner_wide if inner_wide else 1)
        down = self.down * (high / inner_high if inner_high else 1)
        left, top = self.left + self.across * x, self.top + self.down * y
        return Frame(left - across * inner_x, top - down * inner_y, across, down)


def _pair(element: Any, first: str, second: str) -> tuple[int, int]:
    return int(element.get(first) or 0), int(element.get(second) or 0)


class SlideVisibility:
    """What one slide shows of its shapes, which are asked for in the order in which they are drawn."""

    def __init__(self, slide: Any, width: int, height: int) -> None:
        master = slide.slide_layout.slide_master
        mapping = master._element.find(f"{_P}clrMap")
        self._theme = ThemeColours(theme_of(master.part), dict(mapping.attrib) if mapping is not None else None)
        self._slide = ShapeBox(0, 0, width, height)
        self._behind = self._background((slide, slide.slide_layout, master))
        self._covers: list[ShapeBox] = []
        for sheet in (master, slide.slide_layout):
            for shape in sheet.shapes:
                if not shape.is_placeholder:
                    self._lay(shape, Frame().box(shape))

    def is_off(self, box: ShapeBox | None) -> bool:
        """Say whether no part of a shape lies on the slide."""
        if box is None:
            return False
        right, bottom = max(box.right, box.left + 1), max(box.bottom, box.top + 1)  # a line of text has no height
        return not ShapeBox(box.left, box.top, right, bottom).meets(self._slide)

    def enter(self, shape: Any, box: ShapeBox | None) -> ShapeVisibility:
        """Return what the next shape shows."""
        fill = _fill_of(shape._element)
        behind = self._theme.of_fill(fill)
        if fill is None and not self._may_be_filled(shape):
            on_other = (
                box is None or len(self._covers) > LIMITS.max_covers or any(box.meets(cover) for cover in self._covers)
            )
            behind = None if on_other else self._behind
        self._lay(shape, box)
        return ShapeVisibility(self._theme, behind)

    def _lay(self, shape: Any, box: ShapeBox | None) -> None:
        """Remember what may colour the text of later shapes."""
        if self._may_be_filled(shape) or _fill_of(shape._element) is not None:
            self._covers.append(box or self._slide)

    def _may_be_filled(self, shape: Any) -> bool:
        """Whether a shape has a fill that is not told here, its layout's placeholder included."""
        properties = shape._element.find(f"{_P}spPr")
        if properties is None or not str(shape._element.tag).endswith("}sp"):
            return True  # a picture, table, chart or group
        if properties.find(f"{DRAWING}noFill") is not None:
            return False
        if any(child.tag in _FILLS for child in properties):
            return True
        reference = shape._element.find(f"{_P}style/{DRAWING}fillRef")
        if reference is not None and reference.get("idx") != "0":
            return True
        base = getattr(shape, "_base_placeholder", None)  # of the layout, then of the master
        return base is not None and (_fill_of(base._element) is not None or self._may_be_filled(base))

    def _background(self, sheets: Iterable[Any]) -> Colour | None:
        for sheet in sheets:
            if sheet._element.find(f"{_P}clrMapOvr/{DRAWING}overrideClrMapping") is not None:
                return None
            background = sheet._element.find(f"{_P}cSld/{_P}bg")
            if background is None:
                continue
            reference = background.find(f"{_P}bgRef")
            if reference is not None:
                return self._theme.of_fill(reference) if reference.get("idx") == _FIRST_FILL else None
            return self._theme.of_fill(background.find(f"{_P}bgPr/{DRAWING}solidFill"))
        return WHITE


class ShapeVisibility:
    """What one shape shows of its runs."""

    def __init__(self, theme: ThemeColours, behind: Colour | None) -> None:
        self._theme = theme
        self._behind = behind

    def on(self, fill: Any) -> ShapeVisibility:
        """Return the same for a table's cell, by its fill."""
        return ShapeVisibility(self._theme, self._theme.of_fill(fill))

    def hidden_reason(self, layers: Iterable[Any]) -> str:
        """Return how text is hidden by run properties, the strongest first, or an empty string."""
        known = [layer for layer in layers if layer is not None]
        size = _said(known, "sz")  # hundredths of a point
        fill = next((child for layer in known for child in layer if child.tag in _TEXT_FILLS), None)
        clear = fill is not None and fill.tag == f"{DRAWING}noFill"
        return hidden_reason(
            CLEAR if clear else self._theme.of_fill(fill) if fill is not None else None,
            self._behind,
            points=int(size[:9]) / 100 if size.isdecimal() and int(size[:9]) else None,
            struck=is_struck(known),
        )


def is_struck(layers: Iterable[Any]) -> bool:
    """Say whether text is struck out by run properties, the strongest first."""
    return _said(layers, "strike") in {"sngStrike", "dblStrike"}


def script(layers: Iterable[Any]) -> Script:
    """Return whether run properties, the strongest first, set text raised or lowered."""
    share = _said(layers, "baseline")
    return "sub" if re.match(r"-0*[1-9]", share) else "super" if re.match(r"0*[1-9]", share) else ""


def _said(layers: Iterable[Any], name: str) -> str:
    """Return an attribute of the strongest of the run properties that have it, or an empty string."""
    return next((said for layer in layers if layer is not None and (said := layer.get(name))), "")


_TEXT_FILLS = {f"{DRAWING}solidFill", f"{DRAWING}noFill", *_FILLS}


def _fill_of(element: Any) -> Any:
    return element.find(f"{_P}spPr/{DRAWING}solidFill")
