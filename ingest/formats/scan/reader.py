"""Make of a picture of a page what the PDF reader makes of its words: their places and sizes, and ruled lines.

`layout` then finds headings, paragraphs, items and tables in both alike. Weights of type and the marks of items are not
measured: bold type is plain, and an item is a paragraph unless OCR reads its mark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from ingest.formats.builder import Builder
from ingest.formats.parsed import Scans
from ingest.formats.pdf.canvas import Page, RuledLine, Word

if TYPE_CHECKING:
    from ingest.formats.scan.ocr import OcrLine, Picture

_LEGIBLE = 0.5  # of a line, and of a page; below, it is left out: letters are seen in pictures, too
_NARROW, _WIDE = frozenset("fijlrtI.,:;'|!()[]-/ "), frozenset("mwMW@%—")  # the others are of two kinds


class ScanReader:
    """Reads the scanned pages of one document."""

    def __init__(self, scans: Scans, builder: Builder) -> None:
        self._scans = scans
        self._builder = builder
        self._read: list[Page] = []
        self._begun = 0
        self._left = 0  # beyond those that may be read

    def page(self, number: int, picture: Callable[[], tuple[Picture, float]], least: int = 0) -> Page:
        """Return a page that is a picture, with the points of a pixel; an empty one below `least` words."""
        if self._begun >= self._scans.pages:
            self._left += 1
            return Page()
        self._begun += 1
        self._scans.begin()
        page, confidence, unread = _page_of(*picture())
        if len(page.words) < least or confidence < _LEGIBLE:
            return Page()
        if unread:
            self._builder.flag("ocr", f"OCR cannot make out {unread} lines of page {number}, which are left out.")
        if page.words:
            self._read.append(page)
            self._builder.read_by_ocr(number, confidence)
            if confidence < 0.96:  # docs/log/measurements.md
                doubt = f"OCR is only {confidence:.0%} sure of page {number}"
                self._builder.flag("ocr", f"{doubt}: compare what is quoted of it with the scan.")
        return page

    def close(self) -> None:
        """Even out the sizes of the pages that were read; report how many were not."""
        if self._left:
            limit = f"Only the first {self._scans.pages:,} scanned pages were read"
            self._builder.flag("too_large", f"{limit}; {self._left:,} were not: {self._scans.remedy}.")
        _even_sizes(self._read)


@dataclass(frozen=True, slots=True)
class ScannedLine:
    """A line of type in points, downwards from the page's top left; `middles` are those of its letters."""

    text: str
    x0: float
    x1: float
    middle: float
    size: float
    middles: tuple[float, ...] = ()


def _page_of(grey: Picture, points: float) -> tuple[Page, float, int]:
    """Return a page's words and rules, how sure OCR is of them, and how many lines it cannot make out.

    `points` are those of a pixel.
    """
    grey, readings = _upright(grey)
    legible = [reading for reading in readings if reading.text and reading.score >= _LEGIBLE]
    top = grey.shape[0] * points
    lines = _lines(legible, points)
    words = [word for number, row in enumerate(rows(lines)) for line in row for word in _words(line, top, number)]
    rules = [
        RuledLine(x0 * points, top - y1 * points, x1 * points, top - y0 * points)
        for x0, y0, x1, y1 in _rules(grey, points)
    ]
    return Page(words, rules, 0.0, top), _confidence(readings), sum(bool(r.text) for r in readings) - len(legible)


def _upright(grey: Picture) -> tuple[Picture, list[OcrLine]]:
    """Return a picture turned so that its lines lie, and these."""
    import numpy as np

    from ingest.formats.scan.ocr import open_ocr

    ocr = open_ocr()
    found = ocr.find(grey)
    if not found:
        return grey, []
    sizes = [np.ptp(corners, axis=0) for corners in found]
    if sum(size[1] > 2 * size[0] for size in sizes) > len(sizes) / 2:
        grey = np.ascontiguousarray(np.rot90(grey))
    elif 0.2 <= abs(lean := _lean(found)) <= 15:
        grey = _turned(grey, lean)
    readings = ocr.read(grey)
    if _confidence(readings) < 0.85:  # it may stand on its head
        other = np.ascontiguousarray(grey[::-1, ::-1])
        again = ocr.read(other)
        if _confidence(again) > _confidence(readings):
            return other, again
    return grey, readings


