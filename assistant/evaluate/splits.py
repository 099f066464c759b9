"""Splits question sets in two halves by their (first) document: one to develop on, one to report."""

from __future__ import annotations

import hashlib
from enum import StrEnum


class Split(StrEnum):
    """Which half of a question set is meant, or all of it."""

    DEV = "dev"
    TEST = "test"
    ALL = "all"


def split_of(document: str) -> Split:
    """Return the half that a document's questions belong to: `dev` if the SHA-256 of its name is even, else `test`."""
    return Split.TEST if hashlib.sha256(document.encode("utf-8", "replace")).digest()[-1] & 1 else Split.DEV
