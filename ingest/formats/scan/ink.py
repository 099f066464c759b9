"""Measure the ink of a scanned page: its ruled lines, and of each line of type its size, weight and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.formats.scan.ocr import OcrLine, TextBox
from ingest.formats.scan.settings import LIMITS

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Ink = NDArray[np.float32]

_RULE_INCH = 0.5, 0.3  # least length of a line that lies, and of one that stands
_HIGH = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789bdfhklt£")

# Shares of the size, but for two of a line's usual space: what is nearly one is one, and what is far from it is none.
_CLOSING = frozenset(".,;:!?)")
_STRAY = re.compile(r" ([,.;:!?])(?= |[^\W\d_])")  # a space that belongs after the sign


@dataclass(frozen=True, slots=True)
class InkedLine:
    """How a line is set: base line, size and bounds of its ink in pixels, and the share of its size of strokes."""

    base: float
    size: float
    x0: float
    x1: float
    weight: float


def take_rules(grey: Grey, points: float) -> tuple[list[TextBox], Grey]:
    """Return a page's ruled lines, and the page without them."""
    clean, found = grey.copy(), list[TextBox]()
    thick = max(2, round(LIMITS.thick / points))
    for stands, inch in zip((False, True), _RULE_INCH, strict=True):
        dark = (grey < LIMITS.dark).T if stands else grey < LIMITS.dark
        for x0, y0, x1, y1 in _segments(_long(dark, round(inch * 72 / points))):
            box = TextBox(y0, x0, y1, x1) if stands else TextBox(x0, y0, x1, y1)
            if y1 - y0 > thick:
                found += _edges(box)
                continue
            found.append(box)
            across = slice(max(0, y0 - 2), y1 + 2)
            clean[(slice(x0, x1), across) if stands else (across, slice(x0, x1))] = 255
    return found, clean


def _edges(box: TextBox) -> list[TextBox]:
    x0, y0, x1, y1 = box.x0, box.y0, box.x1, box.y1
    return [
        TextBox(x0, y0, x1, y0 + 1),
        TextBox(x0, y1 - 1, x1, y1),
        TextBox(x0, y0, x0 + 1, y1),
        TextBox(x1 - 1, y0, x1, y1),
    ]


