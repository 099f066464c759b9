"""How an element looks, as far as it decides whether its text is seen: CSS's cascade, inheritance and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.formats.colours import BLACK, PALE, STRUCK, WHITE, Colour, cannot_be_seen
from ingest.formats.html.css_values import AUTO, Declarations, Global, Length, Raw, resolve
from ingest.formats.superscripts import Script

HIDDEN, TINY = "element hidden by its style", "tiny text"
_LEAST_SIZE = 4.0  # pixels; smaller type is not read
_LEAST_OPACITY = 0.1
_MAX_VARIABLES = 1_000
_NOT_CLIPPED = frozenset({"visible", ""})
_LIFTED = frozenset({"absolute", "fixed"})
# Without a box of their own: their height and overflow mean nothing.
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd"}
    | {"label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u"}
    | {"var"}
)
SCRIPTS: Mapping[str, Script] = {"sup": "super", "sub": "sub"}  # style sheets raise them by other means than CSS's own
_ATOMIC = frozenset({"inline-block", "inline-flex", "inline-grid", "inline-table"})  # not decorated by what they are in
_CELLS = frozenset({"td", "th", "tr", "tbody", "thead", "tfoot", "caption"})  # grow with their content


@dataclass(frozen=True, eq=False, slots=True)
class Look:
    """What an element's text inherits; `colour` and `background` are None where they cannot be told."""

    colour: Colour | None = BLACK
    background: Colour | None = WHITE
    size: float = 16.0  # pixels, as is `root`, the page's own
    root: float = 16.0
    visible: bool = True
    indented: bool = False  # out of sight
    struck: bool = False
    script: Script = ""
    opacity: float = 1.0
    outlines: tuple[Colour, ...] = ()  # shadows and strokes, which show a text of any colour
    fill: Colour | None = None  # over `colour`, where it is set
    variables: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def unseen(self) -> str:
        """How text of this look is hidden, or an empty string."""
        if not self.visible or self.indented:
            return HIDDEN
        if self.size < _LEAST_SIZE:
            return TINY
        colours = [self.colour if self.fill is None else self.fill, *self.outlines]
        if all(cannot_be_seen(colour, self.background) for colour in colours):
            return PALE
        return STRUCK if self.struck else ""


@dataclass(frozen=True, slots=True)
class Place:
    """What else decides how an element looks: its tag, and what may lie behind it."""

    tag: str
    named: bool = False  # by a class or an identifier, so that a style sheet that is not at hand may colour it
    pictures: bool = False  # came before it, on which it may be laid
    animations: frozenset[str] = frozenset()  # that the page knows


def look(parent: Look, declarations: Declarations, place: Place) -> tuple[Look, str]:
    """Return an element's look, and how the element and all in it are hidden, or an empty string."""
    variables = {name: value.tokens for name, value in declarations.items() if name.startswith("--")}
    if variables and len(parent.variables) < _MAX_VARIABLES:
        parent = replace(parent, variables={**parent.variables, **variables})
    if any(isinstance(value, Raw) for name, value in declarations.items() if name not in variables):
        declarations = resolve({k: v for k, v in declarations.items() if k not in variables}, parent.variables)
    own = _Own(declarations)
    seen = _inherited(parent, own, place)
    if place.tag in {"html", "body"}:  # a page that hides itself is shown by its script
        return replace(seen, visible=True, opacity=1.0), ""
    moves = place.animations and not place.animations.isdisjoint(own.get("animation", frozenset()))
    gone = not moves and (seen.opacity < _LEAST_OPACITY or _is_gone(own, place.tag))
    return seen, HIDDEN if gone else ""


