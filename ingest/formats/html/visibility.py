"""How an element looks, as far as it decides whether its text is seen: inheritance and boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tinycss2

from ingest.formats import visibility
from ingest.formats.html.properties import (
    CURRENT,
    GLOBAL,
    Declaration,
    Scale,
    keyword,
    read_declarations,
    read_style,
    read_value,
)
from ingest.formats.html.settings import LIMITS
from ingest.formats.inline import Script
from ingest.formats.visibility import BLACK, CLEAR, UNREADABLE, WHITE, Colour

HIDDEN = "element hidden by its style"
_LAYER = re.compile(r"layer(\d+)-")
_LIFTED = frozenset({"absolute", "fixed"})
# Without a box of their own: their height and overflow mean nothing.
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd"}
    | {"label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u"}
    | {"var"}
)
_ATOMIC = frozenset({"inline-block", "inline-flex", "inline-grid", "inline-table"})  # not decorated by what they are in
_CELLS = frozenset({"td", "th", "tr", "tbody", "thead", "tfoot", "caption"})  # grow with their content
_PICTURES = frozenset({"img", "picture", "video", "svg", "canvas", "object", "embed", "iframe"})
_STRIKING = frozenset({"s", "strike", "del"})
_SCRIPTS: Mapping[str, Script] = {"sup": "super", "sub": "sub"}  # style sheets raise them by other means than CSS's own
# Elements that look otherwise than their parent, and attributes that say how.
_PLAIN = frozenset({"a", "mark", "dialog", "font", *_STRIKING, *_SCRIPTS, *_PICTURES})
_HINTS = frozenset({"style", "popover", "text", "bgcolor", "background"})


@dataclass(frozen=True, eq=False, slots=True)
class TextStyle:
    """What an element's text inherits; a colour that cannot be told is None."""

    colour: Colour | None = BLACK
    background: Colour | None = WHITE
    size: float = 16.0  # pixels, as is `root`, the page's own
    root: float = 16.0
    visible: bool = True
    moved: bool = False  # indented out of sight, or its letters piled on each other
    struck: bool = False
    script: Script = ""
    opacity: float = 1.0
    outlines: tuple[Colour, ...] = ()
    fill: Colour | None = None  # over `colour`, where it is set
    hidden_reason: str = field(init=False)

    def __post_init__(self) -> None:
        reason = visibility.hidden_reason(
            self.colour if self.fill is None else self.fill,
            self.background,
            points=self.size * 0.75,
            outlines=self.outlines,
            struck=self.struck,
        )
        object.__setattr__(self, "hidden_reason", HIDDEN if self.moved or not self.visible else reason)


@dataclass(frozen=True, slots=True)
class Element:
    """An open element: its text's style, and how it and all in it are hidden, or an empty string."""

    style: TextStyle = TextStyle()
    hidden: str = ""


class PageStyle:
    """The styles of a page's elements, each told from its parent's while the page streams by.

    `cascaded` are the elements' declarations by their number, if the page has sheets; in one that links to others
    (`linked`), what has a class or an identifier may stand on any background.
    """

    def __init__(self, cascaded: Mapping[int, str] | None = None, linked: bool = False) -> None:
        self._cascaded = cascaded
        self._linked = linked
        self._number = -1
        self._pictures = False  # came before, on which what follows may be laid
        self._known: dict[tuple[object, ...], Element] = {}
        self._styles: dict[str, Mapping[str, Declaration]] = {}

    def skip(self) -> None:
        """Pass over an element."""
        self._number += 1

    def enter(self, parent: Element, tag: str, attributes: Mapping[str, str]) -> Element:
        """Return a child that begins in an element; one of which nothing is said is as its parent."""
        self._number += 1
        style = attributes.get("style", "") if self._cascaded is None else self._cascaded[self._number]
        self._pictures = self._pictures or tag in _PICTURES
        named = self._linked and ("class" in attributes or "id" in attributes)
        if not style and not named and tag not in _PLAIN and _HINTS.isdisjoint(attributes):
            return Element(parent.style)
        hints = _hints(tag, attributes)
        key = (parent.style, tag, style, hints, named, self._pictures)
        if key not in self._known:
            own = _Own({**{each.name: each for each in read_style(hints)}, **self._declared(style)})
            self._known[key] = _styled(parent.style, own, tag, named, self._pictures)
        found = self._known[key]
        self._pictures = self._pictures or (found.style.background is None and parent.style.background is not None)
        return found

    def _declared(self, style: str) -> Mapping[str, Declaration]:
        if style not in self._styles:
            self._styles[style] = _ordered(style)
        return self._styles[style]


