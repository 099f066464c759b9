"""How the elements of one page look, told while it streams by.

What only a style sheet that the page links to would say is not known: an element that such a sheet may name is taken to
stand on any background, and its text to be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tinycss2

from ingest.formats.colours import STRUCK, Colour
from ingest.formats.html.css_look import SCRIPTS, Look, Place, look
from ingest.formats.html.css_sheets import Element, Rule, Sheets, Source, always
from ingest.formats.html.css_values import Declarations, as_colour, read_style
from ingest.formats.parsed import reject

STYLED = re.compile(r"<(?:style|link)\b", re.IGNORECASE)  # a page without is not scanned
_PICTURES = frozenset({"img", "picture", "video", "svg", "canvas", "object", "embed", "iframe"})
# Elements that look otherwise than their parent.
_STRIKING = frozenset({"s", "strike", "del"})
_TELLING = frozenset({"a", "mark", "dialog", "font", *_STRIKING, *SCRIPTS, *_PICTURES})
_HINTING = frozenset({"popover", "text", "bgcolor", "background"})
_LINK, _MARK = Colour(0, 0, 0.93), Colour(1, 1, 0)
_DATA_SCRIPT = re.compile(r"application/(?:ld\+)?json|text/(?:template|html|x-)", re.IGNORECASE)
_OUTSIDE = frozenset({"template"})  # whose content is no part of the page
_MAX_SHEETS = 10_000_000  # characters of a page


class Scan:
    """An lxml parser target that gathers what must be known of a page before its first element."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.classes: set[str] = set()
        self.linked = self.scripted = False
        self._style: list[str] | None = None
        self._optional = False
        self._inside: list[str] = []  # open <noscript> and <template>

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        self.classes.update(attributes.get("class", "").split())
        if tag in {"noscript", "template"}:
            self._inside.append(tag)
        elif tag == "style" and attributes.get("type", "").strip().lower() in {"", "text/css"}:
            self._style = []
            self._optional = bool(self._inside) or not always(attributes.get("media", ""))
        elif tag == "link":
            self.linked = self.linked or "stylesheet" in attributes.get("rel", "").lower().split()
        elif tag == "script":
            self.scripted = self.scripted or not _DATA_SCRIPT.match(attributes.get("type", ""))

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
        if tag == "style" and self._style is not None:
            if not _OUTSIDE.intersection(self._inside):
                self.sources.append(Source("".join(self._style), self._optional))
            self._style = None

    def data(self, text: str) -> None:
        """Take text."""
        if self._style is not None:
            self._style.append(text)

    def close(self) -> None:
        """End the page."""


@dataclass(frozen=True, slots=True)
class Styled:
    """An open element: how it and all in it are hidden, and how its own text is, or empty strings."""

    element: Element = field(default_factory=Element)
    look: Look = field(default_factory=Look)
    gone: str = ""
    unseen: str = ""


class PageStyle:
    """The looks of a page's elements, each told from its parent's."""

    def __init__(self, scan: Scan) -> None:
        if sum(len(source.text) for source in scan.sources) > _MAX_SHEETS:
            raise reject("too_large", f"Its style sheets are longer than {_MAX_SHEETS:,} characters.")
        self._sheets = Sheets(scan.sources, frozenset(scan.classes), scan.scripted)
        self._animations = frozenset(self._sheets.animations)
        self._linked = scan.linked
        self._pictures = False
        self._styles: dict[str, tuple[Declarations, Declarations]] = {"": ({}, {})}
        self._looks: dict[tuple[object, ...], tuple[Look, str, str]] = {}

    def enter(self, parent: Styled, tag: str, attributes: Mapping[str, str]) -> Styled:
        """Return a child that begins in an element; one of which nothing is said is as its parent."""
        if not attributes and not self._sheets and tag not in _TELLING:
            return parent
        element = self._sheets.enter(parent.element, tag, attributes)
        self._pictures = self._pictures or tag in _PICTURES
        rest = self._styled(parent, element, False)
        if (rest.gone or rest.unseen not in {"", STRUCK}) and element.states:
            changed = self._styled(parent, element, True)
            return rest if changed.gone or changed.unseen else changed
        return rest

    def _styled(self, parent: Styled, element: Element, may_become: bool) -> Styled:
        attributes, matched = element.attributes, self._sheets.matched(element, may_become)
        named = self._linked and ("class" in attributes or "id" in attributes) and parent.look.background is not None
        style, hints = attributes.get("style", ""), _hints(element.tag, attributes)
        if not (style or hints or matched or named or element.tag in SCRIPTS):
            return Styled(element, parent.look, unseen=parent.unseen)
        key = (parent.look, element.tag, style, tuple(hints.items()), matched, named, self._pictures)
        if key not in self._looks:
            place = Place(element.tag, named, self._pictures, self._animations)
            found, gone = look(parent.look, self._cascaded(hints, style, self._sheets.rules(matched)), place)
            self._looks[key] = found, gone, found.unseen
            self._pictures = self._pictures or (found.background is None and parent.look.background is not None)
        return Styled(element, *self._looks[key])

    def _cascaded(self, hints: Declarations, style: str, rules: Iterable[Rule]) -> Declarations:
        if style not in self._styles:
            self._styles[style] = read_style(style)
        usual, important = self._styles[style]
        declarations = dict(hints)
        for layer in (*(rule.usual for rule in rules), usual, *(rule.important for rule in rules), important):
            declarations |= layer
        return declarations


def _hints(tag: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return what the element's name and older attributes say of its look."""
    hints: dict[str, Any] = {}
    if tag not in _TELLING and _HINTING.isdisjoint(attributes):
        return hints
    if tag == "a" and "href" in attributes:
        hints["color"] = _LINK
    elif tag in _STRIKING:
        hints["text-decoration"] = True
    elif tag == "mark":
        hints |= {"color": Colour(0, 0, 0), "background-color": _MARK}
    elif (tag == "dialog" and "open" not in attributes) or "popover" in attributes:
        hints["display"] = "none"
    for name, value in (
        ("color", attributes.get("color" if tag == "font" else "text", "")),
        ("background-color", attributes.get("bgcolor", "")),
    ):
        if colour := _legacy_colour(value):
            hints[name] = colour
    if attributes.get("background"):
        hints["image"] = True
    return hints


def _legacy_colour(value: str) -> Colour | None:
    """Return a colour such as HTML 3.2 had it, with or without `#`."""
    for spelled in (value, "#" + value) if value else ():
        token = tinycss2.parse_one_component_value(spelled)
        if token.type in {"ident", "hash"} and (colour := as_colour(token)):
            return colour
    return None
