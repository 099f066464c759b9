"""The declarations of a style that can hide text, each value as Python's; what a browser would ignore is left out.

`Declarations` maps a property to its value: a keyword, a number, a `Length`, a `Colour` (None where it cannot be told),
a set of names, or `Raw` tokens that hold a `var()`. Shorthands are written out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tinycss2
from tinycss2.color4 import parse_color

from ingest.formats.colours import Colour

Declarations = dict[str, Any]
Tokens = Sequence[Any]

_PIXELS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_VIEW = {"vw": 12.8, "vi": 12.8, "vmax": 12.8, "vh": 8.0, "vb": 8.0, "vmin": 8.0}  # a percent of a window
_SIZES = {"xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32}
_GLOBAL = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_FAR = 999.0  # pixels to the left of the page or above it
_EDGE_ON = 0.02
_BLURRED = 4.0  # pixels
_MAX_TOKENS = 200  # of a value; a longer one says nothing about visibility


class Length(NamedTuple):
    """A length: `unit` is `px`, `em`, `rem`, `%`, or empty for a keyword such as `auto`."""

    value: float
    unit: str

    @property
    def is_nothing(self) -> bool:
        """Whether a box of this size shows nothing; a pixel is what pages for screen readers leave."""
        return self.unit != "" and self.value < (2 if self.unit == "px" else 0.1)

    @property
    def is_far(self) -> bool:
        """Whether it leads out of sight to the left or above, beyond any scrolling."""
        return self.value <= {"px": -_FAR, "em": -_FAR / 16, "rem": -_FAR / 16, "%": -100.0}.get(self.unit, -math.inf)


AUTO = Length(0, "")


@dataclass(frozen=True)
class Raw:
    """A value to be read once its variables are known."""

    tokens: Tokens


def read_style(source: str | Tokens) -> tuple[Declarations, Declarations]:
    """Return the declarations of a style attribute or a rule's block, and the important ones apart."""
    usual: Declarations = {}
    important: Declarations = {}
    for item in tinycss2.parse_blocks_contents(source, skip_comments=True, skip_whitespace=True):
        if item.type == "declaration":
            name = item.name if item.name.startswith("--") else item.lower_name
            (important if item.important else usual).update(_declared(name, item.value))
    return usual, important


def resolve(declarations: Declarations, variables: Mapping[str, Tokens]) -> Declarations:
    """Return the declarations with their variables put in."""
    resolved: Declarations = {}
    for name, value in declarations.items():
        if isinstance(value, Raw):
            resolved |= _read(name, _substituted(value.tokens, variables))
        else:
            resolved[name] = value
    return resolved


def _declared(name: str, value: Iterable[Any]) -> Declarations:
    tokens = _significant(value)
    if name.startswith("--"):
        return {name: Raw(tokens[:_MAX_TOKENS])}
    if name not in _SHORTHANDS and name not in _LONGHANDS:
        return {}
    if any(_uses_variable(token) for token in tokens[:_MAX_TOKENS]):
        return {name: Raw(tokens[:_MAX_TOKENS])}
    return _read(name, tokens)


def _read(name: str, tokens: Tokens) -> Declarations:
    if not tokens or len(tokens) > _MAX_TOKENS:
        return {}
    if len(tokens) == 1 and (keyword := _keyword(tokens[0])) in _GLOBAL:
        names = _SHORTHAND_PARTS.get(name, (_ALIASES.get(name, name),))
        return {part: Global(keyword) for part in names}
    if name in _SHORTHANDS:
        return _SHORTHANDS[name](tokens)
    value = _LONGHANDS[name](tokens)
    return {} if value is _INVALID else {_ALIASES.get(name, name): value}


class Global(str):
    """`inherit`, `initial`, `unset` or `revert`."""


# Variables


def _uses_variable(token: Any) -> bool:
    return token.type == "function" and (token.lower_name == "var" or any(map(_uses_variable, token.arguments)))


def _substituted(tokens: Tokens, variables: Mapping[str, Tokens], depth: int = 0) -> list[Any]:
    """Return tokens with each top-level `var()` replaced, as far as bounds allow."""
    out: list[Any] = []
    for token in tokens:
        if token.type == "function" and token.lower_name == "var" and depth < 8 and len(out) <= _MAX_TOKENS:
            given = _significant(token.arguments)
            name = getattr(given[0], "value", "") if given else ""
            out += _substituted(variables.get(name, given[2:]), variables, depth + 1)
        else:
            out.append(token)
    return out


