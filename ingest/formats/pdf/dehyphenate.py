"""Join the two halves of a word that a line end divided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
_DIVIDED = re.compile(r"([^\W\d_]+)[-‐]$")
_BEGINS = re.compile(r"[^\W\d_]+")
# What stands before a hyphen far more often than before nothing.
_PREFIXES = frozenset(
    {"self", "non", "co", "ex", "cross", "well", "in", "on", "off", "up", "long", "short", "full", "part", "one", "two"}
    | {"three", "high", "low", "day", "year", "post", "third", "first", "case", "out", "real", "multi"}
)
_DIVIDING = 0.03  # share of lines that end in a hyphen where a program divides words
_MAX_LINES = 100_000  # looked at; a longer document has told by then


class Vocabulary:
    """The words of one document, which tell whether a hyphen at a line's end is the author's or the margin's."""

    def __init__(self, lines: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        pairs: list[tuple[str, str]] = []
        kept = [line for line, _ in zip(lines, range(_MAX_LINES), strict=False)]
        for line in kept:
            counts.update(word.lower() for word in _WORD.findall(line))
        for line, following in pairwise(kept):
            before, after = _DIVIDED.search(line), _BEGINS.match(following)
            if before and after:
                pairs.append((before[1].lower(), after[0].lower()))
                counts.subtract(pairs[-1])  # halves are no words
        self._words = {word for word, count in counts.items() if count > 0}
        votes = [self._divided(left, right) for left, right in pairs]
        # Where the words themselves do not tell, the document does: most programs never divide words, and those that
        # do divide many.
        sure, often = votes.count(True) - votes.count(False), len(pairs) > _DIVIDING * len(kept)
        self._divides = sure > 0 or (sure == 0 and often)

    def join(self, line: str, following: str) -> str:
        """Return a line as it stands before the next one: with a space, with its hyphen only, or without it."""
        before, after = _DIVIDED.search(line), _BEGINS.match(following)
        if not before or not after:
            return line + " "
        if not after[0][0].islower():
            return line
        divided = self._divided(before[1].lower(), after[0].lower())
        return line[:-1] if (self._divides if divided is None else divided) else line

    def _divided(self, left: str, right: str) -> bool | None:
        """Say whether the margin divided a word, if that can be told."""
        if f"{left}-{right}" in self._words:
            return None if left + right in self._words else False
        if left + right in self._words:
            return True
        return False if left in _PREFIXES or {left, right} <= self._words else None
