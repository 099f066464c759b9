"""Read what a PDF page says and shows by pdfium: its words with their place and type, and its ruled lines.

Words that a reader could not see are left out: what `visibility` says of size and colour, and what lies outside the
page; `canvas` tells the rest from the drawn page.
Invisible words are kept over a scan, where that is how OCR text is stored.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.inline import raise_digits
from ingest.formats.pdf.canvas import Box, Canvas, Page, RuledLine, Word
from ingest.formats.visibility import STRUCK, Colour

_BREAKS = re.compile(r"[^\s\ufffe]+|[\n\ufffe]")  # pdfium's sign for a hyphen at a line's end replaces the line break


class PageReader:
    """Reads the pages of one document."""

    def __init__(self, builder: Builder) -> None:
        import pypdfium2.raw as raw

        self._raw: Any = raw
        self._builder = builder
        self._fonts: dict[bytes, tuple[str, bool, bool]] = {}

    def read(self, page: Any, number: int) -> Page:
        """Return a page's words and what it draws; report what is hidden."""
        found = self._drawings(page)
        left, bottom, right, top = page.get_bbox()
        textpage = page.get_textpage()
        try:
            words = list(self._words(textpage.raw))
        finally:
            textpage.close()
        canvas = Canvas(page, found.boxes, found.rules)
        hidden: dict[str, list[Word]] = {}
        for word in words:
            on_page = left <= (word.x0 + word.x1) / 2 <= right and bottom <= word.base <= top
            if not on_page:
                how = "text outside the page"
            elif word.drawn or not found.is_scan:
                how = canvas.hidden_reason(word)
            else:
                how = ""
            (hidden.setdefault(how, []) if how else found.words).append(word)
        found.is_struck = STRUCK in hidden
        for how, some in hidden.items():
            self._builder.flag_hidden(f"{how} on page {number}", " ".join(word.text for word in some[:40]))
        return found

    def _words(self, text: Any, most: int = 500_000) -> Iterator[Word]:
        """Yield a page's words, numbered by physical line, up to a number of characters."""
        raw = self._raw
        count = raw.FPDFText_CountChars(text)
        if count <= 0:
            return
        if count > most:
            self._builder.flag("too_large", f"Only {most:,} characters of a page were read.")
            count = most
        slanted: list[str] = []
        buffer = (ctypes.c_ushort * (count + 1))()
        length = raw.FPDFText_GetText(text, 0, count, buffer)
        string = bytes(buffer)[: 2 * max(length - 1, 0)].decode("utf-16-le", "replace")
        same = len(string) == count  # then a character's index in the string is its index on the page
        line = 0
        for match in _BREAKS.finditer(string):
            if match[0] in "\n\ufffe":
                line += 1
                continue
            first, last = match.start(), match.end() - 1
            hyphen = string[last + 1 : last + 2] == "\ufffe"
            if not same:
                first = raw.FPDFText_GetCharIndexFromTextIndex(text, first)
                last = max(first, raw.FPDFText_GetCharIndexFromTextIndex(text, last))
            written = self._raised(text, match[0], first, last) + "-" * hyphen
            matrix = self._matrix(text, first)
            if min(abs(matrix.a), abs(matrix.b)) > 0.1 * max(abs(matrix.a), abs(matrix.b)):
                slanted.append(written)  # neither upright nor along the page's edge: a watermark
            else:
                yield self._word(text, written, first, last, line, self._size(text, first, matrix))
        self._builder.margin(" ".join(slanted))

    def _matrix(self, text: Any, index: int) -> Any:
        matrix = self._raw.FS_MATRIX()
        self._raw.FPDFText_GetMatrix(text, index, matrix)
        return matrix

    def _word(self, text: Any, string: str, first: int, last: int, line: int, size: float) -> Word:
        raw = self._raw
        x, y, box = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
        raw.FPDFText_GetCharOrigin(text, first, x, y)
        raw.FPDFText_GetLooseCharBox(text, last, box)
        channels = [ctypes.c_uint() for _ in range(4)]
        raw.FPDFText_GetFillColor(text, first, *channels)
        mode = raw.FPDFTextObj_GetTextRenderMode(raw.FPDFText_GetTextObject(text, first))
        drawn = mode not in (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
        outlined = mode not in (raw.FPDF_TEXTRENDERMODE_FILL, raw.FPDF_TEXTRENDERMODE_FILL_CLIP)
        colour = None if outlined else Colour(*(channel.value / 255 for channel in channels))
        x1 = max(box.right, x.value)
        return Word(string, x.value, x1, y.value, size, line, *self._font(text, first), colour, drawn)

    def _raised(self, text: Any, string: str, first: int, last: int) -> str:
        """Return a word with the digits as superscripts that are set so."""
        if last - first + 1 != len(string) or len(string) < 2 or not any(map(str.isdigit, string)):
            return string
        x, y = ctypes.c_double(), ctypes.c_double()
        sizes, bases = [], []
        for index in range(first, last + 1):
            self._raw.FPDFText_GetCharOrigin(text, index, x, y)
            sizes.append(self._size(text, index, self._matrix(text, index)))
            bases.append(y.value)
        return raise_digits(string, sizes, bases)

    def _size(self, text: Any, index: int, matrix: Any) -> float:
        return float(self._raw.FPDFText_GetFontSize(text, index)) * (math.hypot(matrix.c, matrix.d) or 1.0)

    def _font(self, text: Any, index: int) -> tuple[str, bool, bool]:
        """Return a character's font by name, and whether it is bold and italic."""
        raw, flags = self._raw, ctypes.c_int()
        buffer = ctypes.create_string_buffer(96)
        raw.FPDFText_GetFontInfo(text, index, buffer, 96, flags)
        name = buffer.value
        if name not in self._fonts:
            lower = name.decode("utf-8", "replace").lower()
            heavy = raw.FPDFText_GetFontWeight(text, index) >= 600
            bold = heavy or any(word in lower for word in ("bold", "black", "heavy", "semibd", "demi"))
            self._fonts[name] = lower, bold, "italic" in lower or "oblique" in lower or bool(flags.value & 64)
        return self._fonts[name]

    def _drawings(self, page: Any, most: int = 20_000) -> Page:
        """Return what a page draws; drawings have more than `most` objects, and any word may stand on them."""
        raw = self._raw
        left, bottom, right, top = whole = page.get_bbox()
        found = Page(bottom=bottom, top=top)
        for number, item in enumerate(page.get_objects(max_depth=4)):
            if number >= most:
                found.boxes.append(whole)
                break
            if item.type == raw.FPDF_PAGEOBJ_TEXT:
                continue
            box = item.get_bounds()
            if not _is_thin(box):
                found.boxes.append(box)
            if item.type == raw.FPDF_PAGEOBJ_IMAGE:
                found.has_image = True
                half = (right - left) * (top - bottom) / 2
                found.is_scan |= (box[2] - box[0]) * (box[3] - box[1]) > half
            elif item.type == raw.FPDF_PAGEOBJ_PATH:
                found.rules += _rules(raw, item, box)
        found.rules += _strikes(raw, page)
        return found


def _is_thin(box: Box) -> bool:
    """Whether a path in a box is a line, which covers nothing."""
    return min(box[2] - box[0], box[3] - box[1]) < 3


def _rules(raw: Any, item: Any, box: Box) -> list[RuledLine]:
    """Return the horizontal and vertical lines of a path; a thin rectangle is a line too."""
    count = raw.FPDFPath_CountSegments(item.raw)
    if not 2 <= count <= 64:
        return []
    if _is_thin(box):
        return [RuledLine(*box)]
    matrix = item.get_matrix()
    points: list[tuple[float, float] | None] = []
    for at in range(count):
        segment = raw.FPDFPath_GetPathSegment(item.raw, at)
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_BEZIERTO:
            return []
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO:
            points.append(None)
        points.append(matrix.on_point(x.value, y.value))
    fill, stroked = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(item.raw, fill, stroked)
    rules = []
    for before, after in pairwise(points):
        if before and after and min(abs(before[0] - after[0]), abs(before[1] - after[1])) < 1:
            (x0, x1), (y0, y1) = sorted((before[0], after[0])), sorted((before[1], after[1]))
            rules.append(RuledLine(x0, y0, x1, y1, bool(stroked)))
    return rules


def _strikes(raw: Any, page: Any) -> Iterator[RuledLine]:
    """Yield the lines of annotations that strike text out, one for each line of it."""
    for number in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        note, quad = raw.FPDFPage_GetAnnot(page.raw, number), raw.FS_QUADPOINTSF()
        if raw.FPDFAnnot_GetSubtype(note) == raw.FPDF_ANNOT_STRIKEOUT:
            for at in range(raw.FPDFAnnot_CountAttachmentPoints(note)):
                raw.FPDFAnnot_GetAttachmentPoints(note, at, quad)
                yield RuledLine(quad.x1, middle := (quad.y1 + quad.y3) / 2, quad.x2, middle)
        raw.FPDFPage_CloseAnnot(note)