class _Own:
    """An element's own declarations; `inherit` and its like are an initial value where nothing is inherited."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations

    def get(self, name: str, default: Any) -> Any:
        value = self._declarations.get(name, default)
        return default if isinstance(value, Global) else value

    def inherited(self, name: str, parent: Any, initial: Any) -> Any:
        value = self._declarations.get(name, parent)
        return value if not isinstance(value, Global) else initial if value == "initial" else parent


def _inherited(parent: Look, own: _Own, place: Place) -> Look:
    background = _background(parent, own, place)
    size = _size(parent, own.inherited("font-size", AUTO, Length(16, "px")))
    indent = own.inherited("text-indent", None, AUTO)
    colour, fill = own.inherited("color", parent.colour, BLACK), own.inherited("fill", parent.fill, None)
    if own.get("background-clip", "") == "text":
        colour = fill = None  # the background shows through
    left = own.get("opacity", 1.0) * own.get("filter", 1.0)
    return Look(
        colour=colour,
        background=background,
        size=size * (1.0 if own.get("zoom", 1.0) <= 0 else min(own.get("zoom", 1.0), 1.0)),
        root=size if place.tag == "html" else parent.root,
        visible=own.inherited("visibility", "visible" if parent.visible else "hidden", "visible") == "visible",
        indented=parent.indented if indent is None else _out_of_sight(indent, _clips(own)),
        struck=own.get("text-decoration", False) or (parent.struck and not _is_apart(own)),
        script=SCRIPTS.get(place.tag, "") or _raised(own, place.tag) or parent.script,
        opacity=parent.opacity * min(max(left, 0.0), 1.0),
        outlines=(
            *own.inherited("text-shadow", parent.outlines, ()),
            *own.inherited("-webkit-text-stroke", (), ()),
        ),
        fill=fill,
        variables=parent.variables,
    )


def _is_apart(own: _Own) -> bool:
    """Say whether the line through its parent's text does not go on through an element."""
    display, lifted = own.get("display", ""), own.get("position", "") in _LIFTED
    return display in _ATOMIC or lifted or own.get("float", "none") != "none"


def _raised(own: _Own, tag: str) -> Script:
    """Return how an element is set on its line, which a block or a cell has none of."""
    aligned: Script = own.get("vertical-align", "")
    return aligned if own.get("display", "inline" if tag in _INLINE else "block").startswith("inline") else ""


def _out_of_sight(indent: Length, clipped: bool) -> bool:
    return (indent.is_far and indent.unit != "%") or (clipped and indent.unit == "%" and indent.value >= 100)


def _background(parent: Look, own: _Own, place: Place) -> Colour | None:
    if own.get("image", False):
        return None
    colour = own.get("background-color", Colour(0, 0, 0, 0))
    laid = place.pictures and own.get("position", "") in _LIFTED
    below = None if place.named or laid else parent.background
    if colour is None or colour.alpha >= 1:
        return colour  # type: ignore[no-any-return]
    return below and colour.over(below)


def _size(parent: Look, size: Length) -> float:
    units = {"px": 1.0, "em": parent.size, "rem": parent.root}
    return size.value * units[size.unit] if size.unit in units else parent.size


def _is_gone(own: _Own, tag: str) -> bool:
    """Say whether nothing is seen of an element's box, whatever is in it."""
    if own.get("display", "") == "none" or own.get("content-visibility", "") == "hidden":
        return True
    position = own.get("position", "static")
    lifted = position in _LIFTED
    if lifted and own.get("clip", False):
        return True
    if own.get("clip-path", False):
        return True
    if position != "static" and any(_is_off(own.get(side, AUTO), lifted) for side in ("left", "top")):
        return True
    display = own.get("display", "inline" if tag in _INLINE else "block")
    if display in {"inline", "contents"} and not lifted and own.get("float", "none") == "none":
        return False
    if any(own.get(name, False) for name in ("transform", "scale", "translate")):
        return True
    if any(_is_off(own.get(side, AUTO), False) for side in ("margin-left", "margin-top")):
        return True
    return tag not in _CELLS and _is_flat(own)


def _is_off(side: Length, shares: bool) -> bool:
    return side.is_far and (shares or side.unit != "%")


def _is_flat(own: _Own) -> bool:
    """Say whether a box is cut off at a height or width of nothing."""
    flat_x = any(own.get(name, AUTO).is_nothing for name in ("width", "max-width"))
    flat_y = any(own.get(name, AUTO).is_nothing for name in ("height", "max-height"))
    return (flat_x or flat_y) and _clips(own)


def _clips(own: _Own) -> bool:
    """Say whether overflow is cut off, which it is in both directions or in none."""
    return any(own.get(f"overflow-{axis}", "") not in _NOT_CLIPPED for axis in "xy")
