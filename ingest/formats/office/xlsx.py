"""Read XLSX: the sheets' values as people read them, without what the workbook does not show.

openpyxl reads rows one by one only without their sizes, so that these are read ahead. Rows and columns of a group that
is closed stay: a click shows them, and a sign beside them says so.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice, repeat
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.grid import Repeats
from ingest.formats.inline import Script, as_script
from ingest.formats.office.number_format import shown_number, shown_text
from ingest.formats.office.ooxml import ThemeColours, open_package, whole
from ingest.formats.office.spreadsheet import MAX_COLUMNS, MAX_ROWS, Look, SheetRow, write_sheet
from ingest.formats.parsed import MAX_PAGES, Parsed, sensible_title
from ingest.formats.visibility import PALE, STRUCK, WHITE, Colour, from_hex, hidden_reason

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_THEME = ("lt1", "dk1", "lt2", "dk2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink")
_SCRIPTS: dict[str | None, Script] = {"superscript": "super", "subscript": "sub"}
_NOTHING = "cells whose number format shows nothing"
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})


def read_xlsx(data: bytes) -> Parsed:
    """Return a workbook's visible sheets; formulas are shown as the values that were saved with them."""
    from openpyxl import load_workbook

    workbook = load_workbook(open_package(data, "xl/workbook.xml"), read_only=True, data_only=True, rich_text=True)
    try:
        builder = Builder()
        theme = ThemeColours(workbook.loaded_theme)
        for sheet in [sheet for sheet in workbook.worksheets if hasattr(sheet, "iter_rows")][:MAX_PAGES]:
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            if sheet.sheet_state != "visible":
                shown = (_shown(cell.value) for row in islice(sheet.iter_rows(), 5) for cell in row)
                text = " ".join(filter(None, shown))
                builder.flag_hidden(f'sheet "{sheet.title}", which is hidden,', text)
            else:
                write_sheet(list(_rows(sheet, theme, builder)), sheet.title, builder)
        return builder.build(MEDIA_TYPE, sensible_title(workbook.properties.title))
    finally:
        workbook.close()


def _rows(sheet: Any, theme: ThemeColours, builder: Builder) -> Iterator[SheetRow]:
    """Yield the rows that a sheet shows, and report what it does not once it is read."""
    plan = _read_plan(sheet._get_source())
    merges, visibility = _Merges(plan), _Visibility(plan, theme)
    hidden: dict[str, tuple[str, list[str]]] = {}  # how -> the first cell, and what was hidden
    for number, row in enumerate(_cells(sheet)):
        if number >= MAX_ROWS:
            builder.flag("too_large", f'Only the first {MAX_ROWS:,} rows of sheet "{sheet.title}" were read.')
            break
        values, looks = [""] * len(row), dict[int, Look]()
        for at, cell in enumerate(row):
            if cell.value is None:
                continue
            values[at], looks[at] = _shown(cell.value, cell.number_format or "General"), visibility.look(cell)
            how = visibility.hidden_reason(cell) if values[at] else _NOTHING
            if how:
                hidden.setdefault(how, (cell.coordinate, []))[1].append(values[at] or _shown(cell.value))
                values[at] = ""
            elif isinstance(cell.value, list):
                values[at], struck = map(_one_line, _split_struck(cell))
                if struck:
                    hidden.setdefault(STRUCK, (cell.coordinate, []))[1].append(struck)
        apart = merges.fill(number + 1, values)
        if number + 1 not in plan.rows:  # a hidden row is no blank one
            yield SheetRow(values, looks, apart)
    for how, (first, texts) in hidden.items():
        builder.flag_hidden(f'{how} of sheet "{sheet.title}", from {first} on,', " ".join(texts))


def _cells(sheet: Any) -> Iterator[Sequence[Any]]:
    """Yield a sheet's rows, missing ones included, as `iter_rows` does, but texts kept in their cells as rich ones."""
    from openpyxl.worksheet._reader import WorkSheetParser

    book, expected = sheet.parent, 1
    with sheet._get_source() as source:
        dates = {"epoch": book.epoch, "date_formats": book._date_formats, "timedelta_formats": book._timedelta_formats}
        parser = WorkSheetParser(source, sheet._shared_strings, data_only=True, rich_text=True, **dates)
        for number, row in parser.parse():
            yield from repeat((), max(number - expected, 0))
            if number >= expected:
                yield sheet._get_row(row, 1, MAX_COLUMNS)
            expected = max(expected, number + 1)


def _shown(value: object, number_format: str = "General") -> str:
    """Return a cell's value as people read it: ISO dates, numbers without needless digits, the words of its format."""
    if value is None or isinstance(value, (str, list)):
        text = _one_line("".join(map(str, value or "")))
        return "" if text in _ERRORS else _one_line(shown_text(text, number_format)) if text else ""
    if isinstance(value, bool):
        return shown_text("yes" if value else "no", number_format)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M")
    if isinstance(value, (int, float)):
        return _one_line(shown_number(value, number_format))
    return str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _split_struck(cell: Any) -> tuple[str, str]:
    """Return a rich text without its struck-out runs, and their text; raised digits are written as such."""
    kept = struck = ""
    for run in cell.value:
        text, font = str(run), getattr(run, "font", None)
        if (font or cell.font).strike:
            struck += text
        else:
            kept += as_script(text, _SCRIPTS.get(font.vertAlign, "") if font else "", kept)
    return kept, struck


