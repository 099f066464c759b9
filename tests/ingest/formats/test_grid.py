"""Test that a table's cell is said in every row and column that it covers, and that spans cannot blow a table up."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest
from docx import Document
from docx.oxml import OxmlElement
from openpyxl import Workbook
from pptx import Presentation

from ingest.formats import read_document


def rows(text: str) -> list[str]:
    """Return a table's lines without its rule."""
    return [line for line in text.split("\n") if line.startswith("|") and not line.startswith("|---")]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            "<tr><th>Region<th>Grade<th>Pay<tr><td rowspan=2>EU<td>A<td>1<tr><td>B<td>2<tr><td>US<td>A<td>3",
            ["| Region | Grade | Pay |", "| EU | A | 1 |", "| EU | B | 2 |", "| US | A | 3 |"],
        ),
        (
            "<tr><th>Day<th>In<th>Out<tr><td>Monday<td colspan=2>closed<tr><td>Friday<td>9<td>5",
            ["| Day | In | Out |", "| Monday | closed | closed |", "| Friday | 9 | 5 |"],
        ),
        (
            "<tr><td>a<td>b<td>c<tr><td>d<td colspan=2 rowspan=2>e<tr><td>f<tr><td>g<td>h<td>i",
            ["| a | b | c |", "| d | e | e |", "| f | e | e |", "| g | h | i |"],
        ),
        (
            "<thead><tr><th rowspan=2>Region<th colspan=2>2026<th>2027<tr><th>High<th>Low<th>High<tbody><tr><td>EU"
            "<td>1<td>2<td>3",
            ["| Region | 2026 High | 2026 Low | 2027 High |", "| EU | 1 | 2 | 3 |"],
        ),
        (
            "<thead><tr><td>Region<td>2026<tr><td><td>High</thead><tr><td>EU<td>1",
            ["| Region | 2026 High |", "| EU | 1 |"],
        ),
        (
            "<tr><td><th colspan=2>2026<tr><th>Region<th>High<th>Low<tr><th>EU<td>1<td>2",
            ["| Region | 2026 High | 2026 Low |", "| EU | 1 | 2 |"],
        ),
        (  # a title inside a table is no header of all of it, and said once
            "<tr><th>Name<th>Pay<tr><th colspan=2>Part time<tr><td>A<td>1<tr><td colspan=2>a note",
            ["| Name | Pay |", "| Part time | |", "| A | 1 |", "| a note | |"],
        ),
        (  # a row group ends what goes on
            "<tbody><tr><td rowspan=0>a<td>b<tr><td>c<tbody><tr><td>d<td>e",
            ["| a | b |", "| a | c |", "| d | e |"],
        ),
        (  # a row without cells counts, and says nothing
            "<tr><td rowspan=3>a<td rowspan=2>b<tr><tr><td>c<tr><td>d<td>e",
            ["| a | b |", "| a | c |", "| d | e |"],
        ),
        ("<tr><td>a<td rowspan=9>b<tr><td colspan=0>c", ["| a | b |", "| c | b |"]),
        ("<tr><td>a<td>b<td rowspan=2>c<tr><td>d", ["| a | b | c |", "| d | | c |"]),
    ],
)
@pytest.mark.parametrize("name", ["a.html", "a.md"])
def test_html_cells_on_their_grid(table: str, expected: list[str], name: str) -> None:
    assert rows(read_document(f"<table>{table}</table>".encode(), name).text) == expected


def test_a_table_of_one_cell_a_row_is_no_table() -> None:
    markup = b"<table><tr><td colspan=3>one<tr><td colspan=3>two</table>"
    assert read_document(markup, "a.html").text == "one\n\ntwo"


