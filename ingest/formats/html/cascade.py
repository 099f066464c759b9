"""Write what a page's style sheets say into its elements, by css-inline's cascade: on a screen, before anybody clicks.

css-inline gets the elements as lxml nests them, under names that mean nothing to its own HTML parser (`x--p`), which
would nest them anew, and again and again; and of their styles what the table of properties knows. Sheets are reduced to
that table, too, and to the conditions that hold. A rule whose selector css-inline does not know is ignored. What is
said of `p::before` is said of `p`, by properties of other names: `before-color`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import tinycss2

from ingest.formats.html.properties import Declaration, parse_block, read_declarations, significant
from ingest.formats.parsed import reject

PREFIX = "x--"
STYLED = re.compile(r"<(?:style|link)\b|var\(", re.IGNORECASE)  # a page without is not read twice
_MAX_DEPTH = 500  # of elements: browsers stop at 512, and css-inline crashes far beyond
_MAX_SHEETS = 2_000_000  # characters: tinycss2 reads 300 kB a second
# Conditions x elements: css-inline tries from 10 (all hold) to 1,000 million a second. A property that may be said of
# each element, which takes 60 bytes, counts as 50 conditions, and so does a letter that may be added to each.
_MAX_TRIED = 1_000_000_000
_MAX_SELECTOR = 100_000  # characters
_ADDED = re.compile(r"(.*?)::?(before|after)", re.IGNORECASE | re.DOTALL)
_WIDTH = re.compile(r"(min-|max-)?width(?::|([<>])=?)(\d{1,6}(?:\.\d{1,6})?)(px|em|rem)")


Rule = tuple[str, Sequence[Declaration]]  # a selector, and what it declares


class Skeleton:
    """An lxml parser target that writes a page anew for css-inline, and gathers its style sheets."""

    def __init__(self) -> None:
        self.sheets: list[str] = []
        self.added: dict[str, str] = {}  # the texts of ::before and ::after, by what `before-content` says
        self.linked = False  # to a sheet that is not at hand
        self._count = 0  # of elements
        self._out: list[str] = []
        self._open: list[str] = []  # the tags
        self._known: dict[str, str] = {}  # styles, as they are written
        self._style: list[str] | None = None
        self._inside = 0  # open <noscript> and <template>

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        self._inside += tag in {"noscript", "template"}
        media = attributes.get("media", "")
        if tag == "style" and attributes.get("type", "").strip().lower() in {"", "text/css"}:
            self._style = [f"@media {media}{{" if media else ""]
        self.linked = self.linked or (tag == "link" and "stylesheet" in attributes.get("rel", "").lower().split())
        named = (
            f'{name}="{escape(value[:10_000])}"'
            for name, value in attributes.items()
            if name != "style" and name.isascii() and name.replace("-", "").isalnum()
        )
        style = self._styled(attributes.get("style", ""))
        self._out.append(f"<{_tag(tag)} {style} {' '.join(named)}>")
        self._count += 1
        self._open.append(tag)
        if len(self._open) > _MAX_DEPTH:
            raise reject("too_large", f"It has style sheets, and nests more than {_MAX_DEPTH} elements.")

    def _styled(self, style: str) -> str:
        if style not in self._known:
            read = "".join(map(str, read_declarations(parse_block(style))))
            self._known[style] = f'style="{escape(read)}"' if style else ""
        return self._known[style]

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        self._inside -= tag in {"noscript", "template"}
        if self._style is not None and tag == "style":
            text = "".join(self._style)
            self.sheets += [] if self._inside else [text.replace("<!--", " ").replace("-->", " ")]
            self._style = None
        if self._open:
            self._out.append(f"</{_tag(self._open.pop())}>")

    def data(self, text: str) -> None:
        """Take text."""
        if self._style is not None:
            self._style.append(text)
        else:
            self._out.append(escape(text, quote=False))

    def comment(self, text: str) -> None:
        """Take a comment."""
        self._out.append(f"<!--{text.replace('-->', '')}-->")

    def pi(self, target: str, data: str | None = None) -> None:
        """Take a processing instruction, which browsers treat as a comment."""
        self.comment(f"{target} {data or ''}")

    def close(self) -> None:
        """End the page."""

    def inlined(self) -> str:
        """Return the page with each element's style in it, variables put in, and no sheets.

        Raises DocumentRejected: `too_large` for style sheets that would take too long.
        """
        from css_inline import CSSInliner

        if sum(map(len, self.sheets)) > _MAX_SHEETS:
            raise reject("too_large", f"Its style sheets are longer than {_MAX_SHEETS:,} characters.")
        rules = [rule for text in self.sheets for rule in self._rules(tinycss2.parse_stylesheet(text, True, True))]
        conditions = sum(1 + sum(map(selector.count, ".#:[ >+~")) for selector, _ in rules)
        names = {declaration.name for _, declarations in rules for declaration in declarations}
        added = max(map(len, self.added.values()), default=0)
        longest = max((len(selector) for selector, _ in rules), default=0)
        if (conditions + 50 * (len(names) + added)) * self._count > _MAX_TRIED or longest > _MAX_SELECTOR:
            raise reject("too_large", "Its style sheets have too many rules to tell what a reader would see.")
        sheet = "\n".join(f"{selector}{{{''.join(map(str, said))}}}" for selector, said in rules)
        inliner = CSSInliner(load_remote_stylesheets=False, resolve_css_variables=True)
        return inliner.inline_fragment("".join(self._out), sheet)

    def _rules(self, items: Iterable[Any]) -> Iterator[Rule]:
        """Yield the rules of a style sheet that hold here."""
        for item in items:
            if item.type == "qualified-rule":
                selector, block = _selector(item.prelude), parse_block(item.content)
                yield selector, list(read_declarations(block))
                for found in filter(None, (_ADDED.fullmatch(each.strip()) for each in selector.split(","))):
                    element = found[1] + ("*" if found[1][-1:] in " >+~" else "")
                    yield element, list(self._of_added(found[2].lower(), block))
            elif item.type == "at-rule" and item.content is not None and _holds(item):
                yield from self._rules(tinycss2.parse_rule_list(item.content, True, True))

    def _of_added(self, place: str, block: Iterable[Any]) -> Iterator[Declaration]:
        """Yield what is said of the text that is added there; of that, words are kept: no marks, icons and counters."""
        for each in read_declarations(block):
            if not each.name.startswith("--"):
                yield replace(each, name=f"{place}-{each.name}")
        for item in block:
            if item.type == "declaration" and item.lower_name == "content":
                parts = significant(item.value)
                text = "".join(part.value for part in parts) if all(part.type == "string" for part in parts) else ""
                number = str(len(self.added))
                self.added[number] = f" {text} " if any(map(str.isalnum, text)) else ""
                yield Declaration(f"{place}-content", tinycss2.parse_component_value_list(number), item.important)


def style_of_added(place: str, style: str) -> Mapping[str, str]:
    """Return what an element's style says of the text that is added there."""
    said = [item for item in parse_block(style) if item.type == "declaration" and item.name.startswith(f"{place}-")]
    return {item.name.removeprefix(f"{place}-"): tinycss2.serialize(item.value).strip() for item in said}


