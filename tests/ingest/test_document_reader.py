"""What a document says of its own standing is in its title, which stands with every quote."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document
from docx.oxml import parse_xml
from fpdf import FPDF
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER

from assistant.core.records import Meta
from ingest.document_reader import make_document
from ingest.formats import read_document
from ingest.sources import FoundFile


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Travel\n\nStatus: superseded by MOB-1\n\nWords.\n", "Travel [Status: superseded by MOB-1]"),
        ("# Travel\n\n| Status | Repealed 2024 |\n|---|---|\n| Owner | Jo |\n", "Travel [Status: Repealed 2024]"),
        ("# Travel\n\n| Status | Approved |\n|---|---|\n| Owner | Jo |\n", "Travel"),
        ("# Travel\n\n**DRAFT - not in force**\n\nWords.\n", "Travel [DRAFT - not in force]"),
        ("---\nstatus: withdrawn\n---\n\n# Travel\n\nWords.\n", "Travel [status: withdrawn]"),
        ("# Travel\n\nThis policy has been replaced.\n\nWords.\n", "Travel [This policy has been replaced.]"),
        ("Repealed on 1 May 2020\n\nWords.\n", "[Repealed on 1 May 2020]"),
        ("# Travel\n\nStatus: approved\n\nWords.\n", "Travel"),
        ("# Travel\n\nStatus: in review\n\nWords.\n", "Travel [Status: in review]"),
        ("# Travel\n\nStatus: in force since May\n\nWords.\n", "Travel"),
        ("# Travel\n\n[DRAFT]\n\nWords.\n", "Travel [DRAFT]"),
        ("# Travel\n\nVersion 0.3 - DRAFT\n\nWords.\n", "Travel [Version 0.3 - DRAFT]"),
        ("# Travel\n\nThis policy expired on 1 May 2020.\n", "Travel [This policy expired on 1 May 2020.]"),
        ("# Travel\n\nWithdrawn: 3 May 2026\n\nWords.\n", "Travel [Withdrawn: 3 May 2026]"),
        ("# Travel\n\nThis version has since been withdrawn.\n", "Travel [This version has since been withdrawn.]"),
        ("# Travel\n\nThis policy is now in its third version.\n", "Travel"),
        ("# Draft beer\n\nDraught beer is served.\n\nWords.\n", "Draft beer"),
        ("# Travel\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n\nFive.\n\nDraft rules are not meant.\n", "Travel"),
    ],
)
def test_the_first_lines_say_what_a_document_is_worth(text: str, title: str) -> None:
    assert titled(text.encode(), "a.md") == title


def titled(data: bytes, name: str, title: str = "") -> str:
    file = FoundFile(Path(name), Path(), name, 0, 0)
    return make_document("d", file, "0" * 64, title, read_document(data, name), Meta()).title


def pdf(running: str, watermark: str = "") -> bytes:
    document = FPDF()
    document.set_font("helvetica", size=11)
    for page in range(3):
        document.add_page()
        document.text(20, 10, running)
        if watermark:
            with document.rotation(45, 100, 150):
                document.text(70, 150, watermark)
        for line in range(8):
            document.text(20, 60 + 6 * line, f"Sentence {line} of page {page} says where box {line} stands.")
    return bytes(document.output())


def word(running: str, watermark: str = "") -> bytes:
    document = Document()
    document.add_paragraph("Boxes stand in room 7.")
    header = document.sections[0].header
    header.paragraphs[0].text = running
    if watermark:
        shape = f'<v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textpath string="{watermark}"/></v:shape>'
        header.paragraphs[0].add_run()._r.append(parse_xml(shape))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def slides(running: str) -> bytes:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Boxes", "Boxes stand in room 7."
    footer = next(
        item for item in slide.slide_layout.placeholders if item.placeholder_format.type == PP_PLACEHOLDER.FOOTER
    )
    slide.shapes.clone_placeholder(footer)
    slide.placeholders[footer.placeholder_format.idx].text = running
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("make", "name"), [(pdf, "a.pdf"), (word, "a.docx"), (slides, "a.pptx")])
def test_running_lines_say_what_a_document_is_worth(make: Callable[..., bytes], name: str) -> None:
    assert titled(make("Acme - Travel Policy - DRAFT v0.3"), name, "Travel") == "Travel [DRAFT v0.3]"
    assert titled(make("Acme | Superseded by TRV-2"), name, "Travel") == "Travel [Superseded by TRV-2]"
    assert titled(make("For Lyon only"), name, "Travel") == "Travel [For Lyon only]"
    assert titled(make("Archive Services Ltd | Travel Policy"), name, "Travel") == "Travel"


@pytest.mark.parametrize(("make", "name"), [(pdf, "a.pdf"), (word, "a.docx")])
def test_a_watermark_says_what_a_document_is_worth(make: Callable[..., bytes], name: str) -> None:
    assert titled(make("Acme", "WITHDRAWN"), name, "Travel") == "Travel [WITHDRAWN]"
    assert "WITHDRAWN" not in read_document(make("Acme", "WITHDRAWN"), name).text
