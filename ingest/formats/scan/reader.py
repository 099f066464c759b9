"""Make of a picture of a page what the PDF reader makes of its words: their places, sizes, weights, and ruled lines.

`layout` then finds headings, paragraphs, items and tables in both alike. Sizes jump by a twentieth from line to
line, since a pixel is that much of a letter, and are evened out over the document.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from ingest.formats.builder import Builder
from ingest.formats.parsed import Scans
from ingest.formats.pdf.page import Page, RuledLine, Word
from ingest.formats.scan.settings import LIMITS

if TYPE_CHECKING:
    from ingest.formats.scan.ink import Grey, InkedLine
    from ingest.formats.scan.ocr import OcrLine, Picture

_LEAN = 0.2, 15.0  # degrees, from which a page is straightened, and up to which


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that was read, and how it is set."""

    reading: OcrLine
    type: InkedLine


class ScanReader:
    """Reads the scanned pages of one document."""

    def __init__(self, scans: Scans, builder: Builder) -> None:
        self._scans = scans
        self._builder = builder
        self._read: set[int] = set()  # the pages that were read, by their ids; who calls keeps them
        self._begun = 0
        self._left = 0  # beyond those that may be read

    def page(self, number: int, picture: Callable[[], tuple[Picture, float]], least: int = 0) -> Page:
        """Return a page that is a picture, with the points of a pixel; an empty one below `least` words."""
        if self._begun >= self._scans.pages:
            self._left += 1
            return Page([], [], 0, 0)
        self._begun += 1
        self._scans.begin()
        page, confidence, unread = page_of(*picture())
        if len(page.words) < least or confidence < LIMITS.legible:
            return Page([], [], 0, 0)
        if unread:
            self._builder.flag("ocr", f"OCR cannot make out {unread} lines of page {number}, which are left out.")
        if page.words:
            self._read.add(id(page))
            self._builder.read_by_ocr(number, confidence)
            if confidence < LIMITS.sure:
                doubt = f"OCR is only {confidence:.0%} sure of page {number}"
                self._builder.flag("ocr", f"{doubt}: compare what is quoted of it with the scan.")
        return page

    def close(self, pages: Sequence[Page]) -> list[Page]:
        """Return a document's pages, the sizes of scanned ones evened out; report how many were not read."""
        if self._left:
            limit = f"Only the first {self._scans.pages:,} scanned pages were read"
            self._builder.flag("too_large", f"{limit}; {self._left:,} were not: {self._scans.remedy}.")
        even = iter(even_sizes([page for page in pages if id(page) in self._read]))
        return [next(even) if id(page) in self._read else page for page in pages]


def page_of(grey: Grey, points: float) -> tuple[Page, float, int]:
    """Return a page's words and rules, how sure OCR is of them, and how many lines it cannot make out."""
    from ingest.formats.scan.ink import measure, take_rules, without_mark

    grey, readings = _upright(grey)
    rules, clean = take_rules(grey, points)
    legible = [reading for reading in readings if reading.text and reading.score >= LIMITS.legible]
    measured = ((reading, measure(clean, reading.box, reading.text)) for reading in legible)
    lines = [_Line(reading, without_mark(clean, reading, how)) for reading, how in measured if how]
    top = grey.shape[0] * points
    page = Page(
        words=list(_words(lines, clean, points, top)),
        rules=[RuledLine(r.x0 * points, top - r.y1 * points, r.x1 * points, top - r.y0 * points) for r in rules],
        bottom=0.0,
        top=top,
    )
    return page, _confidence(readings), len([r for r in readings if r.text]) - len(legible)


