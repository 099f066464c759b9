"""The reading order of a scanned page's lines."""

from __future__ import annotations

from ingest.formats.scan.reader import ScannedLine, rows


def read(*lines: tuple[float, float, float]) -> list[list[int]]:
    """Return the numbers of lines given as (left, right, middle), row by row."""
    placed = [ScannedLine(str(number), x0, x1, middle, 10) for number, (x0, x1, middle) in enumerate(lines)]
    return [[int(line.text) for line in row] for row in rows(placed)]


def test_what_stands_side_by_side_is_a_row() -> None:
    assert read((300, 350, 101), (50, 100, 100), (50, 90, 120)) == [[1, 0], [2]]


def test_prose_in_columns_is_read_column_by_column_between_what_crosses_them() -> None:
    title, footer = (50, 550, 40), (50, 550, 300)
    left = [(50, 280, 60 + 12 * n) for n in range(6)]
    right = [(310, 540, 60 + 12 * n) for n in range(6)]
    order = read(title, *left, *right, footer)
    assert order == [[number] for number in range(14)]


def test_short_cells_are_no_columns() -> None:
    cells = [(x, x + 40, 60 + 12 * n) for n in range(6) for x in (50, 400)]
    cells.append((50, 200, 140))  # the widest, so that the others do not fill a column
    cells.append((400, 550, 140))
    assert read(*cells)[0] == [0, 1]
