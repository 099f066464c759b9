"""Read PDF: the words of each page with their place and type, for `layout` to make sense of.

Everything that calls pdfium is here. Words that a reader could not see are dropped: white on white, 1.5 points or less,
drawn invisibly (unless over a scan, where that is how OCR text is stored), outside the page, or where something was
drawn over them or in their colour before them, and the drawn page is even at their place. A page that shows something
and has no words is read by OCR.
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
from ingest.formats.parsed import MAX_PAGES, Parsed, Scans, reject, sensible_title
from ingest.formats.pdf.layout import write_pages
from ingest.formats.pdf.settings import LIMITS
from ingest.formats.pdf.streams import check_streams
from ingest.formats.pdf.tables import Page, RuledLine, Word
from ingest.formats.pdf.visibility import Canvas, Cover, under_covers
from ingest.formats.scan.reader import ScanReader
from ingest.formats.scan.settings import LIMITS as SCAN_LIMITS

MEDIA_TYPE = "application/pdf"
_LINE_END = "\ufffe"  # pdfium's sign for a hyphen at a line's end, in place of the line break
_BREAKS = re.compile(r"[^\s\ufffe]+|[\n\ufffe]")


def read_pdf(data: bytes, scans: Scans) -> Parsed:
    """Return a PDF's text; its title is the document's property if sensible, else the largest heading of page 1."""
    import pypdfium2

    # pdfium repairs what is cut off, and so would index half a document without a word.
    if b"%PDF-" not in data[:1024] or b"%%EOF" not in data[-2048:]:
        raise reject("damaged", "The PDF is damaged or cut off.")
    check_streams(data)
    builder = Builder()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise reject("password", "The PDF is protected by a password; save it without one.") from None
        raise reject("damaged", "The PDF is damaged and cannot be opened.") from None
    try:
        reader = _Reader(builder, scans)
        pages = reader.evened(list(reader.pages(document)))
        if not any(page.words for page in pages):
            if reader.images and all(reason == "ocr" for reason, _ in builder.flags):
                raise reject("no_text", _only_images(scans))
            raise reject("no_text", "The PDF has no text that a reader could see.")
        largest = write_pages(pages, builder)
        metadata = document.get_metadata_dict()
        return builder.build(MEDIA_TYPE, sensible_title(metadata.get("Title", "")) or largest)
    finally:
        document.close()


def _only_images(scans: Scans) -> str:
    if scans.usable:
        return "The PDF holds only images, in which OCR finds no text."
    return f"The PDF holds only images, which only OCR reads: {scans.remedy}."


class _Reader:
    """Reads the pages of one document."""

    def __init__(self, builder: Builder, scans: Scans) -> None:
        import pypdfium2.raw as raw

        self.images = False
        self._scans = scans
        self._scanned = ScanReader(scans, builder)
        self._unread = 0  # scanned pages, where there is no OCR
        self._raw: Any = raw
        self._builder = builder
        self._fonts: dict[bytes, tuple[str, bool, bool]] = {}
        self._number = 0  # of the page
        self._orders: dict[int | None, int] = {}  # of its texts

    def pages(self, document: Any) -> Iterator[Page]:
        count = len(document)
        if count > MAX_PAGES:
            self._builder.flag("too_large", f"Only the first {MAX_PAGES:,} of {count:,} pages were read.")
        failed = 0
        for number in range(min(count, MAX_PAGES)):
            self._number = number + 1
            try:
                page = document[number]
            except Exception:  # pdfium's error or a wrong structure: the other pages are still worth reading
                failed += 1
                yield Page([], [], 0, 0)
                continue
            try:
                yield self._page(page)
            finally:
                page.close()
        if count == 0 or failed == count:
            raise reject("damaged", "None of the PDF's pages can be read.")
        if failed:
            self._builder.flag("damaged", f"{failed} of {count} pages cannot be read.")

    def _page(self, page: Any) -> Page:
        left, bottom, right, top = page.get_bbox()
        textpage = page.get_textpage()
        try:
            rules, covers, scan = self._drawings(page, (right - left) * (top - bottom))
            words = list(self._words(textpage.raw))
            inside: list[Word] = []
            outside: list[Word] = []
            for word in words:
                on_page = left <= (word.x0 + word.x1) / 2 <= right and bottom <= word.base <= top
                (inside if on_page else outside).append(word)
            if outside:
                self._flag("text outside the page", outside)
            seen = Page(self._seen(page, inside, covers, scan, (left, top)), rules, bottom, top)
            # Over a scan, a few words are its stamp; text that another OCR laid beneath it is its text.
            stamped = scan and len(seen.words) <= LIMITS.stamp and all(word.drawn for word in seen.words)
            return self._by_ocr(page, seen, scan) if stamped or (not seen.words and (covers or rules)) else seen
        finally:
            textpage.close()

    def _by_ocr(self, page: Any, seen: Page, scan: bool) -> Page:
        """Return a page as OCR reads it, if that is more than the words that it has."""
        if not self._scans.usable:
            self._unread += scan and not seen.words
            return seen
        read = self._scanned.page(self._number, lambda: _drawn(page), least=LIMITS.told_more * len(seen.words))
        return read if read.words else seen

    def evened(self, pages: list[Page]) -> list[Page]:
        """Return the pages as they are laid out; report scanned ones that were not read."""
        if self._unread and any(page.words for page in pages):
            how = f"which only OCR reads: {self._scans.remedy}"
            self._builder.flag("ocr", f"{self._unread} of {len(pages)} pages are scans, {how}.")
        return self._scanned.close(pages)

    def _words(self, text: Any) -> Iterator[Word]:
        """Yield a page's words, numbered by physical line."""
        raw = self._raw
        count = raw.FPDFText_CountChars(text)
        if count <= 0:
            return
        if count > LIMITS.max_page_characters:
            self._builder.flag("too_large", f"Only {LIMITS.max_page_characters:,} characters of a page were read.")
            count = LIMITS.max_page_characters
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
            hyphen = string[last + 1 : last + 2] == _LINE_END
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
        font, bold, italic = self._font(text, first)
        red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
        raw.FPDFText_GetFillColor(text, first, red, green, blue, alpha)
        pale = min(red.value, green.value, blue.value) >= LIMITS.white or alpha.value < 16
        x1, (drawn, order) = max(box.right, x.value), self._drawn(text, first)
        colour = red.value, green.value, blue.value
        return Word(string, x.value, x1, y.value, size, line, font, bold, italic, pale, drawn, colour, order)

    def _raised(self, text: Any, string: str, first: int, last: int) -> str:
        """Return a word with the digits as superscripts that are set so."""
        if last - first + 1 != len(string) or len(string) < 2 or not re.search(r"\d", string):
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

    def _drawn(self, text: Any, index: int) -> tuple[bool, int]:
        """Return whether a character is painted at all, and when; one in no known place is taken to be the last."""
        get_object = getattr(self._raw, "FPDFText_GetTextObject", None)  # newer than the oldest pypdfium2 we take
        if get_object is None:
            return True, LIMITS.max_paths
        item = get_object(text, index)
        return self._raw.FPDFTextObj_GetTextRenderMode(item) not in (3, 7), self._orders.get(
            _address(item), LIMITS.max_paths
        )

    def _font(self, text: Any, index: int) -> tuple[str, bool, bool]:
        raw, flags = self._raw, ctypes.c_int()
        buffer = ctypes.create_string_buffer(96)
        raw.FPDFText_GetFontInfo(text, index, buffer, 96, flags)
        name = buffer.value
        if name not in self._fonts:
            lower = name.decode("utf-8", "replace").lower()
            heavy = raw.FPDFText_GetFontWeight(text, index) >= 600
            bold = heavy or bool(re.search(r"bold|black|heavy|semibd|demi", lower))
            self._fonts[name] = lower, bold, bool(re.search(r"italic|oblique", lower) or flags.value & 64)
        return self._fonts[name]

    def _drawings(self, page: Any, area: float) -> tuple[list[RuledLine], list[Cover], bool]:
        """Return a page's straight lines, what may cover text, and whether it is a scan; number its texts."""
        raw, rules, covers, scan = self._raw, [], [], False
        self._orders = {}
        for number, item in enumerate(page.get_objects(max_depth=4)):
            if number >= LIMITS.max_paths:
                break
            if item.type == raw.FPDF_PAGEOBJ_IMAGE:
                self.images = True
                left, bottom, right, top = _bounds(item)
                scan = scan or (right - left) * (top - bottom) > LIMITS.scan_share * area
                covers.append(Cover(left, bottom, right, top, number))
            elif item.type == raw.FPDF_PAGEOBJ_PATH:
                rules += _rules(raw, item)
                covers += _covers(raw, item, number)
            elif item.type == raw.FPDF_PAGEOBJ_TEXT:
                self._orders[_address(item.raw)] = number
        return rules, [*covers, *self._notes(page)], scan

    def _notes(self, page: Any) -> Iterator[Cover]:
        """Yield the page's annotations, which are drawn last."""
        raw, box = self._raw, self._raw.FS_RECTF()
        for number in range(min(raw.FPDFPage_GetAnnotCount(page.raw), LIMITS.max_notes)):
            note = raw.FPDFPage_GetAnnot(page.raw, number)
            if raw.FPDFAnnot_GetSubtype(note) != raw.FPDF_ANNOT_LINK and raw.FPDFAnnot_GetRect(note, box):
                yield Cover(box.left, box.bottom, box.right, box.top, LIMITS.max_paths + 1)
            raw.FPDFPage_CloseAnnot(note)

    def _seen(
        self, page: Any, words: list[Word], covers: list[Cover], scan: bool, corner: tuple[float, float]
    ) -> list[Word]:
        hidden: dict[str, list[Word]] = {}
        pale, under = any(word.pale for word in words), under_covers(words, covers)
        canvas = Canvas(page, corner) if pale or under else None
        covered = {id(word) for word in under if canvas and canvas.is_even(word)}
        kept = []
        for word in words:
            if word.size <= LIMITS.min_size:
                hidden.setdefault("tiny text", []).append(word)
            elif not word.drawn and not scan:
                hidden.setdefault("invisible text", []).append(word)
            elif word.pale and word.drawn and canvas and not canvas.is_dark(word):
                hidden.setdefault("white text", []).append(word)
            elif word.drawn and id(word) in covered:
                hidden.setdefault("covered text", []).append(word)
            else:
                kept.append(word)
        for how, some in hidden.items():
            self._flag(how, some)
        return kept

    def _flag(self, how: str, words: list[Word]) -> None:
        self._builder.flag_hidden(f"{how} on page {self._number}", " ".join(word.text for word in words[:40]))