def _upright(grey: Grey) -> tuple[Grey, list[OcrLine]]:
    """Return a picture turned so that its lines lie, and these."""
    import numpy as np

    from ingest.formats.scan.ocr import open_ocr

    ocr = open_ocr()
    found = ocr.find(_halved(grey) if max(grey.shape) > LIMITS.fine else grey)
    if not found:
        return grey, []
    sizes = [np.ptp(corners, axis=0) for corners in found]
    on_side = sum(size[1] > 2 * size[0] for size in sizes) > len(sizes) / 2
    grey = np.ascontiguousarray(np.rot90(grey)) if on_side else grey
    lean = 0.0 if on_side else _lean(found)
    if _LEAN[0] <= abs(lean) <= _LEAN[1]:
        grey = _turned(grey, lean)
    readings = ocr.read(grey)
    if _confidence(readings) < LIMITS.upright:
        other = np.ascontiguousarray(grey[::-1, ::-1])
        again = ocr.read(other)
        if _confidence(again) > _confidence(readings):
            return other, again
    return grey, readings


def _halved(grey: Grey) -> Grey:
    high, wide = (side // 2 * 2 for side in grey.shape)
    even = grey[:high, :wide].reshape(high // 2, 2, wide // 2, 2)
    halved: Grey = even.mean(axis=(1, 3)).astype("uint8")
    return halved


def _lean(found: Sequence[Any]) -> float:
    """Return by how many degrees lines go down to the right; the long ones say it."""
    angles = []
    for (x0, y0), (x1, y1), *_ in (corners.tolist() for corners in found):
        if x1 - x0 > 0:
            angles.append((x1 - x0, math.degrees(math.atan2(y1 - y0, x1 - x0))))
    angles.sort(reverse=True)
    return median(angle for _, angle in angles[: max(1, len(angles) // 2)]) if angles else 0.0


def _confidence(readings: Sequence[OcrLine]) -> float:
    """Return how sure OCR is of a page, by characters; rounded down, since 99.6% are not all."""
    letters = sum(len(reading.text) for reading in readings)
    sure = sum(reading.score * len(reading.text) for reading in readings) / letters if letters else 0.0
    return math.floor(sure * 100) / 100


def _words(lines: Sequence[_Line], clean: Grey, points: float, top: float) -> Iterator[Word]:
    """Yield a page's words in reading order."""
    from ingest.formats.scan.ink import bullet, weigh, words
    from ingest.formats.scan.order import Placed, rows

    usual = _usual_weight(lines)
    placed = [
        Placed(number, line.type.x0 * points, line.type.x1 * points, line.type.base * points, line.type.size * points)
        for number, line in enumerate(lines)
    ]
    for number, row in enumerate(rows(placed)):
        for place, at in enumerate(row):
            line = lines[at.number]
            if mark := None if place else bullet(clean, line.type):
                yield Word(mark[0], mark[1] * points, mark[2] * points, top - at.base, at.size, number)
            for text, x0, x1 in words(clean, line.reading, line.type):
                bold = weigh(clean, x0, x1, line.type) > LIMITS.bold * usual
                yield Word(text, x0 * points, x1 * points, top - at.base, at.size, number, bold=bold)


def _usual_weight(lines: Sequence[_Line]) -> float:
    letters = [line.type.weight for line in lines for _ in line.reading.text]
    return median(letters) if letters else 0.0


def even_sizes(pages: Sequence[Page]) -> list[Page]:
    """Return scanned pages with sizes that differ by no more than reading them does made one."""
    sizes = sorted(word.size for page in pages for word in page.words for _ in word.text)
    groups: list[list[float]] = []
    for size in sizes:
        if groups and size <= groups[-1][0] * (1 + 2 * LIMITS.alike) and size <= groups[-1][-1] * (1 + LIMITS.alike):
            groups[-1].append(size)
        else:
            groups.append([size])
    of = {size: round(median(group) * 2) / 2 for group in groups for size in group}
    return [replace(page, words=[replace(word, size=of[word.size]) for word in page.words]) for page in pages]


def _turned(grey: Grey, degrees: float) -> Grey:
    """Return a picture turned anticlockwise, its corners filled with white."""
    import numpy as np
    from PIL import Image

    return np.array(Image.fromarray(grey).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255))
