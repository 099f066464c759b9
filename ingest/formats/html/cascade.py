"""What a page's style sheets say of each of its elements, by css-inline's cascade: on a screen, before anybody clicks.

css-inline gets a skeleton of the page: the elements as lxml nests them, under names that mean nothing to its own HTML
parser (`x-p`), with what the table of properties knows of their styles, and no text. Sheets are reduced to that table,
nested rules written out. What css-inline would not understand of a selector is left out of it, and such a rule
(`StyleRule.sure` is false) may hide, but not show.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any
from urllib.parse import unquote_to_bytes

import tinycss2
from tinycss2.nth import parse_nth
from tinycss2.serializer import serialize_identifier, serialize_string_value

from ingest.formats.html.properties import Declaration, read_declarations, read_style, significant
from ingest.formats.html.settings import LIMITS
from ingest.formats.parsed import reject

STYLED = re.compile(r"<(?:style|link)\b|var\(", re.IGNORECASE)  # a page without is not read twice
_ATTRIBUTE = re.compile(r"(?!style$)[a-z][a-z0-9_-]*")
_CONDITIONS = frozenset({"media", "supports", "layer", "container", "scope"})
_RESTING = ":hover"  # holds for no element of css-inline's
_STATES = frozenset(
    {"hover", "active", "focus", "focus-visible", "focus-within", "checked", "indeterminate", "target", "visited"}
    | {"target-within", "modal", "fullscreen", "popover-open", "open", "user-invalid", "user-valid", "autofill"}
)
_POSITIONS = frozenset(
    {"root", "first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type", "empty"}
)
_COUNTED = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})
_PSEUDO_ELEMENTS = frozenset(
    {"before", "after", "first-line", "first-letter", "marker", "placeholder", "selection", "backdrop", "cue", "part"}
    | {"file-selector-button", "slotted", "details-content", "highlight", "view-transition", "target-text"}
)
_NUMBER = r"(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})(px|em|rem)"
_RANGE = re.compile(rf"(?:{_NUMBER}\s*([<>]=?)\s*)?(min-|max-)?(width|height)(?:\s*(:|[<>]=?)\s*{_NUMBER})?")
_WINDOW, _PIXELS = {"width": 1280, "height": 800}, {"px": 1, "em": 16, "rem": 16}
_ELSEWHERE = re.compile(r"prefers-color-scheme\s*:\s*dark|hover\s*:\s*none|pointer\s*:\s*coarse|orientation\s*:\s*port")


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector as css-inline takes it; not `sure` where it stands for more elements than the page's own."""

    text: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class StyleRule:
    """What a selector declares, in a layer: a later one overrides an earlier one, and no layer (0) all of them."""

    selector: Selector
    declarations: Sequence[Declaration]
    layer: int = 0


class Skeleton:
    """An lxml parser target that gathers a page's elements and style sheets."""

    def __init__(self, fold: bool) -> None:
        """Begin a page, in whose styles the case of names may mean nothing (`fold`)."""
        self.sheets: list[str] = []
        self.fold = fold
        self.linked = False  # to a sheet that is not at hand
        self.count = 0  # of elements
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
        elif tag == "link" and "stylesheet" in attributes.get("rel", "").lower().split():
            sheet = _from_address(attributes.get("href", ""))
            self.linked = self.linked or sheet is None
            self.sheets += [sheet] if sheet else []
        said = {name: value[: LIMITS.max_value] for name, value in attributes.items() if _ATTRIBUTE.fullmatch(name)}
        if self.fold:
            said |= {name: said[name].lower() for name in ("class", "id") if name in said}
        named = " ".join(f'{name}="{escape(value)}"' for name, value in said.items())
        self._out.append(f'<{_tag(tag)} data-0="{self.count}" {self._styled(attributes.get("style", ""))} {named}>')
        self.count += 1
        self._open.append(tag)
        if len(self._open) > LIMITS.max_depth:
            self._out.append(f"</{_tag(tag)}>")

    def _styled(self, style: str) -> str:
        if style not in self._known:
            self._known[style] = f'style="{escape("".join(map(str, read_style(style))))}"' if style else ""
        return self._known[style]

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        self._inside -= tag in {"noscript", "template"}
        if self._style is not None and tag == "style":
            text = "".join(self._style)
            self.sheets += [] if self._inside else [text.replace("<!--", " ").replace("-->", " ")]
            self._style = None
        if self._open:
            if len(self._open) <= LIMITS.max_depth:
                self._out.append(f"</{_tag(self._open[-1])}>")
            self._open.pop()

    def data(self, text: str) -> None:
        """Take text."""
        if self._style is not None:
            self._style.append(text)
        elif self._out and self._out[-1] != ".":
            self._out.append(".")  # so that the element is not empty

    def close(self) -> None:
        """End the page."""

    @property
    def markup(self) -> str:
        """The skeleton."""
        return "".join(self._out)


