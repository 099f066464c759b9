"""What a workbook does not show: hidden rows and columns, and cells by their font, fill and number format.

openpyxl reads rows one by one only without their sizes, so that these are read ahead. Rows and columns of a group that
is closed stay: a click shows them, and a sign beside them says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ingest.formats.grid import Repeats
from ingest.formats.inline import Script, as_script
from ingest.formats.office.ooxml import ThemeColours
from ingest.formats.office.settings import LIMITS
from ingest.formats.visibility import BLACK, PALE, STRUCK, WHITE, Colour, from_hex, hidden_reason

_THEME = ("lt1", "dk1", "lt2", "dk2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink")
_SCRIPTS: dict[str | None, Script] = {"superscript": "super", "subscript": "sub"}
_AREA = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_BLANK = re.compile(r'""|_.|\*.|\[[^\]]*\]|\s')
_LITERAL = re.compile(r'"[^"]*"|\\.')

Area = tuple[int, int, int, int]  # first column and row, last column and row


class SheetPlan:
    """An lxml parser target that gathers which rows and columns of a sheet are hidden, and what areas are coloured."""

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self.columns: set[int] = set()
        self.areas: list[Area] = []
        self.merges: dict[int, list[tuple[int, int, int]]] = {}  # by first row: first and last column, last row
        self.pictured = False  # has a picture as its background
        self._row = self._merged = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        name = tag.rpartition("}")[2]
        if name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if re.fullmatch(r"[0-9]{1,9}", number) else self._row + 1
            if _is_hidden(attributes, "ht"):
                self.rows.add(self._row)
        elif name == "col" and _is_hidden(attributes, "width"):
            first, last = (_number(attributes.get(side)) for side in ("min", "max"))
            self.columns.update(range(first, min(last, LIMITS.max_columns) + 1))
        elif name == "conditionalFormatting":
            self.areas += areas(attributes.get("sqref", ""))
        elif name == "mergeCell" and self._merged < LIMITS.max_merges:
            self._merged += 1
            for left, top, right, bottom in areas(attributes.get("ref", ""))[:1]:
                self.merges.setdefault(top, []).append((left, min(right, LIMITS.max_columns), bottom))
        elif name == "picture":
            self.pictured = True

    def end(self, tag: str) -> None:
        """Take the end of an element."""

    def close(self) -> None:
        """End the sheet."""


def read_plan(source: Any) -> SheetPlan:
    """Read the plan of a sheet from its part."""
    plan = SheetPlan()
    parser = import_module("lxml.etree").XMLParser(target=plan, resolve_entities=False, no_network=True, huge_tree=True)
    with source:
        while chunk := source.read(LIMITS.chunk):
            parser.feed(chunk)
    parser.close()
    return plan


def areas(references: str) -> list[Area]:
    """Return the areas that a list of references such as `A1:B9 D4` names."""
    return [
        (_column(first), int(top), _column(last or first), int(bottom or top))
        for first, top, last, bottom in _AREA.findall(references)
    ]


class Merges:
    """Says what merged cells say once more in the columns and rows that they cover."""

    def __init__(self, plan: SheetPlan) -> None:
        self._plan = plan
        self._repeats = Repeats()
        self._open: dict[int, tuple[str, int]] = {}  # by column: what is said there, and to which row

    def fill(self, row: int, values: list[str]) -> None:
        """Write into a row what it shows of merged cells; one that stands in it alone is a title, and said once."""
        if not self._plan.merges:
            return
        self._open = {column: said for column, said in self._open.items() if said[1] >= row}
        own = sum(map(bool, values))
        self._repeats.earn(sum(map(len, values)))
        for left, right, bottom in self._plan.merges.get(row, ()):
            text = values[left - 1] if left <= len(values) else ""
            last = left if own == 1 and not self._open else right
            self._open |= dict.fromkeys(range(left, last + 1), (text, bottom)) if text else {}
        if not own or row in self._plan.rows:
            return
        for column, (text, _) in self._open.items():
            empty = column <= len(values) and not values[column - 1] and column not in self._plan.columns
            if empty and self._repeats.spend(len(text)):
                values[column - 1] = text


class SheetVisibility:
    """Says how cells of one sheet are hidden."""

    def __init__(self, plan: SheetPlan, theme: ThemeColours, tables: list[Area]) -> None:
        self._plan = plan
        self._theme = theme
        self._areas = [*plan.areas, *tables]
        self._known: dict[tuple[int, int], str] = {}

    def hidden_reason(self, cell: Any) -> str:
        """Return how a cell's value is hidden, or an empty string."""
        if cell.row in self._plan.rows or cell.column in self._plan.columns:
            return "hidden rows and columns"
        if not shows(cell.number_format or "General", cell.value):
            return "cells whose number format shows nothing"
        style = cell.style_array
        key = style.fontId, style.fillId
        if key not in self._known:
            self._known[key] = self._judged(cell)
        how = self._known[key]
        if how == STRUCK and isinstance(cell.value, list):
            return ""  # its runs have fonts of their own
        return "" if how == PALE and self._may_be_coloured(cell) else how

    def _judged(self, cell: Any) -> str:
        font = cell.font
        return hidden_reason(
            self._colour(font.color), self._fill(cell), points=font.sz or None, struck=bool(font.strike)
        )

    def _may_be_coloured(self, cell: Any) -> bool:
        """Whether something else than its fill may colour a cell: a table's style, a condition or a picture."""
        if self._plan.pictured or len(self._areas) > LIMITS.max_areas:
            return True
        column, row = cell.column, cell.row
        return any(left <= column <= right and top <= row <= bottom for left, top, right, bottom in self._areas)

    def _fill(self, cell: Any) -> Colour | None:
        fill = cell.fill
        kind = getattr(fill, "fill_type", "gradient")
        if kind in {None, "none"}:
            return WHITE
        return self._colour(fill.fgColor) if kind == "solid" else None

    def _colour(self, colour: Any) -> Colour | None:
        if colour is None:
            return None
        if colour.type == "theme":
            found = self._theme.get(_THEME[colour.theme]) if 0 <= colour.theme < len(_THEME) else None
        elif colour.type == "indexed":
            palette = import_module("openpyxl.styles.colors").COLOR_INDEX
            found = from_hex(palette[colour.indexed][-6:]) if 0 <= colour.indexed < 64 else None
        else:
            found = from_hex(str(colour.rgb)[-6:])
        tint = colour.tint or 0.0
        return found and found.mixed(WHITE if tint > 0 else BLACK, max(0.0, 1 - abs(tint)))


