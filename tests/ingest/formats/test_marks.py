"""Test that what is struck out is left out of a sentence, and that raised and lowered digits join no number."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from docx import Document
from fpdf import FPDF
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from pptx import Presentation

from ingest.formats import Parsed, read_document
from ingest.formats.inline import Script, as_script

Parts = list[tuple[str, str]]  # text, and how it is marked: "", "struck", "super" or "sub"


def html(parts: Parts) -> bytes:
    tags = {"struck": "del", "super": "sup", "sub": "sub"}
    return "".join(f"<{tags[mark]}>{text}</{tags[mark]}>" if mark else text for text, mark in parts).encode()


def styled(parts: Parts) -> bytes:
    """Return a page that says by a style sheet how its text is marked."""
    rules = ".struck{text-decoration:line-through} .super{vertical-align:super} .sub{vertical-align:sub}"
    spans = (f"<span class='{mark}'>{text}</span>" if mark else text for text, mark in parts)
    return f"<style>{rules}</style><p>{''.join(spans)}</p>".encode()


def markdown(parts: Parts) -> bytes:
    struck = ((f"~~{text}~~", "") if mark == "struck" else (text, mark) for text, mark in parts)
    return html(list(struck))


def word(parts: Parts) -> bytes:
    document = Document()
    paragraph = document.add_paragraph()
    for text, mark in parts:
        font = paragraph.add_run(text).font
        if mark:
            setattr(font, {"struck": "strike", "super": "superscript", "sub": "subscript"}[mark], True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def slides(parts: Parts, notes: bool = False) -> bytes:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    frame = slide.notes_slide.notes_text_frame if notes else slide.placeholders[1].text_frame
    for text, mark in parts:
        run = frame.paragraphs[0].add_run()
        run.text = text
        if mark == "struck":
            run._r.get_or_add_rPr().set("strike", "sngStrike")
        elif mark:
            run._r.get_or_add_rPr().set("baseline", "30000" if mark == "super" else "-25000")
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def workbook(parts: Parts) -> bytes:
    book = Workbook()
    assert book.active is not None
    fonts = {
        "struck": InlineFont(strike=True),
        "super": InlineFont(vertAlign="superscript"),
        "sub": InlineFont(vertAlign="subscript"),
    }
    book.active["A1"] = CellRichText([TextBlock(fonts[mark], text) if mark else text for text, mark in parts])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def pdf(parts: Parts) -> bytes:
    out = FPDF()
    out.add_page()
    out.set_font("Helvetica", size=11)
    for text, mark in parts:
        out.char_vpos = "SUP" if mark == "super" else "LINE"
        out.write(6, text)
    return bytes(out.output())


BUILD: dict[str, Callable[[Parts], bytes]] = {
    "a.html": html,
    "styled.html": styled,
    "a.md": markdown,
    "a.docx": word,
    "a.pptx": slides,
    "notes.pptx": lambda parts: slides(parts, notes=True),
    "a.xlsx": workbook,
    "a.pdf": pdf,
}


def shown(parsed: Parsed) -> str:
    """Return the text without what the format adds: a slide's heading, a list's or note's mark."""
    return parsed.text.rpartition("\n")[2].removeprefix("- ").removeprefix("Notes: ")


@pytest.mark.parametrize("name", [name for name in BUILD if name != "a.pdf"])
def test_struck_out_text_is_left_out_and_reported(name: str) -> None:
    parsed = read_document(BUILD[name]([("The gate closes at ", ""), ("18:00", "struck"), (" 20:00", "")]), name)
    assert shown(parsed) == "The gate closes at 20:00"
    assert [reason for reason, _ in parsed.flags] == ["hidden_text"]
    assert "struck-out text" in parsed.flags[0][1]
    assert "18:00" in parsed.flags[0][1]


RAISED = [
    ([("Pay 5", ""), ("1", "super"), (" percent", "")], "Pay 5¹ percent"),
    ([("Over 10", ""), ("23", "super"), (" euros", "")], "Over 10²³ euros"),
    ([("Leave", ""), ("1,2", "super"), (" ends", "")], "Leave¹,² ends"),
    ([("The 1", ""), ("st", "super"), (" day", "")], "The 1st day"),
    ([("Pay 5", ""), ("[1]", "super"), (" percent", "")], "Pay 5[1] percent"),
    ([("See ", ""), ("1", "super"), ("5 days", "")], "See ¹5 days"),
]


@pytest.mark.parametrize(("parts", "text"), RAISED)
@pytest.mark.parametrize("name", BUILD)
def test_raised_digits_join_no_number(name: str, parts: Parts, text: str) -> None:
    parsed = read_document(BUILD[name](parts), name)
    assert shown(parsed) == text
    assert not parsed.flags


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<style>sup{vertical-align:baseline; top:-.5em}</style>5<sup>1</sup>", "5¹"),  # as usual style sheets do
        ("5<sup><a href=x><b>1</b></a></sup>", "5¹"),
        ("5<span style='vertical-align:super; vertical-align:bogus'>1</span>", "5¹"),
        ("5<span style='vertical-align:super; vertical-align:0'>1</span>", "51"),
        ("<p style='vertical-align:super'>51</p>", "51"),
        ("<pre>5<sup>1</sup></pre>", "    5¹"),
        ("5<sup><s>1</s></sup>", "5"),
        ("5 <sup>1</sup>/<sub>2</sub>", "5 ¹/₂"),
    ],
)
def test_html_says_in_many_ways_that_digits_are_raised(markup: str, text: str) -> None:
    assert read_document(markup.encode(), "a.html").text == text


@pytest.mark.parametrize("name", [name for name in BUILD if name != "a.pdf"])
def test_lowered_digits_are_written_so(name: str) -> None:
    assert shown(read_document(BUILD[name]([("Less CO", ""), ("2", "sub"), (" each year", "")]), name)).startswith(
        "Less CO2 "
    )


@pytest.mark.parametrize(
    ("text", "before", "written"),
    [
        ("-3", "10", "⁻³"),
        ("\u22123", "10", "⁻³"),
        ("1a", "5", "¹a"),
        ("2 of them", "5", "² of them"),
        ("2 of 30", "5 ", "2 of 30"),  # small print, not a mark
        ("Until 30 June 2026", "", "Until 30 June 2026"),
        ("*", "5", "*"),
    ],
)
def test_what_is_raised(text: str, before: str, written: str) -> None:
    assert as_script(text, "super", before) == written
    script: Script = ""
    assert as_script(text, script, before) == text


@pytest.mark.parametrize("scale", [0.58, 0.7, 0.83])
@pytest.mark.parametrize("gap", [0, 0.3])  # millimetres; over some, PDF readers see two words
def test_pdf_marks_of_any_usual_size(scale: float, gap: float) -> None:
    out = FPDF()
    out.add_page()
    out.set_font("Helvetica", size=11)
    out.sup_scale, out.sup_lift = scale, 0.33
    out.write(6, "There are 5")
    out.set_x(out.get_x() + gap)
    out.char_vpos = "SUP"
    out.write(6, "1")
    out.char_vpos = "LINE"
    out.write(6, " free visits.")
    assert read_document(bytes(out.output()), "a.pdf").text == "There are 5¹ free visits."


def test_pdf_digits_that_are_small_or_high_alone_stay() -> None:
    out = FPDF()
    out.add_page()
    for size, text in ((11, "Pay 5"), (7, "1"), (11, " euros")):
        out.set_font("Helvetica", size=size)
        out.write(6, text)
    assert "¹" not in read_document(bytes(out.output()), "a.pdf").text
