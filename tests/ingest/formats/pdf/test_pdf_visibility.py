"""Test that text no reader sees is left out and reported with its place, and that what only looks like it stays."""

from __future__ import annotations

from typing import Any

import pytest
from fpdf import FPDF
from PIL import Image

from ingest.formats import Parsed, read_document
from tests.ingest.bad_files import bare_pdf, shown
from tests.ingest.formats.hiding import SECRET, SEEN, check


def pdf(draw: Any) -> Parsed:
    """Return a document whose second page `draw` fills with the secret."""
    out = FPDF()
    out.set_font("Helvetica", size=11)
    out.add_page()
    out.set_y(60)
    out.cell(0, 8, SEEN)
    out.add_page()
    out.set_y(60)
    draw(out)
    return read_document(bytes(out.output()), "a.pdf")


def written(out: FPDF, colour: int = 0) -> None:
    out.set_text_color(colour)
    out.cell(0, 8, SECRET)


def outlined(out: FPDF, colour: int = 255) -> None:
    out.set_draw_color(colour)
    with out.local_context(text_mode="FILL_STROKE"):
        written(out, 255)


def boxed(out: FPDF, colour: int, left: float = 5) -> None:
    out.set_fill_color(colour)
    out.rect(left, 50, 120, 30, "F")


def small(points: float) -> Any:
    def draw(out: FPDF) -> None:
        out.set_font("Helvetica", size=points)
        written(out)

    return draw


def clear(out: FPDF) -> None:
    with out.local_context(fill_opacity=0.02):
        written(out)


def in_order(*steps: Any) -> Any:
    def draw(out: FPDF) -> None:
        for step in steps:
            step(out)

    return draw


def see_through(out: FPDF) -> None:
    with out.local_context(fill_opacity=0.4):
        boxed(out, 200)


def multiplied(out: FPDF) -> None:
    with out.local_context(blend_mode="MULTIPLY"):
        boxed(out, 220)


def pictured(out: FPDF) -> None:
    out.image(Image.new("RGB", (40, 40), "navy"), 5, 50, 120, 30)


def strips(out: FPDF) -> None:
    out.set_fill_color(255)
    for y in range(50, 80):
        out.rect(5, y, 120, 1, "F")


def clipped(out: FPDF, wide: int = 1) -> None:
    with out.rect_clip(5, 50, wide, 30):
        written(out)


def lined(out: FPDF, y: float = 64.0, colour: int = 0, wide: float = 50) -> None:
    out.set_draw_color(colour)
    out.line(10, y, 10 + wide, y)


def noted(out: FPDF) -> None:
    written(out)
    out.add_text_markup_annotation("StrikeOut", "No longer.", [28, 666, 150, 666, 28, 654, 150, 654])


def underlined(out: FPDF) -> None:
    out.set_font(style="U")
    written(out)


def in_a_table(out: FPDF) -> None:
    with out.table(width=100) as table:
        for cells in (("Who", "What"), (SECRET, "a")):
            table.row(cells)


@pytest.mark.parametrize(
    "draw",
    [
        in_order(written, lined),
        in_order(lambda out: lined(out, colour=200), written),
        noted,
        outlined,
        in_order(written, lambda out: boxed(out, 255)),
        in_order(written, strips),
        clipped,
        in_order(written, lambda out: boxed(out, 0)),
        in_order(written, pictured),
        in_order(lambda out: boxed(out, 0), written),
        in_order(lambda out: boxed(out, 60), lambda out: written(out, 70)),
        in_order(lambda out: written(out, 255), lambda out: boxed(out, 90)),
        lambda out: written(out, 240),
        small(2.5),
        clear,
    ],
)
def test_pdf_text_that_is_hidden(draw: Any) -> None:
    check(pdf(draw), shown=False, place="on page 2")


@pytest.mark.parametrize(
    "draw",
    [
        in_order(lambda out: boxed(out, 255), written),
        in_order(lined, lambda out: boxed(out, 255), written),
        in_order(written, lambda out: lined(out, colour=255)),
        in_order(written, lambda out: lined(out, wide=2)),
        in_order(written, lambda out: lined(out, y=65.5)),
        lambda out: outlined(out, 0),
        underlined,
        in_a_table,
        in_order(strips, written),
        lambda out: clipped(out, 150),
        in_order(lambda out: boxed(out, 0), lambda out: written(out, 255)),
        in_order(lambda out: boxed(out, 90), written),
        in_order(written, lambda out: boxed(out, 255, left=130)),
        in_order(written, see_through),
        in_order(written, multiplied),
        in_order(pictured, lambda out: written(out, 255)),
        lambda out: written(out, 200),
        small(4),
    ],
)
def test_pdf_text_that_looks_hidden_and_is_not(draw: Any) -> None:
    check(pdf(draw), shown=True)


def test_a_page_all_of_whose_words_are_struck_is_not_read_as_a_scan() -> None:
    struck = shown(SECRET) + b"0.6 w 72 403 m 300 403 l S"
    check(read_document(bare_pdf([shown(SEEN), struck]), "a.pdf"), shown=False, place="on page 2")


@pytest.mark.parametrize(
    ("how", "seen"),
    [("/OFF [4 0 R]", False), ("/BaseState /OFF", False), ("/BaseState /OFF /ON [4 0 R]", True), ("", True)],
)
def test_optional_content_is_read_where_it_is_switched_on(how: str, seen: bool) -> None:
    catalog = f"/OCProperties << /OCGs [4 0 R] /D << {how} >> >>"
    page = b"/OC /MC0 BDC " + shown(SECRET) + b"EMC"
    check(read_document(bare_pdf([shown(SEEN), page], catalog=catalog), "a.pdf"), shown=seen, place="on page 2")