def _lean(found: Sequence[Any]) -> float:
    """Return by how many degrees lines go down to the right; the long ones say it."""
    angles = []
    for (x0, y0), (x1, y1), *_ in (corners.tolist() for corners in found):
        if x1 - x0 > 0:
            angles.append((x1 - x0, math.degrees(math.atan2(y1 - y0, x1 - x0))))
    angles.sort(reverse=True)
    return median(angle for _, angle in angles[: max(1, len(angles) // 2)]) if angles else 0.0


def _turned(grey: Picture, degrees: float) -> Picture:
    """Return a picture turned anticlockwise, its corners filled with white."""
    import numpy as np
    from PIL import Image

    return np.array(Image.fromarray(grey).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255))


def _confidence(readings: Sequence[OcrLine]) -> float:
    """Return how sure OCR is of a page, by characters; rounded down, since 99.6% are not all."""
    letters = sum(len(reading.text) for reading in readings)
    sure = sum(reading.score * len(reading.text) for reading in readings) / letters if letters else 0.0
    return math.floor(sure * 100) / 100


def _lines(readings: Sequence[OcrLine], points: float) -> list[ScannedLine]:
    """Return lines with their sizes; what is no heading by its length or end is of the page's usual size."""
    sizes = [_size(reading) * points for reading in readings]
    usual = median([size for size, reading in zip(sizes, readings, strict=True) for _ in reading.text] or [10.0])
    lines = []
    for reading, size in zip(readings, sizes, strict=True):
        letters = sum(map(str.isalpha, reading.text))
        ended = len(reading.text) > 100 or reading.text.endswith((".", ",", ";"))
        if letters < 4 or (size > usual and ended):
            size = usual
        x0, y0, x1, y1 = (side * points for side in reading.box)
        middles = tuple(x * points for x in reading.middles)
        lines.append(ScannedLine(reading.text, x0, x1, (y0 + y1) / 2, size, middles))
    return lines


def _size(reading: OcrLine) -> float:
    """Return a line's size in pixels by the width of its letters, which differs by 3%; its box's height does by 20%."""
    x0, y0, x1, y1 = reading.box
    ems = sum(
        0.28 if char in _NARROW else 0.85 if char in _WIDE else 0.68 if char.isupper() else 0.54
        for char in reading.text
    )
    return (x1 - x0 - (y1 - y0) / 4) / ems  # the box stands off from the letters


def _words(line: ScannedLine, top: float, number: int) -> Iterator[Word]:
    """Yield the words of a line; where its letters are is told roughly."""
    base, half = top - line.middle - line.size / 4, line.size / 4
    words, at = line.text.split(), 0
    for place, text in enumerate(words):
        first, last = line.middles[at], line.middles[at + len(text) - 1]
        x0 = line.x0 if place == 0 else first - half
        x1 = line.x1 if place == len(words) - 1 else last + half
        yield Word(text, x0, x1, base, line.size, number)
        at += len(text)


def _even_sizes(pages: Sequence[Page], alike: float = 0.055) -> None:
    """Make sizes one that differ by no more than measuring them does."""
    sizes = sorted(word.size for page in pages for word in page.words for _ in word.text)
    groups: list[list[float]] = []
    for size in sizes:
        if groups and size <= groups[-1][0] * (1 + 2 * alike) and size <= groups[-1][-1] * (1 + alike):
            groups[-1].append(size)
        else:
            groups.append([size])
    of = {size: round(median(group) * 2) / 2 for group in groups for size in group}
    for page in pages:
        for word in page.words:
            word.size = of[word.size]


# Ruled lines


def _rules(grey: Picture, points: float) -> Iterator[tuple[float, float, float, float]]:
    """Yield the lines that are ruled on a page, and the edges of areas that are filled with ink, in pixels."""
    import cv2
    import numpy as np

    dark = (grey < 200).astype(np.uint8)  # thin or blurred as they may be
    for stands, inches in ((False, 0.5), (True, 0.3)):

        def bar(pixels: float, stands: bool = stands) -> Any:
            length = max(round(pixels), 1)
            return np.ones((length, 1) if stands else (1, length), dtype=np.uint8)

        whole = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, bar(5))  # scans have specks
        found = cv2.morphologyEx(whole, cv2.MORPH_OPEN, bar(inches * 72 / points))
        for x, y, wide, high, _ in cv2.connectedComponentsWithStats(found, connectivity=8)[2][1:].tolist():
            x1, y1 = x + wide, y + high
            if min(wide, high) * points <= 4:
                yield x, y, x1, y1
            else:
                yield from ((x, y, x1, y + 1), (x, y1 - 1, x1, y1), (x, y, x + 1, y1), (x1 - 1, y, x1, y1))


# Reading order


def rows(lines: Sequence[ScannedLine], depth: int = 4) -> Iterator[list[ScannedLine]]:
    """Yield what stands side by side, from left to right, in reading order; columns of prose one after the other."""
    gap = _gap(lines) if depth else None
    if gap is None:
        yield from _side_by_side(lines)
        return
    band: list[ScannedLine] = []
    for line in sorted(lines, key=lambda line: line.middle):
        if line.x0 < gap < line.x1:
            yield from _columns(band, gap, depth)
            yield [line]
            band = []
        else:
            band.append(line)
    yield from _columns(band, gap, depth)


def _columns(band: Sequence[ScannedLine], gap: float, depth: int) -> Iterator[list[ScannedLine]]:
    yield from rows([line for line in band if line.x1 <= gap], depth - 1)
    yield from rows([line for line in band if line.x1 > gap], depth - 1)


def _side_by_side(lines: Sequence[ScannedLine]) -> Iterator[list[ScannedLine]]:
    row: list[ScannedLine] = []
    for line in sorted(lines, key=lambda line: line.middle):
        if row and line.middle - row[0].middle > 0.5 * min(line.size, row[0].size):
            yield sorted(row, key=lambda line: line.x0)
            row = []
        row.append(line)
    if row:
        yield sorted(row, key=lambda line: line.x0)


def _gap(lines: Sequence[ScannedLine], step: float = 6.0) -> float | None:
    """Return where a gap stands between two columns of prose, if there is one, looking every `step` points."""
    left, right = min((line.x0 for line in lines), default=0.0), max((line.x1 for line in lines), default=0.0)
    places = [left + at * step for at in range(1, int((right - left) / step))]
    crossing = {x: sum(line.x0 < x < line.x1 for line in lines) for x in places}
    best = min(places, key=lambda x: (crossing[x], abs(x - (left + right) / 2)), default=None)
    if best is None or crossing[best] > 0.3 * len(lines):
        return None
    sides = [line for line in lines if line.x1 <= best], [line for line in lines if line.x0 >= best]
    return best if all(map(_is_prose, sides)) else None


def _is_prose(lines: Sequence[ScannedLine]) -> bool:
    """Say whether lines are a column of prose: four or more, half of which fill six tenths of its width."""
    if len(lines) < 4:
        return False
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    return median(line.x1 - line.x0 for line in lines) >= 0.6 * width
