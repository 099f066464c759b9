"""Tell what a sheet's rows are: tables one below the other, labels between rows, notes below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile, zip_longest

from ingest.formats.grid import names_columns
from ingest.formats.office.settings import LIMITS

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table: lines that stand above its header, the header (empty if it has none), its rows, and lines below."""

    above: tuple[str, ...]
    header: Row
    rows: tuple[Row, ...]
    below: tuple[str, ...]


def tables(rows: Sequence[Row]) -> Iterator[SheetTable]:
    """Yield a sheet's tables; after a blank row another one begins if a header of its own follows."""
    found: list[list[Row]] = []
    waiting: list[Row] = []  # lines of one cell: above the next table, or notes below the last
    for part in ([*group] for filled, group in groupby(rows, any) if filled):
        if _header_at(part) is None:
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
    yield from map(_table, found)


def grouped(table: SheetTable) -> Iterator[tuple[str, Row]]:
    """Yield a table's rows, each with the label above it that names its group, if one does.

    A label is one cell that covers the whole width; or stands alone at the left, where the first row does, too: below
    rows that have values, it is a row that lacks them.
    """
    group = ""
    least = 1 if table.rows and _label(table.rows[0], table.header) else 2
    for row, following in pairwise((*table.rows, ())):
        said = _label(row, table.header) if _count(row) >= least else ""
        if said and len(said) <= LIMITS.max_label and following and not _label(following, table.header):
            group = said
        else:
            yield group, row


def _table(part: Sequence[Row]) -> SheetTable:
    at = _header_at(part)
    if at is None:
        return SheetTable(tuple(map(_first, part)), (), (), ())
    header, rows = part[at], part[at + 1 :]
    if len(rows) > 1 and names_columns(header, rows[0]):
        header, rows = [_joined(pair) for pair in zip_longest(header, rows[0], fillvalue="")], rows[1:]
    notes = list(takewhile(lambda row: _count(row) == 1 and _is_note(_first(row)), reversed(rows)))[::-1]
    return SheetTable(
        tuple(map(_first, part[:at])), header, tuple(rows[: len(rows) - len(notes)]), tuple(map(_first, notes))
    )


def _joined(cells: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(filter(None, cells)))


def _label(row: Row, header: Row) -> str:
    """Return what a row says that has one cell at the left, or one that covers the whole width."""
    once = len({cell for cell in row if cell}) == 1 and bool(row[0])
    return row[0] if once and (_count(row) == 1 or _count(row) >= max(2, _count(header))) else ""


def _is_note(text: str) -> bool:
    """Say whether the only cell of a last row is a sentence or hangs on a mark, rather than being a row's first."""
    return len(text) > LIMITS.max_label or text.rstrip("\"'”’)").endswith((".", "!", "?", ";")) or text[:1] in "*†‡"


def _first(row: Row) -> str:
    return next(filter(None, row), "")


def _count(row: Row) -> int:
    return sum(map(bool, row))


def _header_at(part: Sequence[Row]) -> int | None:
    return next((at for at, row in enumerate(part) if _count(row) > 1), None)


def _is_another(part: Sequence[Row], above: Sequence[Row]) -> bool:
    """Say whether rows after a blank one begin with a header: one seen before, or words over numbers."""
    at, before = _header_at(part), _header_at(above)
    if at is None or before is None or not (below := part[at + 1 :]):
        return False
    head = part[at]
    known = {cell.casefold() for cell in above[before] if cell}
    if any(cell.casefold() in known for cell in head):
        return True
    if any(map(_has_digit, head)):
        return False
    columns = ([row[at] for row in below if at < len(row) and row[at]] for at in range(len(head)) if head[at])
    return any(column and all(map(_has_digit, column)) for column in columns)


def _has_digit(cell: str) -> bool:
    return any(map(str.isdecimal, cell))
