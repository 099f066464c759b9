"""The CSS properties that can hide text: which declarations a browser obeys, and what their values are.

Lengths become pixels, colours sRGB, shorthands are written out. What a browser would ignore is left out; a colour in a
function that is not known here is `UNREADABLE`, which hides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tinycss2
from tinycss2.color5 import D50, D65, parse_color

from ingest.formats.html.settings import LIMITS
from ingest.formats.visibility import UNREADABLE, WHITE, Colour

Tokens = Sequence[Any]

CURRENT = "currentcolor"
GLOBAL = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_INVALID = object()
_UNSAFE = frozenset({"string", "error", "{} block"})
_PIXELS = {
    **{"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6},
    **dict.fromkeys(("vw", "vi", "vmax"), 12.8),  # of a window of 1280 by 800 pixels
    **dict.fromkeys(("vh", "vb", "vmin"), 8.0),
}
_SIZES = {"xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32}


@dataclass(frozen=True, slots=True)
class Scale:
    """The pixels of an em, a rem and 100%."""

    em: float = 16.0
    rem: float = 16.0
    whole: float = 0.0


@dataclass(frozen=True, slots=True)
class Declaration:
    """A property of the table below, or a custom one, with its value."""

    name: str
    tokens: Tokens
    important: bool = False

    def __str__(self) -> str:
        return f"{self.name}:{_written(self.tokens)}{' !important' if self.important else ''};"


def read_declarations(items: Iterable[Any]) -> Iterable[Declaration]:
    """Yield what a browser obeys of a block's parsed items; a value with a variable is taken as it is."""
    for item in items:
        if item.type == "declaration":
            custom = item.name.startswith("--")
            name, tokens = item.name if custom else item.lower_name, significant(item.value)
            known = name in _SHORTHANDS or name in PROPERTIES or name in _ALIASES
            if custom or (known and any(map(_varies, tokens))):
                yield Declaration(name, tokens[: LIMITS.max_tokens], item.important)
            elif 0 < len(tokens) <= LIMITS.max_tokens:
                for longhand, part in _longhands(name, tokens):
                    if keyword(part) in GLOBAL or read_value(longhand, part) is not _INVALID:
                        yield Declaration(longhand, part, item.important)


def read_style(style: str) -> list[Declaration]:
    """Return what a browser obeys of a style attribute."""
    return list(read_declarations(tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True)))


def read_value(name: str, tokens: Tokens, scale: Scale = Scale(), default: Any = _INVALID) -> Any:
    """Return a property's value, or `default` for one that a browser would ignore."""
    value = PROPERTIES[name](tokens, scale) if name in PROPERTIES else _INVALID
    return default if value is _INVALID else value


def _longhands(name: str, tokens: Tokens) -> Iterable[tuple[str, Tokens]]:
    if name not in _SHORTHANDS:
        return [(_ALIASES.get(name, name), tokens)]
    parts, split = _SHORTHANDS[name]
    if keyword(tokens) in GLOBAL:
        return [(part, tokens) for part in parts]
    return [(part, value) for part, value in zip(parts, split(tokens), strict=False) if value]


def significant(tokens: Iterable[Any]) -> list[Any]:
    """Return tokens without white space and comments."""
    return [token for token in tokens if token.type not in {"whitespace", "comment"}]


def keyword(tokens: Tokens) -> str:
    """Return a value that is one keyword, or an empty string."""
    return str(tokens[0].lower_value) if len(tokens) == 1 and tokens[0].type == "ident" else ""


def _varies(token: Any) -> bool:
    return token.type == "function" and (token.lower_name == "var" or any(map(_varies, token.arguments)))


def _written(tokens: Tokens) -> str:
    """Return tokens as CSS, without the quotation marks at which css-inline might end an attribute."""
    parts = ("url(x)" if _is_url(token) else token.serialize() for token in tokens if token.type not in _UNSAFE)
    return re.sub("[\"']", "", " ".join(parts))