def _ordered(style: str) -> Mapping[str, Declaration]:
    """Return an element's declarations by property, the strongest of each: important ones, then those of no layer."""
    found: dict[str, tuple[bool, float, Declaration]] = {}
    for item in tinycss2.parse_blocks_contents(style, True, True):
        layer = _LAYER.match(item.name) if item.type == "declaration" else None
        if layer:
            item.name = item.lower_name = item.name[layer.end() :]
        for each in read_declarations([item]):
            rank = each.important, int(layer[1]) if layer else math.inf
            if each.name not in found or found[each.name][:2] <= rank:
                found[each.name] = *rank, each
    return {name: each for name, (*_, each) in found.items()}


def hides(declarations: Iterable[Declaration]) -> bool:
    """Say whether a rule by itself would hide a plain element."""
    own = _Own({each.name: each for each in declarations})
    element = _styled(TextStyle(), own, "div", named=False, pictures=False)
    return bool(element.hidden or element.style.hidden_reason)


def _hints(tag: str, attributes: Mapping[str, str]) -> str:
    """Return what the element's name and older attributes say of its look, as CSS."""
    hints = []
    if tag == "a" and "href" in attributes:
        hints.append("color: #0000ee")
    elif tag in _STRIKING:
        hints.append("text-decoration: line-through")
    elif tag == "mark":
        hints.append("color: black; background: yellow")
    elif (tag == "dialog" and "open" not in attributes) or "popover" in attributes:
        hints.append("display: none")
    for name, value in (
        ("color", attributes.get("color" if tag == "font" else "text", "")),
        ("background-color", attributes.get("bgcolor", "")),
    ):
        spelled = re.fullmatch(r"\s*#?([0-9a-f]{3}|[0-9a-f]{6}|[a-z]+)\s*", value, re.IGNORECASE)
        if spelled:  # the later one counts that is a colour
            hints.append(f"{name}: {spelled[1]}; {name}: #{spelled[1]}")
    if attributes.get("background"):
        hints.append("background-image: url(x)")
    return "; ".join(hints)


class _Own:
    """An element's own declarations, their lengths in pixels once its size of type is known (`scale`)."""

    def __init__(self, declarations: Mapping[str, Declaration]) -> None:
        self._declarations = declarations
        self.scale = Scale()

    def get(self, name: str, default: Any = None, whole: float = 0.0) -> Any:
        """Return a property's value; 100% of it are so many pixels."""
        own = self._declarations.get(name)
        if own is None or keyword(own.tokens) in GLOBAL:
            return default
        return read_value(name, own.tokens, replace(self.scale, whole=whole), default)

    def inherited(self, name: str, parent: Any, initial: Any, whole: float = 0.0) -> Any:
        """Return the value of a property that goes over to what is inside."""
        own = self._declarations.get(name)
        named = keyword(own.tokens) if own else ""
        return initial if named == "initial" else self.get(name, parent, whole)

    def colour(self, name: str, parent: Colour | None, initial: Colour | None) -> Colour | None:
        """Return a colour that goes over to what is inside."""
        found = self.inherited(name, parent, initial)
        return parent if found == CURRENT else found

    @property
    def lifted(self) -> bool:
        """Whether the element is taken out of the flow of its page."""
        return self.get("position") in _LIFTED

    @property
    def clips(self) -> bool:
        """Whether overflow is cut off, which it is in both directions or in none."""
        return any(self.get(f"overflow-{axis}", "visible") != "visible" for axis in "xy")


