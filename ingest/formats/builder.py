"""Write canonical text block by block, counting offsets as it goes; every reader ends here.

Blocks are separated by one blank line; the items of a list and the rows of a table follow each other on consecutive
lines. A line of plain text that would read as a heading (`# `) or as a table row (`|`) gets a backslash before it, as
in Markdown. Code loses its blank lines, so that a block never holds one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ingest.clean import Counts, describe, scrub
from ingest.formats.inline import Inline, Mode, Span
from ingest.formats.parsed import MAX_CHARACTERS, Parsed, reject

_MAX_DEPTH = 12  # deeper lists are drawn at this depth
_MAX_FLAGS = 20  # of one reason
_MAX_MARGINS, _MAX_MARGIN = 50, 300  # different ones that are kept, and characters of one
_MAX_LINKS, _MAX_ADDRESS = 10_000, 500  # links and anchors that are kept, and characters of one
_EXCERPT = 80  # characters of hidden text that a flag shows


class Builder:
    """Collects blocks; `build` returns the `Parsed`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last = ""  # kind of the last block
        self._base = 0  # depth of the list block's first item
        self._emphases: list[Span] = []
        self._pages: list[int] = []
        self._waiting = 0  # pages begun since the last block
        self._flags: dict[tuple[str, str], None] = {}
        self._counts: Counts = Counter()
        self._margins: dict[str, None] = {}
        self._links: list[tuple[str, int]] = []
        self._anchors: dict[str, None] = {}
        self._ocr: list[tuple[int, float]] = []
        self.front_matter: Mapping[str, object] = {}  # what the file says of itself
        self._heading = ""  # text of the last one
        self.first_heading = ""  # text of the first level-1 heading

    def __bool__(self) -> bool:
        """Whether anything was written."""
        return self._length > 0

    def heading(self, level: int, inline: Inline) -> None:
        """Add a heading, level 1 to 6."""
        text = self._block("heading", "#" * min(max(level, 1), 6) + " ", inline, "line")
        self._heading = text or self._heading
        if level == 1 and not self.first_heading:
            self.first_heading = text

    def paragraph(self, inline: Inline) -> None:
        """Add a paragraph."""
        self._block("paragraph", "", inline)

    def item(self, marker: str, inline: Inline, depth: int = 0) -> None:
        """Add a list item; `marker` is `-` or a number with its full stop."""
        if self._last != "item":
            self._base = depth
        indent = "  " * min(max(depth - self._base, 0), _MAX_DEPTH)
        self._block("item", f"{indent}{marker} ", inline, indent=indent + "  ")

    def continuation(self, inline: Inline, depth: int = 0) -> None:
        """Add a further paragraph of the last list item."""
        if self._last != "item":
            self.paragraph(inline)
        else:
            indent = "  " * (min(max(depth - self._base, 0), _MAX_DEPTH) + 1)
            self._block("item", indent, inline, indent=indent)

    def table(self, rows: Sequence[Sequence[Inline]]) -> None:
        """Add a table whose first row is its header; empty rows are left out, short ones filled up.

        A page that begins in a cell is said to begin with its row.
        """
        rows = [row for row in rows if any(row)]
        width = max((len(row) for row in rows), default=0)
        for at, row in enumerate(rows):
            if at == 0:
                self._open("table")
            else:
                self._write("\n")
            start = self._length
            self._write("|")
            for cell in [*row, *(Inline() for _ in range(width - len(row)))]:
                text, spans, pages = cell.layout(self._counts, "cell")
                self._pages += [start] * len(pages)
                self._emphases += [(self._length + 1 + start, self._length + 1 + end) for start, end in spans]
                self._write(f" {text} |" if text else " |")
            if at == 0:
                self._write("\n|" + "---|" * width)

    def code(self, text: str) -> None:
        """Add lines as they are, blank ones left out."""
        text, removed = scrub(text)
        self.count(removed)
        lines = ["    " + line.rstrip() for line in text.expandtabs(4).split("\n") if line.strip()]
        if lines:
            self._open("code")
            self._write("\n".join(lines))

    def end_list(self) -> None:
        """Say that the next item begins another list."""
        self._last = ""

    def page(self) -> None:
        """Say that a page begins with the next block."""
        self._waiting += 1

    def count(self, removed: Counts) -> None:
        """Report characters that a reader took out itself."""
        self._counts.update(removed)

    def flag(self, reason: str, sentence: str) -> None:
        """Report something taken out, up to a bounded number of times a reason."""
        sentence = " ".join(scrub(sentence)[0].split())
        if sum(known == reason for known, _ in self._flags) < _MAX_FLAGS:
            self._flags[reason, sentence] = None

    def flag_hidden(self, how: str, text: str) -> None:
        """Report hidden text that was dropped, with its beginning."""
        shown = _beginning(text)
        if any(char.isalnum() for char in shown):
            self.flag("hidden_text", f'{how} dropped: "{shown}"')

    def margin(self, text: str) -> None:
        """Keep a running header, footer or watermark beside the text."""
        text = scrub(text[:_MAX_MARGIN])[0].strip()
        if text and len(self._margins) < _MAX_MARGINS:
            self._margins[text] = None

    def link(self, address: str) -> None:
        """Keep a link of the block that is being read."""
        if 0 < len(address) <= _MAX_ADDRESS and len(self._links) < _MAX_LINKS:
            self._links.append((address, self._length))

    def anchor(self, name: str) -> None:
        """Keep a name that a link may lead to."""
        if 0 < len(name) <= _MAX_ADDRESS and len(self._anchors) < _MAX_LINKS:
            self._anchors[name] = None

    def read_by_ocr(self, page: int, confidence: float) -> None:
        """Say of a page that it is no text but a picture of it, and how sure it is that it says this."""
        self._ocr.append((page, confidence))

    @property
    def place(self) -> str:
        """Where in the document writing has come to, to be added to what is reported there."""
        return f' under "{_beginning(self._heading)}"' if self._heading else ""

    @property
    def flags(self) -> tuple[tuple[str, str], ...]:
        """What was reported so far, removed characters last."""
        return (*self._flags, *describe(self._counts))

    def build(self, media_type: str, title: str = "", *, stub: bool = False) -> Parsed:
        """Return the document, or reject one without text that is no stub.

        Its title is the front matter's, the reader's, or else the first level-1 heading.
        """
        if not self._length and not stub:
            raise reject("no_text", "The file holds no text that a reader could see.")
        own = self.front_matter.get("title")
        title, removed = scrub((own if isinstance(own, str) else "") or title)
        self.count(removed)
        return Parsed(
            text="".join(self._parts),
            title=" ".join(title.split()) or self.first_heading,
            media_type=media_type,
            pages=(*self._pages, *[self._length] * self._waiting),
            emphases=tuple(self._emphases),
            front_matter=self.front_matter,
            flags=self.flags,
            margins=tuple(self._margins),
            links=tuple(self._links),
            anchors=tuple(self._anchors),
            ocr=tuple(self._ocr),
        )

    def _block(self, kind: str, prefix: str, inline: Inline, mode: Mode = "lines", indent: str = "") -> str:
        text, spans, pages = inline.layout(self._counts, mode, indent)
        if not text:
            self._waiting += len(pages)
            return ""
        self._open(kind)
        self._write(prefix)
        self._emphases += [(self._length + start, self._length + end) for start, end in spans]
        self._pages += [self._length + page for page in pages]
        self._write(text)
        return text

    def _open(self, kind: str) -> None:
        if self._length:
            self._write("\n" if kind == self._last == "item" else "\n\n")
        self._pages += [self._length] * self._waiting
        self._waiting = 0
        self._last = kind

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise reject("too_large", f"Its text is longer than {MAX_CHARACTERS:,} characters.")
        self._parts.append(text)


def _beginning(text: str) -> str:
    text = " ".join(text[: 4 * _EXCERPT].split())
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rstrip() + "..."