def _is_url(token: Any) -> bool:
    return token.type == "url" or (token.type == "function" and token.lower_name in {"url", "src", "image-set"})


# Lengths


def pixels(token: Any, scale: Scale) -> float | None:
    """Return a length or number in pixels, calculations done; None for anything else."""
    if token.type == "number":
        return float(token.value)
    if token.type == "percentage":
        return float(token.value) / 100 * scale.whole
    if token.type == "dimension":
        unit = token.lower_unit
        relative = {"em": scale.em, "rem": scale.rem}.get(unit, scale.em / 2)  # of the letter x and its like
        return float(token.value) * _PIXELS.get(unit, relative)
    if token.type == "() block":
        return _sum(token.content, scale)
    if token.type != "function":
        return None
    parts = [_sum(part, scale) for part in _split(token.arguments, ",")]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    name = token.lower_name
    if name == "clamp" and len(known) == 3:
        return max(known[0], min(known[1:]))
    return {"calc": max, "max": max, "min": min}[name](known) if name in {"calc", "max", "min"} else None


def _sum(tokens: Iterable[Any], scale: Scale) -> float | None:
    """Return what a calculation comes to, or None where it is none."""
    total, product, sign, divides = 0.0, None, 1, False
    for token in significant(tokens):
        if token in ("+", "-") and product is not None:
            total, product, sign = total + sign * product, None, 1 if token == "+" else -1
        elif token in ("*", "/"):
            divides = token == "/"
        elif (value := pixels(token, scale)) is None or (divides and value == 0):
            return None
        else:
            product = value if product is None else product / value if divides else product * value
            divides = False
    return None if product is None else total + sign * product


def _split(tokens: Iterable[Any], at: str) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token == at:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _length(tokens: Tokens, scale: Scale) -> Any:
    """Return a length in pixels, or None for a keyword such as `auto`."""
    if tokens[0].type == "ident":
        return None
    value = pixels(tokens[0], scale)
    bare = tokens[0].type == "number" and value
    return None if value is None and tokens[0].type == "function" else _INVALID if bare or value is None else value


def _size(tokens: Tokens, scale: Scale) -> Any:
    named = keyword(tokens)
    if named in _SIZES:
        return float(_SIZES[named])
    if named in {"smaller", "larger"}:
        return scale.em * (0.83 if named == "smaller" else 1.2)
    value = _length(tokens, Scale(scale.em, scale.rem, scale.em))
    return _INVALID if named or value is _INVALID or (value or 0) < 0 else value


def _number(tokens: Tokens, scale: Scale) -> Any:
    value = pixels(tokens[0], Scale(whole=1.0)) if len(tokens) == 1 else None
    return _INVALID if value is None or tokens[0].type == "dimension" else value


# Colours

_WHITE_NAMES = frozenset({"canvas", "field", "window", "highlighttext", "selecteditemtext", "buttonhighlight"})


def colour(token: Any) -> Any:
    """Return a token's colour, `CURRENT`, `UNREADABLE`, or None for what is no colour."""
    if token.type == "ident" and token.lower_value in _WHITE_NAMES:
        return WHITE
    if token.type == "function" and token.lower_name in {"color-mix", "light-dark"}:
        parts = [significant(part) for part in _split(token.arguments, ",")]
        return colour(parts[0][0]) if token.lower_name == "light-dark" and parts[0] else _mixed(parts)
    if token.type not in {"ident", "hash", "function"}:
        return None
    try:
        found = parse_color(token)
    except (ValueError, TypeError, AttributeError, IndexError):
        found = None  # arguments that the library does not expect
    if found is None:
        return UNREADABLE if token.type == "function" else None
    return CURRENT if isinstance(found, str) else _as_srgb(found)


