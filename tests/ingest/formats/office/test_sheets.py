"""Test that rows of a workbook are read under the header and the label that a reader sees above them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from ingest.formats import read_document

JOBS: list[list[object]] = [
    ["Job", "Allowance"],
    ["Cook", "200 euros"],
    [],
    ["Trainee", "none"],
    ["Grade 2 driver", "300 euros"],
    ["Grade 3 driver", "350 euros"],
]
GOES_ON = (
    "- Job: Cook; Allowance: 200 euros\n- Job: Trainee; Allowance: none\n"
    "- Job: Grade 2 driver; Allowance: 300 euros\n- Job: Grade 3 driver; Allowance: 350 euros"
)
ANOTHER = (
    "- Job: Cook; Allowance: 200 euros\n\n"
    "- Trainee: Grade 2 driver; none: 300 euros\n- Trainee: Grade 3 driver; none: 350 euros"
)
BONUSES: list[list[object]] = [["Group", "Bonus"], ["Interns", None], ["Managers", 5000], ["Directors", 9000]]
LACKS = "- Group: Interns\n- Group: Managers; Bonus: 5000\n- Group: Directors; Bonus: 9000"
NAMES = "- Interns; Group: Managers; Bonus: 5000\n- Interns; Group: Directors; Bonus: 9000"

Change = Callable[[Worksheet], object]


def read(rows: list[list[object]], change: Change) -> str:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            sheet.cell(at, column, value)
    change(sheet)
    out = io.BytesIO()
    book.save(out)
    return read_document(out.getvalue(), "a.xlsx").text


def bold(*cells: str) -> Change:
    def change(sheet: Worksheet) -> None:
        for name in cells:
            sheet[name].font = Font(bold=True)

    return change


def filled(*cells: str) -> Change:
    def change(sheet: Worksheet) -> None:
        for name in cells:
            sheet[name].fill = PatternFill("solid", fgColor="DDDDDD")

    return change


def hidden(sheet: Worksheet) -> None:
    for column, text in zip("AB", ("Waiter", "100 euros"), strict=True):
        sheet[f"{column}3"] = text
    sheet.row_dimensions[3].hidden = True


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (bold(), GOES_ON),
        (bold("A4", "A5", "A6"), GOES_ON),  # names in the first column
        (filled("A4", "B4", "A6", "B6"), GOES_ON),  # stripes
        (filled("B5"), GOES_ON),
        (hidden, GOES_ON),
        (bold("A4", "B4"), ANOTHER),
        (bold("A4", "B4", "A6", "B6"), ANOTHER),  # totals
        (filled("A4", "B4"), ANOTHER),
    ],
)
def test_rows_after_a_blank_one_go_on_unless_a_header_is_seen(change: Change, expected: str) -> None:
    assert read(JOBS, change) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (bold(), LACKS),
        (bold("A2", "A3", "A4"), LACKS),
        (bold("A2"), NAMES),
        (lambda sheet: sheet.merge_cells("A2:B2"), NAMES),
        (lambda sheet: sheet.move_range("A2:B4", rows=1), NAMES),  # behind a blank row
    ],
)
def test_a_cell_alone_names_the_rows_below_it_only_where_it_is_set_apart(change: Change, expected: str) -> None:
    assert read(BONUSES, change) == expected
