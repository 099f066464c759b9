"""Test that text no reader sees is left out and reported with its place, and that what only looks like it stays."""

from __future__ import annotations

import io
from typing import Any

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_COLOR_INDEX
from docx.oxml import parse_xml
from docx.shared import Pt, RGBColor
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Color, Font, PatternFill
from openpyxl.worksheet.table import Table
from pptx import Presentation
from pptx.dml.color import RGBColor as PptxColor

from ingest.formats import Parsed, read_document
from tests.ingest.formats.hiding import SECRET, SEEN, check

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


# Word


def word(change: Any) -> Parsed:
    """Return a document with a run, in a paragraph of its own, that `change` is given to hide."""
    document = Document()
    document.add_heading("Gifts", 1)
    document.add_paragraph(SEEN)
    change(document, document.add_paragraph().add_run(SECRET))
    out = io.BytesIO()
    document.save(out)
    return read_document(out.getvalue(), "a.docx")


def properties(xml: str) -> Any:
    def change(document: Any, run: Any) -> None:
        for element in parse_xml(
            f"<w:rPr {W} xmlns:w14='http://schemas.microsoft.com/office/word/2010/wordml'>{xml}</w:rPr>"
        ):
            run._r.get_or_add_rPr().append(element)

    return change


def by_style(kind: WD_STYLE_TYPE) -> Any:
    def change(document: Any, run: Any) -> None:
        base = document.styles.add_style("Base", kind)
        base.font.color.rgb = RGBColor(255, 255, 255)
        style = document.styles.add_style("Derived", kind)
        style.base_style = base
        (run if kind == WD_STYLE_TYPE.CHARACTER else run._parent).style = style

    return change


def shaded_paragraph(fill: str) -> Any:
    def change(document: Any, run: Any) -> None:
        run.font.color.rgb = RGBColor(255, 255, 255)
        run._parent._p.get_or_add_pPr().append(parse_xml(f'<w:shd {W} w:val="clear" w:fill="{fill}"/>'))

    return change


def in_table(fill: str = "", style: str | None = None) -> Any:
    def change(document: Any, run: Any) -> None:
        run._parent._p.getparent().remove(run._parent._p)
        table = document.add_table(2, 2, style)
        for cell in table._cells:
            cell.text = "a"
        run = table.cell(0, 0).paragraphs[0].add_run(SECRET)
        run.font.color.rgb = RGBColor(255, 255, 255)
        if fill:
            table.cell(0, 0)._tc.get_or_add_tcPr().append(parse_xml(f'<w:shd {W} w:val="clear" w:fill="{fill}"/>'))

    return change


def tiny_by_default(document: Any, run: Any) -> None:
    document.styles.add_style("Small", WD_STYLE_TYPE.PARAGRAPH).font.size = Pt(2)
    run._parent.style = "Small"


def struck_by_style(document: Any, run: Any) -> None:
    document.styles.add_style("Gone", WD_STYLE_TYPE.CHARACTER).font.strike = True
    run.style = "Gone"


def highlighted(document: Any, run: Any) -> None:
    run.font.color.rgb = RGBColor(255, 255, 255)
    run.font.highlight_color = WD_COLOR_INDEX.BLUE


def in_row(xml: str) -> Any:
    def change(document: Any, run: Any) -> None:
        run._parent._p.getparent().remove(run._parent._p)
        table = document.add_table(3, 2)
        for cell in table._cells:
            cell.text = "a"
        table.cell(1, 1).text = SECRET
        table.rows[1]._tr.get_or_add_trPr().append(parse_xml(xml.replace("/>", f" {W}/>")))

    return change


def line_height(rule: str, twentieths: int) -> Any:
    def change(document: Any, run: Any) -> None:
        xml = f'<w:spacing {W} w:line="{twentieths}" w:lineRule="{rule}"/>'
        run._parent._p.get_or_add_pPr().append(parse_xml(xml))

    return change


@pytest.mark.parametrize(
    "change",
    [
        properties("<w:vanish/>"),
        properties("<w:specVanish/>"),
        properties("<w:webHidden/>"),
        properties('<w:color w:val="FEFEFE"/>'),
        properties('<w:color w:val="000000" w:themeColor="background1"/>'),
        properties('<w:color w:val="FAFAFA" w:themeColor="light1" w:themeShade="FA"/>'),
        properties('<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:color="auto" w:fill="auto"/>'),
        properties('<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:color="auto" w:fill="FFFFFF"/>'),
        properties('<w:color w:val="111111"/><w:highlight w:val="black"/>'),
        properties('<w:sz w:val="4"/>'),
        properties("<w:strike/>"),
        properties('<w:strike w:val="0"/><w:dstrike/>'),
        struck_by_style,
        properties("<w14:textFill><w14:noFill/></w14:textFill>"),
        properties("<w14:textFill><w14:solidFill><w14:schemeClr w14:val='bg1'/></w14:solidFill></w14:textFill>"),
        by_style(WD_STYLE_TYPE.CHARACTER),
        by_style(WD_STYLE_TYPE.PARAGRAPH),
        tiny_by_default,
        shaded_paragraph("F8F8F8"),
        in_table(),
        in_table("FFFFFF", "Light Shading Accent 1"),
        in_row("<w:hidden/>"),
        in_row('<w:trHeight w:val="1" w:hRule="exact"/>'),
        properties('<w:w w:val="1"/>'),
        line_height("exact", 20),
    ],
)
def test_word_text_that_is_hidden(change: Any) -> None:
    check(word(change), shown=False)


