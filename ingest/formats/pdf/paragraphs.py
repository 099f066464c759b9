"""Make blocks of a PDF's lines: headings, paragraphs and list items, over page breaks too.

A line belongs to the paragraph above it unless something says otherwise: a wider gap, another size of type, a list
marker, or room at the end of the line above that the next word would have fitted into.
"""

from __future__ import annotations

import re

from ingest.formats.builder import Builder
from ingest.formats.inline import Inline
from ingest.formats.pdf.canvas import Page, Word
from ingest.formats.pdf.lines import BodyType, Piece, Table, TextLine, lay_out, usual_type
from ingest.formats.text.plaintext import Vocabulary, split_marker

_TERMINAL = re.compile(r"[.!?:;][\"'”’)\]]*$")


def write_pages(pages: list[Page], builder: Builder) -> str:
    """Write the pages' blocks; return the title that the first pages show, or an empty string."""
    laid, running = lay_out(pages)
    for line in running:
        builder.margin(line)
    lines = [piece for pieces in laid for piece in pieces if isinstance(piece, TextLine)]
    usual = usual_type(lines)
    vocabulary = Vocabulary(line.text for line in lines)
    writer = _Writer(builder, usual, vocabulary)
    for number, pieces in enumerate(laid):
        writer.page(number, pieces)
    writer.close(len(laid))
    return writer.title


