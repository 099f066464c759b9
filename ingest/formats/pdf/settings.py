"""Bounds of what is read of PDFs, and the measures of type by which a page is understood."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """Bounds of what is read of PDFs, and the measures of type by which a page is understood."""

    title_pages: int = 3  # pages on which a title is looked for
    heading_characters: int = 200
    heading_lines: int = 4
    bold_heading_characters: int = 100
    gap: float = 1.2  # how much wider than usual a gap between paragraphs is
    larger: float = 1.1  # how much larger than the body a heading is set
    margin: float = 0.12  # share of the page's height at its top and bottom where headers and footers stand
    touching: float = 0.2  # of the size, between words that no space divides
    edge_lines: int = 3  # lines looked at there
    max_page_characters: int = 500_000
    max_paths: int = 20_000  # of a page; drawings have more, tables do not
    min_size: float = 1.5  # points
    white: int = 245  # of 255, in every channel
    opaque: int = 250  # of 255
    max_notes: int = 1_000  # of a page
    scan_share: float = 0.5  # of the page that an image must cover to be a scan
    stamp: int = 12  # words at most that a program sets over a scan: a page number, its own name
    told_more: int = 3  # times as many words as those, from which OCR has read more than the stamp
    max_side: int = 3_600  # pixels of a page that is drawn to be read
    max_stream: int = 256 * 2**20  # bytes, unpacked; a page scanned in colour at 600 dpi has 100 MB
    max_depth: int = 4  # streams compressed in streams
    chunk: int = 2**14  # packed bytes unpacked at once, a thousandfold at worst
    touch: float = 2.5  # points between lines that meet
    max_rules: int = 4_000  # of a page; a table has fewer
    max_columns: int = 60
    max_rows: int = 400
    max_pairs: int = 5_000_000  # of covers and words of a page; among more, any word may lie under one
    even: int = 12  # of 255, between the lightest and the darkest pixel where nothing is written
    samples: int = 100  # pixels of a word looked at in each direction
    alike: int = 20  # of 255, in every channel


LIMITS = PdfLimits()
