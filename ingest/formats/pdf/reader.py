"""Read PDF: which pages are read, from their text or by OCR, for `paragraphs` to make sense of.

A page that shows something and has no words, or no more than a stamp over a scan, is read by OCR.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.parsed import MAX_PAGES, Parsed, Scans, reject, sensible_title
from ingest.formats.pdf.canvas import Page
from ingest.formats.pdf.page import PageReader
from ingest.formats.pdf.paragraphs import write_pages
from ingest.formats.scan.reader import ScanReader

MEDIA_TYPE = "application/pdf"
_STREAM = re.compile(rb"(?<!end)stream\r?\n")


def read_pdf(data: bytes, scans: Scans) -> Parsed:
    """Return a PDF's text; its title is the document's property if sensible, else the largest heading of page 1."""
    import pypdfium2

    # pdfium repairs what is cut off, and so would index half a document without a word.
    if b"%PDF-" not in data[:1024] or b"%%EOF" not in data[-2048:]:
        raise reject("damaged", "The PDF is damaged or cut off.")
    for match in _STREAM.finditer(data):
        _check_stream(memoryview(data)[match.end() :])
    builder = Builder()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise reject("password", "The PDF is protected by a password; save it without one.") from None
        raise reject("damaged", "The PDF is damaged and cannot be opened.") from None
    try:
        reader = _Reader(builder, scans)
        pages = list(reader.pages(document))
        reader.close(pages)
        if not any(page.words for page in pages):
            if reader.images and all(reason == "ocr" for reason, _ in builder.flags):
                how = "in which OCR finds no text" if scans.usable else f"which only OCR reads: {scans.remedy}"
                raise reject("no_text", f"The PDF holds only images, {how}.")
            raise reject("no_text", "The PDF has no text that a reader could see.")
        largest = write_pages(pages, builder)
        metadata = document.get_metadata_dict()
        return builder.build(MEDIA_TYPE, sensible_title(metadata.get("Title", "")) or largest)
    finally:
        document.close()


class _Reader:
    """Reads the pages of one document."""

    def __init__(self, builder: Builder, scans: Scans) -> None:
        self.images = False
        self._builder = builder
        self._scans = scans
        self._texts = PageReader(builder)
        self._scanned = ScanReader(scans, builder)
        self._unread = 0  # scanned pages, where there is no OCR

    def pages(self, document: Any) -> Iterator[Page]:
        count = len(document)
        if count > MAX_PAGES:
            self._builder.flag("too_large", f"Only the first {MAX_PAGES:,} of {count:,} pages were read.")
        failed = 0
        for number in range(min(count, MAX_PAGES)):
            try:
                page = document[number]
            except Exception:  # pdfium's error or a wrong structure: the other pages are still worth reading
                failed += 1
                yield Page()
                continue
            try:
                yield self._page(page, number + 1)
            finally:
                page.close()
        if count == 0 or failed == count:
            raise reject("damaged", "None of the PDF's pages can be read.")
        if failed:
            self._builder.flag("damaged", f"{failed} of {count} pages cannot be read.")

    def close(self, pages: list[Page]) -> None:
        """Even out what was read by OCR, and report scanned pages that were not."""
        if self._unread and any(page.words for page in pages):
            how = f"which only OCR reads: {self._scans.remedy}"
            self._builder.flag("ocr", f"{self._unread} of {len(pages)} pages are scans, {how}.")
        self._scanned.close()

    def _page(self, page: Any, number: int, stamp: int = 12) -> Page:
        """Return a page's text, or what OCR reads of it: over a scan, up to `stamp` words are set by a program."""
        text = self._texts.read(page, number)
        self.images |= text.has_image
        # Text that another OCR laid beneath a scan is its text.
        stamped = text.is_scan and len(text.words) <= stamp and all(word.drawn for word in text.words)
        if not stamped and (text.words or not (text.boxes or text.rules) or (text.is_struck and not text.is_scan)):
            return text
        if not self._scans.usable:
            self._unread += text.is_scan and not text.words
            return text
        read = self._scanned.page(number, lambda: _drawn(page), least=3 * len(text.words))
        return read if read.words else text


def _drawn(page: Any, dots: int = 200, most: int = 3_600) -> tuple[Any, float]:
    """Return the grey values of a page at `dots` an inch, or `most` pixels a side, and the points of a pixel."""
    import numpy as np

    scale = min(dots / 72, most / max(*page.get_size(), 1))
    bitmap = page.render(scale=scale, grayscale=True)
    grey = np.array(bitmap.to_numpy()).reshape(bitmap.height, bitmap.width)
    bitmap.close()
    return grey, 1 / scale


def _check_stream(packed: memoryview, depth: int = 4, most: int = 256 * 2**20, chunk: int = 2**14) -> None:
    """Reject a PDF as `too_large` if a compressed stream, or one in it, unpacks to more than any page has.

    pdfium unpacks each whole, up to 1 GiB in two copies. A page scanned in colour at 600 dots an inch has 100 MB.
    """
    if not _is_packed(packed):
        return
    unpacker = zlib.decompressobj()
    size, inner = 0, bytearray()
    for at in range(0, len(packed), chunk):
        try:
            piece = unpacker.decompress(packed[at : at + chunk])
        except zlib.error:
            break  # the rest is damaged, or was never compressed
        if inner or (size == 0 and depth and _is_packed(piece)):
            inner += piece
        size += len(piece)
        if size > most:
            limit = f"over {most // 2**20} MB"
            raise reject("too_large", f"A part of the PDF unpacks to {limit}, as a decompression bomb does.")
        if unpacker.eof:
            break
    if inner:
        _check_stream(memoryview(bytes(inner)), depth - 1)


def _is_packed(data: memoryview | bytes) -> bool:
    """Whether data begins as zlib's does."""
    return len(data) > 2 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
