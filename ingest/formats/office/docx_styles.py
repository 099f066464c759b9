"""What Word's styles say of a paragraph and its runs: heading level, type, whether it is seen, which list it is in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ingest.formats.inline import Script
from ingest.formats.office.ooxml import ThemeColours, whole
from ingest.formats.visibility import CLEAR, WHITE, Colour, from_hex, hidden_reason

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_SWITCHES = dict.fromkeys(("vanish", "specVanish", "webHidden"), "hidden") | {"strike": "struck", "dstrike": "crossed"}
_SCRIPTS: dict[str, Script] = {"superscript": "super", "subscript": "sub"}
_THEME = {
    **{"background1": "bg1", "background2": "bg2", "text1": "tx1", "text2": "tx2"},
    **{"dark1": "dk1", "dark2": "dk2", "light1": "lt1", "light2": "lt2"},
}
_CHANGES = ("themeTint", "themeShade", "themeFillTint", "themeFillShade")


def value(parent: Any, name: str) -> str:
    """Return the `w:val` of a child, or an empty string."""
    child = parent.find(W + name) if parent is not None else None
    return (child.get(f"{W}val") or "") if child is not None else ""


def on(parent: Any, name: str) -> bool:
    """Whether a property that can be on or off is there and on."""
    child = parent.find(W + name) if parent is not None else None
    return child is not None and _is_on(child)


def exact(element: Any, size: str, rule: str) -> float | None:
    """Return a height in points that cuts off what is higher, or None for one that grows."""
    return whole(element.get(W + size)) / 20 or None if element.get(W + rule) == "exact" else None


def _is_on(element: Any) -> bool:
    return (element.get(f"{W}val") or "1").lower() not in {"0", "false", "off", "none"}


@dataclass(frozen=True, slots=True)
class RunStyle:
    """What is said of a run so far; no `colour` is the automatic one, which is seen on anything."""

    hidden: bool = False
    struck: bool = False
    crossed: bool = False  # struck out by two lines, which is a property of its own
    script: Script = ""
    half_points: int = 20  # Word's usual type
    width: int = 100  # of a character, in percent of what is usual
    line: float | None = None  # its height in points, where that is fixed
    colour: Colour | None = None
    background: Colour | None = WHITE  # None where it cannot be told

    @property
    def hidden_reason(self) -> str:
        """How text of this style is hidden, or an empty string."""
        points = min(self.half_points / 2 * self.width / 100, self.line or math.inf)
        struck = self.struck or self.crossed
        return hidden_reason(self.colour, self.background, hidden=self.hidden, points=points, struck=struck)


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph's or run's setting, ancestors included."""

    level: int = 0  # of a heading; 0 is none
    title: bool = False
    contents: bool = False  # a line of the table of contents
    list_id: str = ""
    depth: int = 0
    emphasis: bool = False
    runs: tuple[Any, ...] = ()  # run properties, the strongest last
    shadings: tuple[Any, ...] = ()  # paragraph properties that shade
    line: float | None = None  # as for a run
    colours_cells: bool = False  # a table's


