"""Keep raised and lowered digits apart from the number or word that they follow: `5` with a raised `1` is not 51."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Literal

Script = Literal["", "super", "sub"]

_DIGITS = {"super": "⁰¹²³⁴⁵⁶⁷⁸⁹", "sub": "₀₁₂₃₄₅₆₇₈₉"}
_SIGNS = {"super": {"+": "⁺", "-": "⁻", "\u2212": "⁻"}, "sub": {"+": "₊", "-": "₋", "\u2212": "₋"}}
_DIGIT = re.compile(r"\[[^\]]*\]|[-+\u2212](?=\d)|\d")  # what stands in brackets says itself that it is a mark
_LETTER = re.compile(r"[^\W\d_]")
_FIRST_WORD = re.compile(r"\S*")
_SMALLER = 0.85  # of the size of what it is raised from
_LEAST_RISE, _MOST_RISE = 0.15, 0.8  # of that size


def as_script(text: str, script: Script, before: str = "") -> str:
    """Return text that is set raised or lowered after `before` with its digits so too.

    Small print is set so as well: of words, only the first is changed, and that where it would join what is before it.
    Formulas stay as people type them: CO2.
    """
    if not script or (script == "sub" and before[-1:].isalpha()):
        return text
    if not _LETTER.search(text):
        return _scripted(text, script)
    return _FIRST_WORD.sub(lambda word: _scripted(word[0], script), text, count=1) if before[-1:].isalnum() else text


def is_raised(size: float, base: float, from_size: float, from_base: float) -> bool:
    """Say whether type of a size and base line is set as a superscript of other type."""
    rise = base - from_base
    return size <= _SMALLER * from_size and _LEAST_RISE * from_size <= rise <= _MOST_RISE * from_size


def raise_digits(text: str, sizes: Sequence[float], bases: Sequence[float]) -> str:
    """Return a word with those digits as superscripts that are smaller and higher than its largest character."""
    largest = max(range(len(text)), key=sizes.__getitem__)
    raised = [is_raised(size, base, sizes[largest], bases[largest]) for size, base in zip(sizes, bases, strict=True)]
    out = ""
    for is_mark, run in groupby(range(len(text)), raised.__getitem__):
        piece = "".join(text[at] for at in run)
        out += as_script(piece, "super", out) if is_mark else piece
    return out


def _scripted(text: str, script: Literal["super", "sub"]) -> str:
    digits, signs = _DIGITS[script], _SIGNS[script]

    def write(match: re.Match[str]) -> str:
        found = match[0]
        return digits[int(found)] if found.isdecimal() else signs.get(found, found)

    return _DIGIT.sub(write, text)
