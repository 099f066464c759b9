"""Bounds of what is read of Office files, and sizes below which nothing is seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OfficeLimits:
    """Bounds of what is read of Office files, and sizes below which nothing is seen."""

    page: int = 20_000_000  # EMU, some 55 cm: no page is longer
    max_ancestors: int = 20  # a style's; a damaged file may make a circle of them
    max_depth: int = 8
    max_value: int = 100_000
    max_members: int = 10_000
    max_total: int = 400 * 2**20  # bytes, uncompressed
    max_xml: int = 120 * 2**20  # bytes of one XML part; libraries need about ten times that
    max_ratio: int = 200  # uncompressed to compressed, from _RATIO_FROM bytes on
    ratio_from: int = 2**20
    chunk: int = 2**20
    max_covers: int = 200  # of a slide; among more, any text may lie on one
    max_label: int = 80  # characters of a cell that names the rows below it
    max_rows: int = 200_000  # of a sheet
    max_columns: int = 500
    max_field: int = 2**20  # characters of one CSV field
    sample_rows: int = 50
    flat: float = 0.5  # points of a row, characters of a column: below, it is closed
    max_areas: int = 100  # of a sheet; with more of them, all of it
    max_merges: int = 50_000  # of a sheet; more are not looked at


LIMITS = OfficeLimits()
