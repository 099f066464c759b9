"""The CSS properties that hide or show text: which of their values a browser obeys, and what these mean.

A calculation, and a colour in a function that is not known here, is None: nothing is told of it, and it hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tinycss2
from tinycss2.color5 import parse_color

from ingest.formats.visibility import Colour

Tokens = Sequence[Any]

CURRENT = "currentcolor"
INHERITED = "inherit"  # or not said at all, as far as it matters here
_INVALID = object()
_GLOBAL = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_PIXELS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "rem": 16.0, "vw": 12.8, "vh": 8.0}
_SIZES = frozenset("xx-small x-small small medium large x-large xx-large smaller larger".split())
_IMAGES = ("url", "gradient", "image", "image-set")


@dataclass(frozen=True, slots=True)
class Length:
    """A length as it is written."""

    number: float
    unit: str

    def pixels(self, em: float, whole: float = 0.0) -> float:
        """Return it in pixels; `whole` are those of 100%."""
        return self.number * (whole / 100 if self.unit == "%" else _PIXELS.get(self.unit, em))


@dataclass(frozen=True, slots=True)
class Declaration:
    """A property of the table below, a shorthand with a variable in it, or a custom property; with its value."""

    name: str
    tokens: Tokens
    important: bool = False

    def __str__(self) -> str:
        """Return it as CSS, without strings: css-inline might end an attribute at their marks, or obey their words."""
        tokens = (token for token in self.tokens if token.type != "string")
        value = " ".join("url(x)" if token.type == "url" else token.serialize() for token in tokens)
        value = value.replace('"', "").replace("'", "")
        return f"{self.name}:{value}{' !important' if self.important else ''};"


def read_declarations(items: Iterable[Any]) -> Iterable[Declaration]:
    """Yield what a browser obeys of a block's parsed items, shorthands written out."""
    for item in items:
        if item.type == "declaration":
            custom = item.name.startswith("--")
            name = item.name if custom else _ALIASES.get(item.lower_name, item.lower_name)
            tokens = significant(item.value)[:200]  # a longer one says nothing about visibility
            if custom or (any(map(_varies, tokens)) and (name in _SHORTHANDS or name in _VALUES)):
                yield Declaration(name, [token for token in tokens if token.type != "{} block"], item.important)
            elif tokens:
                parts = _SHORTHANDS[name](tokens) if name in _SHORTHANDS else {name: tokens}
                for longhand, part in parts.items():
                    if _value(longhand, part) is not _INVALID:
                        yield Declaration(longhand, part, item.important)


def read_style(style: str) -> Mapping[str, Any]:
    """Return the values of a style attribute by property, the strongest of each."""
    found: dict[str, Declaration] = {}
    # A longer one is made of variables that double each other.
    for each in read_declarations(parse_block(style) if len(style) < 10_000 else []):
        if each.name not in found or each.important >= found[each.name].important:
            found[each.name] = each
    values = {name: _value(name, each.tokens) for name, each in found.items()}
    return {name: value for name, value in values.items() if value is not _INVALID and value is not INHERITED}


def parse_block(block: Any) -> list[Any]:
    """Parse what stands between braces, or in a style attribute."""
    items: list[Any] = tinycss2.parse_blocks_contents(block, skip_comments=True, skip_whitespace=True)
    return items


def significant(tokens: Iterable[Any]) -> list[Any]:
    """Return tokens without white space and comments."""
    return [token for token in tokens if token.type not in {"whitespace", "comment"}]


def _value(name: str, tokens: Tokens) -> Any:
    if len(tokens) == 1 and tokens[0].type == "ident" and tokens[0].lower_value in _GLOBAL:
        return INHERITED
    return _VALUES[name](tokens) if name in _VALUES and tokens else _INVALID


def _varies(token: Any) -> bool:
    return token.type == "function" and (token.lower_name == "var" or any(map(_varies, token.arguments)))


def _one_of(words: str) -> Callable[[Tokens], Any]:
    """Return a reader of a keyword; a length stands for the first one."""
    known = tuple(words.split())

    def read(tokens: Tokens) -> Any:
        word = tokens[0].lower_value if tokens[0].type == "ident" else known[0]
        return word if word in known else _INVALID

    return read


def _length(tokens: Tokens) -> Any:
    """Return a `Length`, or None for a calculation or a keyword such as `auto`."""
    token = tokens[0]
    if token.type == "dimension":
        return Length(token.value, token.lower_unit)
    if token.type == "percentage":
        return Length(token.value, "%")
    if token.type == "number":
        return Length(0.0, "px") if token.value == 0 else _INVALID
    return None


def _size(tokens: Tokens) -> Any:
    if tokens[0].type == "ident":  # all of them are read
        return Length(16.0, "px") if tokens[0].lower_value in _SIZES else _INVALID
    return _length(tokens)


