"""Build the sample company's PDF, DOCX, PPTX and XLSX files from text sources.

    python corpora/.sources/build.py               # every source
    python corpora/.sources/build.py people        # one source folder

A source is ``corpora/.sources/FOLDER/NAME.md`` whose front matter names its result
(``output: hr/sickness.docx``); the ending picks the format.  Title, policy id, version,
effective date, owner and classification come from the result's entry in ``corpora/access.toml``
and from the front matter, the entry winning.
Sheets come from the CSV files listed in ``SHEETS``.  A second run gives the same bytes.
In slides, a block quote becomes the speaker's notes.

Needs: fpdf2, python-docx, python-pptx, openpyxl, markdown-it-py, PyYAML.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import docx
import docx.document
import openpyxl
import pptx
import yaml
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from openpyxl.styles import Alignment, Font
from pptx.util import Inches
from pptx.util import Pt as SlidePt

SOURCES = Path(__file__).resolve().parent
CORPORA = SOURCES.parent
COMPANY = "Tarnwell Instruments plc"
SHEETS = {"operations/glossary.csv": ("glossary.xlsx", "Glossary")}
FIXED = datetime(2025, 1, 1, 9, 0, tzinfo=UTC)

Node = SyntaxTreeNode
Meta = dict[str, Any]


class Run(NamedTuple):
    """A stretch of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False


def read_source(path: Path) -> tuple[Meta, Node]:
    """The source's metadata (its entry in access.toml over front matter) and its parsed body."""
    _, front, body = re.split(r"^---\s*$", path.read_text(encoding="utf-8"), maxsplit=2, flags=re.MULTILINE)
    meta: Meta = yaml.safe_load(front)
    manifest = tomllib.loads((CORPORA / "access.toml").read_text(encoding="utf-8"))
    for entry in manifest["documents"]:
        if entry["path"] == meta["output"]:
            meta |= {key: value for key, value in entry.items() if key != "path"}
    return meta, Node(MarkdownIt("commonmark").enable("table").parse(body))


def runs(node: Node, bold: bool = False, italic: bool = False) -> list[Run]:
    """The styled text of a node, line breaks as spaces."""
    if node.type in ("text", "code_inline"):
        return [Run(node.content, bold, italic)]
    if node.type in ("softbreak", "hardbreak"):
        return [Run(" ", bold, italic)]
    bold, italic = bold or node.type == "strong", italic or node.type == "em"
    return [run for child in node.children for run in runs(child, bold, italic)]


def plain(node: Node) -> str:
    """The text of a node without its style."""
    return "".join(run.text for run in runs(node))


def rows(table: Node) -> list[list[str]]:
    """The cells of a table, heading row first."""
    return [[plain(cell) for cell in row.children] for part in table.children for row in part.children]


def level(heading: Node) -> int:
    """2 for '##'."""
    return int(heading.tag[1:])


def moment(meta: Meta) -> datetime:
    """The fixed date that goes into the file: the day the document took effect."""
    effective = meta.get("effective")
    return datetime.fromisoformat(f"{effective}T09:00:00+00:00") if effective else FIXED


def facts(meta: Meta) -> str:
    """The line under the title."""
    parts = [str(meta.get("policy_id", "")), f"Version {meta.get('version', '1.0')}"]
    if "effective" in meta:
        parts.append(f"Effective {meta['effective']}")
    parts += [f"Owner: {meta['owner']}"] if "owner" in meta else []
    return " | ".join(part for part in parts if part)


