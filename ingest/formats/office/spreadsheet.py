"""Read XLSX and CSV: a glossary as terms with definitions, any other table as a line of `header: value` a row."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import Any

from ingest.clean import scrub
from ingest.formats.builder import Builder
from ingest.formats.inline import Inline
from ingest.formats.office.ooxml import ThemeColours, open_package
from ingest.formats.office.settings import LIMITS
from ingest.formats.office.sheet_tables import Row, SheetTable, grouped, tables
from ingest.formats.office.xlsx_visibility import (
    Area,
    Merges,
    SheetPlan,
    SheetVisibility,
    areas,
    read_plan,
    split_struck,
)
from ingest.formats.parsed import MAX_PAGES, Parsed, reject, sensible_title
from ingest.formats.text.decode import decode
from ingest.formats.text.front_matter import split_front_matter, title_of
from ingest.formats.visibility import STRUCK

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv"
_DELIMITERS = ",;\t|"

_WORD = r"(?:terms?|acronyms?|abbreviations?|initialisms?|names?|words?|phrases?)"
_TERM = re.compile(rf"(?:defined |key |business )?{_WORD}(?:\s*(?:/|or|and|&)\s*{_WORD})*$", re.IGNORECASE)
# The best first: where a table has both, an acronym's expansion is another name and not what it means.
_DEFINITIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r".*\bdefinitions?\b",
        r".*\bmeanings?\b",
        r".*\bdescriptions?\b",
        r".*\bexplanations?\b",
        r".*\bexpansions?\b|stands for|(?:spelled|written) out|full (?:form|name|term)|long form",
    )
)
_ALIASES = re.compile(
    r"alias(?:es)?|synonyms?|also (?:known as|called)|a\.?k\.?a\.?|other names?|variants?|acronyms?|abbreviations?"
    r"|short (?:form|name)|expansions?|stands for|full (?:form|name|term)|long form",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"""\bref=["']([^"']{1,40})["']""")  # of a table
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})


def read_xlsx(data: bytes) -> Parsed:
    """Return a workbook's visible sheets; formulas are shown as the values that were saved with them."""
    from openpyxl import load_workbook

    workbook = load_workbook(open_package(data, "xl/workbook.xml"), read_only=True, data_only=True, rich_text=True)
    try:
        builder = Builder()
        sheets = [sheet for sheet in workbook.worksheets if hasattr(sheet, "iter_rows")][:MAX_PAGES]
        theme, tables = ThemeColours(workbook.loaded_theme), _table_areas(workbook)
        for sheet in sheets:
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            plan = read_plan(sheet._get_source())
            rows = _sheet_rows(sheet, plan, SheetVisibility(plan, theme, tables), builder)
            if sheet.sheet_state != "visible":
                shown = (_shown(cell.value, "") for row in islice(sheet.iter_rows(), 5) for cell in row)
                text = " ".join(filter(None, shown))
                builder.flag_hidden(f'sheet "{sheet.title}", which is hidden,', text)
                continue
            _write_sheet(list(rows), sheet.title, builder)
        return builder.build(XLSX_TYPE, sensible_title(workbook.properties.title))
    finally:
        workbook.close()


def read_csv(data: bytes) -> Parsed:
    """Return a CSV file's rows; the delimiter is the one that gives the most even table."""
    builder = Builder()
    text, removed = scrub(decode(data, builder))
    builder.count(removed)
    front, text = split_front_matter(text)
    first, _, rest = text.partition("\n")
    declared = re.fullmatch(r"sep=(.)", first.strip())
    if declared:
        text = rest
    limit = csv.field_size_limit(LIMITS.max_field)  # of the whole process, so it is put back
    try:
        delimiter = declared[1] if declared else _delimiter(text)
        rows: list[list[str]] = []
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if len(rows) >= LIMITS.max_rows:
                builder.flag("too_large", f"Only the first {LIMITS.max_rows:,} rows were read.")
                break
            rows.append([" ".join(value.split()) for value in row[: LIMITS.max_columns]])
    except csv.Error as error:
        large = "field limit" in str(error)
        raise reject("too_large" if large else "damaged", f"The CSV file cannot be read: {error}.") from None
    finally:
        csv.field_size_limit(limit)
    _write_sheet(rows, "", builder)
    return builder.build(CSV_TYPE, title_of(front), front)


def _delimiter(text: str) -> str:
    """Return the delimiter for which most of the first rows have the same number of columns, more than one."""
    sample = "\n".join(text[:65_536].split("\n")[: LIMITS.sample_rows * 2])
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            rows = islice(csv.reader(io.StringIO(sample), delimiter=delimiter), LIMITS.sample_rows)
            widths = [len(row) for row in rows if row]
        except csv.Error:
            continue
        width, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        score = count / len(widths) + min(width, 50) / 1000 if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _table_areas(workbook: Any) -> list[Area]:
    """Return where a workbook's tables lie, on whichever sheet: their styles colour cells that say nothing of it."""
    archive = workbook._archive
    names = [name for name in archive.namelist() if re.fullmatch(r"xl/tables/[^/]+\.xml", name)]
    heads = (archive.open(name).read(4096).decode("utf-8", "replace") for name in names[:MAX_PAGES])
    return [area for head in heads for found in _REFERENCE.findall(head)[:1] for area in areas(found)]


