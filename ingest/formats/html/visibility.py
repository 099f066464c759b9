"""How an element looks, as far as it decides whether its text is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from ingest.formats import visibility
from ingest.formats.html.properties import CURRENT, Length, read_style
from ingest.formats.inline import Script
from ingest.formats.visibility import BLACK, CLEAR, WHITE, Colour

HIDDEN = "element hidden by its style"
_FAR = 999.0  # pixels, beyond any page's edge
_LIFTED = frozenset({"absolute", "fixed"})
_INLINE = frozenset("a abbr b big cite code del dfn em font i ins kbd label mark q s small span strong u".split())
_CELLS = frozenset("td th tr tbody thead tfoot caption".split())  # grow with their content
_PICTURES = frozenset("img picture video svg canvas object embed iframe".split())
_STRIKING = frozenset({"s", "strike", "del"})
_SCRIPTS: Mapping[str, Script] = {"sup": "super", "sub": "sub"}  # style sheets raise them by other means than CSS's own
_PLAIN = frozenset({"font", *_STRIKING, *_SCRIPTS})  # elements that look otherwise than their parent
_COLOURED, _NAMED = frozenset({"bgcolor", "background"}), frozenset({"class", "id"})


@dataclass(frozen=True, eq=False, slots=True)
class ElementStyle:
    """What an element's text inherits, and how that text, or the element with all that is in it, is hidden, if so.

    A colour of which nothing is known is None.
    """

    colour: Colour | None = BLACK
    background: Colour | None = WHITE
    size: float = 16.0  # pixels
    visible: bool = True
    indented: bool = False  # out of sight
    struck: bool = False
    script: Script = ""
    opacity: float = 1.0
    text_hidden: str = ""
    hidden: str = ""


class PageStyle:
    """The styles of a page's elements, each told from its parent's while the page streams by.

    In a page that links to style sheets (`linked`), what has a class or an identifier may stand on any background.
    """

    def __init__(self, linked: bool) -> None:
        self._linked = linked
        self._pictures = False  # came before, on which what follows may be laid
        self._known: dict[tuple[object, ...], ElementStyle] = {}

    def enter(self, parent: ElementStyle, tag: str, attributes: Mapping[str, str]) -> ElementStyle:
        """Return the style of an element that begins in another; one of which nothing is said has its parent's."""
        style = attributes.get("style", "")
        self._pictures = self._pictures or tag in _PICTURES
        unknown = not _COLOURED.isdisjoint(attributes) or (self._linked and not _NAMED.isdisjoint(attributes))
        if not style and not unknown and tag not in _PLAIN:
            return parent
        if tag == "font":
            style = f"color:{attributes.get('color', '')};{style}"
        key = (parent, tag, style, unknown, self._pictures)
        if key not in self._known:
            self._known[key] = _styled(parent, read_style(style), tag, unknown, self._pictures)
        found = self._known[key]
        self._pictures = self._pictures or (found.background is None and parent.background is not None)
        return found


def _styled(parent: ElementStyle, own: Mapping[str, Any], tag: str, unknown: bool, pictures: bool) -> ElementStyle:
    size = own.get("font-size")
    lifted = own.get("position") in _LIFTED
    colour = own.get("-webkit-text-fill-color", own.get("color", CURRENT))
    otherwise = own.get("text-shadow") or own.get("background-clip") == "text"  # is the text seen, whatever its colour
    style = ElementStyle(
        colour=None if otherwise else parent.colour if colour == CURRENT else colour,
        background=_background(parent, own, unknown or (pictures and lifted)),
        size=size.pixels(parent.size, whole=parent.size) if size else parent.size,
        visible=own.get("visibility", "visible" if parent.visible else "hidden") == "visible",
        indented=_is_far(own["text-indent"], parent.size) if "text-indent" in own else parent.indented,
        struck=own.get("text-decoration", tag in _STRIKING) or parent.struck,
        script=_SCRIPTS.get(tag, "") or _raised(own, tag) or parent.script,
        # Text made as small as that is as faint.
        opacity=parent.opacity * prod(min(max(own.get(name, 1.0), 0.0), 1.0) for name in ("opacity", "scale", "zoom")),
    )
    if tag in {"html", "body"}:  # a page that hides itself is shown by its script
        style = replace(style, visible=True, opacity=1.0)
    elif style.opacity < visibility.CLEAR_OPACITY or _is_hidden(own, tag, style.size):
        style = replace(style, hidden=HIDDEN)
    text_hidden = visibility.hidden_reason(
        style.colour, style.background, points=style.size * 0.75, struck=style.struck
    )
    return replace(style, text_hidden=HIDDEN if style.indented or not style.visible else text_hidden)


def _raised(own: Mapping[str, Any], tag: str) -> Script:
    """Return how an element is set on its line, which a block or a cell has none of."""
    inline = own.get("display", "inline" if tag in _INLINE else "block").startswith("inline")
    aligned = own.get("vertical-align")
    return aligned if inline and aligned in {"super", "sub"} else ""


def _background(parent: ElementStyle, own: Mapping[str, Any], unknown: bool) -> Colour | None:
    colour = own.get("background-color", CLEAR)
    if own.get("background-image") or colour in (CURRENT, None):
        return None
    below = None if unknown else parent.background
    return colour if colour.alpha >= 1 else colour.over(below) if below else None


def _is_hidden(own: Mapping[str, Any], tag: str, em: float) -> bool:
    """Say whether nothing is seen of an element's box, whatever is in it."""
    lifted = own.get("position") in _LIFTED
    if own.get("display") == "none" or own.get("content-visibility") == "hidden":
        return True
    if own.get("clip-path") or (lifted and own.get("clip")):
        return True
    sides = ("left", "top", "right", "bottom") if own.get("position", "static") != "static" else ()
    if any(_is_far(own.get(side), em) for side in sides):
        return True
    if tag in _CELLS or (not lifted and own.get("display", "inline" if tag in _INLINE else "block") == "inline"):
        return False
    sizes = (own.get(name) for name in ("width", "max-width", "height", "max-height"))
    clips = own.get("overflow", "visible") != "visible"
    # One pixel is what pages for screen readers leave.
    return clips and any(size.pixels(em, whole=_FAR) < 2 for size in sizes if size)


def _is_far(length: Length | None, em: float) -> bool:
    return length is not None and abs(length.pixels(em)) >= _FAR
