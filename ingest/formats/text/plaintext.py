"""Read plain text: unwrap paragraphs, keep lists, take headings only where the author drew them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from ingest.formats.builder import Builder
from ingest.formats.inline import Inline
from ingest.formats.parsed import Parsed
from ingest.formats.text.decode import decode
from ingest.formats.text.front_matter import split_front_matter, title_of

MEDIA_TYPE = "text/plain"
_ATX = re.compile(r"(#{1,6})\s+(\S.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r"(={3,}|-{3,})\s*$")
_RULE = re.compile(r"[-=_*~\s]{3,}$")
_ROW = re.compile(r"\|.*\|$")
BULLET = re.compile(r"(?:[-*+•◦▪▫●○■□‣⁃∙·–]|\uf0b7|\uf0a7)\s+(?=\S)")
NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_LETTER = re.compile(r"(\([a-z]{1,4}\)|\(\d{1,3}\)|[a-z][.)])\s+(?=\S)")
_WRAPPED = (50, 100)  # characters of a line that an editor wrapped
_SLACK = 0.85  # a proportional font wraps at uneven lengths

_TABBED = re.compile(r"^(?P<name>[^\W_][^\t\n|]{0,79}?) *\t[ \t]*(?P<meaning>[^\s|][^\t\n]*)$", re.MULTILINE)
_LEAST_TABBED = 3  # lines; a single one may be anything
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


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line without its indent, which is in columns."""

    text: str
    indent: int


def read_text(data: bytes) -> Parsed:
    """Return a text file's paragraphs; form feeds begin pages."""
    builder = Builder()
    source = decode(data, builder).replace("\r\n", "\n").replace("\r", "\n")
    front, text = split_front_matter(source)
    pages = text.removesuffix("\f").split("\f")
    width = _wrap_width(text)
    vocabulary = Vocabulary(line.rstrip() for line in text.split("\n"))
    for page in pages:
        if len(pages) > 1:
            builder.page()
        # As a list item of several: what the name means stands beside it.
        for block in _blocks(write_definitions(page, "\n- {}: {}\n".format)):
            _write_block(block, width, vocabulary, builder)
    return builder.build(MEDIA_TYPE, title_of(front), front)


def split_marker(text: str) -> tuple[str, str]:
    """Split a list item into its canonical marker and its text; the marker is empty for other lines."""
    if match := BULLET.match(text):
        return "-", text[match.end() :]
    if match := NUMBER.match(text):
        return f"{match[1]}.", text[match.end() :]
    if _LETTER.match(text):
        return "-", text  # a letter is referred to, so it stays
    return "", text


def _wrap_width(text: str) -> int:
    """Return the width at which the text is hard-wrapped, in characters; 0 where it is not."""
    lengths = sorted(len(line) for raw in text.split("\n") if (line := raw.strip()))
    long = [length for length in lengths if length >= _WRAPPED[0]]
    if len(long) < 3 or sum(length <= _WRAPPED[1] for length in long) < 0.8 * len(long):
        return 0
    return long[int(0.9 * (len(long) - 1))]


def _blocks(page: str) -> list[list[PlainLine]]:
    """Group the lines between blank ones."""
    blocks: list[list[PlainLine]] = [[]]
    for raw in page.split("\n"):
        line = raw.expandtabs(4).rstrip()
        if line.strip():
            stripped = line.lstrip()
            blocks[-1].append(PlainLine(stripped, len(line) - len(stripped)))
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _write_block(block: list[PlainLine], width: int, vocabulary: Vocabulary, builder: Builder) -> None:
    if len(block) > 1 and all(_ROW.match(line.text) for line in block):
        _write_table(block, builder)
        return
    at = 0
    while at < len(block):
        line = block[at]
        follows = block[at + 1].text if at + 1 < len(block) else ""
        if heading := _ATX.match(line.text):
            builder.heading(len(heading[1]), Inline(heading[2]))
            at += 1
        elif _UNDERLINE.match(follows) and not _RULE.match(line.text) and _fits(line.text, follows):
            builder.heading(1 if follows[0] == "=" else 2, Inline(line.text))
            at += 2
        elif _RULE.fullmatch(line.text):
            builder.end_list()
            at += 1
        else:
            at = _write_lines(block, at, width, vocabulary, builder)


def _fits(title: str, underline: str) -> bool:
    return len(title) <= 100 and 0.5 <= len(underline.strip()) / len(title) <= 2


def _write_table(block: list[PlainLine], builder: Builder) -> None:
    drawn = (line.text for line in block if not re.fullmatch(r"[|:\s+-]+", line.text))
    builder.table([[Inline(cell) for cell in text.strip("|").split("|")] for text in drawn])


def _write_lines(block: list[PlainLine], at: int, width: int, vocabulary: Vocabulary, builder: Builder) -> int:
    """Write one paragraph or list item from line `at` on; return the line after it."""
    first = block[at]
    marker, text = split_marker(first.text)
    inline = Inline()
    at += 1
    while at < len(block):
        line = block[at]
        if split_marker(line.text)[0] or _ATX.match(line.text) or _RULE.fullmatch(line.text):
            break
        if at + 1 < len(block) and _UNDERLINE.match(block[at + 1].text) and _fits(line.text, block[at + 1].text):
            break
        if _ended(block[at - 1], line, width, marker):
            break
        inline.add(vocabulary.join(text, line.text))
        if not width and not marker:
            inline.line_break()
        text = line.text
        at += 1
    inline.add(text)
    if marker:
        builder.item(marker, inline, first.indent // 2)
    else:
        builder.paragraph(inline)
    return at


def _ended(line: PlainLine, following: PlainLine, width: int, marker: str) -> bool:
    """Say whether the author, not the margin, ended a line."""
    if not width:
        # Short lines stay together as one paragraph of several lines; a long one is a paragraph.
        return not (marker and following.indent > line.indent) and len(line.text) > _WRAPPED[1]
    room = _SLACK * width - (len(line.text) + 1)
    return len(following.text.split(None, 1)[0]) < room


def write_definitions(text: str, write: Callable[[str, str], str]) -> str:
    """Return the text with each line of a name, a tab and its meaning as `write` writes it, if there are several."""
    if "\t" not in text or len(_TABBED.findall(text)) < _LEAST_TABBED:
        return text
    return _TABBED.sub(lambda line: write(line["name"], line["meaning"]), text)


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
