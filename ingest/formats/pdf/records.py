"""What is read of a PDF's page: its words with their place and type, and its ruled lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.formats.visibility import BLACK, Colour

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


@dataclass(slots=True)
class Word:
    """A word as set: `x0` to `x1` on the baseline `base`, in points; `line` numbers the page's physical lines."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    line: int
    font: str = ""
    bold: bool = False
    italic: bool = False
    colour: Colour | None = BLACK  # None if outlined: what shows may be the line or the area
    drawn: bool = True  # else its text is there and its letters are not: how OCR text is laid under a scan


@dataclass(frozen=True, slots=True)
class RuledLine:
    """A line or thin rectangle, by its bounds."""

    x0: float
    y0: float
    x1: float
    y1: float
    drawn: bool = True  # else it is where a filled area ends

    @property
    def horizontal(self) -> bool:
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(slots=True)
class Page:
    """A page's words in reading order, its rules, its vertical bounds, and what words may stand on or lie under."""

    words: list[Word] = field(default_factory=list)
    rules: list[RuledLine] = field(default_factory=list)
    bottom: float = 0.0
    top: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    has_image: bool = False
    is_scan: bool = False  # an image covers half of it
    is_struck: bool = False  # some words are, which OCR would read