def _selector(tokens: Iterable[Any]) -> str:
    """Return a selector with its elements under their names in the skeleton."""
    out = ""
    for token in tokens:
        if token.type == "ident" and out[-1:] not in {".", ":"}:
            out += _tag(token.value)
        elif token.type == "function" and token.lower_name in {"is", "where"}:  # which css-inline does not know
            out += f"not(:not({_selector(token.arguments)}))"
        elif token.type == "function" and token.lower_name == "not":
            out += f"not({_selector(token.arguments)})"
        elif token.type != "comment":
            out += token.serialize()
    return out


def _tag(name: str) -> str:
    return PREFIX + "".join(char if char.isalnum() else "-" for char in name.lower())


def _holds(rule: Any) -> bool:
    """Say whether an at-rule's content holds: that of layers in their order on the page."""
    return rule.lower_at_keyword in {"supports", "layer"} or (
        rule.lower_at_keyword == "media" and applies_here(tinycss2.serialize(rule.prelude))
    )


def applies_here(media: str) -> bool:
    """Say whether a media query is known to hold on a screen of 1280 pixels."""
    return any(map(_query_holds, media.lower().split(",")))


def _query_holds(query: str) -> bool:
    tokens = significant(tinycss2.parse_component_value_list(query))
    words = {token.lower_value for token in tokens if token.type == "ident"}
    features = (tinycss2.serialize(significant(token.content)) for token in tokens if token.type == "() block")
    holds = words <= {"all", "screen", "only", "and", "not"} and all(map(_feature_holds, features))
    return holds != ("not" in words)


def _feature_holds(feature: str) -> bool:
    """Say whether `min-width:40em` or `width>=40em` holds; other features are taken not to."""
    found = _WIDTH.fullmatch(feature)
    if not found:
        return False
    bound, relation, number, unit = found.groups()
    width = float(number) * (1 if unit == "px" else 16)
    return width <= 1280 if bound == "min-" or relation == ">" else width >= 1280
