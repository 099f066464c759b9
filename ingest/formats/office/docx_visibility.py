"""Whether a run of a Word document is seen: its marks, size, and colour on what it stands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ingest.formats.inline import Script
from ingest.formats.office.ooxml import ThemeColours
from ingest.formats.visibility import BLACK, CLEAR, WHITE, Colour, from_hex, hidden_reason

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_OFF = frozenset({"0", "false", "off", "none"})
_SWITCHES = dict.fromkeys(("vanish", "specVanish", "webHidden"), "hidden") | {"strike": "struck", "dstrike": "crossed"}
_SCRIPTS: dict[str, Script] = {"superscript": "super", "subscript": "sub"}
_HIGHLIGHTS = dict(
    pair.split("=")
    for pair in (
        "black=000000 blue=0000FF cyan=00FFFF darkBlue=00008B darkCyan=008B8B darkGray=A9A9A9 darkGreen=006400 "
        "darkMagenta=800080 darkRed=8B0000 darkYellow=808000 green=00FF00 lightGray=D3D3D3 magenta=FF00FF red=FF0000 "
        "white=FFFFFF yellow=FFFF00"
    ).split()
)
_THEME = dict(
    pair.split("=")
    for pair in (
        "background1=bg1 background2=bg2 text1=tx1 text2=tx2 dark1=dk1 dark2=dk2 light1=lt1 light2=lt2 hyperlink=hlink "
        "followedHyperlink=folHlink"
    ).split()
)


def value(parent: Any, name: str) -> str:
    """Return the `w:val` of a child, or an empty string."""
    child = parent.find(W + name) if parent is not None else None
    return (child.get(f"{W}val") or "") if child is not None else ""


def on(parent: Any, name: str) -> bool:
    """Whether a property that can be on or off is there and on."""
    child = parent.find(W + name) if parent is not None else None
    return child is not None and _is_on(child)


def _is_on(element: Any) -> bool:
    return (element.get(f"{W}val") or "1").lower() not in _OFF


@dataclass(frozen=True, slots=True)
class RunStyle:
    """What is said of a run so far; no `colour` is the automatic one, which is seen on anything."""

    hidden: bool = False
    struck: bool = False
    crossed: bool = False  # struck out by two lines, which is a property of its own
    script: Script = ""
    half_points: int | None = None
    colour: Colour | None = None
    background: Colour | None = WHITE  # None where it cannot be told

    @property
    def hidden_reason(self) -> str:
        """How text of this style is hidden, or an empty string."""
        return hidden_reason(
            self.colour,
            self.background,
            hidden=self.hidden,
            points=self.half_points / 2 if self.half_points else None,
            struck=self.struck or self.crossed,
        )


class RunStyles:
    """Reads run properties in the colours of one document's theme."""

    def __init__(self, theme: ThemeColours) -> None:
        self._theme = theme

    def run(self, style: RunStyle, layers: Iterable[Any]) -> RunStyle:
        """Return a style with what run properties say, the strongest last."""
        for properties in layers:
            for child in properties:
                style = self._applied(style, child, str(child.tag))
        return style

    def shaded(self, background: Colour | None, properties: Any) -> Colour | None:
        """Return what text stands on where a paragraph's or cell's properties may shade it."""
        shading = properties.find(f"{W}shd") if properties is not None else None
        return background if shading is None else self._shading(background, shading)

    def _applied(self, style: RunStyle, child: Any, tag: str) -> RunStyle:
        name, said = tag.removeprefix(W), child.get(f"{W}val") or ""
        if name in _SWITCHES:
            return replace(style, **{_SWITCHES[name]: _is_on(child)})  # type: ignore[arg-type]
        if name == "vertAlign":
            return replace(style, script=_SCRIPTS.get(said, ""))
        if name == "sz" and said.isdecimal() and len(said) < 6:
            return replace(style, half_points=int(said))
        if name == "color":
            return replace(style, colour=self._colour(child, "val", "Color"))
        if name == f"{_W14}textFill":
            return replace(style, colour=self._fill(child))
        if name == "shd":
            return replace(style, background=self._shading(style.background, child))
        if name == "highlight" and said != "none":
            return replace(style, background=from_hex(_HIGHLIGHTS.get(said, "")))
        return style

    def _shading(self, background: Colour | None, shading: Any) -> Colour | None:
        pattern = shading.get(f"{W}val") or "clear"
        fill = self._colour(shading, "fill", "Fill")
        if pattern == "solid":
            return self._colour(shading, "color", "Color") or BLACK
        automatic = fill is None and (shading.get(f"{W}fill") or "auto").lower() == "auto"
        return (
            background
            if pattern == "nil" or (pattern == "clear" and automatic)
            else fill
            if pattern == "clear"
            else None
        )

    def _colour(self, element: Any, plain: str, kind: str) -> Colour | None:
        """Return the colour of `w:val` or `w:fill`, or of the theme, which Word prefers; None for the automatic one."""
        name = element.get(f"{W}theme{kind}") or ""
        found = self._theme.get(_THEME.get(name, name))
        if found is None:
            return from_hex(element.get(f"{W}{plain}") or "")
        for change, other in (("Tint", WHITE), ("Shade", BLACK)):
            kept = from_hex((element.get(f"{W}theme{kind.removeprefix('Color')}{change}") or "FF") * 3)
            found = found.mixed(other, kept.red) if kept else found
        return found

    def _fill(self, fill: Any) -> Colour | None:
        if fill.find(f"{_W14}noFill") is not None:
            return CLEAR
        return self._theme.of_fill(fill.find(f"{_W14}solidFill"), _W14)