def _number(tokens: Tokens) -> Any:
    token = tokens[0]
    return token.value / (100 if token.type == "percentage" else 1) if hasattr(token, "int_value") else _INVALID


def _colour(tokens: Tokens) -> Any:
    token = tokens[0]
    try:
        found = parse_color(token) if len(tokens) == 1 else None
    except (ValueError, TypeError, AttributeError, IndexError):
        found = None  # arguments that the library does not expect
    if found is None:
        return None if token.type == "function" else _INVALID
    if isinstance(found, str):
        return CURRENT
    if found.space in {"hsl", "hwb"}:
        found = found.to("srgb")
    numbers = [value or 0.0 for value in found.coordinates]
    if found.space in {"lab", "lch", "oklab", "oklch"}:  # text is told from its background by how light they are
        numbers = [numbers[0] / (1 if found.space.startswith("ok") else 100)] * 3
    red, green, blue = numbers[:3]
    return Colour(red, green, blue, found.alpha)


def _is_image(token: Any) -> bool:
    named = token.lower_name if token.type == "function" else token.type
    return str(named).endswith(_IMAGES)


def _image(tokens: Tokens) -> Any:
    return any(map(_is_image, tokens))


def _strikes(tokens: Tokens) -> Any:
    """Say whether a decoration is a line through the text."""
    words = {token.lower_value for token in tokens if token.type == "ident"}
    lines = words & {"none", "underline", "overline", "line-through"}
    return "line-through" in words if lines else _INVALID


def _clips_all(tokens: Tokens) -> Any:
    """Say whether `clip: rect(0 0 0 0)`, or `clip-path: circle(0)`, leaves nothing."""
    sides = [_length([token]) for token in significant(getattr(tokens[0], "arguments", ())) if token != ","]
    named = tokens[0].lower_name if tokens[0].type == "function" else ""
    lengths = [side for side in sides if isinstance(side, Length)]
    if named == "rect":
        return len(lengths) == 4 and all(length.pixels(16.0) < 2 for length in lengths)
    if named in {"circle", "ellipse"}:
        return isinstance(radius := next(iter(sides), None), Length) and radius.pixels(16.0, whole=100.0) < 2
    return named == "inset" and len(lengths) == 1 and lengths[0].pixels(16.0, whole=100.0) >= 50


_VALUES: Mapping[str, Callable[[Tokens], Any]] = {
    "display": _one_of(
        "block none inline inline-block flex inline-flex grid inline-grid table inline-table table-row table-cell"
        " table-row-group table-header-group table-footer-group table-caption list-item contents flow-root -webkit-box"
    ),
    "visibility": _one_of("visible hidden collapse"),
    "content-visibility": _one_of("visible hidden auto"),
    "position": _one_of("static relative absolute fixed sticky"),
    "overflow": _one_of("visible hidden clip scroll auto"),
    "background-clip": _one_of("border-box padding-box content-box text"),
    "vertical-align": _one_of("baseline sub super text-top text-bottom middle top bottom"),
    **dict.fromkeys(("opacity", "scale", "zoom"), _number),
    **dict.fromkeys(("color", "-webkit-text-fill-color"), _colour),
    "background-color": _colour,
    "background-image": _image,
    "text-decoration": _strikes,
    "font-size": _size,
    "text-shadow": lambda tokens: tokens[0].type != "ident" or len(tokens) > 1,
    "clip": _clips_all,
    "clip-path": _clips_all,
    **dict.fromkeys("text-indent left top right bottom width height max-width max-height".split(), _length),
}
_ALIASES = {
    "overflow-x": "overflow",
    "overflow-y": "overflow",
    "text-decoration-line": "text-decoration",
    "-webkit-background-clip": "background-clip",
}


def _background(tokens: Tokens) -> Mapping[str, Tokens]:
    """Return the colour and the images; a background that names no colour is clear, one without a picture has none."""
    images = [token for token in tokens if _is_image(token)]
    colours = [token for token in tokens if not _is_image(token) and _colour([token]) is not _INVALID]
    clear, none = tinycss2.parse_component_value_list("transparent"), tinycss2.parse_component_value_list("none")
    return {"background-color": colours[-1:] or clear, "background-image": images or none}


def _font(tokens: Tokens) -> Mapping[str, Tokens]:
    """Return the size, which is the first length; weights are numbers above nothing."""
    named = ([token] for token in tokens if token.type != "function" and isinstance(_size([token]), Length))
    return {"font-size": next(named, [])}


def _inset(tokens: Tokens) -> Mapping[str, Tokens]:
    """Return the four sides: what is left out repeats what stands across from it."""
    top, right, bottom, left = (tokens[i : i + 1] for i in range(4))
    right = right or top
    return {"top": top, "right": right, "bottom": bottom or top, "left": left or right}


_SHORTHANDS: Mapping[str, Callable[[Tokens], Mapping[str, Tokens]]] = {
    "background": _background,
    "font": _font,
    "inset": _inset,
}
