"""Whether a reader sees a piece of text, by what its format says of it: one rule for all formats."""

from __future__ import annotations

import re
from typing import NamedTuple

HIDDEN, TINY, PALE, STRUCK = "hidden text", "tiny text", "text in the colour of its background", "struck-out text"

_TINY_POINTS = 3.0  # smaller type is not read; the smallest footnotes are of 5
ALIKE = 20 / 255  # two colours no channel of which differs by more are one to the eye
CLEAR_OPACITY = 0.1  # below, nothing is seen


class Colour(NamedTuple):
    """An sRGB colour, its channels and opacity from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def over(self, background: Colour) -> Colour:
        """Return what is seen where this colour lies on an opaque one."""
        mixed = (self.alpha * one + (1 - self.alpha) * two for one, two in zip(self[:3], background[:3], strict=True))
        return Colour(*mixed)

    def is_like(self, other: Colour) -> bool:
        """Say whether two opaque colours are one to the eye."""
        return all(abs(one - two) <= ALIKE for one, two in zip(self[:3], other[:3], strict=True))


BLACK, WHITE, CLEAR = Colour(0, 0, 0), Colour(1, 1, 1), Colour(0, 0, 0, 0)


def hidden_reason(
    text: Colour | None,
    background: Colour | None,
    *,
    hidden: bool = False,
    points: float | None = None,
    struck: bool = False,
) -> str:
    """Return how text is hidden, or an empty string; a size or colour of which nothing is known (None) hides none."""
    if hidden:
        return HIDDEN
    if points is not None and points < _TINY_POINTS:
        return TINY
    if is_indistinct(text, background):
        return PALE
    return STRUCK if struck else ""


def is_indistinct(text: Colour | None, background: Colour | None) -> bool:
    """Say whether text is clear, or of its background's colour."""
    if text is None:
        return False
    if text.alpha < CLEAR_OPACITY:
        return True
    return background is not None and text.over(background).is_like(background)


def from_hex(digits: str) -> Colour | None:
    """Return the colour of six hexadecimal digits, or None for anything else."""
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", digits):
        return None
    return Colour(*(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)))
