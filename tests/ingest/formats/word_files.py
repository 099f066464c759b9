"""Word documents made of their XML, for what python-docx cannot write."""

from __future__ import annotations

import io

from docx import Document
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def build(body: str, notes: dict[str, str] | None = None) -> bytes:
    """Return a document with this body; `notes` are the parts `footnotes` and `endnotes`."""
    document = Document()
    for element in parse_xml(f"<w:body {NAMES}>{body}</w:body>"):
        document.element.body.insert_element_before(element, "w:sectPr")
    for kind, xml in (notes or {}).items():
        root = f"<w:{kind} {NAMES}>{xml}</w:{kind}>".encode()
        part = Part(PackURI(f"/word/{kind}.xml"), "application/xml", root, document.part.package)
        document.part.relate_to(part, f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str, style: str = "Normal") -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{"".join(runs)}</w:p>'


def mark(number: int, kind: str = "footnote", properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:{kind}Reference w:id="{number}"/></w:r>'


def note(number: int, text: str, kind: str = "footnote") -> str:
    return f'<w:{kind} w:id="{number}"><w:p><w:r><w:{kind}Ref/></w:r>{run(" " + text)}</w:p></w:{kind}>'
