"""Test what Word keeps apart from a paragraph's letters: notes, ruby, formulas, signs, deleted cells."""

from __future__ import annotations

import pytest

from ingest.formats import Parsed, read_document
from tests.ingest.formats.word_files import build, mark, note, paragraph, run

FOOTNOTES = note(2, "Repealed on 1 May 2025.") + note(5, "Unless a train is late.") + note(7, "Nobody refers to it.")


def read(body: str, notes: dict[str, str] | None = None) -> Parsed:
    return read_document(build(body, notes), "a.docx")


def test_notes_follow_the_block_that_refers_to_them() -> None:
    body = (
        paragraph(run("Trips"), mark(5), style="Heading1")
        + paragraph(run("Engineers may book first class."), mark(2), run(" Others may not."), mark(1, "endnote"))
        + paragraph(run("tram"), style="ListBullet")
        + paragraph(run("bus"), mark(5), style="ListBullet")
        + paragraph(run("train"), style="ListBullet")
    )
    parsed = read(body, {"footnotes": FOOTNOTES, "endnotes": note(1, "Since 2020.", "endnote")})
    assert parsed.text == (
        "# Trips\n\n[1] Unless a train is late.\n\n"
        "Engineers may book first class.[2] Others may not.[3]\n\n[2] Repealed on 1 May 2025.\n\n[3] Since 2020.\n\n"
        "- tram\n- bus[1]\n- train"
    )
    assert not parsed.flags


def test_the_note_of_an_item_ends_no_list() -> None:
    items = [paragraph(run(text), ref, style="ListBullet") for text, ref in (("bus", mark(5)), ("tram", ""))]
    parsed = read("".join(items), {"footnotes": FOOTNOTES})
    assert parsed.text == "- bus[1]\n  [1] Unless a train is late.\n- tram"


def test_the_note_of_a_cell_stands_below_its_table() -> None:
    cells = "".join(f"<w:tc>{paragraph(run(text), ref)}</w:tc>" for text, ref in (("bus", mark(5)), ("free", "")))
    parsed = read(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>{paragraph(run('End.'))}", {"footnotes": FOOTNOTES})
    assert parsed.text == "| bus[1] | free |\n|---|---|\n\n[1] Unless a train is late.\n\nEnd."


def test_a_note_whose_mark_is_hidden_is_hidden() -> None:
    parsed = read(paragraph(run("Go."), mark(2, properties="<w:vanish/>")), {"footnotes": FOOTNOTES})
    assert parsed.text == "Go."
    assert [reason for reason, _ in parsed.flags] == ["hidden_text"]
    assert "Repealed" in parsed.flags[0][1]


def test_a_note_that_refers_to_itself_is_read_once() -> None:
    notes = f'<w:footnote w:id="2">{paragraph(run("See"), mark(2))}</w:footnote>'
    assert read(paragraph(run("Go."), mark(2)), {"footnotes": notes}).text == "Go.[1]\n\n[1] See[1]"


def fraction(above: str, below: str) -> str:
    return f"<m:f><m:num>{term(above)}</m:num><m:den>{term(below)}</m:den></m:f>"


def term(text: str, properties: str = "") -> str:
    return f"<m:r><w:rPr>{properties}</w:rPr><m:t>{text}</m:t></m:r>"


def power(base: str, exponent: str) -> str:
    return f"<m:sSup><m:e><m:d><m:e>{term(base)}</m:e></m:d></m:e><m:sup>{term(exponent)}</m:sup></m:sSup>"


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        (
            "<w:r><w:ruby><w:rt><w:r><w:t>kana</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>25</w:t></w:r></w:rubyBase>"
            "</w:ruby></w:r>",
            "25",
        ),
        (f"<m:oMath>{term('25')}</m:oMath>", "25"),
        (f"<m:oMathPara><m:oMath>{fraction('1', '2')}</m:oMath></m:oMathPara>", "1/2"),
        (f"<m:oMath>{term('25×')}{fraction('12-m', '12')}</m:oMath>", "25×(12-m)/12"),
        (f"<m:oMath>{power('a+b', '2')}</m:oMath>", "(a+b)^2"),
        (f"<m:oMath>{term('25')}<w:del>{term('99')}</w:del></m:oMath>", "25"),
        ('<w:r><w:sym w:font="Segoe UI Symbol" w:char="2612"/></w:r>', "☒"),
    ],
)
def test_what_is_written_without_runs_is_read(runs: str, text: str) -> None:
    parsed = read(paragraph(run("Get "), runs, run(" days.")))
    assert parsed.text == f"Get {text} days."
    assert not parsed.flags


@pytest.mark.parametrize(
    ("runs", "text", "reason"),
    [
        (f"<m:oMath>{term('secret', '<w:vanish/>')}</m:oMath>", "Get days.", "hidden_text"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>', "Get \ufffd days.", "unreadable"),
        ('<w:r><w:sym w:font="Wingdings" w:char="00FE"/></w:r>', "Get \ufffd days.", "unreadable"),
    ],
)
def test_what_cannot_be_read_is_reported(runs: str, text: str, reason: str) -> None:
    parsed = read(paragraph(run("Get "), runs, run(" days.")))
    assert parsed.text == text
    assert [known for known, _ in parsed.flags] == [reason]


def test_a_cell_whose_deletion_is_tracked_is_left_out() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(run(text))}</w:tc>"

    row = f"<w:tr>{cell('Cook')}{cell('900 euros', '<w:cellDel/>')}{cell('200 euros')}</w:tr>"
    assert read(f"<w:tbl>{row}</w:tbl>{paragraph(run('End.'))}").text == "| Cook | 200 euros |\n|---|---|\n\nEnd."
