"""The text of one block, gathered piece by piece and laid out once: white space, emphasis, breaks, escapes.

Raised and lowered digits are kept apart from the number or word that they follow: `5` with a raised `1` is not 51.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import Literal

from ingest.clean import Counts, scrub

Span = tuple[int, int]
Mode = Literal["lines", "line", "cell"]

_TEXT, _EMPHASIS, _BREAK, _PAGE = range(4)
_SPACE = re.compile(r"\s+")


class Inline:
    """Pieces of text with or without emphasis, hard breaks, and page starts."""

    __slots__ = ("_pieces",)

    def __init__(self, text: str = "", emphasis: bool = False) -> None:
        self._pieces: list[tuple[int, str]] = []
        self.add(text, emphasis)

    def add(self, text: str, emphasis: bool = False) -> None:
        """Append text; its white space, newlines included, will be collapsed."""
        if text:
            self._pieces.append((_EMPHASIS if emphasis else _TEXT, text))

    def extend(self, other: Inline) -> None:
        """Append another block's pieces."""
        self._pieces.extend(other._pieces)

    def line_break(self) -> None:
        """Append a break that stays a newline."""
        self._pieces.append((_BREAK, ""))

    def page(self) -> None:
        """Say that a page begins here, in the middle of the block."""
        self._pieces.append((_PAGE, ""))

    def strip_start(self, pattern: re.Pattern[str]) -> bool:
        """Cut what the pattern matches off the first piece; return whether it did."""
        for at, (kind, text) in enumerate(self._pieces):
            if text.strip():
                text = text.lstrip()
                match = pattern.match(text)
                if match:
                    self._pieces[at] = kind, text[match.end() :]
                return match is not None
        return False

    def plain(self) -> str:
        """Return the text on one line, without counting what cleaning removes."""
        return self.layout(Counter(), "line")[0]

    @property
    def size(self) -> int:
        """How many characters the pieces have."""
        return sum(len(text) for _, text in self._pieces)

    @property
    def last(self) -> str:
        """The character that a further piece would follow, or an empty string."""
        return self._pieces[-1][1][-1:] if self._pieces else ""

    @property
    def at_break(self) -> bool:
        """Whether nothing but white space follows the last hard break."""
        for kind, text in reversed(self._pieces):
            if kind == _BREAK:
                return True
            if text and not text.isspace():
                return False
        return False

    def __bool__(self) -> bool:
        return any(text and not text.isspace() for _, text in self._pieces)

    def layout(self, counts: Counts, mode: Mode = "lines", indent: str = "") -> tuple[str, list[Span], list[int]]:
        """Return the cleaned text, the spans of its emphases and the offsets of its page starts.

        In `lines`, hard breaks become newlines followed by `indent`, and a line that would read as a heading or a table
        row is escaped; in `line` and `cell` they become spaces, and a cell's `|` is escaped.
        """
        out: list[str] = []
        length, last = 0, "\n"  # of what is out so far
        spans: list[Span] = []
        pages: list[int] = []
        for kind, text in self._pieces:
            if kind == _PAGE:
                pages.append(length)
                continue
            if kind == _BREAK and mode == "lines":
                if last == "\n":
                    continue
                if last == " ":  # at a line's end
                    out[-1], length = out[-1][:-1], length - 1
                    spans[-1:] = [(start, min(end, length)) for start, end in spans[-1:]]
                text, last = "\n" + indent, "\n"
            else:
                text = " " if kind == _BREAK else _SPACE.sub(" ", _scrubbed(text, counts))
                if last in " \n":
                    text = text.removeprefix(" ")
                if mode == "cell":
                    text = text.replace("|", "\\|")
                elif mode == "lines" and last == "\n" and _is_syntax(text):
                    text = "\\" + text
                if not text:
                    continue
                last = text[-1]
            out.append(text)
            if kind == _EMPHASIS:
                # Neighbouring pieces are one emphasis: word processors split a phrase wherever it was edited.
                start = spans.pop()[0] if spans and spans[-1][1] == length else length
                spans.append((start, length + len(text)))
            length += len(text)
        return _strip("".join(out), spans, pages)


def _scrubbed(text: str, counts: Counts) -> str:
    text, removed = scrub(text)
    if removed:
        counts.update(removed)
    return text


def _is_syntax(line: str) -> bool:
    """Say whether a line of plain text would read as a table row or a heading."""
    marks = len(line) - len(line.lstrip("#"))
    return line.startswith("|") or (1 <= marks <= 6 and line[marks : marks + 1] in {"", " "})


def _strip(text: str, spans: list[Span], pages: list[int]) -> tuple[str, list[Span], list[int]]:
    """Drop spaces at the end and around emphases; the text has none at its start."""
    text = text.rstrip()
    kept = []
    for start, end in spans:
        piece = text[start:end]
        if any(char.isalnum() for char in piece):
            start += len(piece) - len(piece.lstrip())
            kept.append((start, start + len(piece.strip())))
    return text, kept, [min(page, len(text)) for page in pages]


# Raised and lowered digits

Script = Literal["", "super", "sub"]

_SCRIPTS = {
    "super": str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻"),
    "sub": str.maketrans("0123456789+-\u2212", "₀₁₂₃₄₅₆₇₈₉₊₋₋"),
}
_SMALLER = 0.85  # of the size of what it is raised from
_LEAST_RISE, _MOST_RISE = 0.15, 0.8  # of that size


def as_script(text: str, script: Script, before: str = "") -> str:
    """Return text that is set raised or lowered after `before` with its digits so too.

    Small print is set so as well: of words, only the first is changed, and that where it would join what is before it.
    Formulas stay as people type them: CO2.
    """
    if not script or (script == "sub" and before[-1:].isalpha()):
        return text
    if not any(map(str.isalpha, text)):
        return _scripted(text, script)
    joined = len(list(takewhile(lambda char: not char.isspace(), text))) if before[-1:].isalnum() else 0
    return _scripted(text[:joined], script) + text[joined:]


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
    # What stands in brackets says itself that it is a mark.
    return text.translate(_SCRIPTS[script]) if any(map(str.isdigit, text)) and "[" not in text else text
