"""Bounds of what is read of scans, and the measures of ink by which a page is understood."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Bounds of what is read of scans, and the measures of ink by which a page is understood."""

    dark: int = 200  # of 255: what may be part of a ruled line, thin or blurred as that may be
    whole: float = 0.9  # of a line's pixels that are dark, at least: scans have specks
    thick: float = 4.0  # points; what is thicker is a filled area, whose edges are lines
    max_runs: int = 50_000  # of dark pixels in a row; a page with more is a picture
    cap: float = 0.72  # heights of a capital and of an x, as shares of the size: those of Helvetica
    x: float = 0.523  # heights of a capital and of an x, as shares of the size: those of Helvetica
    body: float = 0.5  # of the rows with most ink, the share that a row between base line and x has
    top: float = 0.4  # of the letters that rise to there, the share whose ink the row of their tops has
    least_size: int = 4  # pixels
    inked: float = 0.5  # from which darkness a pixel is of a letter, and of its edge
    shaded: float = 0.35  # from which darkness a pixel is of a letter, and of its edge
    space: float = 0.35
    least_space: float = 0.2
    near_space: float = 0.65
    lost: float = 0.6
    before: float = 3.0  # how far from its line a list's mark is looked for, and from what stands before it
    alone: float = 0.5  # how far from its line a list's mark is looked for, and from what stands before it
    full: float = 0.6  # of its bounds that a mark fills with ink
    one: float = 0.12  # how much farther a 1 stands from its neighbours
    # pixels of the longer side in which lines are looked for; they are read in all pixels that there are
    side: int = 1_280
    threads: int = 4  # at most: each reserves 70 MB of the address space that the parsers' process may have
    tall: float = 1.5  # a line that is so much higher than wide is taken to stand on its head, or is a single digit
    crossing: float = 0.3  # lines over a gap between columns, as a share of those beside it, at most
    step: float = 6.0  # points between places at which a gap is looked for
    same: float = 0.5  # of the size, between the base lines of what stands side by side
    max_depth: int = 4  # columns are halved so often
    max_pixels: int = 64_000_000  # of a page: A4 at 600 dots an inch has 35, A3 nearly 70 at that
    pictures_side: int = 3_600  # pixels of the longer side that are kept: A4 at 300 dots an inch
    least: int = 100  # dots an inch that a scanner makes; others say nothing of a page's size
    most: int = 1_200  # dots an inch that a scanner makes; others say nothing of a page's size
    page_points: float = 842.0  # the longer side of a page whose size is not known
    points_a_pixel: float = 72 / 200  # a pixel, of what is drawn to be read
    sure: float = 0.96  # of a page; below, it is flagged (docs/log/measurements.md)
    legible: float = 0.5  # of a line, and of a page; below, it is left out: letters are seen in pictures, too
    upright: float = 0.85  # confidence below which a page may stand on its head
    bold: float = 1.28  # strokes of bold type, as a multiple of the usual ones
    alike: float = 0.055  # how much sizes differ that are one
    fine: int = 1_400  # pixels of the longer side from which half of them tell how a picture lies


LIMITS = ScanLimits()