def _as_srgb(found: Any) -> Colour:
    """Convert a colour of any space; wide gamuts are read as if they were sRGB, which has the same white and black."""
    if found.space in {"srgb", "hsl", "hwb"}:
        red, green, blue = found.to("srgb").coordinates
        return Colour(red, green, blue, found.alpha)
    if len(found.coordinates) != 3:
        return UNREADABLE
    if found.space in {"lab", "lch", "xyz-d50"}:
        x, y, z = (value * to / of for value, of, to in zip(found.to("xyz-d50").coordinates, D50, D65, strict=True))
    elif found.space in {"oklab", "oklch", "xyz-d65"}:
        x, y, z = found.to("xyz-d65").coordinates
    else:
        red, green, blue = (value or 0.0 for value in found.coordinates)
        return Colour(red, green, blue, found.alpha)
    red = _gamma(3.2404542 * x - 1.5371385 * y - 0.4985314 * z)
    green = _gamma(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z)
    blue = _gamma(0.0556434 * x - 0.2040259 * y + 1.0572252 * z)
    return Colour(red, green, blue, found.alpha)


def _gamma(linear: float) -> float:
    value = min(max(linear, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _mixed(parts: Sequence[Tokens]) -> Colour:
    """Return what `color-mix(in SPACE, A 20%, B)` comes to, mixed as sRGB whatever the space."""
    named = [[found for token in part if (found := colour(token))] for part in parts[1:]]
    shares = [next((token.value / 100 for token in part if token.type == "percentage"), None) for part in parts[1:]]
    if len(named) != 2 or any(len(found) != 1 or not isinstance(found[0], Colour) for found in named):
        return UNREADABLE
    first, second = shares
    first = first if first is not None else 0.5 if second is None else 1 - second
    second = second if second is not None else 1 - first
    share = first / (first + second) if first + second > 0 else 0.5
    mixture: Colour = named[0][0].mixed(named[1][0], share)
    return UNREADABLE if UNREADABLE in (named[0][0], named[1][0]) else mixture


def _colour(tokens: Tokens, scale: Scale) -> Any:
    found = colour(tokens[0]) if len(tokens) == 1 else None
    return _INVALID if found is None else found


def _colours(tokens: Tokens, scale: Scale) -> Any:
    """Return the colours of shadows or strokes, of which a text may have several."""
    found = (colour(token) for token in tokens if not _is_length(token))
    return tuple(each for each in found if isinstance(each, Colour) and each != UNREADABLE)


def _is_length(token: Any) -> bool:
    return pixels(token, Scale()) is not None


def _is_image(token: Any) -> bool:
    named = token.lower_name if token.type == "function" else ""
    return _is_url(token) or named.endswith("gradient") or named in {"image", "cross-fade", "element", "paint"}


def _image(tokens: Tokens, scale: Scale) -> Any:
    """Return whether there is a picture; of a gradient with one colour, that colour."""
    images = [token for token in tokens if _is_image(token)]
    if any(map(_is_url, images)) or not images:
        return bool(images)
    stops = [found for token in images for at in token.arguments if isinstance(found := colour(at), Colour)]
    alike = stops and all(stop.is_like(stops[0]) and stop.alpha == stops[0].alpha for stop in stops)
    return stops[0] if alike else True


# Keywords and functions


def _one_of(*keywords: str) -> Callable[[Tokens, Scale], Any]:
    known = frozenset(keywords)
    return lambda tokens, scale: found if (found := _words(tokens)) and known.issuperset(found.split()) else _INVALID


def _words(tokens: Tokens) -> str:
    return " ".join(token.lower_value if token.type == "ident" else "?" for token in tokens)


_LINES = frozenset({"none", "underline", "overline", "line-through", "blink", "spelling-error", "grammar-error"})
_LINE_STYLES = frozenset({"solid", "double", "dotted", "dashed", "wavy", "auto", "from-font"})
_ALIGNMENTS = frozenset({"baseline", "sub", "super", "text-top", "text-bottom", "middle", "top", "bottom"})


def _strikes(tokens: Tokens, scale: Scale) -> Any:
    """Say whether a decoration is a line through the text."""
    words = {token.lower_value for token in tokens if token.type == "ident" and colour(token) is None}
    return "line-through" in words if words <= _LINES | _LINE_STYLES else _INVALID


def _aligned(tokens: Tokens, scale: Scale) -> Any:
    named = keyword(tokens)
    known = named in _ALIGNMENTS if named else len(tokens) == 1 and _is_length(tokens[0])
    return _INVALID if not known else named if named in {"super", "sub"} else ""


def _functions(tokens: Tokens) -> Iterable[tuple[str, list[Any]]]:
    return ((token.lower_name, significant(token.arguments)) for token in tokens if token.type == "function")


def _transform(tokens: Tokens, scale: Scale) -> Any:
    """Return the farthest that a transform moves, in pixels; or None for one that shrinks to nothing."""
    farthest = 0.0
    for name, arguments in _functions(tokens):
        values = [value for token in arguments if (value := pixels(token, scale)) is not None]
        if name in {"scale", "scalex", "scaley", "scale3d"} and any(abs(value) < 0.02 for value in values[:2]):
            return None
        if name.startswith("translate"):
            farthest = max([farthest, *map(abs, values)])
    return farthest


def _scale(tokens: Tokens, scale: Scale) -> Any:
    values = [value for token in tokens if (value := pixels(token, Scale(whole=1.0))) is not None]
    return None if any(abs(value) < 0.02 for value in values[:2]) else 0.0


def _translate(tokens: Tokens, scale: Scale) -> Any:
    return max((abs(value) for token in tokens if (value := pixels(token, scale)) is not None), default=0.0)


def _clip(tokens: Tokens, scale: Scale) -> Any:
    """Say whether `clip: rect(...)` leaves less than two pixels."""
    for name, arguments in _functions(tokens):
        sides = [value for token in arguments if (value := pixels(token, scale)) is not None]
        if name == "rect" and len(sides) == 4:
            return sides[2] - sides[0] < 2 or sides[1] - sides[3] < 2
    return False


def _clip_path(tokens: Tokens, scale: Scale) -> Any:
    """Say whether `inset(50%)` or `circle(0)` leaves nothing; other shapes are taken to leave something."""
    for name, arguments in _functions(tokens):
        values = [value for token in arguments if (value := pixels(token, Scale(whole=1.0))) is not None]
        if name == "inset" and (sides := _four([value if value <= 1 else 0.0 for value in values])):
            return sides[0] + sides[2] >= 1 or sides[1] + sides[3] >= 1
        if name in {"circle", "ellipse"}:
            return bool(values) and arguments[0].type != "ident" and values[0] == 0
    return False


def _filter(tokens: Tokens, scale: Scale) -> Any:
    """Return the share of an element that its filters leave to be seen."""
    left = 1.0
    for name, arguments in _functions(tokens):
        if name == "opacity" and arguments:
            left *= read_value("opacity", arguments, default=1.0)
        elif name == "blur" and arguments:
            left = 0.0 if (pixels(arguments[0], scale) or 0) >= 4 else left
    return left


_OVERFLOW = _one_of("visible", "hidden", "clip", "scroll", "auto", "overlay")
_LENGTHS = ("text-indent", "letter-spacing", "width", "height", "max-width", "max-height", "left", "top", "right")
PROPERTIES: Mapping[str, Callable[[Tokens, Scale], Any]] = {
    "display": _one_of(
        *("none", "block", "inline", "inline-block", "flex", "inline-flex", "grid", "inline-grid", "table", "flow"),
        *("inline-table", "table-row", "table-cell", "table-row-group", "table-header-group", "table-footer-group"),
        *("table-column", "table-column-group", "table-caption", "list-item", "contents", "flow-root", "run-in"),
        *("ruby", "ruby-base", "ruby-text", "-webkit-box", "-webkit-inline-box", "-webkit-flex", "-ms-flexbox", "math"),
    ),
    "visibility": _one_of("visible", "hidden", "collapse"),
    "content-visibility": _one_of("visible", "hidden", "auto"),
    "position": _one_of("static", "relative", "absolute", "fixed", "sticky", "-webkit-sticky"),
    "float": _one_of("none", "left", "right", "inline-start", "inline-end"),
    "background-clip": _one_of("text", "border-box", "padding-box", "content-box", "border-area"),
    "overflow-x": _OVERFLOW,
    "overflow-y": _OVERFLOW,
    "opacity": _number,
    "zoom": _number,
    "filter": _filter,
    "color": _colour,
    "-webkit-text-fill-color": _colour,
    "background-color": _colour,
    "background-image": _image,
    "text-shadow": _colours,
    "-webkit-text-stroke": _colours,
    "text-decoration": _strikes,
    "vertical-align": _aligned,
    "font-size": _size,
    "transform": _transform,
    "scale": _scale,
    "translate": _translate,
    "clip": _clip,
    "clip-path": _clip_path,
    **dict.fromkeys((*_LENGTHS, "bottom", "margin-left", "margin-top"), _length),
}
_ALIASES = {
    "-webkit-background-clip": "background-clip",
    "-webkit-transform": "transform",
    "-webkit-clip-path": "clip-path",
    "-webkit-filter": "filter",
    "-webkit-text-stroke-color": "-webkit-text-stroke",
    "-webkit-text-decoration": "text-decoration",
    "-webkit-text-decoration-line": "text-decoration",
    "text-decoration-line": "text-decoration",
    "overflow-inline": "overflow-x",
    "overflow-block": "overflow-y",
    "inline-size": "width",
    "block-size": "height",
    "max-inline-size": "max-width",
    "max-block-size": "max-height",
    "inset-inline-start": "left",
    "inset-inline-end": "right",
    "inset-block-start": "top",
    "inset-block-end": "bottom",
    "margin-inline-start": "margin-left",
    "margin-block-start": "margin-top",
}


def _four(sides: Sequence[Any]) -> list[Any]:
    """Return the values for top, right, bottom and left."""
    if not 1 <= len(sides) <= 4:
        return []
    top, right, bottom, left = (sides[at] if at < len(sides) else None for at in range(4))
    right = top if right is None else right
    return [top, right, top if bottom is None else bottom, right if left is None else left]


def _sides(tokens: Tokens) -> list[Tokens]:
    return [[token] for token in _four(tokens)]


def _pair(tokens: Tokens) -> list[Tokens]:
    return [[tokens[0]], [tokens[-1]]]


def _background(tokens: Tokens) -> list[Tokens]:
    """Return the colour and the images; a background that names no colour is clear, one without a picture has none."""
    colours = [token for token in tokens if not _is_image(token) and colour(token) is not None]
    images = [token for token in tokens if _is_image(token)]
    clear, none = tinycss2.parse_component_value_list("transparent"), tinycss2.parse_component_value_list("none")
    return [colours[-1:] or clear, images or none]


def _font(tokens: Tokens) -> list[Tokens]:
    """Return the size, which is the first length; weights are numbers above nothing."""
    named = {*_SIZES, "smaller", "larger"}
    sizes = (
        [token]
        for token in tokens
        if (token.lower_value in named if token.type == "ident" else token.type != "number" or token.value == 0)
        and token.type in {"ident", "dimension", "percentage", "function", "number"}
    )
    return [next(sizes, [])]


_SHORTHANDS: Mapping[str, tuple[tuple[str, ...], Callable[[Tokens], list[Tokens]]]] = {
    "background": (("background-color", "background-image"), _background),
    "font": (("font-size",), _font),
    "overflow": (("overflow-x", "overflow-y"), _pair),
    "inset": (("top", "right", "bottom", "left"), _sides),
    "inset-inline": (("left", "right"), _pair),
    "inset-block": (("top", "bottom"), _pair),
    "margin": (("margin-top", "", "", "margin-left"), _sides),
    "margin-inline": (("margin-left",), _pair),
    "margin-block": (("margin-top",), _pair),
}
