"""Whether text can be told from what it stands on, and what is said of text that nobody reads."""

from __future__ import annotations

import re
from typing import NamedTuple

PALE, STRUCK = "text in the colour of its background", "struck-out text"

_ALIKE = 20 / 255  # two colours no channel of which differs by more are one to the eye
_CLEAR = 0.1  # opacity below which nothing is seen


class Colour(NamedTuple):
    """An sRGB colour, its channels and opacity from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def over(self, background: Colour) -> Colour:
        """Return what is seen where this colour lies on an opaque one."""
        share = self.alpha
        return Colour(*(share * top + (1 - share) * low for top, low in zip(self[:3], background[:3], strict=True)))


BLACK, WHITE = Colour(0, 0, 0), Colour(1, 1, 1)


def from_hex(digits: str) -> Colour | None:
    """Return the colour of six hexadecimal digits, or None for anything else."""
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", digits):
        return None
    return Colour(*(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)))


def cannot_be_seen(text: Colour | None, background: Colour | None) -> bool:
    """Say whether text is clear or of its background's colour; what is not known is taken to be seen."""
    if text is None:
        return False
    if text.alpha < _CLEAR:
        return True
    if background is None:
        return False
    return all(abs(a - b) <= _ALIKE for a, b in zip(text.over(background)[:3], background[:3], strict=True))