# Values


def _significant(tokens: Iterable[Any]) -> list[Any]:
    return [token for token in tokens if token.type not in {"whitespace", "comment"}]


_INVALID = object()


def _keyword(token: Any) -> str:
    return str(token.lower_value) if token.type == "ident" else ""


def _one_of(*keywords: str) -> Callable[[Tokens], Any]:
    known = frozenset(keywords)

    def read(tokens: Tokens) -> Any:
        words = [_keyword(token) for token in tokens]
        return words[0] if words and known.issuperset(words) else _INVALID

    return read


def _number(tokens: Tokens) -> Any:
    if len(tokens) != 1 or tokens[0].type not in {"number", "percentage"}:
        return _INVALID
    return tokens[0].value / (100 if tokens[0].type == "percentage" else 1)


def _as_length(token: Any) -> Length | None:
    if token.type == "number" and token.value == 0:
        return Length(0, "px")
    if token.type == "percentage":
        return Length(token.value, "%")
    if token.type == "dimension":
        unit = token.lower_unit
        if unit in _PIXELS or unit in _VIEW:
            return Length(token.value * (_PIXELS.get(unit) or _VIEW[unit]), "px")
        return Length(token.value, unit) if unit in {"em", "rem"} else Length(token.value / 2, "em")
    if token.type == "function" and token.lower_name in {"calc", "min", "max", "clamp", "fit-content"}:
        inner = _significant(token.arguments)
        return (_as_length(inner[0]) if len(inner) == 1 else None) or AUTO
    return AUTO if token.type == "ident" else None


def _length(tokens: Tokens) -> Any:
    length = _as_length(tokens[0])
    return _INVALID if length is None or (len(tokens) > 1 and length.unit) else length


def _size(tokens: Tokens) -> Any:
    if (keyword := _keyword(tokens[0])) in _SIZES:
        return Length(_SIZES[keyword], "px")
    if keyword in {"smaller", "larger"}:
        return Length(0.83 if keyword == "smaller" else 1.2, "em")
    length = _length(tokens)
    if length is _INVALID or length.value < 0 or keyword:
        return _INVALID
    return Length(length.value / 100, "em") if length.unit == "%" else length


def as_colour(token: Any) -> Colour | None:
    """Return a token's colour as sRGB, or None where it has none or none that can be told."""
    try:
        found = parse_color(token)
        if found is None or isinstance(found, str):
            return None
        red, green, blue = found.to("srgb").coordinates
        return Colour(red, green, blue, found.alpha)
    except (NotImplementedError, ValueError, TypeError, AttributeError, IndexError):
        return None  # another colour space, or arguments that the library does not expect


def _colour(tokens: Tokens) -> Any:
    if len(tokens) != 1 or tokens[0].type not in {"ident", "hash", "function"}:
        return _INVALID
    if _keyword(tokens[0]) == "currentcolor":
        return Global("inherit")
    return as_colour(tokens[0])


def _strikes(tokens: Tokens) -> Any:
    """Say whether a decoration is a line through the text."""
    words = {_keyword(token) for token in tokens if token.type == "ident" and not as_colour(token)}
    return "line-through" in words if words <= _DECORATIONS else _INVALID


def _aligned(tokens: Tokens) -> Any:
    """Return `super` or `sub`, or an empty string for any other place on the line."""
    keyword = _keyword(tokens[0])
    known = len(tokens) == 1 and (keyword in _ALIGNMENTS if keyword else _as_length(tokens[0]) is not None)
    return _INVALID if not known else keyword if keyword in {"super", "sub"} else ""


def _image(tokens: Tokens) -> Any:
    return any(token.type in {"url", "function"} for token in tokens)


def _names(tokens: Tokens) -> Any:
    return frozenset(token.value for token in tokens if token.type in {"ident", "string"})


def _colours(tokens: Tokens) -> Any:
    """Return the colours of shadows or outlines, of which a text may have several."""
    return tuple(colour for token in tokens if (colour := as_colour(token)))


def _arguments(function: Any) -> list[float]:
    return [token.value for token in function.arguments if token.type in {"number", "percentage", "dimension"}]


def _far(tokens: Iterable[Any]) -> bool:
    return any(length.is_far and length.unit != "%" for token in tokens if (length := _as_length(token)))


def _transform(tokens: Tokens) -> Any:
    """Say whether a transform leaves nothing to be seen."""
    return any(token.type == "function" and _is_gone(token) for token in tokens)


