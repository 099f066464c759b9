"""Count Word's lists: the numbers before their paragraphs are nowhere in the text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ingest.formats.office.docx_styles import W, value
from ingest.formats.office.ooxml import whole

_NUMERALS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")
_WORTHS = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list counts; `text` is a pattern such as `%1.%2`."""

    format: str = "bullet"
    text: str = ""
    start: int = 1


class Numbering:
    """The lists of one document, counted as its paragraphs pass."""

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