def _styled(parent: TextStyle, own: _Own, tag: str, named: bool, pictures: bool) -> Element:
    own.scale = Scale(parent.size, parent.root)
    size = own.inherited("font-size", parent.size, 16.0)
    size = parent.size if size is None else size
    root = size if tag == "html" else parent.root
    own.scale = Scale(size, root)
    colour = own.colour("color", parent.colour, BLACK)
    fill = own.colour("-webkit-text-fill-color", parent.fill, None)
    background = _background(parent, own, colour, unknown=named or (pictures and own.lifted))
    if own.get("background-clip") == "text":
        colour = fill = None  # the background shows through
    left = own.get("opacity", 1.0) * own.get("filter", 1.0)
    style = TextStyle(
        colour=colour,
        background=background,
        size=size * min(own.get("zoom", 1.0) or 1.0, 1.0),
        root=root,
        visible=own.inherited("visibility", "visible" if parent.visible else "hidden", "visible") == "visible",
        moved=_is_moved(parent, own),
        struck=own.get("text-decoration", False) or (parent.struck and not _is_apart(own)),
        script=_SCRIPTS.get(tag, "") or _raised(own, tag) or parent.script,
        opacity=parent.opacity * min(max(left, 0.0), 1.0),
        outlines=(
            *own.inherited("text-shadow", parent.outlines, ()),
            *own.inherited("-webkit-text-stroke", (), ()),
        ),
        fill=fill,
    )
    if tag in {"html", "body"}:  # a page that hides itself is shown by its script
        return Element(replace(style, visible=True, opacity=1.0))
    return Element(style, HIDDEN if style.opacity < LIMITS.least_opacity or _is_hidden(own, tag) else "")


def _is_moved(parent: TextStyle, own: _Own) -> bool:
    indent = own.inherited("text-indent", None, 0.0, whole=LIMITS.window)
    spacing = own.inherited("letter-spacing", None, 0.0)
    if indent is None and spacing is None:
        return parent.moved
    far = abs(indent or 0.0) >= (LIMITS.window if own.clips else LIMITS.far)
    return far or (spacing or 0.0) <= LIMITS.piled * own.scale.em


def _is_apart(own: _Own) -> bool:
    """Say whether the line through its parent's text does not go on through an element."""
    return own.get("display") in _ATOMIC or own.lifted or own.get("float", "none") != "none"


def _raised(own: _Own, tag: str) -> Script:
    """Return how an element is set on its line, which a block or a cell has none of."""
    aligned: Script = own.get("vertical-align", "")
    return aligned if own.get("display", "inline" if tag in _INLINE else "block").startswith("inline") else ""


def _background(parent: TextStyle, own: _Own, text: Colour | None, unknown: bool) -> Colour | None:
    image, colour = own.get("background-image", False), own.get("background-color", CLEAR)
    if image is True:
        return None
    below = None if unknown else parent.background
    for layer in (text if colour == CURRENT else colour, image or CLEAR):
        if layer is None or layer.alpha >= 1:
            below = layer
        elif below not in (None, UNREADABLE):
            below = layer.over(below)
    return below


def _is_hidden(own: _Own, tag: str) -> bool:
    """Say whether nothing is seen of an element's box, whatever is in it."""
    if own.get("display") == "none" or own.get("content-visibility") == "hidden" or own.get("clip-path"):
        return True
    if own.lifted and own.get("clip"):
        return True
    sides = ("left", "top", "right", "bottom") if own.get("position", "static") != "static" else ()
    if any(_is_far(own.get(side, whole=LIMITS.window if own.lifted else 0.0)) for side in sides):
        return True
    display = own.get("display", "inline" if tag in _INLINE else "block")
    if display in {"inline", "contents"} and not own.lifted and own.get("float", "none") == "none":
        return False
    moves = (own.get("transform", 0.0), own.get("scale", 0.0), own.get("translate", 0.0))
    if None in moves or any(map(_is_far, (*moves, own.get("margin-left"), own.get("margin-top")))):
        return True
    return tag not in _CELLS and own.clips and any(map(_is_nothing, _sizes(own)))


def _is_far(pixels: float | None) -> bool:
    return pixels is not None and abs(pixels) >= LIMITS.far


def _sizes(own: _Own) -> Iterable[float | None]:
    return (own.get(name, whole=LIMITS.window) for name in ("width", "max-width", "height", "max-height"))


def _is_nothing(pixels: float | None) -> bool:
    return pixels is not None and pixels < LIMITS.nothing