@dataclass(slots=True)
class SheetPlan:
    """What a sheet says of its rows, columns and merged cells."""

    rows: set[int] = field(default_factory=set)  # that are hidden, as are the columns
    columns: set[int] = field(default_factory=set)
    merges: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)  # by first row: columns, last row
    coloured: bool = False  # by more than its cells: a table's style, a condition or a picture


def _read_plan(source: Any, most: int = 50_000) -> SheetPlan:
    """Read a sheet's plan, with so many of its merged cells at most."""
    plan, number, merged = SheetPlan(), 0, 0
    tags = [f"{{*}}{name}" for name in ("row", "col", "mergeCell", "conditionalFormatting", "tablePart", "picture")]
    iterparse = import_module("lxml.etree").iterparse
    with source:
        for _, element in iterparse(source, tag=tags, resolve_entities=False, no_network=True, huge_tree=True):
            name = element.tag.rpartition("}")[2]
            if name == "row":
                number = whole(element.get("r"), most=2**20) or number + 1
                if _is_hidden(element.attrib, "ht"):
                    plan.rows.add(number)
            elif name == "col" and _is_hidden(element.attrib, "width"):
                first, last = (whole(element.get(side), 1) for side in ("min", "max"))
                plan.columns.update(range(first, min(last, MAX_COLUMNS) + 1))
            elif name == "mergeCell" and (merged := merged + 1) <= most:
                with suppress(ValueError, TypeError):
                    left, top, right, bottom = import_module("openpyxl.utils").range_boundaries(element.get("ref"))
                    plan.merges.setdefault(top, []).append((left, min(right, MAX_COLUMNS), bottom))
            elif name in {"conditionalFormatting", "tablePart", "picture"}:
                plan.coloured = True
            element.clear(keep_tail=False)
    return plan


def _is_hidden(attributes: Mapping[str, str], size: str) -> bool:
    """Say whether a row or column is hidden, or less than half a point or character in size."""
    if attributes.get("outlineLevel", "0") not in {"0", ""}:
        return False
    closed = False
    with suppress(ValueError, KeyError):
        closed = float(attributes[size]) < 0.5
    return closed or attributes.get("hidden") in {"1", "true"}


class _Merges:
    """Says what merged cells say once more in the columns and rows that they cover."""

    def __init__(self, plan: SheetPlan) -> None:
        self._plan = plan
        self._repeats = Repeats()
        self._open: dict[int, tuple[str, int]] = {}  # by column: what is said there, and to which row

    def fill(self, row: int, values: list[str]) -> bool:
        """Write into a row what it shows of merged cells, but say once what stands in it alone, and that it does so."""
        if not self._plan.merges:
            return False
        alone = False
        self._open = {column: said for column, said in self._open.items() if said[1] >= row}
        own = sum(map(bool, values))
        self._repeats.earn(sum(map(len, values)))
        for left, right, bottom in self._plan.merges.get(row, ()):
            text = values[left - 1] if left <= len(values) else ""
            last = left if own == 1 and not self._open else right
            alone |= bool(text) and last < right
            self._open |= dict.fromkeys(range(left, last + 1), (text, bottom)) if text else {}
        if not own or row in self._plan.rows:
            return False
        for column, (text, _) in self._open.items():
            empty = column <= len(values) and not values[column - 1] and column not in self._plan.columns
            if empty and self._repeats.spend(len(text)):
                values[column - 1] = text
        return alone


class _Visibility:
    """Says how cells of one sheet are hidden."""

    def __init__(self, plan: SheetPlan, theme: ThemeColours) -> None:
        self._plan = plan
        self._theme = theme
        self._known: dict[tuple[int, int], str] = {}

    def hidden_reason(self, cell: Any) -> str:
        """Return how a cell's value is hidden, or an empty string."""
        if cell.row in self._plan.rows or cell.column in self._plan.columns:
            return "hidden rows and columns"
        style = cell.style_array
        key = style.fontId, style.fillId
        if key not in self._known:
            font, points = cell.font, cell.font.sz or None
            colours = self._colour(font.color), self._fill(cell.fill)
            self._known[key] = hidden_reason(*colours, points=points, struck=bool(font.strike))
        how = self._known[key]
        if how == STRUCK and isinstance(cell.value, list):
            return ""  # its runs have fonts of their own
        return "" if how == PALE and self._plan.coloured else how

    def look(self, cell: Any) -> Look:
        """Return what sets a cell apart from others, of its type and fill."""
        return Look(bool(cell.font.b), cell.style_array.fillId)

    def _fill(self, fill: Any) -> Colour | None:
        kind = getattr(fill, "fill_type", "gradient")
        if kind in {None, "none"}:
            return WHITE
        return self._colour(fill.fgColor) if kind == "solid" else None

    def _colour(self, colour: Any) -> Colour | None:
        """Return a colour, or None for one that is not said or is made lighter or darker."""
        if colour is None or colour.tint:
            return None
        if colour.type == "theme":
            return self._theme.get(_THEME[colour.theme]) if 0 <= colour.theme < len(_THEME) else None
        if colour.type == "indexed":
            palette = import_module("openpyxl.styles.colors").COLOR_INDEX
            return from_hex(palette[colour.indexed][-6:]) if 0 <= colour.indexed < 64 else None
        return from_hex(str(colour.rgb)[-6:])
