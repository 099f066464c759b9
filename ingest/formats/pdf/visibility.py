"""Which words of a PDF page may lie under something, or be of the colour of what they lie on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.formats.pdf.pdf_table import Word

_MAX_PAIRS = 5_000_000  # of covers and words of a page; among more, any word may lie under one
_ALIKE = 20  # of 255, in every channel


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
            abs(a - b) <= _ALIKE for a, b in zip(self.colour, word.colour, strict=True)
        )
        return word.order < self.order or (alike and not word.pale)


def under_covers(words: Sequence[Word], covers: Sequence[Cover]) -> list[Word]:
    """Return the words that may be hidden by drawings; only the drawn page tells whether they are."""
    if len(covers) * len(words) > _MAX_PAIRS:
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