def _drawn(page: Any) -> tuple[Any, float]:
    """Return the grey values of a page as it is shown, and the points of a pixel."""
    import numpy as np

    scale = min(1 / SCAN_LIMITS.points_a_pixel, LIMITS.max_side / max(*page.get_size(), 1))
    bitmap = page.render(scale=scale, grayscale=True)
    grey = np.array(bitmap.to_numpy()).reshape(bitmap.height, bitmap.width)
    bitmap.close()
    return grey, 1 / scale


def _address(item: Any) -> int | None:
    return ctypes.cast(item, ctypes.c_void_p).value


def _covers(raw: Any, item: Any, number: int) -> list[Cover]:
    """Return the area of a path that is filled without letting anything through."""
    mode, stroked = ctypes.c_int(), ctypes.c_int()
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFPath_GetDrawMode(item.raw, mode, stroked)
    raw.FPDFPageObj_GetFillColor(item.raw, red, green, blue, alpha)
    left, bottom, right, top = _bounds(item)
    if mode.value == raw.FPDF_FILLMODE_NONE or alpha.value < LIMITS.opaque or min(right - left, top - bottom) < 3:
        return []
    return [Cover(left, bottom, right, top, number, (red.value, green.value, blue.value))]


def _bounds(item: Any) -> tuple[float, float, float, float]:
    get = getattr(item, "get_bounds", None) or item.get_pos  # the name before pypdfium2 5
    left, bottom, right, top = get()
    return left, bottom, right, top


def _rules(raw: Any, item: Any) -> list[RuledLine]:
    """Return the horizontal and vertical lines of a path; a rectangle thinner than 3 points is a line too."""
    count = raw.FPDFPath_CountSegments(item.raw)
    if not 2 <= count <= 64:
        return []
    left, bottom, right, top = _bounds(item)
    if min(right - left, top - bottom) < 3:
        return [RuledLine(left, bottom, right, top)]
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
    rules = []
    for before, after in pairwise(points):
        if before and after and min(abs(before[0] - after[0]), abs(before[1] - after[1])) < 1:
            (x0, x1), (y0, y1) = sorted((before[0], after[0])), sorted((before[1], after[1]))
            rules.append(RuledLine(x0, y0, x1, y1))
    return rules
