"""Make the files that an ingest must survive, byte by byte where no library would write such a thing."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from docx import Document
from fpdf import FPDF
from openpyxl import Workbook
from PIL import Image
from pptx import Presentation

MB = 2**20


def office(suffix: str, text: str = "Staff may keep gifts below fifty euros.") -> bytes:
    """Return a small document of an Office format."""
    out = io.BytesIO()
    if suffix == "docx":
        document = Document()
        document.add_paragraph(text)
        document.save(out)
    elif suffix == "pptx":
        presentation = Presentation()
        presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = text
        presentation.save(out)
    else:
        book = Workbook()
        assert book.active is not None
        book.active.append(["Rule", "Note"])
        book.active.append([text, "none"])
        book.save(out)
    return out.getvalue()


def repacked(
    data: bytes, parts: Mapping[str, bytes] | None = None, change: Callable[[bytes], bytes] = lambda part: part
) -> bytes:
    """Return an Office file with its XML changed, and with more parts or others."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in (parts or {}):
                new.writestr(name, change(old.read(name)) if name.endswith(".xml") else old.read(name))
        for name, content in (parts or {}).items():
            new.writestr(name, content)
    return out.getvalue()


def zipped(name: str = "policy.md", content: bytes = b"# Hidden\n\nThe vault opens with 0451.\n") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def docx_bomb(megabytes: int) -> bytes:
    """Return a DOCX of some kilobytes whose parts, each below any suspicion, unpack to that many megabytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        new.writestr("word/document.xml", "<w/>")
        for number in range(megabytes):
            new.writestr(f"word/part{number}.xml", b"<a>" + b" " * (MB - 7) + b"</a>")
    return out.getvalue()


def entities(declarations: str, use: str) -> bytes:
    """Return the main part of a DOCX that declares entities and uses one."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE w [{declarations}]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        f"<w:t>&{use};</w:t></w:r></w:p></w:body></w:document>"
    ).encode()


def laughs() -> str:
    """Return the declarations of `z`, a billion laughs."""
    names = "abcdefghiz"
    doubled = (f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    return f'<!ENTITY a "ha">{"".join(doubled)}'


def pdf(draw: Callable[[FPDF], object], password: str = "") -> bytes:
    """Return a PDF that `draw` fills, with a page and a font of 11 points ready."""
    out = FPDF()
    if password:
        out.set_encryption("owner", password)
    out.add_page()
    out.set_y(60)
    out.set_font("Helvetica", size=11)
    draw(out)
    return bytes(out.output())


def write(out: FPDF, text: str) -> None:
    out.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")


def scanned() -> bytes:
    return pdf(lambda out: out.image(Image.new("RGB", (40, 40), "red"), 0, 0, 200))


def bare_pdf(streams: Iterable[bytes], filters: str = "", catalog: str = "") -> bytes:
    """Return a PDF of a page a content stream, stored as given; object 4 is a group of optional content, `MC0`."""
    contents = list(streams)
    kids = " ".join(f"{5 + 2 * at} 0 R" for at in range(len(contents)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Count {len(contents)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /OCG /Name (Group) >>",
    ]
    for at, stream in enumerate(contents):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> /Properties << /MC0 4 0 R >> >> >>" % (6 + 2 * at),
            b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), filters.encode(), stream),
        ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def shown(text: str) -> bytes:
    """Return the content stream of a page that shows a line of text in its middle."""
    return f"BT /F1 12 Tf 72 400 Td ({text}) Tj ET\n".encode()


def deflated(megabytes: int, end: bytes) -> bytes:
    """Return that many megabytes of spaces and then `end`, compressed a thousandfold."""
    packer = zlib.compressobj(9)
    packed = [packer.compress(b" " * MB) for _ in range(megabytes)]
    return b"".join([*packed, packer.compress(end), packer.flush()])