def freeze(data: bytes, when: datetime) -> bytes:
    """The same Office file with fixed dates inside and on its zip entries."""
    stamp = when.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(name, date_time=(2025, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return result.getvalue()


# --- PDF ---------------------------------------------------------------------------------


class Pages(FPDF):
    """A4 pages with a running header and numbered footer."""

    def __init__(self, meta: Meta) -> None:
        super().__init__(format="A4")
        self.meta = meta
        self.set_margins(22, 20, 22)
        self.set_auto_page_break(True, margin=22)

    def header(self) -> None:
        self.set_font("Helvetica", "", 8)
        self.set_text_color(110)
        self.cell(0, 5, f"{self.meta['title']} ({self.meta.get('policy_id', '')})", align="R")
        self.ln(10)
        self.set_text_color(0)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("Helvetica", "", 8)
        self.set_text_color(110)
        label = f"{COMPANY} - {self.meta.get('classification', 'Internal')}"
        self.cell(0, 5, f"{label} - Page {self.page_no()} of {{nb}}", align="C")
        self.set_text_color(0)


def build_pdf(meta: Meta, root: Node) -> bytes:
    """Headings in larger bold type, paragraphs, lists and ruled tables."""
    pdf = Pages(meta)
    pdf.set_creation_date(moment(meta))
    pdf.set_title(meta["title"])
    pdf.set_author(COMPANY)
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 22)
    pdf.multi_cell(0, 10, meta["title"], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.set_font("Helvetica", "", 9)
    pdf.multi_cell(0, 6, facts(meta), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(4)
    for node in root.children:
        pdf_block(pdf, node)
    return bytes(pdf.output())


def pdf_text(pdf: FPDF, node: Node, prefix: str = "", base: str = "") -> None:
    """One paragraph; a prefix (bullet or number) hangs in the margin."""
    edge = pdf.l_margin
    if prefix:
        pdf.set_font("Helvetica", "", 10.5)
        pdf.write(5.4, prefix)
        pdf.set_left_margin(edge + 7)
        pdf.set_x(edge + 7)
    for run in runs(node):
        style = base + ("B" if run.bold else "") + ("I" if run.italic else "")
        pdf.set_font("Helvetica", "".join(sorted(set(style))), 10.5)
        pdf.write(5.4, run.text)
    pdf.set_left_margin(edge)
    pdf.ln(5.4)


def pdf_list(pdf: FPDF, node: Node) -> None:
    edge, ordered = pdf.l_margin, node.type == "ordered_list"
    pdf.set_left_margin(edge + 4)
    for number, item in enumerate(node.children, start=1):
        prefix = f"{number}." if ordered else "\xb7" if edge > 24 else "\x95"
        for child in item.children:
            if child.type.endswith("_list"):
                pdf.set_left_margin(edge + 11)
                pdf_list(pdf, child)
                pdf.set_left_margin(edge + 4)
            else:
                indent = edge + (4 if prefix else 11)
                pdf.set_left_margin(indent)
                pdf.set_x(indent)
                pdf_text(pdf, child, prefix)
                pdf.set_left_margin(edge + 4)
                prefix = ""
        pdf.ln(1)
    pdf.set_left_margin(edge)
    pdf.set_x(edge)


def column_widths(pdf: FPDF, cells: list[list[str]]) -> tuple[float, ...]:
    """Room for the longest word of each column; the rest is shared by length of text."""
    columns = list(zip(*cells, strict=True))
    need = [6 + max(map(pdf.get_string_width, " ".join(column).split())) for column in columns]
    share = [min(max(map(len, column)), 45) for column in columns]
    spare = (pdf.epw - sum(need)) / sum(share)
    return tuple(least + spare * part for least, part in zip(need, share, strict=True))


def pdf_block(pdf: FPDF, node: Node) -> None:
    if node.type == "heading":
        size = {1: 18, 2: 15, 3: 12}.get(level(node), 11)
        if pdf.will_page_break(size + 14):
            pdf.add_page()
        pdf.ln(4 if level(node) < 3 else 2)
        pdf.start_section(plain(node), level=0)
        pdf.set_font("Helvetica", "B", size)
        pdf.multi_cell(0, size * 0.5, plain(node), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        pdf.ln(2)
    elif node.type.endswith("_list"):
        pdf_list(pdf, node)
        pdf.ln(2)
    elif node.type == "table":
        cells = rows(node)
        pdf.set_font("Helvetica", "", 9.5)
        widths = column_widths(pdf, cells)
        bold = FontFace(emphasis="BOLD", fill_color=(225, 232, 238))
        with pdf.table(
            cells,
            col_widths=widths,
            text_align="LEFT",
            headings_style=bold,
            line_height=5.2,
            padding=1,
        ):
            pass
        pdf.ln(4)
    elif node.type == "blockquote":
        for child in node.children:
            pdf_text(pdf, child, base="I")
        pdf.ln(2.5)
    elif node.type == "paragraph":
        pdf_text(pdf, node)
        pdf.ln(2.5)


# --- DOCX --------------------------------------------------------------------------------


def build_docx(meta: Meta, root: Node) -> bytes:
    """Heading styles, List Bullet and List Number paragraphs, gridded tables."""
    document = docx.Document()
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(11)
    stamp_core(document.core_properties, meta)
    section = document.sections[0]
    section.header.paragraphs[0].text = f"{COMPANY} - {meta.get('classification', 'Internal')}"
    section.footer.paragraphs[0].text = f"{meta.get('policy_id', '')} {meta['title']}".strip()
    document.add_heading(meta["title"], level=0)
    document.add_paragraph(facts(meta))
    for node in root.children:
        docx_block(document, node)
    result = io.BytesIO()
    document.save(result)
    return freeze(result.getvalue(), moment(meta))


def docx_block(document: docx.document.Document, node: Node) -> None:
    if node.type == "heading":
        document.add_heading(plain(node), level=max(level(node) - 1, 1))
    elif node.type.endswith("_list"):
        docx_list(document, node, 1)
    elif node.type == "table":
        cells = rows(node)
        table = document.add_table(rows=0, cols=len(cells[0]), style="Table Grid")
        for index, row in enumerate(cells):
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.paragraphs[0].add_run(text).bold = index == 0
        document.add_paragraph()
    elif node.type == "blockquote":
        for child in node.children:
            docx_runs(document.add_paragraph(style="Intense Quote"), child)
    elif node.type == "paragraph":
        docx_runs(document.add_paragraph(), node)


def docx_runs(paragraph: Any, node: Node) -> None:
    for run in runs(node):
        part = paragraph.add_run(run.text)
        part.bold, part.italic = run.bold or None, run.italic or None


def docx_list(document: docx.document.Document, node: Node, depth: int) -> None:
    ordered = node.type == "ordered_list"
    style = ("List Number" if ordered else "List Bullet") + (f" {min(depth, 3)}" if depth > 1 else "")
    number = restart(document, style) if ordered else None
    for item in node.children:
        first = True
        for child in item.children:
            if child.type.endswith("_list"):
                docx_list(document, child, depth + 1)
                continue
            paragraph = document.add_paragraph(style=style if first else "List Continue")
            docx_runs(paragraph, child)
            if number is not None and first:
                properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
                properties.get_or_add_ilvl().val = 0
                properties.get_or_add_numId().val = number
            first = False


def restart(document: docx.document.Document, style: str) -> int:
    """A new numbering instance of a list style, so that each list starts at 1."""
    numbering = document.part.numbering_part.element
    styled = document.styles[style].element.pPr.numPr.numId.val
    abstract = numbering.num_having_numId(styled).abstractNumId.val
    instance = numbering.add_num(abstract)
    override, start = OxmlElement("w:lvlOverride"), OxmlElement("w:startOverride")
    override.set(qn("w:ilvl"), "0")
    start.set(qn("w:val"), "1")
    override.append(start)
    instance.append(override)
    return int(instance.numId)


def stamp_core(core: Any, meta: Meta) -> None:
    """Title, author and fixed dates of a DOCX or PPTX."""
    core.title, core.author, core.last_modified_by = meta["title"], COMPANY, COMPANY
    core.comments, core.subject = "", str(meta.get("policy_id", ""))
    core.created = core.modified = moment(meta).replace(tzinfo=None)
    core.revision = 1


# --- PPTX --------------------------------------------------------------------------------


def build_pptx(meta: Meta, root: Node) -> bytes:
    """A title slide, then one slide for each '## ' heading."""
    deck = pptx.Presentation()
    stamp_core(deck.core_properties, meta)
    opening = deck.slides.add_slide(deck.slide_layouts[0])
    opening.shapes.title.text = meta["title"]
    opening.placeholders[1].text = f"{COMPANY}\n{facts(meta)}"
    slide: Any = None
    for node in root.children:
        if node.type == "heading" and level(node) <= 2:
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            slide.shapes.title.text = plain(node)
            filled = False
        elif slide is None:
            raise ValueError(f"{meta['output']}: text before the first slide heading")
        elif node.type == "table":
            slide_table(slide, rows(node), filled)
        elif node.type == "blockquote":
            slide.notes_slide.notes_text_frame.text = "\n".join(plain(child) for child in node.children)
        else:
            frame = slide.placeholders[1].text_frame
            for text, depth in lines(node):
                paragraph = frame.add_paragraph() if filled else frame.paragraphs[0]
                paragraph.text, paragraph.level = text, depth
                paragraph.font.size = SlidePt(20 if depth == 0 else 17)
                filled = True
    result = io.BytesIO()
    deck.save(result)
    return freeze(result.getvalue(), moment(meta))


def lines(node: Node, depth: int = 0) -> Iterator[tuple[str, int]]:
    """The paragraphs and list items of a node, with their depth."""
    if not node.type.endswith("_list"):
        yield plain(node), depth
        return
    for number, item in enumerate(node.children, start=1):
        prefix = f"{number}. " if node.type == "ordered_list" else ""
        for child in item.children:
            if child.type.endswith("_list"):
                yield from lines(child, depth + 1)
            else:
                yield prefix + plain(child), depth
                prefix = ""


def slide_table(slide: Any, cells: list[list[str]], below: bool) -> None:
    body = slide.placeholders[1]
    left, width = body.left, body.width
    top = Inches(4.2) if below else Inches(1.7)
    if below:
        body.left, body.top, body.width, body.height = left, Inches(1.6), width, Inches(2.5)
    else:
        body._element.getparent().remove(body._element)
    size = Inches(0.42 * len(cells))
    table = slide.shapes.add_table(len(cells), len(cells[0]), left, top, width, size).table
    for y, row in enumerate(cells):
        for x, text in enumerate(row):
            table.cell(y, x).text = text
            table.cell(y, x).text_frame.paragraphs[0].font.size = SlidePt(15)


# --- XLSX --------------------------------------------------------------------------------


def build_xlsx(source: Path, sheet: str) -> bytes:
    """One sheet with a frozen bold heading row."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    with source.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    for row in table:
        page.append(row)
    for cell in page[1]:
        cell.font = Font(bold=True)
    for column in page.columns:
        longest = max(len(str(cell.value or "")) for cell in column)
        page.column_dimensions[column[0].column_letter].width = min(longest + 2, 70)
        for cell in column:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    page.freeze_panes = "A2"
    book.properties.creator = COMPANY
    result = io.BytesIO()
    book.save(result)
    return freeze(result.getvalue(), FIXED)


# -----------------------------------------------------------------------------------------

BUILDERS = {".pdf": build_pdf, ".docx": build_docx, ".pptx": build_pptx}


def write(output: str, data: bytes) -> None:
    path = CORPORA / output
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    sys.stdout.write(f"{output}: {len(data):,} bytes\n")


def main(folders: list[str]) -> None:
    for source in sorted(SOURCES.glob("*/*.md")):
        if not folders or source.relative_to(SOURCES).parts[0] in folders:
            meta, root = read_source(source)
            write(meta["output"], BUILDERS[Path(meta["output"]).suffix](meta, root))
    for name, (output, sheet) in SHEETS.items():
        source = SOURCES / name
        if source.exists() and (not folders or source.parent.name in folders):
            write(output, build_xlsx(source, sheet))


if __name__ == "__main__":
    main(sys.argv[1:])