class _Writer:
    """Joins lines to blocks, over page breaks too, and hands these to the builder."""

    def __init__(self, builder: Builder, usual: BodyType, vocabulary: Vocabulary) -> None:
        self._headings: list[tuple[int, float, str]] = []  # page, size, text
        self._prose: set[int] = set()  # pages with more than headings
        self._builder = builder
        self._usual = usual
        self._vocabulary = vocabulary
        self._lines: list[TextLine] = []  # of the open block
        self._marker = ""
        self._indents: list[float] = []  # of the markers of the open list, outermost first
        self._rows: list[list[Inline]] = []  # of the open table
        self._begun = 0  # pages of which something was written

    @property
    def title(self) -> str:
        """The largest heading of the first page that has one; all of them where it is a cover."""
        page = min((page for page, _, _ in self._headings), default=0)
        found = [(size, text) for at, size, text in self._headings if at == page < 3]
        if len(found) > 1 and page not in self._prose:
            return " - ".join(dict.fromkeys(text for _, text in found))
        return max(found, key=lambda heading: heading[0], default=(0.0, ""))[1]

    def page(self, number: int, pieces: list[Piece]) -> None:
        """Write one page."""
        for piece in pieces:
            if isinstance(piece, TextLine):
                self._end_table()
                self._line(piece)
            else:
                self._table(piece, number)

    def close(self, pages: int) -> None:
        self._end_block()
        self._end_table()
        self._begin(pages - 1)

    def _begin(self, page: int) -> None:
        """Say that what is written next is of a page."""
        for _ in range(page + 1 - self._begun):
            self._builder.page()
        self._begun = max(self._begun, page + 1)

    def _line(self, line: TextLine) -> None:
        if self._lines and self._belongs(line):
            self._lines.append(line)
            self._begun = line.page + 1
            return
        self._end_block()
        self._begin(line.page)
        self._lines = [line]
        self._marker = _marker(line)

    def _belongs(self, line: TextLine) -> bool:
        """Say whether a line continues the open block."""
        last, first = self._lines[-1], self._lines[0]
        heads = self._usual.heads(line)
        changes = (line.size, line.bold) != (last.size, last.bold) and (heads or self._usual.heads(last))
        if changes and not _within_sentence(last, line):
            return False
        if heads and self._usual.heads(first) and line.size != first.size:
            return False
        marker = _marker(line)
        if line.page != last.page or line.base > last.base + last.size:
            # Over a page or into another column: only what clearly goes on.
            goes_on = line.text[:1].islower() or last.text.endswith("-")
            return goes_on and not (marker or heads or _TERMINAL.search(last.text))
        drop = last.base - line.base
        if self._usual.heads(first) and heads:
            return drop < 1.6 * line.size and len(self._lines) < 4 and not marker
        if drop > self._usual.gap * max(last.size, line.size):
            return False
        if marker:
            return self._mid_sentence(marker, last, line)
        return not _ended(last, line)

    def _mid_sentence(self, marker: str, last: TextLine, line: TextLine) -> bool:
        """Say whether what looks like `4.` is the end of a sentence that broke before it."""
        if marker == "-" or _ended(last, line) or _TERMINAL.search(last.text):
            return False
        return not (self._marker[:-1].isdigit() and marker == f"{int(self._marker[:-1]) + 1}.") and marker != "1."

    def _end_block(self) -> None:
        if not self._lines:
            return
        lines, marker = self._lines, self._marker
        self._lines = []
        text = " ".join(line.text for line in lines)
        if self._is_heading(lines, text):
            self._indents = []
            level = self._usual.levels[lines[0].size, lines[0].bold]
            self._builder.heading(level, self._inline(lines, plain=True))
            self._headings.append((lines[0].page, lines[0].size, text))
            return
        self._prose.add(lines[0].page)
        if marker:
            while self._indents and lines[0].x0 < self._indents[-1] - 4:
                self._indents.pop()
            if not self._indents or lines[0].x0 > self._indents[-1] + 4:
                self._indents.append(lines[0].x0)
            self._builder.item(marker, self._inline(lines, skip=_skipped(lines[0])), len(self._indents) - 1)
        elif self._indents and lines[0].x0 > self._indents[-1] + 8 and not self._usual.heads(lines[0]):
            self._builder.continuation(self._inline(lines), len(self._indents) - 1)
        else:
            self._indents = []
            self._builder.paragraph(self._inline(lines))

    def _is_heading(self, lines: list[TextLine], text: str) -> bool:
        if not all(self._usual.heads(line) for line in lines) or not any(char.isalpha() for char in text):
            return False
        if self._usual.is_smaller_than(lines[0]):
            sentence = text.endswith(".") and len(text) > 100
            return len(text) <= 200 and not sentence
        if len(text) > 100 or re.search(r"[.,;]$", text):
            return False
        return not self._marker or bool(re.match(r"\d+(\.\d+)*\.?\s", text))

    def _inline(self, lines: list[TextLine], plain: bool = False, skip: int = 0) -> Inline:
        """Return lines as one text, with the emphasis of words set unlike the body."""
        inline = Inline()
        for number, line in enumerate(lines):
            for _ in range(line.page - lines[max(number - 1, 0)].page):
                inline.page()
            words = line.words[skip:] if number == 0 else line.words
            follows = lines[number + 1].words[0].text if number + 1 < len(lines) else ""
            for at, word in enumerate(words):
                emphasis = not plain and (word.bold != self._usual.bold if word.bold else word.italic)
                last = at == len(words) - 1
                text = self._vocabulary.join(word.text, follows) if last and follows else word.text + " "
                inline.add(text, emphasis)
        return inline

    def _table(self, table: Table, page: int) -> None:
        self._end_block()
        rows = [[self._cell(cell) for cell in row] for row in table]
        if self._rows and page >= self._begun and len(rows[0]) == len(self._rows[0]):
            # It goes on over the page break; a repeated header row is said once.
            if [cell.plain() for cell in rows[0]] == [cell.plain() for cell in self._rows[0]]:
                rows = rows[1:]
        else:
            self._end_table()
            self._begin(page)
        if rows and page >= self._begun:
            marked = Inline()
            for _ in range(page + 1 - self._begun):
                marked.page()
            marked.extend(rows[0][0])
            rows[0][0] = marked
            self._begun = page + 1
        self._rows += rows
        self._indents = []

    def _cell(self, words: list[Word]) -> Inline:
        inline = Inline()
        for at, word in enumerate(words):
            wraps = at + 1 < len(words) and words[at + 1].base < word.base - 0.3 * word.size
            text = self._vocabulary.join(word.text, words[at + 1].text) if wraps else word.text + " "
            inline.add(text, word.bold and not all(other.bold for other in words))
        return inline

    def _end_table(self) -> None:
        if self._rows:
            self._builder.table(self._rows)
            self._rows = []


def _within_sentence(last: TextLine, line: TextLine) -> bool:
    """Say whether a change of type is within a sentence: a bold phrase that fills a line."""
    return last.size == line.size and last.page == line.page and line.text[:1].islower() and not _ended(last, line)


def _marker(line: TextLine) -> str:
    return "-" if _has_dingbat(line) else split_marker(line.text)[0]


def _skipped(line: TextLine) -> int:
    """Return how many words an item's marker is; a letter or `(1)` stays in the text."""
    return int(_has_dingbat(line) or split_marker(line.text)[1] != line.text)


def _has_dingbat(line: TextLine) -> bool:
    """Say whether a line begins with a symbol that stands for a bullet; Word's second level has an `o`."""
    first = line.words[0].text
    if len(line.words) < 2 or len(first) > 1:
        return False
    circle = first == "o" and line.words[0].font != line.words[1].font
    return circle or "\ue000" <= first <= "\uf8ff" or first in "•◦▪▫●○■□‣⁃∙·➢➤✓✔❖♦"


def _ended(line: TextLine, following: TextLine) -> bool:
    """Say whether the author, not the margin, ended a line: the next word would have fitted."""
    first = following.words[0]
    return line.x1 + 0.3 * line.size + (first.x1 - first.x0) < line.right - line.size