def _is_gone(function: Any) -> bool:
    name, numbers = function.lower_name, _arguments(function)
    if name.startswith("scale"):
        return any(abs(number) < _EDGE_ON for number in numbers[:2]) and name != "scalez"
    if name == "matrix" and len(numbers) == 6:
        return abs(numbers[0] * numbers[3] - numbers[1] * numbers[2]) < _EDGE_ON**2
    if name in {"rotatex", "rotatey"}:
        return any(token.type == "dimension" and _turned(token) for token in function.arguments)
    return name.startswith("translate") and _far(function.arguments)


def _turned(angle: Any) -> bool:
    """Whether a plane turned by an angle is seen from its edge."""
    degrees = angle.value * {"deg": 1.0, "rad": 180 / math.pi, "turn": 360.0, "grad": 0.9}.get(angle.lower_unit, 0.0)
    return abs(math.cos(math.radians(degrees))) < _EDGE_ON


def _scale(tokens: Tokens) -> Any:
    return any(token.type in {"number", "percentage"} and abs(token.value) < _EDGE_ON for token in tokens)


def _clip(tokens: Tokens) -> Any:
    """Say whether `clip: rect(...)` leaves less than two pixels."""
    if tokens[0].type != "function" or tokens[0].lower_name != "rect":
        return False
    parts = [_as_length(token) for token in _significant(tokens[0].arguments)]
    sides = [part.value for part in parts if part is not None and part.unit]
    return len(sides) == 4 and (sides[2] - sides[0] < 2 or sides[1] - sides[3] < 2)


def _clip_path(tokens: Tokens) -> Any:
    """Say whether a basic shape leaves nothing."""
    function = next((token for token in tokens if token.type == "function"), None)
    if function is None:
        return False
    name, numbers = function.lower_name, _arguments(function)
    first = next(iter(_significant(function.arguments)), function)
    if name == "inset":
        sides = _four([token for token in function.arguments if token.type in {"number", "percentage", "dimension"}])
        shares = [side.value if side.type == "percentage" else 0 for side in sides]
        return bool(sides) and (shares[0] + shares[2] >= 100 or shares[1] + shares[3] >= 100)
    if name in {"circle", "ellipse"}:
        return getattr(first, "value", None) == 0
    return name == "polygon" and (len(set(numbers[::2])) == 1 or len(set(numbers[1::2])) == 1)


def _filter(tokens: Tokens) -> Any:
    """Return how much of an element its filters leave."""
    left = 1.0
    for token in tokens:
        if token.type == "function" and token.lower_name == "opacity":
            share = _number(_significant(token.arguments))
            left *= 1.0 if share is _INVALID else share
        elif token.type == "function" and token.lower_name == "blur" and (given := _significant(token.arguments)):
            length = _as_length(given[0])
            left = 0.0 if length and length.value >= (_BLURRED if length.unit == "px" else 0.3) else left
    return left


