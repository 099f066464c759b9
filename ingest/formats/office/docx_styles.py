"""What Word's styles and lists say of a paragraph: heading level, type, and the number shown before it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ingest.formats.office.docx_visibility import W, on, value
from ingest.formats.office.settings import LIMITS


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph's or run's setting, ancestors included."""

    level: int = 0  # of a heading; 0 is none
    title: bool = False
    contents: bool = False  # a line of the table of contents
    list_id: str = ""
    list_name: str = ""  # "list bullet" or "list number", where the style has no list of its own
    depth: int = 0
    emphasis: bool = False
    runs: tuple[Any, ...] = ()  # run properties, the strongest last
    shadings: tuple[Any, ...] = ()  # paragraph properties that shade
    colours_cells: bool = False  # a table's


class Styles:
    """The styles of one document."""

    def __init__(self, root: Any) -> None:
        self._elements = {style.get(f"{W}styleId"): style for style in root.iter(f"{W}style")}
        self._known: dict[str, Style] = {}
        self.defaults = tuple(root.iterfind(f"{W}docDefaults/{W}rPrDefault/{W}rPr"))
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

    def _named(self, name: str) -> Style:
        if name not in self._known:
            chain: list[Any] = []
            at = self._elements.get(name)
            while at is not None and len(chain) < LIMITS.max_ancestors:
                chain.append(at)
                at = self._elements.get(value(at, "basedOn"))
            style = Style()
            for element in reversed(chain):
                style = _extended(style, element)
            self._known[name] = style
        return self._known[name]


def _extended(style: Style, element: Any) -> Style:
    """Return a style with what another one based on it adds."""
    name = value(element, "name").lower()
    if match := re.fullmatch(r"heading ([1-9])", name):
        style = replace(style, level=int(match[1]))
    elif name == "title":
        style = replace(style, level=1, title=True)
    elif match := re.fullmatch(r"(list bullet|list number)(?: (\d))?", name):
        style = replace(style, list_name=match[1], depth=int(match[2] or 1) - 1)
    style = replace(style, contents=bool(re.match(r"toc (?:\d|heading)|table of figures", name)))
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
        removed = numbered == "0"
        style = replace(style, list_id="" if removed else numbered, list_name="" if removed else style.list_name)
    if level := value(properties.find(f"{W}numPr"), "ilvl"):
        style = replace(style, depth=min(_int(level), LIMITS.max_depth))
    if outline := value(properties, "outlineLvl"):
        style = replace(style, level=_int(outline) + 1 if _int(outline) < 9 else 0)
    return replace(style, shadings=(*style.shadings, properties)) if properties.find(f"{W}shd") is not None else style


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
        self._counters: dict[str, list[int]] = {}
        self._begun: set[tuple[str, int]] = set()
        if root is None:
            return
        for abstract in root.iter(f"{W}abstractNum"):
            levels = {_int(level.get(f"{W}ilvl")): _level(level) for level in abstract.iter(f"{W}lvl")}
            self._abstract[abstract.get(f"{W}abstractNumId") or ""] = levels
        for number in root.iter(f"{W}num"):
            key = number.get(f"{W}numId") or ""
            self._lists[key] = value(number, "abstractNumId")
            for override in number.iter(f"{W}lvlOverride"):
                at, redefined = _int(override.get(f"{W}ilvl")), override.find(f"{W}lvl")
                level = self._find(key, at) if redefined is None else _level(redefined)
                start = value(override, "startOverride")
                self._overrides.setdefault(key, {})[at] = replace(level, start=_int(start)) if start else level

    def label(self, list_id: str, depth: int) -> str | None:
        """Count a paragraph and return what stands before it: `-` for a bullet, None for nothing."""
        abstract = self._lists.get(list_id)
        if abstract is None:
            return None
        level, counters = self._find(list_id, depth), self._counters.setdefault(abstract, [0] * (LIMITS.max_depth + 1))
        if depth in self._overrides.get(list_id, {}) and (list_id, depth) not in self._begun:
            counters[depth] = 0  # begins anew, though it shares its counters with another list
        self._begun.add((list_id, depth))
        counters[depth] = min(counters[depth] + 1, LIMITS.max_value) if counters[depth] else level.start
        counters[depth + 1 :] = [0] * (LIMITS.max_depth - depth)
        if level.format == "bullet":
            return "-"

        def shown(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            other = self._find(list_id, at)
            return _spelled(counters[at] or other.start, other.format)

        return re.sub(r"%([1-9])", shown, level.text).strip() or None

    def _find(self, list_id: str, depth: int) -> Level:
        levels = self._abstract.get(self._lists.get(list_id, ""), {})
        return self._overrides.get(list_id, {}).get(depth) or levels.get(depth) or Level()


def _level(element: Any) -> Level:
    start = value(element, "start")
    return Level(value(element, "numFmt") or "bullet", value(element, "lvlText"), _int(start) if start else 1)


def _int(text: str | None) -> int:
    """Return a number from an attribute, within bounds."""
    return min(int(text), LIMITS.max_value) if text and re.fullmatch(r"[0-9]{1,6}", text) else 0


def _spelled(number: int, style: str) -> str:
    if style in {"lowerLetter", "upperLetter"} and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 4)
        return letter.upper() if style == "upperLetter" else letter
    if style in {"lowerRoman", "upperRoman"} and 0 < number < 4000:
        return _roman(number).upper() if style == "upperRoman" else _roman(number)
    return f"{number:02}" if style == "decimalZero" else str(number)


def _roman(number: int) -> str:
    out = ""
    for worth, numeral in zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), _NUMERALS, strict=True):
        out += numeral * (number // worth)
        number %= worth
    return out


_NUMERALS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")
