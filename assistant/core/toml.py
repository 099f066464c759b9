"""TOML of unknown origin -> a dict; bounded, for tomllib takes a square of the time for a key of many parts."""

from __future__ import annotations

import tomllib
from typing import Any, TextIO

MAX_CHARACTERS = 16_384


def read_toml(file: TextIO) -> dict[str, Any]:
    """Parse an open file; raises ValueError for one that is no TOML or too long, OSError and RecursionError."""
    text = file.read(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it has more than {MAX_CHARACTERS:,} characters")
    return tomllib.loads(text)