@pytest.mark.parametrize(
    "change",
    [
        properties('<w:vanish w:val="0"/>'),
        properties('<w:color w:val="auto"/>'),
        properties('<w:color w:val="7F7F7F" w:themeColor="background1" w:themeShade="80"/>'),
        properties('<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:color="auto" w:fill="1F3864"/>'),
        properties(
            '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:color="auto" w:fill="FFFFFF" w:themeFill="text1"/>'
        ),
        properties('<w:color w:val="FFFFFF"/><w:shd w:val="pct50" w:color="auto" w:fill="FFFFFF"/>'),
        properties('<w:color w:val="808080"/>'),
        properties('<w:sz w:val="12"/>'),
        properties('<w:strike w:val="false"/>'),
        shaded_paragraph("203040"),
        in_table("1F3864"),
        in_table(style="Light Shading Accent 1"),
        highlighted,
        in_row('<w:trHeight w:val="1" w:hRule="atLeast"/>'),
        in_row('<w:trHeight w:val="240" w:hRule="exact"/>'),
        properties('<w:w w:val="66"/>'),
        line_height("auto", 20),
        line_height("exact", 240),
    ],
)
def test_word_text_that_looks_hidden_and_is_not(change: Any) -> None:
    check(word(change), shown=True)


# Excel