class _Styles:
    """An lxml parser target that gathers the styles of a skeleton's elements."""

    def __init__(self) -> None:
        self.found: dict[int, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if "data-0" in attributes:
            self.found[int(attributes["data-0"])] = attributes.get("style", "")

    def close(self) -> None:
        """End the skeleton."""


def cascaded(page: Skeleton) -> dict[int, str]:
    """Return the style of each of a page's elements, by its number, its variables put in.

    Raises DocumentRejected: `too_large` for style sheets that would take too long.
    """
    from css_inline import CSSInliner

    if sum(map(len, page.sheets)) > LIMITS.max_characters:
        raise reject("too_large", f"Its style sheets are longer than {LIMITS.max_characters:,} characters.")
    sheet = _Sheet(page.fold)
    for text in page.sheets:
        sheet.read(tinycss2.parse_stylesheet(text, True, True))
    rules = list(sheet.written(page.markup))
    conditions = sum(1 + len(re.findall(r"[.#:\[ >+~]", rule.selector.text)) for rule in rules)
    names = {declaration.name for rule in rules for declaration in rule.declarations}
    if conditions * page.count > LIMITS.max_tried or len(names) * page.count > LIMITS.max_declared:
        raise reject("too_large", "Its style sheets have too many rules to tell what a reader would see.")
    inliner = CSSInliner(load_remote_stylesheets=False, resolve_css_variables=True)
    markup = inliner.inline_fragment(page.markup, "\n".join(map(_as_css, rules)))
    etree, styles = import_module("lxml.etree"), _Styles()
    parser = etree.HTMLParser(target=styles, encoding="utf-8", huge_tree=True, no_network=True)
    parser.feed(markup.encode())
    parser.close()
    return styles.found


def _as_css(rule: StyleRule) -> str:
    layer = f"layer{rule.layer}-" if rule.layer else ""
    said = (str(each) if each.name.startswith("--") else f"{layer}{each}" for each in rule.declarations)
    return f"{rule.selector.text}{{{''.join(said)}}}"


class _Sheet:
    """Reads style sheets to rules."""

    def __init__(self, fold: bool) -> None:
        self._fold = fold
        self._rules: list[StyleRule] = []
        self._layers: dict[str, int] = {}

    def written(self, markup: str) -> Iterable[StyleRule]:
        """Yield the rules but for those that may not show; variables that nothing uses are left out."""
        from ingest.formats.html.visibility import hides  # which reads what is written here

        kept = [rule for rule in self._rules if rule.selector.sure or hides(rule.declarations)]
        values = (str(each).partition(":")[2] for rule in kept for each in rule.declarations)
        used = set(re.findall(r"--[\w-]+", " ".join([markup, *values])))
        for rule in kept:
            said = [each for each in rule.declarations if not each.name.startswith("--") or each.name in used]
            if said:
                yield StyleRule(rule.selector, said, rule.layer)

    def read(
        self, items: Iterable[Any], parents: Sequence[Selector] = (), sure: bool = True, layer: int = 0, depth: int = 0
    ) -> None:
        """Read rules, those nested in rules of the selectors `parents` too."""
        if depth > LIMITS.max_nesting:
            raise reject("too_large", f"Its style sheets nest rules in more than {LIMITS.max_nesting} others.")
        items = list(items)
        if parents and (said := list(read_declarations(items))):
            self._rules += [StyleRule(Selector(each.text, each.sure and sure), said, layer) for each in parents]
        for item in items:
            if item.type == "qualified-rule":
                found = selectors(item.prelude, parents, self._fold)
                self.read(_block(item), found, sure, layer, depth + 1) if found else None
            elif item.type == "at-rule" and item.lower_at_keyword in _CONDITIONS:
                self._read_at_rule(item, parents, sure, layer, depth)

    def _read_at_rule(self, rule: Any, parents: Sequence[Selector], sure: bool, layer: int, depth: int) -> None:
        name, prelude = rule.lower_at_keyword, tinycss2.serialize(rule.prelude).strip().lower()
        if name == "layer":
            for each in prelude.split(",") if prelude else [f" {len(self._layers)}"]:
                layer = self._layers.setdefault(each.strip(), len(self._layers) + 1)
        applies = applies_here(prelude) if name == "media" else None if name in {"container", "scope"} else True
        if rule.content is not None and applies is not False:
            self.read(_block(rule), parents, sure and applies is True, layer, depth + 1)


def _block(rule: Any) -> list[Any]:
    found: list[Any] = tinycss2.parse_blocks_contents(rule.content, True, True)
    return found


def applies_here(media: str) -> bool | None:
    """Say whether a media query holds in a window of 1280 by 800 pixels; None where that cannot be told."""
    found = {_holds(query.strip()) for query in media.split(",")}
    return True if True in found else None if None in found else False


def _holds(query: str) -> bool | None:
    words = re.sub(r"\([^()]*\)|\bonly\b|\band\b", " ", query).split()
    found = {_has(feature.strip()) for feature in re.findall(r"\(([^()]*)\)", query)}
    held = False if False in found or set(words) - {"not", "all", "screen"} else None if None in found else True
    return not held if held is not None and "not" in words else held


def _has(feature: str) -> bool | None:
    range_ = _RANGE.fullmatch(feature)
    if range_ is None:
        return False if _ELSEWHERE.match(feature) else None
    low, low_unit, turned, bound, side, relation, high, high_unit = range_.groups()
    size, held = _WINDOW[side], True
    if turned:
        held = (float(low) * _PIXELS[low_unit] <= size) == turned.startswith("<")
    if relation:
        held = held and (float(high) * _PIXELS[high_unit] <= size) == (bound == "min-" or relation.startswith(">"))
    return held


def _from_address(address: str) -> str | None:
    """Return a style sheet that is written in its own address, or None."""
    head, comma, body = address.partition(",")
    if not comma or not head.strip().lower().startswith("data:text/css"):
        return None
    data = unquote_to_bytes(body)
    try:
        return (base64.b64decode(data) if head.endswith(";base64") else data).decode("utf-8", "replace")
    except ValueError:
        return ""


# Selectors


def selectors(prelude: Iterable[Any], parents: Sequence[Selector] = (), fold: bool = False) -> list[Selector]:
    """Return a rule's selectors as css-inline takes them, without those for what is no element.

    `fold` takes the case of classes and identifiers for nothing, as in pages without a doctype. Browsers ignore a rule
    one of whose selectors they do not know, so that none is sure where one is not.
    """
    found = [_Writer(parents, fold).selector(part) for part in _parts(prelude)]
    sure = all(each is None or each.sure for each in found)
    return [Selector(each.text, sure) for each in found if each is not None and each.text]


def _parts(tokens: Iterable[Any]) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token == ",":
            parts.append([])
        elif token.type != "comment":
            parts[-1].append(token)
    return parts


class _Writer:
    """Writes one selector anew."""

    def __init__(self, parents: Sequence[Selector], fold: bool) -> None:
        self._parents = parents
        self._fold = fold
        self._sure = all(parent.sure for parent in parents)
        self._out = ""
        self._nested = False  # says itself where its parents stand

    def selector(self, tokens: Sequence[Any]) -> Selector | None:
        """Return the selector; None for a pseudo-element, and one without text that is not sure for what is none."""
        rest = list(tokens)[::-1]
        while rest:
            token, following = rest.pop(), rest[-1] if rest else None
            if token == ":" and (following == ":" or _name(following) in _PSEUDO_ELEMENTS):
                return None if _is_pseudo_element(rest) else Selector("", sure=False)
            if not self._take(token, following, rest):
                return Selector("", sure=False)
        text = re.sub(r"\s+", " ", self._out).strip()
        if self._parents and not self._nested:
            text = f"{_any(self._parents)} {text}"
        if len(text) > LIMITS.max_selector:
            raise reject(
                "too_large", f"Its style sheets have a selector longer than {LIMITS.max_selector:,} characters."
            )
        return Selector(text, self._sure)

    def _take(self, token: Any, following: Any, rest: list[Any]) -> bool:
        """Write a token, and what belongs to it of the rest, whose last comes next; say whether it is understood."""
        if following == "|" or token == "|":  # a namespace
            rest[-1:] = [] if following == "|" else rest[-1:]
        elif token.type == "whitespace" or token in (">", "+", "~", "*"):
            self._out += " " if token.type == "whitespace" else token.value
        elif token.type == "ident":
            self._out += _tag(token.lower_value)
        elif token.type == "hash" or (token == "." and following is not None and following.type == "ident"):
            mark, named = ("#", token) if token.type == "hash" else (".", rest.pop())
            self._out += mark + serialize_identifier(named.value.lower() if self._fold else named.value)
        elif token == "&":
            self._out += _any(self._parents) if self._parents else ":root"
            self._nested = True
        elif token.type == "[] block":
            self._attribute(significant(token.content))
        elif token == ":" and following is not None:
            self._pseudo_class(rest.pop())
        else:
            return False
        return True

    def _attribute(self, tokens: Sequence[Any]) -> None:
        if not tokens or tokens[0].type != "ident" or tokens[0].lower_value == "style" or len(tokens) > 4:
            self._sure = False
        else:
            written = [f'"{serialize_string_value(t.value)}"' if t.type == "string" else t.serialize() for t in tokens]
            self._out += f"[{''.join(written[:3])} {''.join(written[3:])}]"

    def _pseudo_class(self, token: Any) -> None:
        name = _name(token)
        if name in _POSITIONS:
            self._out += f":{name}"
        elif name in _STATES:
            self._out += _RESTING
        elif name in {"link", "any-link"}:
            self._out += "[href]"
        elif name in {"is", "where", "matches", "-webkit-any", "-moz-any", "not"} and token.type == "function":
            inner = selectors(token.arguments, self._parents if "&" in token.arguments else (), self._fold)
            self._sure = self._sure and name != "where" and all(each.sure for each in inner)
            if name != "not":
                self._out += _any(inner) if inner else _RESTING
            elif self._sure:
                self._out += "".join(f":not({each.text})" for each in inner)
        elif name in _COUNTED and (counted := parse_nth(token.arguments)) is not None:
            self._out += f":{name}({counted[0]}n{counted[1]:+})"
        else:
            self._sure = False


def _name(token: Any) -> str:
    """Return the name of an identifier or a function, or an empty string."""
    kind = getattr(token, "type", "")
    return str(token.lower_value if kind == "ident" else token.lower_name if kind == "function" else "")


def _is_pseudo_element(rest: Sequence[Any]) -> bool:
    names = [name for token in rest if (name := _name(token))]
    return any(name in _PSEUDO_ELEMENTS or name.startswith(("-webkit-", "-moz-")) for name in names)


def _any(alternatives: Sequence[Selector]) -> str:
    """Return what stands for any of some selectors: css-inline knows `:not()`, but no `:is()`."""
    return ":not(" + "".join(f":not({each.text})" for each in alternatives) + ")"


def _tag(name: str) -> str:
    return "x-" + re.sub(r"[^a-z0-9-]", "-", name.lower())
