"""Read Markdown: front matter and template tags off, the rest rendered and read as HTML.

Rendering first means that raw HTML in a Markdown file, its hidden parts included, meets the same rules as a web page,
even where one element is spread over several Markdown blocks.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ingest.formats.builder import Builder
from ingest.formats.html.reader import feed
from ingest.formats.parsed import Parsed
from ingest.formats.text.decode import decode
from ingest.formats.text.front_matter import split_front_matter, title_of
from ingest.formats.text.plaintext import write_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

MEDIA_TYPE = "text/markdown"
_PART = 2**20  # characters rendered at once
_HEADING = re.compile(r"(?<=\n)\n#{1,6} ")
_PARAGRAPH = re.compile(r"(?<=\n)\n(?=\S)")

_RAW = re.compile(r"\{%-?\s*(end)?raw\s*-?%\}")
_COMMENT = re.compile(r"\{%-?\s*(end)?comment\s*-?%\}")
# A tag inside a link's address is no text.
_TAG = re.compile(r"""(?P<address>\]\(\s*|=["'])?\{%-?\s*(?P<name>[\w-]*)(?P<rest>[^%]{0,2000}?)-?%\}""", re.DOTALL)
_OUTPUT = re.compile(r"\{\{[^{}]{0,500}\}\}")
_ATTRIBUTES = re.compile(r"\{:\s?[^{}\n]{0,300}\}|[ \t]\{#[\w:.-]{1,100}\}[ \t]*$", re.MULTILINE)  # kramdown's
_QUOTED = re.compile(r"""(["'])(.*?)\1""", re.DOTALL)
_CONTROL_TAGS = frozenset(
    {"if", "elsif", "unless", "case", "when", "assign", "capture", "for", "tablerow", "cycle", "highlight", "layout"}
)


def read_markdown(data: bytes) -> Parsed:
    """Return a Markdown file's text; its title is the front matter's, else the first level-1 heading."""
    builder = Builder()
    source = decode(data, builder).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    front, body = split_front_matter(source)
    body = write_definitions(body, "\n{}\n: {}\n".format)  # as deflist_plugin reads them
    renderer = _renderer()
    feed([renderer.render(part) for part in _parts(_without_liquid(body))], builder)
    if front and not builder:
        # A stub that only redirects is not a fault of the collection, so it is reported and not rejected.
        builder.flag("no_text", "The file has front matter and no text.")
        return Parsed("", title_of(front), MEDIA_TYPE, front_matter=front, flags=builder.flags)
    return builder.build(MEDIA_TYPE, title_of(front), front)


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin

    renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(deflist_plugin)

    def nest(levels: int) -> Callable[[StateCore], None]:
        return lambda state: renderer.options.__setitem__("maxNesting", levels)

    # A block nested deeper is lost. Brackets nested deeper stay text: each is read once for every level that is
    # open, so that 200 kB of `![` took 11 s with 20 levels, and 3 s with these. A picture in a link needs two.
    renderer.core.ruler.before("block", "nest_blocks", nest(100))
    renderer.core.ruler.before("inline", "nest_brackets", nest(6))
    return renderer


def _parts(text: str) -> Iterator[str]:
    """Yield a long text in parts that begin at headings, or else at paragraphs: a parse tree is large."""
    start = 0
    while len(text) - start > _PART:
        cut = _HEADING.search(text, start + _PART // 2, start + _PART) or _PARAGRAPH.search(text, start + _PART // 2)
        if cut is None:
            break
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:]


def _without_liquid(text: str) -> str:
    """Reduce Jekyll's tags to the text they would show, as far as they show any; what is `raw` stays."""
    if "{" not in text:
        return text
    text = _ATTRIBUTES.sub("", text)
    parts = _split(_RAW, text)  # outside, raw, outside, ...
    for at in range(0, len(parts), 2):
        uncommented = "".join(_split(_COMMENT, parts[at])[::2])
        parts[at] = _OUTPUT.sub("", _TAG.sub(_shown, uncommented))
    return "".join(parts)


def _split(mark: re.Pattern[str], text: str) -> list[str]:
    """Return what lies outside, inside, outside ... of the pairs of marks; one pass, however many have no partner."""
    parts, start = [], 0
    opened: re.Match[str] | None = None
    for match in mark.finditer(text):
        if not match[1]:
            opened = opened or match
        elif opened:
            parts += [text[start : opened.start()], text[opened.end() : match.start()]]
            start, opened = match.end(), None
    return [*parts, text[start:]]


def _shown(tag: re.Match[str]) -> str:
    """Return a tag's last quoted argument where that is words: `{% slack_channel "travel" %}`, an image's alt text."""
    address = tag["address"] or ""
    quoted = [] if address or tag["name"] in _CONTROL_TAGS else [text for _, text in _QUOTED.findall(tag["rest"])]
    if not quoted or not quoted[0] or re.search(r"[/#<>]|\.\w{2,5}$", quoted[-1]):
        return address
    return " ".join(quoted[-1].split())