def split_struck(cell: Any) -> tuple[str, str]:
    """Return a rich text without its struck-out runs, and their text; raised digits are written as such."""
    kept = struck = ""
    for run in cell.value:
        text, font = str(run), getattr(run, "font", None)
        if (font or cell.font).strike:
            struck += text
        else:
            kept += as_script(text, _SCRIPTS.get(font.vertAlign, "") if font else "", kept)
    return kept, struck


def shows(number_format: str, value: object) -> bool:
    """Say whether a number format shows a value: `;;;` shows none. One with conditions is taken to show all."""
    sections = _LITERAL.sub(lambda match: '""' if match[0] == '""' else "x", number_format).split(";")
    if len(sections) == 1 or re.search(r"\[[<>=]", number_format):
        return True
    if isinstance(value, (str, bool, list)):
        at = 3 if len(sections) > 3 else None
    else:
        number = value if isinstance(value, (int, float)) else 1
        at = 0 if number > 0 or (number == 0 and len(sections) < 3) else 1 if number < 0 else 2
    return at is None or _BLANK.sub("", sections[at]) != ""


def _is_hidden(attributes: Mapping[str, str], size: str) -> bool:
    if attributes.get("outlineLevel", "0") not in {"0", ""}:
        return False
    given = re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,20})?", attributes.get(size, ""))
    return attributes.get("hidden") in {"1", "true"} or (given is not None and float(given[0]) < LIMITS.flat)


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else 1


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