def _sheet_rows(sheet: Any, plan: SheetPlan, visibility: SheetVisibility, builder: Builder) -> Iterator[list[str]]:
    """Yield what a sheet shows, and report what it does not once it is read."""
    merges = Merges(plan)
    hidden: dict[str, tuple[str, list[str]]] = {}  # how -> the first cell, and what was hidden
    for number, row in enumerate(_cells(sheet)):
        if number >= LIMITS.max_rows:
            builder.flag("too_large", f'Only the first {LIMITS.max_rows:,} rows of sheet "{sheet.title}" were read.')
            break
        values = [_shown(cell.value, cell.number_format or "") for cell in row]
        for at, cell in enumerate(row):
            if values[at] and (how := visibility.hidden_reason(cell)):
                hidden.setdefault(how, (cell.coordinate, []))[1].append(values[at])
                values[at] = ""
            elif isinstance(cell.value, list):
                values[at], struck = map(_one_line, split_struck(cell))
                if struck:
                    hidden.setdefault(STRUCK, (cell.coordinate, []))[1].append(struck)
        merges.fill(number + 1, values)
        yield values
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
                yield sheet._get_row(row, 1, LIMITS.max_columns)
            expected = max(expected, number + 1)


def _shown(value: object, number_format: str) -> str:
    """Return a cell's value as people read it: ISO dates, numbers without needless digits, percentages as such."""
    if value is None or isinstance(value, (str, list)):
        text = _one_line("".join(map(str, value or "")))
        return "" if text in _ERRORS else text
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M")
    if isinstance(value, (int, float)):
        if "%" in number_format:
            return _number(value * 100) + "%"
        return _number(value)
    return str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _number(value: float) -> str:
    if isinstance(value, int) or (value == value and abs(value) < 1e15 and value == int(value)):
        return str(int(value))
    return f"{round(value, 10):.12g}" if abs(value) >= 1e-4 else f"{value:.6g}"


def _write_sheet(rows: list[list[str]], name: str, builder: Builder) -> None:
    """Write a sheet's tables: what stands above a header as paragraphs, then a line a row."""
    found = list(tables(rows))
    if found and name and not re.fullmatch(r"(?:sheet|tabelle|feuil|hoja|foglio|blad)\s?\d*", name, re.IGNORECASE):
        builder.heading(2, Inline(name))
    for table in found:
        _write_table(table, builder)


def _write_table(table: SheetTable, builder: Builder) -> None:
    for line in table.above:
        builder.paragraph(Inline(line))
    columns = _Columns.of(table.header)
    for group, row in grouped(table) if columns is None else (("", row) for row in table.rows):
        said = "; ".join(filter(None, (group, _record(table.header, row))))
        builder.item("-", (columns.entry(row) if columns else None) or Inline(said))
    if not table.rows:
        builder.paragraph(Inline("; ".join(filter(None, table.header))))
    builder.end_list()
    for line in table.below:
        builder.paragraph(Inline(line))


def _record(header: Row, row: Row) -> str:
    """Return `Header1: value1; Header2: value2`, empty cells left out."""
    named = ((header[at] if at < len(header) else "", value) for at, value in enumerate(row) if value)
    return "; ".join(f"{name.rstrip(':')}: {value}" if name else value for name, value in named)


class _Columns:
    """Which columns of a glossary hold what."""

    def __init__(self, header: Row, term: int, definition: int, aliases: Iterable[int]) -> None:
        self._header, self._term, self._definition, self._aliases = header, term, definition, tuple(aliases)

    @classmethod
    def of(cls, header: Row) -> _Columns | None:
        """Return the columns of a glossary's header, or None where the table is another one."""
        names = [name.strip(" :*").lower() for name in header]
        term = next((at for at, name in enumerate(names) if _TERM.match(name)), None)
        ranked = (at for pattern in _DEFINITIONS for at, name in enumerate(names) if at != term and pattern.match(name))
        definition = next(ranked, None)
        if term is None or definition is None:
            return None
        aliases = (at for at, name in enumerate(names) if at not in {term, definition} and _ALIASES.fullmatch(name))
        return cls(header, term, definition, aliases)

    def entry(self, row: Row) -> Inline | None:
        """Return `TERM (also: A; B): DEFINITION Owner: X.`, or None for a row without a term."""
        cells = [*row, *[""] * (len(self._header) - len(row))]
        if not cells[self._term]:
            return None
        inline = Inline(cells[self._term], emphasis=True)
        aliases = [alias.strip() for at in self._aliases for alias in re.split(r"[;,|]", cells[at]) if alias.strip()]
        if aliases:
            inline.add(f" (also: {'; '.join(aliases)})")
        definition = cells[self._definition]
        used = {self._term, self._definition, *self._aliases}
        rest = _record(self._header, ["" if at in used else cell for at, cell in enumerate(cells)])
        if definition or rest:
            inline.add(": ")
        if definition:
            inline.add(definition)
            if rest:
                inline.add(" " if definition[-1] in ".!?" else ". ")
        if rest:
            inline.add(rest if rest[-1] in ".!?" else rest + ".")
        return inline
