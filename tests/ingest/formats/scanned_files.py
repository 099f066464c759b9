"""Make scans: PDFs drawn as pictures of their pages."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pypdfium2
from fpdf import FPDF
from PIL import Image

DPI = 200


def drawn(data: bytes) -> list[Image.Image]:
    """Return the pages of a PDF as grey pictures."""
    document = pypdfium2.PdfDocument(data)
    pages = [page.render(scale=DPI / 72, grayscale=True).to_pil().convert("L") for page in document]
    document.close()
    return pages


def saved(pages: Sequence[Image.Image], kind: str) -> bytes:
    """Return pictures as a file: PNG, JPEG, or with several pages TIFF or a PDF without any text."""
    out = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if kind in ("TIFF", "PDF") else {}
    resolution = {"resolution": DPI} if kind == "PDF" else {"dpi": (DPI, DPI)}
    pages[0].save(out, kind, **more, **resolution)
    return out.getvalue()


def scanned(data: bytes) -> bytes:
    """Return a PDF as a scan of it."""
    return saved(drawn(data), "PDF")


def policy(*texts: str) -> bytes:
    """Return a PDF with a page for each text, and on the first a heading, items and a ruled table above it."""
    out = FPDF()
    out.set_margin(25)
    for number, text in enumerate(texts):
        out.add_page()
        if number == 0:
            _begin(out)
        out.set_font("Helvetica", "", 10.5)
        out.multi_cell(0, 5.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    return bytes(out.output())


def _begin(out: FPDF) -> None:
    for text, size in (("Parking Policy", 22), ("1. Bays", 14)):
        out.set_font("Helvetica", "B", size)
        out.multi_cell(0, size * 0.6, text, align="L", new_x="LMARGIN", new_y="NEXT")
        out.ln(4)
    out.set_font("Helvetica", "", 10.5)
    for item in ("Visitors leave their cars behind the canteen.", "Staff use the lower deck."):
        out.cell(6, 5.5, "\x95")
        out.multi_cell(0, 5.5, item, align="L", new_x="LMARGIN", new_y="NEXT")
    out.ln(4)
    with out.table(width=120, col_widths=(1, 2)) as table:
        for row in (("Site", "Bays for guests"), ("Utrecht", "7"), ("Sheffield", "12 behind the canteen")):
            cells = table.row()
            for cell in row:
                cells.cell(cell)
    out.ln(6)
