"""Test that a number is read as the sheet shows it: by the section that is meant for it, with the words in that."""

from __future__ import annotations

import io

import pytest
from openpyxl import Workbook

from ingest.formats import Parsed, read_document

CARD = '#,##0" euros";"no limit";"no card"'
ACCOUNT = r'_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_);_(@_)'
SIZE = '[>100]"large";[>10]"middling";0'


def read(value: object, number_format: str) -> Parsed:
    book = Workbook()
    assert book.active is not None
    book.active.append(["Card", "Limit"])
    book.active.append(["Blue", value])
    book.active["B2"].number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return read_document(out.getvalue(), "a.xlsx")


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (5, '0"%"', "5%"),
        (5, r"0\%", "5%"),
        (0.075, "0%", "7.5%"),
        (0, '[=0]"unlimited";0', "unlimited"),
        (7, '[=0]"unlimited";0', "7"),
        (0, CARD, "no card"),
        (-1, CARD, "no limit"),
        (1500, CARD, "1500 euros"),
        (150, SIZE, "large"),
        (50, SIZE, "middling"),
        (5, SIZE, "5"),
        (3, '0 "in; out"', "3 in; out"),
        (-5, "#,##0_);(#,##0)", "(5)"),
        (-5, "$#,##0;[Red]$#,##0", "-$5"),  # only its colour says that it is negative
        (-5, "#,##0 [$€-407]", "-5 €"),
        (0, ACCOUNT, "-"),
        (12.5, ACCOUNT, "12.5"),
        (2_500_000, '0.0,,"M"', "2.5M"),
        (130, '0" h "00" min"', "130"),  # parts of a number are not told apart
        (1.5, "# ??/16", "1.5"),
        ("none", "0;@", "none"),
        ("note 4", '0;0;0;"see "@', "see note 4"),
        ("anything", '0;0;0;"on request"', "on request"),
        ("text", '""', "text"),
    ],
)
def test_a_cell_says_what_its_format_shows(value: object, number_format: str, shown: str) -> None:
    parsed = read(value, number_format)
    assert parsed.text == f"- Card: Blue; Limit: {shown}"
    assert not parsed.flags


@pytest.mark.parametrize(
    ("value", "number_format"), [(4711, ";;"), (4711, '"";"";""'), (4711, '""'), (-4711, "0;"), ("4711", "0;0;0;")]
)
def test_a_cell_whose_format_shows_nothing_is_hidden(value: object, number_format: str) -> None:
    parsed = read(value, number_format)
    assert parsed.text == "- Card: Blue"
    assert [reason for reason, _ in parsed.flags] == ["hidden_text"]
    assert "number format shows nothing" in parsed.flags[0][1]
    assert "4711" in parsed.flags[0][1]
