"""Read plain text: unwrap paragraphs, keep lists, take headings only where the author drew them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile

from ingest.formats.builder import Builder
from ingest.formats.inline import Inline
from ingest.formats.parsed import Parsed
from ingest.formats.text.source import open_source

MEDIA_TYPE = "text/plain"
BULLET = re.compile(r"(?:[-*+•◦▪▫●○■□‣⁃∙·–]|\uf0b7|\uf0a7)\s+(?=\S)")
NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_LETTER = re.compile(r"(\([a-z]{1,4}\)|\(\d{1,3}\)|[a-z][.)])\s+(?=\S)")
_WRAPPED = (50, 100)  # characters of a line that an editor wrapped
_WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
# What stands before a hyphen far more often than before nothing.
_PREFIXES = frozenset(
    "self non co ex cross well in on off up long short full part one two three high low day year post third first case"
    " out real multi".split()
)


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line without its indent, which is in columns."""

    text: str
    indent: int


def read_text(data: bytes) -> Parsed:
    """Return a text file's paragraphs; form feeds begin pages."""
    builder = Builder()
    text = open_source(data, builder)
    pages = text.removesuffix("\f").split("\f")
    width = _wrap_width(text)
    vocabulary = Vocabulary(line.rstrip() for line in text.split("\n"))
    for page in pages:
        if len(pages) > 1:
            builder.page()
        # As a list item of several: what the name means stands beside it.
        for block in _blocks(write_definitions(page, "\n- {}: {}\n".format)):
            _write_block(block, width, vocabulary, builder)
    return builder.build(MEDIA_TYPE)


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
    if len(block) > 1 and all(len(line.text) > 1 and line.text[0] == line.text[-1] == "|" for line in block):
        drawn = (line.text for line in block if not set(line.text) <= set("|:+- "))
        builder.table([[Inline(cell) for cell in text.strip("|").split("|")] for text in drawn])
        return
    at = 0
    while at < len(block):
        line = block[at]
        level = _heading_level(line.text)
        if level:
            builder.heading(level, Inline(line.text[level:].rstrip("# ")))
            at += 1
        elif underline := _underline(block, at):
            builder.heading(1 if underline == "=" else 2, Inline(line.text))
            at += 2
        elif _is_rule(line.text):
            builder.end_list()
            at += 1
        else:
            at = _write_lines(block, at, width, vocabulary, builder)


def _heading_level(text: str) -> int:
    """Return the level of a heading as Markdown writes it, or 0."""
    level = len(text) - len(text.lstrip("#"))
    return level if 1 <= level <= 6 and text[level : level + 1].isspace() else 0


def _underline(block: list[PlainLine], at: int) -> str:
    """Return what a heading is underlined with that stands at a line, or an empty string."""
    title, under = block[at].text, block[at + 1].text if at + 1 < len(block) else ""
    drawn = len(under) >= 3 and set(under) in ({"="}, {"-"}) and not _is_rule(title)
    return under[0] if drawn and len(title) <= 100 and 0.5 <= len(under) / len(title) <= 2 else ""


def _is_rule(text: str) -> bool:
    return len(text) >= 3 and set(text) <= set("-=_*~ ")


def _write_lines(block: list[PlainLine], at: int, width: int, vocabulary: Vocabulary, builder: Builder) -> int:
    """Write one paragraph or list item from line `at` on; return the line after it."""
    first = block[at]
    marker, text = split_marker(first.text)
    inline = Inline()
    at += 1
    while at < len(block):
        line = block[at]
        if split_marker(line.text)[0] or _heading_level(line.text) or _is_rule(line.text) or _underline(block, at):
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
    room = 0.85 * width - (len(line.text) + 1)  # a proportional font wraps at uneven lengths
    return len(following.text.split(None, 1)[0]) < room


def write_definitions(text: str, write: Callable[[str, str], str]) -> str:
    """Return the text with each line of a name, a tab and its meaning as `write` writes it, if there are several."""
    lines = text.split("\n")
    found = {at: pair for at, line in enumerate(lines) if "\t" in line and (pair := _definition(line))}
    if len(found) < 3:  # fewer may be anything
        return text
    return "\n".join(write(*found[at]) if at in found else line for at, line in enumerate(lines))


def _definition(line: str) -> tuple[str, str] | None:
    name, *rest = (part.strip(" ") for part in line.split("\t"))
    meaning = next(filter(None, rest), "")
    is_one = name[:1].isalnum() and len(name) <= 80 and [meaning] == list(filter(None, rest)) and "|" not in name
    return (name, meaning) if is_one and line[0] == name[0] and meaning[0] != "|" else None


class Vocabulary:
    """The words of one document, which tell whether a hyphen at a line's end is the author's or the margin's."""

    def __init__(self, lines: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        pairs: list[tuple[str, str]] = []
        kept = list(islice(lines, 100_000))  # a longer document has told by then
        for line in kept:
            counts.update(word.lower() for word in _WORD.findall(line))
        for line, following in pairwise(kept):
            if halves := _halves(line, following):
                pairs.append(halves)
                counts.subtract(pairs[-1])  # halves are no words
        self._words = {word for word, count in counts.items() if count > 0}
        votes = [self._divided(left, right) for left, right in pairs]
        # Where the words themselves do not tell, the document does: most programs never divide words, and those that
        # do divide many, on 3% of the lines or more.
        sure, often = votes.count(True) - votes.count(False), len(pairs) > 0.03 * len(kept)
        self._divides = sure > 0 or (sure == 0 and often)

    def join(self, line: str, following: str) -> str:
        """Return a line as it stands before the next one: with a space, with its hyphen only, or without it."""
        halves = _halves(line, following)
        if not halves:
            return line + " "
        if not following[0].islower():
            return line
        divided = self._divided(*halves)
        return line[:-1] if (self._divides if divided is None else divided) else line

    def _divided(self, left: str, right: str) -> bool | None:
        """Say whether the margin divided a word, if that can be told."""
        if f"{left}-{right}" in self._words:
            return None if left + right in self._words else False
        if left + right in self._words:
            return True
        return False if left in _PREFIXES or {left, right} <= self._words else None


def _halves(line: str, following: str) -> tuple[str, str] | None:
    """Return in small letters what stands before a hyphen at a line's end, and after it."""
    before = "".join(takewhile(str.isalpha, line[-2::-1]))[::-1] if line.endswith(("-", "‐")) else ""
    after = "".join(takewhile(str.isalpha, following))
    return (before.lower(), after.lower()) if before and after else None
