"""A PDF page's words and ruled lines, and how the drawn page tells that words are hidden, whatever hides them.

A shape may lie over them, a clip or optional content that is switched off may leave them out, a line may strike them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ingest.formats.visibility import ALIKE, BLACK, WHITE, Colour, hidden_reason

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


@dataclass(slots=True)
class Word:
    """A word as set: `x0` to `x1` on the baseline `base`, in points; `line` numbers the page's physical lines."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    line: int
    font: str = ""
    bold: bool = False
    italic: bool = False
    colour: Colour | None = BLACK  # None if outlined: what shows may be the line or the area
    drawn: bool = True  # else its text is there and its letters are not: how OCR text is laid under a scan


@dataclass(frozen=True, slots=True)
class RuledLine:
    """A line or thin rectangle, by its bounds."""

    x0: float
    y0: float
    x1: float
    y1: float
    drawn: bool = True  # else it is where a filled area ends

    @property
    def horizontal(self) -> bool:
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(slots=True)
class Page:
    """A page's words in reading order, its rules, its vertical bounds, and what words may stand on or lie under."""

    words: list[Word] = field(default_factory=list)
    rules: list[RuledLine] = field(default_factory=list)
    bottom: float = 0.0
    top: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    has_image: bool = False
    is_scan: bool = False  # an image covers half of it
    is_struck: bool = False  # some words are, which OCR would read


class Canvas:
    """A drawn page, to see which words show, what those stand on that lie on a drawing, and which are struck."""

    def __init__(self, page: Any, boxes: Sequence[Box], rules: Sequence[RuledLine]) -> None:
        self._page = page
        self._drawn = _Picture(page, 1)
        self._on_drawing = np.zeros(self._drawn.pixels.shape[:2], dtype=bool)
        for box in boxes:
            self._on_drawing[self._drawn.slices(*box)] = True
        lines = [(rule.x0, rule.x1, (rule.y0 + rule.y1) / 2) for rule in rules if rule.horizontal and rule.drawn]
        self._lines = np.array(lines).reshape(-1, 3)

    def hidden_reason(self, word: Word) -> str:
        """Return how a word is hidden, or an empty string."""
        middle, behind = (word.x0 + word.x1) / 2, WHITE
        if self._on_drawing[self._drawn.slices(middle, word.base, middle, word.base + word.size / 3)].any():
            behind = Colour(*(np.median(self._drawn.part(word, -0.2, 1.0), axis=(0, 1)) / 255))
        letters = self._drawn.part(word, 0.1, 0.5)
        even = letters.size == 0 or int(np.ptp(letters, axis=(0, 1)).max()) <= 12
        covered = even and any(map(str.isalnum, word.text))
        how = hidden_reason(word.colour, behind, hidden=not word.drawn, points=word.size, struck=self._is_struck(word))
        return how or ("text that is not drawn" if covered else "")

    def _is_struck(self, word: Word) -> bool:
        """Say whether lines go through the middle of a word, over most of its width, and show on the page."""
        if not self._lines.size:  # as on most pages: this is asked of each word
            return False
        x0, x1, y = self._lines.T
        x0, x1 = np.maximum(x0, word.x0), np.minimum(x1, word.x1)
        # Letters are half of their size high, capitals less than three quarters; what stands on a line may dip into it.
        through = (x0 < x1) & (y > word.base + 0.15 * word.size) & (y < word.base + 0.5 * word.size)
        if (x1 - x0)[through].sum() <= (word.x1 - word.x0) / 2:
            return False
        behind = np.median(self._fine.part(word, -0.2, 1.0), axis=(0, 1))
        rows, columns = self._fine.slices(x0[through].min(), y[through].min(), x1[through].max(), y[through].max())
        # Its bounds may be a pixel off. In 10,000 words without a line, ink takes up to 87% of a row.
        rows = slice(max(rows.start - 1, 0), rows.stop + 1)
        ink = np.abs(self._fine.pixels[rows, columns] - behind).max(axis=2, initial=0) > 255 * ALIKE
        return bool(ink.mean(axis=1).max(initial=0) > 0.9)

    @cached_property
    def _fine(self) -> _Picture:
        return _Picture(self._page, 4)  # enough to see white between letters


class _Picture:
    """A page drawn at some pixels a point."""

    def __init__(self, page: Any, scale: int) -> None:
        self._left, _, _, self._top = page.get_bbox()
        self._scale = min(float(scale), 3_400 / max(*page.get_size(), 1))  # as many as A4 has at four
        upright = (360 - page.get_rotation()) % 360  # as its words are placed
        bitmap = page.render(scale=self._scale, rotation=upright, rev_byteorder=True)
        self.pixels = bitmap.to_numpy()[:, :, :3].copy()
        bitmap.close()

    def part(self, word: Word, low: float, high: float) -> Any:
        """Return the pixels of a word, from and to a part of its size above the base line; of a large one, some."""
        rows, columns = self.slices(word.x0, word.base + low * word.size, word.x1, word.base + high * word.size)
        found = self.pixels[rows, columns]
        return found[:: found.shape[0] // 100 + 1, :: found.shape[1] // 100 + 1]

    def slices(self, left: float, bottom: float, right: float, top: float) -> tuple[slice, slice]:
        """Return the rows and columns of an area, at least one pixel of it."""
        high, wide = self.pixels.shape[:2]
        x0, x1 = (int((x - self._left) * self._scale) for x in (left, right))
        y0, y1 = (int((self._top - y) * self._scale) for y in (top, bottom))
        return slice(max(y0, 0), min(y1 + 1, high)), slice(max(x0, 0), min(x1 + 1, wide))
