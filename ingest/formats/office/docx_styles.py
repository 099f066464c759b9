"""What Word's styles and lists say of a paragraph and its runs: heading level, type, whether it is seen, its number."""

from __future__ import annotations

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
_NUMERALS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")
_WORTHS = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)


def value(parent: Any, name: str) -> str:
    """Return the `w:val` of a child, or an empty string."""
    child = parent.find(W + name) if parent is not None else None
    return (child.get(f"{W}val") or "") if child is not None else ""


def on(parent: Any, name: str) -> bool:
    """Whether a property that can be on or off is there and on."""
    child = parent.find(W + name) if parent is not None else None
    return child is not None and _is_on(child)


def _is_on(element: Any) -> bool:
    return (element.get(f"{W}val") or "1").lower() not in {"0", "false", "off", "none"}


@dataclass(frozen=True, slots=True)
class RunStyle:
    """What is said of a run so far; no `colour` is the automatic one, which is seen on anything."""

    hidden: bool = False
    struck: bool = False
    crossed: bool = False  # struck out by two lines, which is a property of its own
    script: Script = ""
    half_points: int | None = None
    colour: Colour | None = None
    background: Colour | None = WHITE  # None where it cannot be told

    @property
    def hidden_reason(self) -> str:
        """How text of this style is hidden, or an empty string."""
        points = self.half_points / 2 if self.half_points else None
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
        key = style.runs, style.shadings, character.runs, behind
        if key not in self._usual:
            for shading in style.shadings:
                behind = self.shaded(behind, shading)
            layers = (*self._defaults, *style.runs, *character.runs)
            self._usual[key] = self._layered(RunStyle(background=behind), layers)
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
    return replace(style, shadings=(*style.shadings, properties)) if properties.find(f"{W}shd") is not None else style


# Lists


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list counts; `text` is a pattern such as `%1.%2`."""

    format: str = "bullet"
    text: str = ""
    start: int = 1


class Numbering:
    """The lists of one document, counted as its paragraphs pass: the numbers are nowhere in the text."""

    def __init__(self, root: Any) -> None:
        """Read `numbering.xml`, of which a document may have none."""
        self._abstract: dict[str, dict[int, Level]] = {}
        self._lists: dict[str, str] = {}
        self._overrides: dict[str, dict[int, Level]] = {}
        self._counters: dict[str, dict[int, int]] = {}
        self._begun: set[tuple[str, int]] = set()
        if root is None:
            return
        for abstract in root.iter(f"{W}abstractNum"):
            levels = {whole(level.get(f"{W}ilvl")): _level(level) for level in abstract.iter(f"{W}lvl")}
            self._abstract[abstract.get(f"{W}abstractNumId") or ""] = levels
        for number in root.iter(f"{W}num"):
            key = number.get(f"{W}numId") or ""
            self._lists[key] = value(number, "abstractNumId")
            for override in number.iter(f"{W}lvlOverride"):
                at, redefined = whole(override.get(f"{W}ilvl")), override.find(f"{W}lvl")
                level = self._find(key, at) if redefined is None else _level(redefined)
                start = value(override, "startOverride")
                self._overrides.setdefault(key, {})[at] = replace(level, start=whole(start)) if start else level

    def label(self, list_id: str, depth: int) -> str | None:
        """Count a paragraph and return what stands before it: `-` for a bullet, None for nothing."""
        abstract = self._lists.get(list_id)
        if abstract is None:
            return None
        level, counts = self._find(list_id, depth), self._counters.get(abstract, {})
        counts = {at: count for at, count in counts.items() if at <= depth}
        if depth in self._overrides.get(list_id, {}) and (list_id, depth) not in self._begun:
            counts.pop(depth, None)  # begins anew, though it shares its counters with another list
        self._begun.add((list_id, depth))
        counts[depth] = counts[depth] + 1 if depth in counts else level.start
        self._counters[abstract] = counts
        if level.format == "bullet":
            return "-"
        label = level.text
        for at in range(9):
            other = self._find(list_id, at)
            label = label.replace(f"%{at + 1}", _spelled(counts.get(at, other.start), other.format))
        return label.strip() or None

    def _find(self, list_id: str, depth: int) -> Level:
        levels = self._abstract.get(self._lists.get(list_id, ""), {})
        return self._overrides.get(list_id, {}).get(depth) or levels.get(depth) or Level()


def _level(element: Any) -> Level:
    start = value(element, "start")
    return Level(value(element, "numFmt") or "bullet", value(element, "lvlText"), whole(start) if start else 1)


def _spelled(number: int, style: str) -> str:
    if style in {"lowerLetter", "upperLetter"} and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 4)
        return letter.upper() if style == "upperLetter" else letter
    if style in {"lowerRoman", "upperRoman"} and 0 < number < 4000:
        return _roman(number).upper() if style == "upperRoman" else _roman(number)
    return f"{number:02}" if style == "decimalZero" else str(number)


def _roman(number: int) -> str:
    out = ""
    for numeral, worth in zip(_NUMERALS, _WORTHS, strict=True):
        out += numeral * (number // worth)
        number %= worth
    return out
