"""Read CSV, and write the tables of sheets: a glossary as terms with definitions, others as a line of `header: value`.

A sheet holds tables one below the other, labels between rows, and notes below them.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice, takewhile, zip_longest
from typing import NamedTuple

from ingest.clean import scrub
from ingest.formats.builder import Builder
from ingest.formats.grid import names_columns
from ingest.formats.inline import Inline
from ingest.formats.parsed import Parsed, reject
from ingest.formats.text.source import open_source
from ingest.terms import SPELLED, glossary_columns

MEDIA_TYPE = "text/csv"
MAX_ROWS, MAX_COLUMNS = 200_000, 500  # of a sheet
_MAX_LABEL = 80  # characters of a cell that names the rows below it
_UNNAMED = frozenset({"", "sheet", "tabelle", "feuil", "hoja", "foglio", "blad"})  # but for their numbers
# What a glossary's columns of other names are called, in the singular.
_ALIASES = SPELLED | frozenset(
    {"alias", "aliases", "synonym", "also known as", "also called", "aka", "a.k.a.", "other name", "variant"}
    | {"acronym", "abbreviation", "short form", "short name", "expansion"}
)

Row = Sequence[str]


class Look(NamedTuple):
    """What sets a cell apart from others: its type, and which fill it has."""

    bold: bool = False
    fill: int = 0


_PLAIN = Look()


class SheetRow(list[str]):
    """A row's cells with their looks, of which a CSV has none; `apart` says that it is spread out or follows a gap."""

    def __init__(self, cells: Iterable[str], looks: Mapping[int, Look] | None = None, apart: bool = False) -> None:
        super().__init__(cells)
        self._looks = looks or {}
        self.apart = apart

    def look(self, column: int) -> Look:
        """Return a cell's look; an empty one has none."""
        return self._looks.get(column, _PLAIN)


def read_csv(data: bytes) -> Parsed:
    """Return a CSV file's rows; the delimiter is the one that gives the most even table."""
    builder = Builder()
    text = open_source(data, builder, clean=scrub)
    first, _, rest = text.partition("\n")
    declared = first.strip().removeprefix("sep=") if first.startswith("sep=") else ""
    if len(declared) == 1:
        text = rest
    limit = csv.field_size_limit(2**20)  # characters of a field; of the whole process, so it is put back
    try:
        delimiter = declared if len(declared) == 1 else _delimiter(text)
        rows: list[SheetRow] = []
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if len(rows) >= MAX_ROWS:
                builder.flag("too_large", f"Only the first {MAX_ROWS:,} rows were read.")
                break
            rows.append(SheetRow(" ".join(value.split()) for value in row[:MAX_COLUMNS]))
    except csv.Error as error:
        large = "field limit" in str(error)
        raise reject("too_large" if large else "damaged", f"The CSV file cannot be read: {error}.") from None
    finally:
        csv.field_size_limit(limit)
    write_sheet(rows, "", builder)
    return builder.build(MEDIA_TYPE)


def _delimiter(text: str, most: int = 50) -> str:
    """Return the delimiter for which most of the first rows have the same number of columns, more than one."""
    sample = "\n".join(text[:65_536].split("\n")[: 2 * most])
    best, best_score = ",", 0.0
    for delimiter in ",;\t|":
        try:
            rows = islice(csv.reader(io.StringIO(sample), delimiter=delimiter), most)
            widths = [len(row) for row in rows if row]
        except csv.Error:
            continue
        width, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        score = count / len(widths) + min(width, 50) / 1000 if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def write_sheet(rows: Sequence[SheetRow], name: str, builder: Builder) -> None:
    """Write a sheet's tables."""
    found = _tables(rows)
    if found and name.lower().rstrip("0123456789 ") not in _UNNAMED:
        builder.heading(2, Inline(name))
    for table in found:
        _write_table(table, builder)


