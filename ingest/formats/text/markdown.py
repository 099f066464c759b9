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
from ingest.formats.text.plaintext import write_definitions
from ingest.formats.text.source import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

MEDIA_TYPE = "text/markdown"
_PART = 2**20  # characters rendered at once
_PARAGRAPH = re.compile(r"(?<=\n)\n(?=\S)")
# Jekyll's: tags, what they put out, and kramdown's attributes.
_TEMPLATE = re.compile(
    r"\{%-?\s*+(?P<tag>\w*+)(?P<rest>[^%]{0,2000}?)-?%\}|\{\{[^{}]{0,500}(?:\{[^{}]{0,500}\}[^{}]{0,500})?\}\}"
    r"|\{:\s?[^{}\n]{0,300}\}|[ \t]\{#(?P<id>[^\s{}]{1,100})\}[ \t]*$",
    re.MULTILINE,
)
_UNKNOWN = "{}"
_CONTROL_TAGS = frozenset(
    {"if", "elsif", "unless", "case", "when", "assign", "capture", "for", "tablerow", "cycle", "highlight", "layout"}
)


def read_markdown(data: bytes) -> Parsed:
    """Return a Markdown file's text; its title is the front matter's, else the first level-1 heading."""
    builder = Builder()
    body = open_source(data, builder).removeprefix("\ufeff")
    body = write_definitions(body, "\n{}\n: {}\n".format)  # as deflist_plugin reads them
    for match in _TEMPLATE.finditer(body):
        builder.anchor(match["id"] or "")
    renderer = _renderer()
    feed([renderer.render(part) for part in _parts(_without_templates(body))], builder)
    stub = bool(builder.front_matter) and not builder
    if stub:
        # A stub that only redirects is not a fault of the collection, so it is reported and not rejected.
        builder.flag("no_text", "The file has front matter and no text.")
    return builder.build(MEDIA_TYPE, stub=stub)


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
    """Yield a long text in parts that begin at paragraphs: a parse tree is large."""
    start = 0
    while len(text) - start > _PART and (cut := _PARAGRAPH.search(text, start + _PART // 2)):
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:]


def _without_templates(text: str) -> str:
    """Reduce Jekyll's tags to the text they would show, as far as they show any; what is `raw` stays."""
    matches = list(_TEMPLATE.finditer(text))
    last = {match["tag"]: match.start() for match in matches}
    out: list[str] = []
    start, ends = 0, ""  # the tag that ends what is open
    for match in matches:
        tag = match["tag"] or ""
        if not ends:
            out.append(text[start : match.start()])
            start = match.end()
            if tag in {"raw", "comment"} and last.get(f"end{tag}", 0) > start - 1:
                ends = f"end{tag}"
            elif out[-1].endswith(("](", '="', "='")):
                out.append(_UNKNOWN)  # an address is no text, and what the tag makes of it is not known
            else:
                out.append(_shown(tag, match["rest"] or ""))
        elif tag == ends:
            out.append(text[start : match.start()] if tag == "endraw" else "")
            start, ends = match.end(), ""
    return "".join([*out, text[start:]])


def _shown(tag: str, rest: str) -> str:
    """Return a tag's last quoted argument where that is words: `{% slack_channel "travel" %}`, an image's alt text."""
    mark = next((char for char in rest if char in "\"'"), "")
    quoted = rest.split(mark)[1:-1:2] if mark and tag not in _CONTROL_TAGS else []
    words = quoted[-1] if quoted and quoted[0] else ""
    _, dot, ending = words.rpartition(".")
    is_address = any(char in "/#<>" for char in words) or (dot and ending.isalnum())
    return "" if is_address else " ".join(words.split())
