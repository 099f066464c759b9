"""Lay a table's cells on its grid, so that one that covers several rows or columns is said in each of them.

What is repeated is bounded by what the table holds: a table cannot say with two numbers that it is a million cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ingest.formats.inline import Inline

MAX_ACROSS, MAX_DOWN = 50, 1_000  # columns and rows of one cell
_TIMES, _AT_LEAST = 10, 1_000  # how much may be repeated: so often what the table holds, and characters beyond it
_MAX_HEADS = 4  # rows of a header; more are no header


class Repeats:
    """Hands out the text of cells again, as long as a table's repetitions do not outgrow what it holds."""

    def __init__(self) -> None:
        self._left = _AT_LEAST

    def earn(self, size: int) -> None:
        """Take account of a cell of the table's own."""
        self._left += _TIMES * (1 + size)

    def spend(self, size: int) -> bool:
        """Say whether a text may be repeated, and count it."""
        if self._left <= size:
            return False
        self._left -= 1 + size
        return True

    def again(self, cell: Inline) -> Inline | None:
        """Return a cell's text, or an empty one to keep its place, or None where even that is too much."""
        return cell if self.spend(cell.size) else Inline() if self.spend(0) else None


@dataclass(slots=True)
class Cell:
    """A cell as written: how many columns and rows it covers, and whether it is a header's."""

    inline: Inline
    across: int = 1
    down: int = 1
    head: bool = False


@dataclass(slots=True)
class Row:
    """A table's row as written; `part` numbers the row group, over whose end no cell goes."""

    cells: list[Cell]
    part: int = 0
    head: bool = False  # of a <thead>


def lay_on_grid(rows: Sequence[Row]) -> list[list[Inline]]:
    """Return a table's rows by columns, those of its header as one, without rows that have no cell of their own."""
    heads = _heads([row for row in rows if row.cells])
    grid, laid = _Grid(), list[list[Inline]]()
    for row in rows:
        line = grid.lay(row, len(laid) < heads)
        if row.cells:
            laid.append(line)
    if heads < 2 < len(laid) and names_columns([cell.plain() for cell in laid[0]], [cell.plain() for cell in laid[1]]):
        heads = 2
    return [_joined(laid[:heads]), *laid[heads:]] if heads > 1 else laid


def names_columns(above: Sequence[str], row: Sequence[str]) -> bool:
    """Say whether a row names the columns that cells of the header above it cover together, and no other cell again."""
    times = Counter(filter(None, above))
    pairs = [*zip_longest(above, row, fillvalue="")]
    covered = [below for cell, below in pairs if times[cell] > 1]
    return (
        all(covered)
        and len(set(covered)) > 1
        and not any(cell and below and cell != below for cell, below in pairs if times[cell] < 2)
    )


def _heads(rows: Sequence[Row]) -> int:
    """Return how many of the first rows are a header."""
    heads = 0
    while heads < len(rows) and (rows[heads].head or _is_of_heads(rows[heads], heads == 0)):
        heads += 1
    return heads if heads < len(rows) and heads <= _MAX_HEADS else 0


def _is_of_heads(row: Row, first: bool) -> bool:
    """Say whether a row has only header cells, but for blank ones; one alone below others heads a part of the table."""
    written = [cell for cell in row.cells if cell.inline]
    return bool(written) and all(cell.head for cell in written) and (first or len(row.cells) > 1)


class _Grid:
    """Lays the rows of one table."""

    def __init__(self) -> None:
        self._repeats = Repeats()
        self._below: dict[int, tuple[Inline, int]] = {}  # by column, what goes on into the next rows, and how many
        self._part = 0

    def lay(self, row: Row, head: bool) -> list[Inline]:
        if row.part != self._part:
            self._part, self._below = row.part, {}
        alone = len(row.cells) == 1 and not self._below and not head  # a note or a title between rows: said once
        above, self._below = self._below, {}
        laid: dict[int, Inline] = {}
        for cell in row.cells:
            self._repeats.earn(cell.inline.size)
        for column, (inline, down) in above.items():
            self._place(laid, column, self._repeats.again(inline), inline, down)
        column = 0
        for cell in row.cells:
            while column in laid:
                column += 1
            self._place(laid, column, cell.inline, cell.inline, cell.down)
            for at in range(column + 1, column + cell.across):
                self._place(laid, at, Inline() if alone else self._repeats.again(cell.inline), cell.inline, cell.down)
        width = max(laid, default=-1) + 1
        if width > len(laid) and not self._repeats.spend(width - len(laid)):
            width = next(at for at in range(width) if at not in laid)
        return [laid.get(at, Inline()) for at in range(width)]

    def _place(self, laid: dict[int, Inline], column: int, placed: Inline | None, inline: Inline, down: int) -> None:
        """Put a cell's text into a column, if there is room, and have it go on into the next rows."""
        if placed is not None:
            laid[column] = placed
            if down > 1:
                self._below[column] = inline, down - 1


def _joined(rows: Sequence[Sequence[Inline]]) -> list[Inline]:
    """Return one row of headers such as `2026 High` of several, a cell that covers some of them said once."""
    joined = []
    for column in range(max(map(len, rows))):
        parts = dict.fromkeys(row[column] for row in rows if column < len(row))
        inline = Inline()
        for part in parts:
            inline.add(" ")
            inline.extend(part)
        joined.append(inline)
    return joined