def _write_table(table: Sequence[SheetRow], builder: Builder) -> None:
    """Write what stands above a header as paragraphs, then a line a row, and as paragraphs what stands below."""
    at = _header_at(table)
    header: Row = table[at] if at < len(table) else ()
    rows = table[at + 1 :]
    if len(rows) > 1 and names_columns(header, rows[0]):
        header, rows = [_joined(pair) for pair in zip_longest(header, rows[0], fillvalue="")], rows[1:]
    notes = list(takewhile(lambda row: _count(row) == 1 and _is_note(_first(row)), reversed(rows)))[::-1]
    rows = rows[: len(rows) - len(notes)]
    for line in table[:at]:
        builder.paragraph(Inline(_first(line)))
    columns = _Columns.of(header)
    for group, row in _grouped(header, rows) if columns is None else (("", row) for row in rows):
        said = "; ".join(filter(None, (group, _record(header, row))))
        builder.item("-", (columns.entry(row) if columns else None) or Inline(said))
    if not rows:
        builder.paragraph(Inline("; ".join(filter(None, header))))
    builder.end_list()
    for note in notes:
        builder.paragraph(Inline(_first(note)))


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
        columns = glossary_columns(header)
        if columns is None:
            return None
        names = [name.strip(" :*").lower() for name in header]
        aliases = (
            at for at, name in enumerate(names) if at not in columns and {name, name.removesuffix("s")} & _ALIASES
        )
        return cls(header, *columns, aliases)

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


# Tables


def _tables(rows: Sequence[SheetRow]) -> list[list[SheetRow]]:
    """Return the rows of each of a sheet's tables; after a blank one another begins if a header of its own follows."""
    found: list[list[SheetRow]] = []
    waiting: list[SheetRow] = []  # lines of one cell: above the next table, or notes below the last
    for part in ([*group] for filled, group in groupby(rows, any) if filled):
        part[0].apart = True
        if _header_at(part) == len(part):
            waiting += part
            continue
        if not found or _is_another(part, found[-1]):
            found.append([])
        found[-1] += [*waiting, *part]
        waiting = []
    if found:
        found[-1] += waiting
    elif waiting:
        found = [waiting]
    return found


def _grouped(header: Row, rows: Sequence[SheetRow]) -> Iterator[tuple[str, Row]]:
    """Yield a table's rows, each with the label above it that names its group, if one does."""
    group = ""
    below = [*rows[1:], SheetRow(())][: len(rows)]
    labels = [_label(row, header, under) for row, under in zip(rows, below, strict=True)]
    for row, said, following, under in zip(rows, labels, [*labels[1:], ""], below, strict=False):
        if said and len(said) <= _MAX_LABEL and under and not following:
            group = said
        else:
            yield group, row


def _joined(cells: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(filter(None, cells)))


def _label(row: SheetRow, header: Row, under: SheetRow) -> str:
    """Return what a row says that names the rows below it: one cell that covers the whole width, or is set apart.

    Any other row with only its first cell is one that lacks the rest.
    """
    if len({cell for cell in row if cell}) != 1 or not row[0]:
        return ""
    spread = _count(row) >= max(2, _count(header))
    apart = _count(row) == 1 and (row.apart or (row.look(0).bold and not under.look(0).bold))
    return row[0] if spread or apart else ""


def _is_note(text: str) -> bool:
    """Say whether the only cell of a last row is a sentence or hangs on a mark, rather than being a row's first."""
    return len(text) > _MAX_LABEL or text.rstrip("\"'”’)").endswith((".", "!", "?", ";")) or text[:1] in "*†‡"


def _first(row: Row) -> str:
    return next(filter(None, row), "")


def _count(row: Row) -> int:
    return sum(map(bool, row))


def _header_at(part: Sequence[Row]) -> int:
    """Return where the first row of several cells stands, or how many rows there are if none does."""
    return next((at for at, row in enumerate(part) if _count(row) > 1), len(part))


def _is_another(part: Sequence[SheetRow], above: Sequence[SheetRow]) -> bool:
    """Say whether rows after a blank one begin with a header: it looks like one, or names columns known or others.

    What might be either goes on under the header above.
    """
    at, before = _header_at(part), above[_header_at(above)]
    head, below = part[at], part[at + 1 :]
    if not below:
        return False
    known = {cell.casefold() for cell in before if cell}
    if any(cell.casefold() in known for cell in head) or _looks_like_header(head, below):
        return True
    return not any(map(_has_digit, head)) and _columns([before]) != _columns([head, *below])


def _looks_like_header(head: SheetRow, below: Sequence[SheetRow]) -> bool:
    """Say whether a row is bold over one that is not, or filled as none below it is, which stripes are not.

    A first column may be bold from top to bottom.
    """
    columns = sorted(_columns([head]))[1:]
    bold = all(head.look(at).bold and not below[0].look(at).bold for at in columns)
    return bold or all(head.look(at).fill != row.look(at).fill for row in below for at in columns)


def _columns(rows: Iterable[Row]) -> set[int]:
    return {at for row in rows for at, cell in enumerate(row) if cell}


def _has_digit(cell: str) -> bool:
    return any(map(str.isdecimal, cell))