def workbook(change: Any) -> Parsed:
    """Return a workbook with the secret in C3, which `change` is given to hide."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Gifts"
    for row in (["Rule", "Owner", "Note"], [SEEN, "HR", "none"], ["Invitations", "HR", SECRET]):
        sheet.append(row)
    change(sheet, sheet["C3"])
    out = io.BytesIO()
    book.save(out)
    return read_document(out.getvalue(), "a.xlsx")


def set_cell(font: Any = None, fill: str = "", number_format: str = "", value: Any = SECRET) -> Any:
    def change(sheet: Any, cell: Any) -> None:
        cell.value = value
        if font is not None:
            cell.font = font
        if fill:
            cell.fill = PatternFill("solid", fgColor=fill)
        if number_format:
            cell.number_format = number_format

    return change


def hidden_dimension(name: str, key: Any, **settings: Any) -> Any:
    def change(sheet: Any, cell: Any) -> None:
        for setting, value in settings.items():
            setattr(getattr(sheet, name)[key], setting, value)

    return change


def in_excel_table(sheet: Any, cell: Any) -> None:
    cell.font = Font(color="FFFFFFFF")
    sheet.add_table(Table(displayName="T", ref="A1:C3"))


def coloured_by_a_condition(sheet: Any, cell: Any) -> None:
    cell.font = Font(color="FFFFFFFF")
    sheet.conditional_formatting.add("C2:C3", CellIsRule("greaterThan", ["0"], fill=PatternFill("solid", "000000")))


@pytest.mark.parametrize(
    "change",
    [
        hidden_dimension("row_dimensions", 3, hidden=True),
        hidden_dimension("column_dimensions", "C", hidden=True),
        hidden_dimension("row_dimensions", 3, height=0.1),
        set_cell(Font(color="FFFFFFFF")),
        set_cell(Font(color="00FEFEFE")),
        set_cell(Font(color=Color(theme=0))),
        set_cell(Font(color=Color(indexed=1))),
        set_cell(Font(color="FF1F3864"), fill="1F3864"),
        set_cell(Font(size=1)),
        set_cell(Font(strike=True)),
        set_cell(Font(strike=True, color="FFFFFFFF"), fill="1F3864"),
        set_cell(value=CellRichText(TextBlock(InlineFont(strike=True), SECRET), "x")),
        set_cell(number_format=";;;"),
    ],
)
def test_excel_cells_that_are_hidden(change: Any) -> None:
    check(workbook(change), shown=False, place='sheet "Gifts", from ')


@pytest.mark.parametrize(
    "change",
    [
        hidden_dimension("row_dimensions", 3, hidden=True, outlineLevel=1),
        set_cell(Font(color="FFFFFFFF"), fill="1F3864"),
        set_cell(Font(color=Color(theme=0, tint=-0.5))),
        set_cell(Font(color="FFC0C0C0")),
        set_cell(Font(strike=True), value=CellRichText(TextBlock(InlineFont(b=True), SECRET))),
        set_cell(number_format="0;-0;;@"),
        set_cell(number_format=";;"),
        in_excel_table,
        coloured_by_a_condition,
    ],
)
def test_excel_cells_that_look_hidden_and_are_not(change: Any) -> None:
    check(workbook(change), shown=True)


# PowerPoint


def slide(change: Any) -> Parsed:
    """Return a slide with the secret in a text box, which `change` is given to hide."""
    presentation = Presentation()
    sheet = presentation.slides.add_slide(presentation.slide_layouts[1])
    sheet.shapes.title.text = "Gifts"
    sheet.placeholders[1].text_frame.text = SEEN
    box = sheet.shapes.add_textbox(914_400, 5_000_000, 3_000_000, 500_000)
    run = box.text_frame.paragraphs[0].add_run()
    run.text = SECRET
    change(presentation, sheet, box, run)
    out = io.BytesIO()
    presentation.save(out)
    return read_document(out.getvalue(), "a.pptx")


def moved(left: int, top: int) -> Any:
    def change(presentation: Any, sheet: Any, box: Any, run: Any) -> None:
        box.left, box.top = left, top

    return change


def in_group(left: int) -> Any:
    def change(presentation: Any, sheet: Any, box: Any, run: Any) -> None:
        sheet.shapes.add_group_shape([box]).left = left

    return change


def run_properties(xml: str, fill: str = "", background: str = "") -> Any:
    def change(presentation: Any, sheet: Any, box: Any, run: Any) -> None:
        parsed = parse_xml(f"<a:rPr {A} {xml}")
        run._r.get_or_add_rPr().attrib.update(parsed.attrib)
        for element in parsed:
            run._r.get_or_add_rPr().append(element)
        if fill or background:
            filled = box.fill if fill else sheet.background.fill
            filled.solid()
            filled.fore_color.rgb = PptxColor.from_string(fill or background)

    return change


def in_placeholder(presentation: Any, sheet: Any, box: Any, run: Any) -> None:
    box._element.getparent().remove(box._element)
    run = sheet.placeholders[1].text_frame.add_paragraph().add_run()
    run.text = SECRET
    run.font.color.rgb = PptxColor(255, 255, 255)


def over_a_shape(presentation: Any, sheet: Any, box: Any, run: Any) -> None:
    run.font.color.rgb = PptxColor(255, 255, 255)
    shape = sheet.shapes.add_shape(1, box.left, box.top, box.width, box.height)
    box._element.addprevious(shape._element)


def header_cell(presentation: Any, sheet: Any, box: Any, run: Any) -> None:
    box._element.getparent().remove(box._element)
    cell = sheet.shapes.add_table(2, 2, 0, 4_000_000, 900_000, 900_000).table.cell(0, 0)
    run = cell.text_frame.paragraphs[0].add_run()
    run.text = SECRET
    run.font.color.rgb = PptxColor(255, 255, 255)


A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
WHITE = '<a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:rPr>'


@pytest.mark.parametrize(
    "change",
    [
        moved(-4_000_000, 0),
        moved(0, 7_000_000),
        in_group(-20_000_000),
        run_properties(f">{WHITE}"),
        run_properties('><a:solidFill><a:schemeClr val="bg1"/></a:solidFill></a:rPr>'),
        run_properties("><a:noFill/></a:rPr>"),
        run_properties('sz="100"/>'),
        run_properties('strike="sngStrike"/>'),
        run_properties('strike="dblStrike"/>'),
        run_properties(f">{WHITE}", fill="FAFAFA"),
        run_properties('><a:solidFill><a:srgbClr val="1F3864"/></a:solidFill></a:rPr>', background="1F3864"),
        in_placeholder,
    ],
)
def test_slide_text_that_is_hidden(change: Any) -> None:
    check(slide(change), shown=False, place="on slide 1")


@pytest.mark.parametrize(
    "change",
    [
        moved(-1_000_000, 0),
        in_group(0),
        run_properties(f">{WHITE}", fill="1F3864"),
        run_properties(f">{WHITE}", background="1F3864"),
        run_properties(
            '><a:solidFill><a:schemeClr val="bg1"><a:lumMod val="50000"/></a:schemeClr></a:solidFill></a:rPr>'
        ),
        run_properties('sz="800"/>'),
        run_properties('strike="noStrike"/>'),
        over_a_shape,
        header_cell,
    ],
)
def test_slide_text_that_looks_hidden_and_is_not(change: Any) -> None:
    check(slide(change), shown=True)
