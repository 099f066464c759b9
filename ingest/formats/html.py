"""Read HTML as a stream of events; Markdown comes through here too, once rendered.

lxml's event parser closes what authors leave open and builds no tree, so deep nesting costs neither memory nor stack,
and it is several times as fast as a tree in Python. What a browser would not show is dropped, and flagged when it holds
words. Hiding by a style sheet is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module

from ingest.formats.builder import Builder
from ingest.formats.decode import decode
from ingest.formats.html_blocks import Blocks
from ingest.formats.parsed import Parsed

MEDIA_TYPE = "text/html"

# Elements whose text is not prose, and those whose text is not the document's. A <form> stays: some servers put whole
# pages into one.
_MACHINERY = frozenset(
    {"script", "style", "template", "svg", "math", "noscript", "iframe", "object", "embed", "canvas", "audio", "video"}
)
_FURNITURE = frozenset(
    {"nav", "footer", "aside", "button", "select", "option", "datalist", "textarea", "label", "legend"}
)
_HEADER_KEPT_IN = frozenset({"article", "main", "section"})  # the page's own header is furniture, theirs are not
_EMPHASIS = frozenset({"b", "strong", "i", "em", "dfn"})
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "center", "details", "dialog", "div", "fieldset", "figcaption"}
    | {"figure", "form", "header", "hgroup", "hr", "main", "p", "section", "summary"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dl"})
_TABLE_PARTS = frozenset({"table", "tr", "td", "th", "caption"})
_INVISIBLE_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:^|;)\s*opacity\s*:\s*0?\.?0*\s*(?:;|!|$)"
    r"|font-size\s*:\s*[01]?(?:\.\d+)?\s*(?:px|pt|em|rem|%)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_COMMENT_WORDS = 3  # a shorter comment is not reported
_CHUNK = 2**20  # characters parsed at once


def read_html(data: bytes) -> Parsed:
    """Return the visible text of a page; its title is `<title>`, else the first `<h1>`."""
    builder = Builder()
    markup = decode(data, builder, html=True)
    title = feed((markup[at : at + _CHUNK] for at in range(0, len(markup), _CHUNK)), builder)
    return builder.build(MEDIA_TYPE, title)


def feed(chunks: Iterable[str], builder: Builder) -> str:
    """Write markup to the builder; return its `<title>`, or an empty string."""
    etree = import_module("lxml.etree")  # heavy, and without type stubs
    walker = Walker(builder)
    parser = etree.HTMLParser(target=walker, encoding="utf-8", huge_tree=True, no_network=True)
    try:
        for chunk in chunks:
            parser.feed(chunk.encode())
        parser.close()
    except etree.XMLSyntaxError:
        walker.close()  # markup without a single element
    return walker.title


class Walker:
    """An lxml parser target: `start`, `end`, `data`, `comment`, `pi` and `close`."""

    def __init__(self, builder: Builder) -> None:
        self.title = ""
        self._builder = builder
        self._blocks = Blocks(builder)
        self._open: list[str] = []
        self._emphasis = 0  # elements open that emphasise
        self._skipped = 0  # elements open inside a dropped one, itself included
        self._hidden: list[str] | None = None  # text of the dropped element, where that is worth a flag
        self._how = ""
        self._pre: list[str] | None = None
        self._in_title = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        if self._skipped:
            self._skipped += 1
            return
        if self._drops(tag, attributes):
            self._skipped = 1
            return
        self._open.append(tag)
        blocks = self._blocks
        if tag in _EMPHASIS:
            self._emphasis += 1
        elif tag in _HEADINGS:
            blocks.start_heading(_HEADINGS[tag])
        elif tag in _BLOCKS:
            blocks.flush()
        elif tag in _LISTS:
            blocks.start_list(tag, attributes)
        elif tag in {"li", "dd"}:
            blocks.start_item(attributes)
        elif tag == "dt":
            blocks.start_term()
        elif tag in _TABLE_PARTS:
            blocks.start_table_part(tag, attributes)
        elif tag == "br":
            self.data("\n") if self._pre is not None else blocks.line_break()
        elif tag == "img":
            blocks.text(" " + attributes.get("alt", "") + " ")
        elif tag == "pre":
            blocks.flush()
            self._pre = []
        elif tag == "title":
            self._in_title = not self.title

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if self._skipped:
            self._skipped -= 1
            if not self._skipped and self._hidden is not None:
                self._builder.flag_hidden(self._how, "".join(self._hidden))
                self._hidden = None
            return
        if self._open:
            self._open.pop()
        blocks = self._blocks
        if tag in _EMPHASIS:
            self._emphasis -= 1
        elif tag in _HEADINGS or tag in _BLOCKS:
            blocks.flush()
            blocks.heading = 0
        elif tag in _LISTS:
            blocks.end_list()
        elif tag in {"li", "dd"}:
            blocks.end_item()
        elif tag == "dt":
            blocks.end_term()
        elif tag in _TABLE_PARTS:
            blocks.end_table_part(tag)
        elif tag == "pre" and self._pre is not None:
            code, self._pre = "".join(self._pre), None
            blocks.code(code)
        elif tag == "title":
            self._in_title = False

    def data(self, text: str) -> None:
        """Take text."""
        if self._skipped:
            if self._hidden is not None:
                self._hidden.append(text)
        elif self._in_title:
            self.title += text
        elif self._pre is not None:
            self._pre.append(text)
        else:
            self._blocks.text(text, self._emphasis > 0)

    def comment(self, text: str) -> None:
        """Take a comment: nobody sees it, and whoever writes prose into one may mean it for a machine."""
        if not text.lstrip().startswith("[if ") and len(re.findall(r"[^\W\d_]{2,}", text)) >= _COMMENT_WORDS:
            self._builder.flag_hidden("comment", text)

    def pi(self, target: str, data: str | None = None) -> None:
        """Take a processing instruction, which browsers treat as a comment."""
        self.comment(f"{target} {data or ''}")

    def close(self) -> None:
        """End the document."""
        if self._pre:
            self._blocks.code("".join(self._pre))
        self._pre = None
        self._blocks.close()

    def _drops(self, tag: str, attributes: Mapping[str, str]) -> bool:
        if tag in _MACHINERY:
            return True
        if attributes and tag not in {"html", "body"}:  # a page that hides itself is shown by its script
            if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
                self._hidden, self._how = [], "hidden element"
                return True
            if _INVISIBLE_STYLE.search(attributes.get("style", "")):
                self._hidden, self._how = [], "element hidden by its style"
                return True
        return tag in _FURNITURE or (tag == "header" and not _HEADER_KEPT_IN.intersection(self._open))