@pytest.mark.parametrize(
    "markup",
    [
        "<table>" + "<tr><td colspan=1000 rowspan=65534>" * 20_000 + "</table>",
        "<table>" + f"<tr><td colspan=1000 rowspan=1000>{'long ' * 200}<td>b" * 1_000 + "</table>",
        "<table><tr><td rowspan=1000>" + "long " * 40_000 + "<td>b" + "<tr><td>c" * 2_000 + "</table>",
        "<table>" + "<tr>" + "<td rowspan=1000>a" * 50 + "<tr><td>b" * 1_000 + "</table>",
        "<table><tr><td colspan=50 rowspan=1000>a<td>b<tr><td>c</table>" * 2_000,
    ],
)
def test_spans_make_no_table_much_longer_than_its_markup(markup: str) -> None:
    began = time.thread_time()
    text = read_document((markup + "<p>end").encode(), "a.html").text
    assert len(text) < 30 * len(markup)
    assert time.thread_time() - began < 8


def word() -> bytes:
    document = Document()
    table = document.add_table(4, 3)
    for at, cell in enumerate(table._cells):
        cell.text = f"c{at}"
    table.cell(0, 0).text, table.cell(0, 1).text, table.cell(1, 0).text = "2026", "", ""
    table.cell(0, 0).merge(table.cell(0, 1))
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for at in (6, 9):
        table._cells[at].text = ""
    table._cells[6].text = "EU"
    table.cell(2, 0).merge(table.cell(3, 0))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def slides() -> bytes:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    table = slide.shapes.add_table(4, 3, 0, 0, 900_000, 900_000).table
    for at in range(12):
        table.cell(at // 3, at % 3).text = f"c{at}"
    for first, last, text in (((0, 0), (0, 1), "2026"), ((2, 0), (3, 0), "EU"), ((2, 1), (3, 2), "closed")):
        for row in range(first[0], last[0] + 1):
            for column in range(first[1], last[1] + 1):
                table.cell(row, column).text = ""
        table.cell(*first).text = text
        table.cell(*first).merge(table.cell(*last))
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("build", "name", "expected"),
    [
        (word, "a.docx", ["| 2026 | 2026 c4 | c2 c5 |", "| EU | c7 | c8 |", "| EU | c10 | c11 |"]),
        (slides, "a.pptx", ["| 2026 | 2026 | c2 |", "| c3 | c4 | c5 |", "| EU | closed | closed |"]),
    ],
)
def test_office_cells_on_their_grid(build: Callable[[], bytes], name: str, expected: list[str]) -> None:
    assert rows(read_document(build(), name).text) == expected


def workbook(merged: str, table: list[list[str | None]], hidden: int = 0) -> str:
    book = Workbook()
    assert book.active is not None
    for row in table:
        book.active.append(row)
    for reference in merged.split():
        book.active.merge_cells(reference)
    if hidden:
        book.active.row_dimensions[hidden].hidden = True
    out = io.BytesIO()
    book.save(out)
    return read_document(out.getvalue(), "a.xlsx").text


PAY: list[list[str | None]] = [
    ["Pay", None, None],
    ["Region", "Grade", "Pay"],
    ["EU", "A", "1"],
    [None, "B", "2"],
    ["US", "closed", None],
]


@pytest.mark.parametrize(
    ("merged", "hidden", "expected"),
    [
        (
            "A1:C1 A3:A4 B5:C5",
            0,
            "Pay\n\n- Region: EU; Grade: A; Pay: 1\n- Region: EU; Grade: B; Pay: 2\n"
            "- Region: US; Grade: closed; Pay: closed",
        ),
        ("A3:A4 B5:C5", 4, "Pay\n\n- Region: EU; Grade: A; Pay: 1\n- Region: US; Grade: closed; Pay: closed"),
        ("", 0, "Pay\n\n- Region: EU; Grade: A; Pay: 1\n- Grade: B; Pay: 2\n- Region: US; Grade: closed"),
    ],
)
def test_merged_cells_of_a_sheet(merged: str, hidden: int, expected: str) -> None:
    assert workbook(merged, PAY, hidden) == expected
