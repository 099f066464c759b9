"""Bring the lines of a scanned page into reading order: by rows, and by columns where prose stands in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ingest.formats.scan.settings import LIMITS

_PROSE = 4, 0.6  # lines that a column of prose has at least, and the share of its width that half of them fill


@dataclass(frozen=True, slots=True)
class Placed:
    """A line by its number, bounds, base line (from the page's top) and size."""

    number: int
    x0: float
    x1: float
    base: float
    size: float


def rows(lines: Sequence[Placed], depth: int = LIMITS.max_depth) -> Iterator[list[Placed]]:
    """Yield what stands side by side, from left to right, in reading order."""
    gap = _gap(lines) if depth else None
    if gap is None:
        yield from _side_by_side(lines)
        return
    band: list[Placed] = []
    for line in sorted(lines, key=lambda line: line.base):
        if line.x0 < gap < line.x1:
            yield from _columns(band, gap, depth)
            yield [line]
            band = []
        else:
            band.append(line)
    yield from _columns(band, gap, depth)


def _columns(band: Sequence[Placed], gap: float, depth: int) -> Iterator[list[Placed]]:
    yield from rows([line for line in band if line.x1 <= gap], depth - 1)
    yield from rows([line for line in band if line.x1 > gap], depth - 1)


def _side_by_side(lines: Sequence[Placed]) -> Iterator[list[Placed]]:
    row: list[Placed] = []
    for line in sorted(lines, key=lambda line: line.base):
        if row and line.base - row[0].base > LIMITS.same * min(line.size, row[0].size):
            yield sorted(row, key=lambda line: line.x0)
            row = []
        row.append(line)
    if row:
        yield sorted(row, key=lambda line: line.x0)


def _gap(lines: Sequence[Placed]) -> float | None:
    """Return where a gap stands between two columns of prose, if there is one."""
    if len(lines) < 2 * _PROSE[0]:
        return None
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    places = [left + at * LIMITS.step for at in range(1, int((right - left) / LIMITS.step))]
    best = min(places, key=lambda x: (_crossing(lines, x), abs(x - (left + right) / 2)), default=None)
    if best is None or _crossing(lines, best) > LIMITS.crossing * len(lines):
        return None
    sides = [line for line in lines if line.x1 <= best], [line for line in lines if line.x0 >= best]
    return best if all(map(_is_prose, sides)) else None


def _crossing(lines: Sequence[Placed], x: float) -> int:
    return sum(line.x0 < x < line.x1 for line in lines)


def _is_prose(lines: Sequence[Placed]) -> bool:
    least, share = _PROSE
    if len(lines) < least:
        return False
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    return median(line.x1 - line.x0 for line in lines) >= share * width