_DECORATIONS = frozenset(
    {"none", "underline", "overline", "line-through", "blink", "solid", "double", "dotted", "dashed", "wavy", "auto"}
    | {"from-font", "currentcolor", "transparent"}
)
_ALIGNMENTS = frozenset({"baseline", "sub", "super", "text-top", "text-bottom", "middle", "top", "bottom"})
_ALIASES = {
    "-webkit-text-fill-color": "fill", "-webkit-background-clip": "background-clip", "animation-name": "animation",
    "-webkit-animation-name": "animation", "-webkit-animation": "animation", "-webkit-transform": "transform",
    "-webkit-clip-path": "clip-path", "-webkit-filter": "filter", "-webkit-text-stroke-color": "-webkit-text-stroke",
    "overflow-inline": "overflow-x", "overflow-block": "overflow-y", "background-image": "image",
    "inset-inline-start": "left", "inset-block-start": "top", "inline-size": "width", "block-size": "height",
    "max-inline-size": "max-width", "max-block-size": "max-height", "margin-inline-start": "margin-left",
    "margin-block-start": "margin-top", "text-decoration-line": "text-decoration",
    "-webkit-text-decoration": "text-decoration", "-webkit-text-decoration-line": "text-decoration",
}  # fmt: skip
_OVERFLOW = _one_of("visible", "hidden", "clip", "scroll", "auto", "overlay")
_LONGHANDS: dict[str, Callable[[Tokens], Any]] = {
    "display": _one_of(
        "none", "block", "inline", "inline-block", "flex", "inline-flex", "grid", "inline-grid", "table",
        "inline-table", "table-row", "table-cell", "table-row-group", "table-header-group", "table-footer-group",
        "table-column", "table-column-group", "table-caption", "list-item", "contents", "flow-root", "flow", "run-in",
        "ruby", "ruby-base", "ruby-text", "-webkit-box", "-webkit-inline-box", "-webkit-flex", "-ms-flexbox", "math",
    ),
    "visibility": _one_of("visible", "hidden", "collapse"),
    "content-visibility": _one_of("visible", "hidden", "auto"),
    "position": _one_of("static", "relative", "absolute", "fixed", "sticky", "-webkit-sticky"),
    "float": _one_of("none", "left", "right", "inline-start", "inline-end"),
    "opacity": _number,
    "zoom": _number,
    "color": _colour,
    "background-color": _colour,
    "-webkit-text-fill-color": _colour,
    "background-image": _image,
    "background-clip": _one_of("text", "border-box", "padding-box", "content-box", "border-area"),
    "text-shadow": _colours,
    "-webkit-text-stroke": _colours,
    "-webkit-text-stroke-color": _colours,
    "text-decoration": _strikes,
    "vertical-align": _aligned,
    "font-size": _size,
    "overflow-x": _OVERFLOW,
    "overflow-y": _OVERFLOW,
    "text-indent": _length,
    "transform": _transform,
    "scale": _scale,
    "translate": _far,
    "clip": _clip,
    "clip-path": _clip_path,
    "filter": _filter,
    "animation-name": _names,
    "animation": _names,
}  # fmt: skip
_LENGTHS = ("width", "height", "max-width", "max-height", "left", "top", "margin-left", "margin-top")
_LONGHANDS |= dict.fromkeys(_LENGTHS, _length)
_LONGHANDS |= {name: _LONGHANDS[of] for name, of in _ALIASES.items() if of in _LONGHANDS}


# Shorthands


def _four(sides: Sequence[Any]) -> list[Any]:
    """Return the values for top, right, bottom and left."""
    if not 1 <= len(sides) <= 4:
        return []
    top, right, bottom, left = (sides[at] if at < len(sides) else None for at in range(4))
    right = right or top
    return [top, right, bottom or top, left or right]


def _background(tokens: Tokens) -> Declarations:
    found = [colour for token in tokens if (colour := as_colour(token))]
    clear = Colour(0, 0, 0, 0)
    unknown = any(_keyword(token) == "currentcolor" for token in tokens)
    return {"background-color": None if unknown else found[-1] if found else clear, "image": _image_in(tokens)}


def _image_in(tokens: Tokens) -> bool:
    return any(token.type == "url" or (token.type == "function" and not as_colour(token)) for token in tokens)


def _font(tokens: Tokens) -> Declarations:
    """Return the size, which is the first length; weights are numbers above nothing."""
    for token in tokens:
        if _keyword(token) in {*_SIZES, "smaller", "larger"} or token.type in {"dimension", "percentage", "function"}:
            return _read("font-size", [token])
        if token.type == "number" and token.value == 0:
            return _read("font-size", [token])
    return {}


def _overflow(tokens: Tokens) -> Declarations:
    pair = [tokens[0], tokens[-1]]
    found = [_OVERFLOW([token]) for token in pair]
    return {} if _INVALID in found else {"overflow-x": found[0], "overflow-y": found[1]}


def _sides(top: str, left: str) -> Callable[[Tokens], Declarations]:
    def read(tokens: Tokens) -> Declarations:
        sides = [_as_length(token) for token in _four(tokens)]
        return {top: sides[0], left: sides[3]} if sides and None not in sides else {}

    return read


_SHORTHAND_PARTS = {
    "background": ("background-color", "image"),
    "font": ("font-size",),
    "overflow": ("overflow-x", "overflow-y"),
    "inset": ("top", "left"),
    "margin": ("margin-top", "margin-left"),
    "all": (
        "display", "visibility", "opacity", "color", "background-color", "font-size", "position", "transform",
        "text-decoration", "vertical-align",
    ),
}  # fmt: skip
_SHORTHANDS: dict[str, Callable[[Tokens], Declarations]] = {
    "background": _background,
    "font": _font,
    "overflow": _overflow,
    "inset": _sides("top", "left"),
    "margin": _sides("margin-top", "margin-left"),
    "all": lambda tokens: {},
}