def _long(dark: Mask, length: int) -> Mask:
    """Return the pixels of runs along the rows that are dark for `length`."""
    if dark.shape[1] < length:
        return np.zeros_like(dark)
    total = np.pad(np.cumsum(dark, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    whole = total[:, length:] - total[:, :-length] >= LIMITS.whole * length
    starts = np.pad(np.cumsum(whole, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    at = np.arange(dark.shape[1])
    last, first = np.minimum(at + 1, whole.shape[1]), np.maximum(at + 1 - length, 0)
    found: Mask = starts[:, last] - starts[:, np.minimum(first, whole.shape[1])] > 0
    return found


def _segments(mask: Mask) -> Iterator[tuple[int, int, int, int]]:
    """Yield the bounds of runs that lie on each other in neighbouring rows."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    if len(rows) > LIMITS.max_runs:
        return
    above: list[list[int]] = []
    for row, runs in groupby(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True), lambda run: run[0]):
        if above and above[0][3] < row:
            yield from map(_bounds, above)
            above = []
        here = _joined(above, row, [(start, end) for _, start, end in runs])
        gone_on = set(map(id, here))
        yield from (_bounds(one) for one in above if id(one) not in gone_on)
        above = here
    yield from map(_bounds, above)


def _joined(above: list[list[int]], row: int, runs: list[tuple[int, int]]) -> list[list[int]]:
    """Return the segments of a row, from left to right: those above that go on in it, and new ones."""
    here: list[list[int]] = []
    at = 0
    for start, end in runs:
        while at < len(above) and above[at][2] <= start:
            at += 1
        if at == len(above) or above[at][0] >= end:
            here.append([start, row, end, row + 1])
            continue
        above[at][:] = min(above[at][0], start), above[at][1], max(above[at][2], end), row + 1
        if not here or here[-1] is not above[at]:
            here.append(above[at])
    return here


def _bounds(segment: list[int]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = segment
    return x0, y0, x1, y1


def measure(clean: Grey, box: TextBox, text: str) -> InkedLine | None:
    """Return how a line is set, by the ink in its box; None where there is next to none."""
    left, top = max(0, int(box.x0) - 2), max(0, int(box.y0) - 2)
    ink = _ink(clean[top : int(box.y1) + 3, left : int(box.x1) + 3])
    if ink is None:
        return None
    rows = ink.sum(axis=1)
    body = float(np.sort(rows)[-max(3, len(rows) // 4) :].mean())
    base = _edge(rows, LIMITS.body * body, range(len(rows) - 1, -1, -1))
    x_line = _edge(rows, LIMITS.body * body, range(len(rows)))
    stroke = _stroke(ink[int(x_line) : max(int(base), int(x_line) + 1)])
    high = sum(char in _HIGH for char in text)
    if high:
        level = max(1.5, LIMITS.top * high * min(stroke, 0.2 * len(rows)))
        size = (base - _edge(rows, level, range(len(rows)))) / LIMITS.cap
    else:
        size = (base - x_line) / LIMITS.x
    columns = np.nonzero(ink.max(axis=0) > LIMITS.inked)[0]
    if size < LIMITS.least_size or not len(columns):
        return None
    return InkedLine(top + base, size, left + float(columns[0]), left + float(columns[-1]) + 1, stroke / size)


def weigh(clean: Grey, x0: float, x1: float, line: InkedLine) -> float:
    """Return the width of the strokes of a part of a line, as a share of its size."""
    aside = 0.1 * line.size  # paper, without which a mere I would be one
    columns = slice(max(0, int(x0 - aside)), int(x1 + aside) + 1)
    ink = _ink(clean[max(0, int(line.base - LIMITS.cap * line.size)) : int(line.base), columns])
    return 0.0 if ink is None else _stroke(ink) / line.size


def _stroke(ink: Ink) -> float:
    """Return the width of half of the strokes or less, with what they shade off into."""
    steps = np.diff(np.pad(ink > LIMITS.shaded, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    if not len(rows):
        return 0.0
    total = np.pad(np.cumsum(ink, axis=1), ((0, 0), (1, 0)))
    widths = total[rows, np.minimum(ends + 1, ink.shape[1])] - total[rows, np.maximum(starts - 1, 0)]
    return float(np.median(widths))


def words(clean: Grey, reading: OcrLine, line: InkedLine) -> list[tuple[str, float, float]]:
    """Return a line's words with their bounds; where OCR lost a space or made one up, the gaps in the ink tell."""
    text = _STRAY.sub(r"\1 ", reading.text)
    letters = [at for at, char in enumerate(text) if not char.isspace()]
    inked = _inked(clean, line)
    gaps = [_gap(inked, a - line.x0, b - line.x0) for a, b in pairwise(reading.middles)]
    spaced = [b - a > 1 for a, b in pairwise(letters)]
    usual = median(
        [width for (_, width), space in zip(gaps, spaced, strict=True) if space] or [LIMITS.space * line.size]
    )
    found, start, x0 = [], 0, line.x0
    for number, (at, width) in enumerate(gaps):
        pair = text[letters[number]] + text[letters[number + 1]]
        if spaced[number] or not _is_anothers(number, gaps, spaced, pair):
            if not _divides(pair, width / line.size, usual / line.size, spaced[number]):
                continue
            found.append((_joined_text(text, letters[start : number + 1]), x0, line.x0 + at))
            start, x0 = number + 1, line.x0 + at + width
    return [*found, (_joined_text(text, letters[start:]), x0, line.x1)]


def _is_anothers(number: int, gaps: Sequence[tuple[float, float]], spaced: Sequence[bool], pair: str) -> bool:
    """Say whether a gap lies rather between the letters before or after: where these are is told roughly."""
    at, width = gaps[number]
    before = number > 0 and spaced[number - 1] and sum(gaps[number - 1]) >= at - 1
    after = number + 1 < len(gaps) and gaps[number + 1][0] <= at + width + 1
    return before or (after and (spaced[number + 1] or pair[1] in _CLOSING))


def _joined_text(text: str, letters: Sequence[int]) -> str:
    return "".join(text[at] for at in letters)


def _divides(pair: str, width: float, usual: float, space: bool) -> bool:
    """Say whether a gap, as a share of the size, divides words; `space` is what OCR says."""
    if space:
        return width >= LIMITS.lost * usual or "@" not in pair  # which has none in an address
    return width > max(LIMITS.least_space, LIMITS.near_space * usual) + LIMITS.one * pair.count("1")


def _inked(clean: Grey, line: InkedLine) -> Mask:
    """Return the columns of a line that hold ink."""
    top, low = int(line.base - line.size), int(line.base + 0.3 * line.size)
    ink = _ink(clean[max(0, top) : low, int(line.x0) : int(line.x1) + 1])
    return np.zeros(0, dtype=np.bool_) if ink is None else ink.max(axis=0) > LIMITS.inked


def _gap(inked: Mask, start: float, end: float) -> tuple[float, float]:
    """Return where between two letters the widest gap begins, and its width."""
    best = at = max(0, int(start))
    width = run = 0
    for column, dark in enumerate(inked[at : max(at, int(end) + 1)].tolist(), at):
        run = 0 if dark else run + 1
        if run > width:
            width, best = run, column + 1 - run
    return float(best), float(width)


def without_mark(clean: Grey, reading: OcrLine, line: InkedLine) -> InkedLine:
    """Return a line as it begins with its first letter: the mark of an item may lie in its box, and is not read."""
    if not reading.middles:
        return line
    inked = _inked(clean, line)
    at, width = _gap(inked, 0, reading.middles[0] - line.x0)
    begins = at > 0 and width > LIMITS.alone * line.size and inked[int(at + width) :].any()
    return replace(line, x0=line.x0 + at + width) if begins else line


def bullet(clean: Grey, line: InkedLine) -> tuple[str, float, float] | None:
    """Return the mark of a list item before a line, which OCR takes for dirt, with its bounds."""
    left, top = max(0, int(line.x0 - LIMITS.before * line.size)), max(0, int(line.base - line.size))
    ink = _ink(clean[top : int(line.base + 0.3 * line.size), left : max(left, int(line.x0 - 0.2 * line.size))])
    if ink is None or not len(columns := np.nonzero(ink.max(axis=0) > LIMITS.inked)[0]):
        return None
    gaps = np.nonzero(np.diff(columns) > 1)[0]
    start, end = int(columns[gaps[-1] + 1] if len(gaps) else columns[0]), int(columns[-1]) + 1
    alone = not len(gaps) or start - int(columns[gaps[-1]]) > LIMITS.alone * line.size
    rows = np.nonzero(ink[:, start:end].max(axis=1) > LIMITS.inked)[0]
    high, low = int(rows[0]), int(rows[-1]) + 1
    middle = (line.base - top - (high + low) / 2) / line.size
    if not alone or not 0.1 < middle < 0.65 or ink[high:low, start:end].mean() < LIMITS.full:
        return None
    mark = _mark((end - start) / line.size, (low - high) / line.size)
    return (mark, left + float(start), left + float(end)) if mark else None


def _mark(wide: float, high: float) -> str:
    if 0.13 <= wide <= 0.5 and 0.13 <= high <= 0.5:
        return "\N{BULLET}"
    return "-" if 0.25 <= wide <= 1.1 and high < 0.15 else ""


def _ink(part: Grey) -> Ink | None:
    """Return how dark each pixel is, from paper to ink; white type on dark is dark type on white."""
    if part.size < 4:
        return None
    values = part.astype(np.float32)
    if float(np.median(values)) < 128:
        values = 255 - values
    paper, darkest = float(np.percentile(values, 80)), float(np.percentile(values, 0.5))
    if paper - darkest < 30:
        return None
    ink: Ink = np.clip((paper - values) / (paper - darkest), 0, 1)
    return ink


def _edge(rows: Any, level: float, order: range) -> float:
    """Return where, looking in an order, the rows' ink first reaches a level: between two rows, as they share it."""
    before = None
    for at in order:
        if rows[at] >= level:
            if before is None:
                return float(at)
            return at - order.step * float((rows[at] - level) / max(rows[at] - rows[before], 1e-6))
        before = at
    return float(order[-1])
