"""Whether a run of a Word document is seen: hidden or tiny type, or the colour of what it stands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ingest.formats.office.ooxml import ThemeColours
from ingest.formats.superscripts import Script
from ingest.formats.visibility import BLACK, PALE, STRUCK, WHITE, Colour, from_hex, is_indistinct

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_OFF = frozenset({"0", "false", "off", "none"})
_TINY = 4  # half-points
_SCRIPTS: dict[str, Script] = {"superscript": "super", "subscript": "sub"}
_HIGHLIGHTS = {
    "black": "000000",
    "blue": "0000FF",
    "cyan": "00FFFF",
    "darkBlue": "00008B",
    "darkCyan": "008B8B",
    "darkGray": "A9A9A9",
    "darkGreen": "006400",
    "darkMagenta": "800080",
    "darkRed": "8B0000",
    "darkYellow": "808000",
    "green": "00FF00",
    "lightGray": "D3D3D3",
    "magenta": "FF00FF",
    "red": "FF0000",
    "white": "FFFFFF",
    "yellow": "FFFF00",
}
_THEME = {
    "background1": "bg1",
    "background2": "bg2",
    "text1": "tx1",
    "text2": "tx2",
    "dark1": "dk1",
    "dark2": "dk2",
    "light1": "lt1",
    "light2": "lt2",
    "hyperlink": "hlink",
    "followedHyperlink": "folHlink",
}


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
class Look:
    """What is said of a run so far; no `colour` is the automatic one, which is seen on anything."""

    hidden: bool = False
    struck: bool = False
    struck_twice: bool = False  # by two lines, which is a property of its own
    script: Script = ""
    size: int = 0  # half-points; 0 where nothing says
    colour: Colour | None = None
    background: Colour | None = WHITE  # None where it cannot be told

    @property
    def unseen(self) -> str:
        """How text of this look is hidden, or an empty string."""
        if self.hidden:
            return "hidden text"
        if 0 < self.size <= _TINY:
            return "tiny text"
        if is_indistinct(self.colour, self.background):
            return PALE
        return STRUCK if self.struck or self.struck_twice else ""


class Looks:
    """Reads looks in the colours of one document's theme."""

    def __init__(self, theme: ThemeColours) -> None:
        self._theme = theme

    def run(self, look: Look, layers: Iterable[Any]) -> Look:
        """Return a look with what run properties say, the strongest last."""
        for properties in layers:
            for child in properties:
                look = self._applied(look, child, str(child.tag))
        return look

    def shaded(self, background: Colour | None, properties: Any) -> Colour | None:
        """Return what text stands on where a paragraph's or cell's properties may shade it."""
        shading = properties.find(f"{W}shd") if properties is not None else None
        return background if shading is None else self._shading(background, shading)

    def _applied(self, look: Look, child: Any, tag: str) -> Look:
        if tag in {f"{W}vanish", f"{W}specVanish", f"{W}webHidden"}:
            return replace(look, hidden=_is_on(child))
        if tag == f"{W}strike":
            return replace(look, struck=_is_on(child))
        if tag == f"{W}dstrike":
            return replace(look, struck_twice=_is_on(child))
        if tag == f"{W}vertAlign":
            return replace(look, script=_SCRIPTS.get(child.get(f"{W}val") or "", ""))
        if tag == f"{W}sz":
            size = child.get(f"{W}val") or ""
            return replace(look, size=int(size) if size.isdecimal() and len(size) < 6 else look.size)
        if tag == f"{W}color":
            return replace(look, colour=self._colour(child, "val", "Color"))
        if tag == f"{_W14}textFill":
            return replace(look, colour=self._fill(child))
        if tag == f"{W}shd":
            return replace(look, background=self._shading(look.background, child))
        if tag == f"{W}highlight" and (name := child.get(f"{W}val")) != "none":
            return replace(look, background=from_hex(_HIGHLIGHTS.get(name or "", "")))
        return look

    def _shading(self, background: Colour | None, shading: Any) -> Colour | None:
        pattern = shading.get(f"{W}val") or "clear"
        if pattern == "nil":
            return background
        if pattern == "solid":
            return self._colour(shading, "color", "Color") or BLACK
        fill = self._colour(shading, "fill", "Fill")
        if pattern == "clear" and fill is None and (shading.get(f"{W}fill") or "auto").lower() == "auto":
            return background
        return fill if pattern == "clear" else None

    def _colour(self, element: Any, plain: str, kind: str) -> Colour | None:
        """Return the colour of `w:val` or `w:fill`, or of the theme, which Word prefers; None for the automatic one."""
        name = element.get(f"{W}theme{kind}") or ""
        found = self._theme.get(_THEME.get(name, name))
        if found is None:
            return from_hex(element.get(f"{W}{plain}") or "")
        tint, shade = (element.get(f"{W}theme{kind.removeprefix('Color')}{change}") for change in ("Tint", "Shade"))
        return _mixed(_mixed(found, tint, WHITE), shade, BLACK)

    def _fill(self, fill: Any) -> Colour | None:
        if fill.find(f"{_W14}noFill") is not None:
            return Colour(0, 0, 0, 0)
        for kind in ("srgbClr", "schemeClr"):
            colour = fill.find(f"{_W14}solidFill/{_W14}{kind}")
            if colour is not None:
                name, clear = colour.get(f"{_W14}val") or "", colour.find(f"{_W14}alpha")
                found = from_hex(name) if kind == "srgbClr" else self._theme.get(name)
                if found is None or any(str(child.tag) != f"{_W14}alpha" for child in colour):
                    return None
                return found._replace(alpha=1 - _share(clear.get(f"{_W14}val") if clear is not None else "0"))
        return None


def _mixed(colour: Colour, share: str | None, other: Colour) -> Colour:
    """Return a colour of which only a share, two hexadecimal digits, is left in a mixture."""
    kept = from_hex((share or "FF") * 3)
    return colour if kept is None else colour._replace(alpha=kept.red).over(other)


def _share(thousandths: str | None) -> float:
    return min(int(thousandths), 100_000) / 100_000 if thousandths and thousandths.isdecimal() else 0.0
