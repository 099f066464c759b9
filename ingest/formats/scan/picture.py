"""Read PNG, JPEG and TIFF: pictures of pages, by OCR."""

from __future__ import annotations

from itertools import islice

from ingest.formats.builder import Builder
from ingest.formats.parsed import MAX_PAGES, Parsed, Scans, reject
from ingest.formats.pdf.pdf_layout import write_pages
from ingest.formats.scan.pixels import FORMATS, pictures
from ingest.formats.scan.scan import ScanReader


def read_picture(data: bytes, suffix: str, scans: Scans) -> Parsed:
    """Return the text of a picture, or of each page of a TIFF; its title is the largest heading of the first.

    Raises DocumentRejected: `damaged`, `too_large` for more pixels than a page has, `no_text`.
    """
    builder = Builder()
    reader = ScanReader(scans, builder)
    pages = [reader.page(at, page) for at, page in enumerate(islice(pictures(data, suffix), MAX_PAGES), 1)]
    pages = reader.close(pages)
    if not any(page.words for page in pages):
        raise reject("no_text", "OCR finds no text in the picture.")
    return builder.build(f"image/{FORMATS[suffix].lower()}", write_pages(pages, builder))
