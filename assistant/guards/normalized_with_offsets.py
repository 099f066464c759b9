"""A text as detectors of numbers and keys read it: one sign for each digit, dash and space, and where each came from.

`normalise.fold` serves detectors that only say that something is there; what is masked has to be found again in the
text as it was written, so here each sign keeps its place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.guards import Span

_DASHES = frozenset("\u2212\u2043\u02d7")  # dashes to the eye, not to Unicode
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters to Unicode, nothing to the eye
_DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip
_WORD = "|".join(_DIGITS)
_PLAIN = re.IGNORECASE | re.ASCII  # without ASCII, "six" with a dotted capital I is "six" to the pattern alone
_SPELLED = re.compile(rf"\b(?:{_WORD})(?:[ ,-]{{1,2}}(?:{_WORD}|\d{{1,4}}))+\b", _PLAIN)
_SPELLED_WORD = re.compile(_WORD, _PLAIN)


@dataclass(frozen=True, slots=True)
class OffsetText:
    """Signs, each with where it starts and ends in the text that was read."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int, kind: str) -> Span:
        """Return a stretch of the read text as one of the text as it was written."""
        return Span(self.starts[start], self.ends[end - 1], kind)

    def lower(self) -> str:
        """Return the signs in lower case, as many as there are."""
        lowered = self.text.lower()
        if len(lowered) == len(self.text):
            return lowered
        return "".join(char.lower() if len(char.lower()) == 1 else char for char in self.text)


def normalize_with_offsets(text: str) -> OffsetText:
    """Fold full-width and foreign digits, dashes, spaces and line ends to ASCII's, and drop what nobody sees."""
    if text.isascii():
        return OffsetText(text, range(len(text)), range(1, len(text) + 1))
    signs = {ord(char): _sign(char) for char in set(text) if not char.isascii()}
    if all(signs.values()):
        return OffsetText(text.translate(signs), range(len(text)), range(1, len(text) + 1))
    kept = [(sign, at) for at, char in enumerate(text) if (sign := _sign(char))]
    return OffsetText("".join(sign for sign, _ in kept), [at for _, at in kept], [at + 1 for _, at in kept])


def spelled_out(read: OffsetText, fewest: int = 4) -> OffsetText:
    """Fold digits that are spelled out in English, where `fewest` or more stand in a row: "one or two" is no number."""
    text, starts, ends, at = [], [], [], 0
    for run in _SPELLED.finditer(read.text):
        words = list(_SPELLED_WORD.finditer(read.text, *run.span()))
        for word in words if len(words) >= fewest else ():
            text += [read.text[at : word.start()], _DIGITS[word.group().lower()]]
            starts += [*read.starts[at : word.start()], read.starts[word.start()]]
            ends += [*read.ends[at : word.start()], read.ends[word.end() - 1]]
            at = word.end()
    if not at:
        return read
    return OffsetText(
        "".join([*text, read.text[at:]]), [*starts, *read.starts[at:]], [*ends, *read.ends[at:]]
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _sign(char: str) -> str:
    """Return what a character is read as: itself, one other, or nothing."""
    if char.isascii():
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me") or char in _FILLERS:
        return ""
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp") or char == "\x85":
        return "\n"
    if category == "Pd" or char in _DASHES:
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    wide = unicodedata.normalize("NFKC", char)
    return wide if len(wide) == 1 and category != "No" else char
