"""Which words of a PDF page lie under something, or are of the colour of what they lie on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.formats.pdf.settings import LIMITS
from ingest.formats.pdf.tables import Word


@dataclass(frozen=True, slots=True)
class Cover:
    """An opaque drawing by its bounds; `order` counts what a page draws, and `colour` is None for a picture."""

    x0: float
    y0: float
    x1: float
    y1: float
    order: int
    colour: tuple[int, int, int] | None = None

    def may_hide(self, word: Word) -> bool:
        """Say whether a word in these bounds was drawn before, or in this colour."""
        alike = self.colour is not None and all(
            abs(a - b) <= LIMITS.alike for a, b in zip(self.colour, word.colour, strict=True)
        )
        return word.order < self.order or (alike and not word.pale)


def under_covers(words: Sequence[Word], covers: Sequence[Cover]) -> list[Word]:
    """Return the words that may be hidden by drawings; only the drawn page tells whether they are."""
    if len(covers) * len(words) > LIMITS.max_pairs:
        return list(words)
    ordered = sorted(words, key=_middle)
    heights = [_middle(word) for word in ordered]
    found: dict[int, Word] = {}
    for cover in covers:
        for word in ordered[bisect_left(heights, cover.y0) : bisect_right(heights, cover.y1)]:
            if cover.x0 <= (word.x0 + word.x1) / 2 <= cover.x1 and cover.may_hide(word):
                found[id(word)] = word
    return list(found.values())


def _middle(word: Word) -> float:
    return word.base + word.size / 3


class Canvas:
    """A page drawn at one pixel a point, to see what white words stand on."""

    def __init__(self, page: Any, corner: tuple[float, float]) -> None:
        self._left, self._top = corner
        upright = (360 - page.get_rotation()) % 360  # as its words are placed
        self._scale = min(1.0, 2000 / max(*page.get_size(), 1))
        bitmap = page.render(scale=self._scale, rotation=upright, grayscale=True)
        self._width, self._height, self._stride = bitmap.width, bitmap.height, bitmap.stride
        self._pixels = bytes(bitmap.buffer)
        bitmap.close()

    def is_dark(self, word: Word) -> bool:
        """Say whether a third of the word's box is darker than paper."""
        box = self._box(word, -0.2, 1.0)
        return sum(pixel < 215 for pixel in box) * 3 > len(box)

    def is_even(self, word: Word) -> bool:
        """Say whether nothing stands out where the word's letters are."""
        box = self._box(word, 0.1, 0.5)
        return not box or max(box) - min(box) <= LIMITS.even

    def _box(self, word: Word, low: float, high: float) -> bytes:
        """Return the pixels of a word, from and to a part of its size above the base line."""
        x0, x1 = (int((x - self._left) * self._scale) for x in (word.x0, word.x1))
        y0, y1 = (int((self._top - word.base - part * word.size) * self._scale) for part in (high, low))
        x0, x1, y0, y1 = max(x0, 0), min(x1 + 1, self._width), max(y0, 0), min(y1 + 1, self._height)
        rows, columns = (
            max((y1 - y0) // LIMITS.samples, 1),
            max((x1 - x0) // LIMITS.samples, 1),
        )  # of a large word, a part
        starts = (y * self._stride for y in range(y0, y1, rows))
        return b"".join(self._pixels[start + x0 : start + x1 : columns] for start in starts)