class Styles:
    """The styles of one document, in the colours of its theme."""

    def __init__(self, root: Any, theme: ThemeColours) -> None:
        self._theme = theme
        self._elements = {style.get(f"{W}styleId"): style for style in root.iter(f"{W}style")}
        self._known: dict[str, Style] = {}
        self._usual: dict[tuple[object, ...], RunStyle] = {}
        self._defaults = tuple(root.iterfind(f"{W}docDefaults/{W}rPrDefault/{W}rPr"))
        usual = self._named(next(filter(self._is_usual, self._elements), ""))
        self._plain = Style(runs=usual.runs, shadings=usual.shadings)

    def _is_usual(self, name: str) -> bool:
        style = self._elements[name]
        return style.get(f"{W}default") in {"1", "true"} and style.get(f"{W}type") == "paragraph"

    def paragraph(self, properties: Any) -> Style:
        """Return what a paragraph's style and its own properties say together."""
        named = value(properties, "pStyle")
        style = self._named(named) if named else self._plain
        return style if properties is None else _applied(style, properties)

    def character(self, properties: Any) -> Style:
        """Return what a run's character style says."""
        return self._named(value(properties, "rStyle"))

    def table(self, properties: Any) -> Style:
        """Return what a table's style says."""
        return self._named(value(properties, "tblStyle"))

    def run(self, properties: Any, style: Style, character: Style, behind: Colour | None) -> RunStyle:
        """Return what a run's own properties, its character style and its paragraph's say together."""
        key = style.runs, style.shadings, style.line, character.runs, behind
        if key not in self._usual:
            for shading in style.shadings:
                behind = self.shaded(behind, shading)
            layers = (*self._defaults, *style.runs, *character.runs)
            self._usual[key] = self._layered(RunStyle(background=behind, line=style.line), layers)
        usual = self._usual[key]
        return usual if properties is None else self._layered(usual, (properties,))

    def shaded(self, background: Colour | None, properties: Any) -> Colour | None:
        """Return what text stands on where a paragraph's, a cell's or a run's properties may shade it."""
        shading = properties.find(f"{W}shd") if properties is not None else None
        return background if shading is None else self._shading(background, shading)

    def _shading(self, background: Colour | None, shading: Any) -> Colour | None:
        pattern, fill = shading.get(f"{W}val") or "clear", shading.get(f"{W}fill") or "auto"
        found = self._colour(shading, "fill", "themeFill")
        if pattern == "nil" or (pattern == "clear" and found is None and fill.lower() == "auto"):
            return background
        return found if pattern == "clear" else None

    def _named(self, name: str, most: int = 20) -> Style:
        """Return a style with its ancestors, of which a damaged file may make a circle."""
        if name not in self._known:
            chain: list[Any] = []
            at = self._elements.get(name)
            while at is not None and len(chain) < most:
                chain.append(at)
                at = self._elements.get(value(at, "basedOn"))
            style = Style()
            for element in reversed(chain):
                style = _extended(style, element)
            self._known[name] = style
        return self._known[name]

    def _layered(self, style: RunStyle, layers: Iterable[Any]) -> RunStyle:
        """Return a style with what run properties say, the strongest last."""
        for properties in layers:
            for child in properties:
                style = self._changed(style, child, str(child.tag).removeprefix(W), child.get(f"{W}val") or "")
        return style

    def _changed(self, style: RunStyle, child: Any, name: str, said: str) -> RunStyle:
        if name in _SWITCHES:
            return replace(style, **{_SWITCHES[name]: _is_on(child)})  # type: ignore[arg-type]
        if name == "vertAlign":
            return replace(style, script=_SCRIPTS.get(said, ""))
        if name == "sz":
            return replace(style, half_points=whole(said) or style.half_points)
        if name == "w":
            return replace(style, width=whole(said, 1))
        if name == "color":
            return replace(style, colour=self._colour(child, "val", "themeColor"))
        if name == f"{_W14}textFill":
            clear = child.find(f"{_W14}noFill") is not None
            return replace(style, colour=CLEAR if clear else self._theme.of_fill(child.find(f"{_W14}solidFill"), _W14))
        if name == "shd":
            return replace(style, background=self._shading(style.background, child))
        if name == "highlight" and said != "none":
            return replace(style, background=self._theme.get(said))  # black and white; on others, any text is seen
        return style

    def _colour(self, element: Any, plain: str, theme: str) -> Colour | None:
        """Return the colour of the theme, which Word prefers, or of `w:val` or `w:fill`; None for the automatic one.

        Where the theme's is made lighter or darker, the other one says what comes of that.
        """
        name = element.get(W + theme) or ""
        changed = any(element.get(W + change) for change in _CHANGES)
        found = None if changed else self._theme.get(_THEME.get(name, name))
        return found or from_hex(element.get(W + plain) or "")


def _extended(style: Style, element: Any) -> Style:
    """Return a style with what another one based on it adds."""
    name = value(element, "name").lower()
    kind, _, number = name.rpartition(" ")
    if kind == "heading" and whole(number):
        style = replace(style, level=whole(number))
    elif name == "title":
        style = replace(style, level=1, title=True)
    elif kind in {"list bullet", "list number"}:
        style = replace(style, depth=whole(number, 1) - 1)
    style = replace(style, contents=kind == "toc" or name == "table of figures")
    properties, run = element.find(f"{W}pPr"), element.find(f"{W}rPr")
    if properties is not None:
        style = _applied(style, properties)
    if run is not None:
        emphasis = style.emphasis or on(run, "b") or on(run, "i")
        style = replace(style, emphasis=emphasis, runs=(*style.runs, run))
    cells = (child for child in element if child.tag in {f"{W}tblPr", f"{W}tcPr", f"{W}tblStylePr"})
    shaded = any(True for part in cells for _ in part.iter(f"{W}shd"))
    return replace(style, colours_cells=True) if shaded else style


def _applied(style: Style, properties: Any) -> Style:
    """Return a style with a paragraph's own list, outline level and shading."""
    if numbered := value(properties.find(f"{W}numPr"), "numId"):
        style = replace(style, list_id="" if numbered == "0" else numbered)
    if level := value(properties.find(f"{W}numPr"), "ilvl"):
        style = replace(style, depth=whole(level, most=8))
    if outline := value(properties, "outlineLvl"):
        style = replace(style, level=whole(outline) + 1 if whole(outline) < 9 else 0)
    if (spacing := properties.find(f"{W}spacing")) is not None and spacing.get(f"{W}line"):
        style = replace(style, line=exact(spacing, "line", "lineRule"))
    return replace(style, shadings=(*style.shadings, properties)) if properties.find(f"{W}shd") is not None else style
