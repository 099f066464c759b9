"""The parts of a Word document: what wraps text, running heads, notes, formulas, signs of a font."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from ingest.formats.office.docx_styles import W

# Wrappers whose content counts as if it stood there itself; insertions and moves are taken as accepted.
_WRAPPERS = frozenset(
    W + name
    for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "hyperlink", "fldSimple", "dir", "bdo")
)
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VML = "{urn:schemas-microsoft-com:vml}"
TEXTS = (f"{W}t", f"{_M}t")
FORMULAS = frozenset({f"{_M}oMath", f"{_M}oMathPara"})
# What a formula's parts are written with on one line; brackets are drawn and nowhere in its text.
_PARTS = {"num": "", "den": "/", "sup": "^", "sub": "_", "rad": "√", "d": ""}
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def flat(element: Any) -> Iterator[Any]:
    """Yield an element's children, those of wrappers in the wrappers' place."""
    for child in element:
        if child.tag in _WRAPPERS:
            yield from flat(child)
        else:
            yield child


def words(element: Any) -> str:
    """Return all text in an element, seen or not."""
    return "".join(text.text or "" for text in element.iter(*TEXTS))


def running_lines(document: Any) -> Iterator[str]:
    """Yield the paragraphs and watermarks of the headers and footers."""
    parts = (rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith(("/header", "/footer")))
    for element in (part.element for part in parts if hasattr(part, "element")):
        for paragraph in element.iter(f"{W}p"):
            yield "".join(
                text.text or "" if text.tag == f"{W}t" else "\t" for text in paragraph.iter(f"{W}t", f"{W}tab")
            )
        yield from (mark.get("string", "") for mark in element.iter(f"{_VML}textpath"))


def notes(document: Any) -> dict[tuple[object, str | None], Any]:
    """Return the footnotes and endnotes by the tag and the number of what refers to them."""
    from docx.oxml import parse_xml

    found: dict[tuple[object, str | None], Any] = {}
    for rel in document.part.rels.values():
        kind = rel.reltype.rpartition("/")[2].removesuffix("s")
        if kind in {"footnote", "endnote"} and not rel.is_external:
            for note in parse_xml(rel.target_part.blob).iterfind(W + kind):
                found[f"{W}{kind}Reference", note.get(f"{W}id")] = note
    return found


def formula_pieces(element: Any) -> Iterator[Any]:
    """Yield a formula's runs, and the signs that stand between them on one line: 1 over 2 is not 12."""
    for child in flat(element):
        name = str(child.tag).removeprefix(_M)
        if name in {"r", f"{W}r"}:
            yield child
        elif child.tag != f"{W}del":
            grouped = name == "d" or (name in _PARTS and not words(child).isalnum())
            yield _PARTS.get(name, "") + "(" * grouped
            yield from formula_pieces(child)
            yield ")" * grouped


def sign_of(element: Any) -> str:
    """Return a sign that is given by a font and a code; a code that only this font gives a meaning is unknown."""
    code = element.get(f"{W}char") or ""
    sign = chr(int(code, 16)) if re.fullmatch("[0-9A-Fa-f]{4}", code) else ""
    return sign if sign > "\xff" and unicodedata.category(sign) != "Co" else UNKNOWN
