"""Read HTML as a stream of events; Markdown comes through here too, once rendered.

lxml's event parser closes what authors leave open and builds no tree, so deep nesting costs neither memory nor stack,
and it is several times as fast as a tree in Python. What a browser would not show is dropped, and flagged when it holds
words; what a click shows stays, such as the content of `<details>` (`visibility`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.html.blocks import Blocks
from ingest.formats.html.cascade import PREFIX, STYLED, Skeleton, style_of_added
from ingest.formats.html.visibility import ElementStyle, PageStyle
from ingest.formats.inline import as_script
from ingest.formats.parsed import Parsed
from ingest.formats.text.source import open_source

MEDIA_TYPE = "text/html"

# Elements whose text is not prose, and those whose text is not the document's. A <form> stays: some servers put whole
# pages into one.
_MACHINERY = frozenset(
    "script style template svg math noscript iframe object embed canvas audio video noembed noframes".split()
)
_FURNITURE = frozenset("nav footer button select option datalist textarea label legend".split())
# The page's own header is furniture, theirs are not; nor is an <aside> in one of them, or where there is none of them.
_SECTIONS = ("article", "main", "section")
_PARTED = re.compile(rf"<(?:{'|'.join(_SECTIONS)})\b", re.IGNORECASE)
_EMPHASIS = frozenset({"b", "strong", "i", "em", "dfn"})
_BLOCKS = frozenset(
    "address article aside blockquote body center details dialog div fieldset figcaption figure form header hgroup hr"
    " main p section summary".split()
)
_BARE = frozenset("head title meta link base br wbr img input col colgroup".split())  # nothing is added to them
_HIDING = frozenset({"hidden", "popover"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dl"})
_TABLE_PARTS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"})


def read_html(data: bytes) -> Parsed:
    """Return the visible text of a page; its title is the front matter's, `<title>`, or else the first `<h1>`."""
    builder = Builder()
    title = feed([open_source(data, builder, html=True)], builder)
    return builder.build(MEDIA_TYPE, title)


def feed(parts: Sequence[str], builder: Builder) -> str:
    """Write markup to the builder; return its `<title>`, or an empty string."""
    parted = any(_PARTED.search(part) for part in parts)
    page = Skeleton()
    if any(STYLED.search(part) for part in parts):
        _parse(parts, page)
        parts = [page.inlined()]
    walker = Walker(builder, PageStyle(page.linked), page.added, parted=parted)
    _parse(parts, walker)
    return walker.title


def _parse(parts: Sequence[str], target: Any) -> None:
    etree = import_module("lxml.etree")  # heavy, and without type stubs
    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True, no_network=True)
    try:
        for part in parts:
            for at in range(0, len(part), 2**20):
                parser.feed(part[at : at + 2**20].encode())
        parser.close()
    except etree.XMLSyntaxError:
        target.close()  # markup without a single element


class Walker:
    """An lxml parser target: `start`, `end`, `data`, `comment`, `pi` and `close`."""

    def __init__(self, builder: Builder, style: PageStyle, added: Mapping[str, str], *, parted: bool) -> None:
        self.title = ""
        self._parted = parted  # the page tells what is its own from what is around it
        self._builder = builder
        self._style = style
        self._blocks = Blocks(builder)
        self._added = added  # texts that style sheets add to elements, by number
        self._open = [ElementStyle()]
        self._styles = [""]  # as they are written
        self._sections = 0  # elements open in which a <header> or an <aside> is no furniture
        self._emphasis = 0  # elements open that emphasise
        self._skipped = 0  # elements open inside a dropped one, itself included
        self._how = ""  # it is hidden, where that is worth a flag
        self._hidden: tuple[str, list[str]] = "", []  # text that is not reported yet, and how it is hidden
        self._pre: list[str] | None = None
        self._in_title = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        if self._skipped:
            self._skipped += 1
            return
        tag = tag.removeprefix(PREFIX)
        element = self._style.enter(self._open[-1], tag, attributes)
        how = self._dropped(tag, element.hidden, attributes)
        if how is not None:
            self._skipped, self._how = 1, how
            return
        self._open.append(element)
        self._styles.append("" if tag in _BARE else attributes.get("style", ""))
        self._sections += tag in _SECTIONS
        blocks = self._blocks
        self._builder.anchor(attributes.get("id") or (attributes.get("name", "") if tag == "a" else ""))
        if tag == "a":
            self._builder.link(attributes.get("href", "").strip())
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
            self.data(" " + attributes.get("alt", "") + " ")
        elif tag == "pre":
            blocks.flush()
            self._pre = []
        elif tag == "title":
            self._in_title = not self.title
        self._add("before")

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        tag = tag.removeprefix(PREFIX)
        if self._skipped:
            self._skipped -= 1
            if not self._skipped:
                self._report()
            return
        self._add("after")
        if len(self._open) > 1:
            self._open.pop()
            self._styles.pop()
            self._sections -= tag in _SECTIONS
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
        how = self._how if self._skipped else self._open[-1].text_hidden
        if self._in_title:
            self.title += text
        elif how:
            if how != self._hidden[0]:
                self._report()
                self._hidden = how, []
            self._hidden[1].append(text)
        elif not self._skipped:
            if self._hidden[1] and not text.isspace():
                self._report()
            script = self._open[-1].script
            if self._pre is not None:
                self._pre.append(as_script(text, script, self._pre[-1] if self._pre else ""))
            else:
                self._blocks.text(text, self._emphasis > 0, script)

    def _add(self, place: str) -> None:
        """Take the text that a style sheet puts before or after what stands in an element."""
        if self._added and f"{place}-content" in self._styles[-1]:
            own = style_of_added(place, self._styles[-1])
            self.start("span", {"style": "".join(f"{name}:{value};" for name, value in own.items())})
            self.data(self._added.get(own.get("content", ""), ""))
            self.end("span")

    def comment(self, text: str) -> None:
        """Take a comment: nobody sees it, and whoever writes prose into one may mean it for a machine."""
        if not text.lstrip().startswith("[if ") and len(re.findall(r"[^\W\d_]{2,}", text)) >= 3:
            self._builder.flag_hidden("comment" + self._builder.place, text)

    def pi(self, target: str, data: str | None = None) -> None:
        """Take a processing instruction, which browsers treat as a comment."""
        self.comment(f"{target} {data or ''}")

    def close(self) -> None:
        """End the document."""
        if self._pre:
            self._blocks.code("".join(self._pre))
        self._pre = None
        self._blocks.close()
        self._report()

    def _report(self) -> None:
        how, texts = self._hidden
        self._builder.flag_hidden(how + self._builder.place, "".join(texts))
        self._hidden = "", []

    def _dropped(self, tag: str, hidden: str, attributes: Mapping[str, str]) -> str | None:
        """Return how an element is hidden, or an empty string for one that is no text; None for any other."""
        if tag in _MACHINERY:
            return ""
        says = not _HIDING.isdisjoint(attributes) or attributes.get("aria-hidden", "").strip().lower() == "true"
        says = says or (tag == "dialog" and "open" not in attributes)
        if hidden or (says and tag not in {"html", "body"}):  # a page that hides itself is shown by its script
            return hidden or "hidden element"
        around = not self._sections and (tag == "header" or (tag == "aside" and self._parted))
        return "" if around or tag in _FURNITURE else None
