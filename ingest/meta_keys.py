"""The keys of metadata, and which of them another key was meant to be: a slip must not open a document."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import fields

from assistant.core.records import Meta

KEYS = ("title", *(f.name for f in fields(Meta)))
GOVERNING = ("audience", "effective", "expires", "supersedes")  # decide who may see a document, and when
_STEMS = {"audien": "audience", "effectiv": "effective", "expir": "expires"}  # `expiry`, `target_audience`
# What other systems call it: such a key is reported, not obeyed, since its values are theirs.
_RESTRICTING = frozenset(
    """access accesscontrol accesslevel accessrights accessto acl allowed allowedgroups allowedroles clearance
    confidential confidentiality groups internal internalonly permission permissions private readableby readers
    restricted restrictedto restriction roles secrecy sensitivity sharedwith viewers visibility visibleto""".split()
)
_SLIPS = 2  # letters of a governing key that may be wrong, missing, added or swapped
_WORD = re.compile(r"[^\W_]+?(?=[\W_]|(?<=[a-z])[A-Z]|$)")


def meant(key: str) -> str | None:
    """Return the governing key that a key is another spelling or a near miss of; None for one that means itself."""
    if key in KEYS or len(key) > 100:
        return None
    folded = fold_key(key)
    if any(char.isascii() for char in folded):
        for name in GOVERNING:
            if abs(len(folded) - len(name)) <= _SLIPS and distance(folded, name) <= _SLIPS:
                return name
    words = [word.casefold() for word in _WORD.findall(_bare(key))]
    return next((name for stem, name in _STEMS.items() if any(word.startswith(stem) for word in words)), None)


def restricting(keys: Iterable[str]) -> list[str]:
    """Return the keys that restrict a document in other systems, and nothing here; at most three."""
    return [key[:80] for key in keys if fold_key(key) in _RESTRICTING][:3]


def fold_key(text: str) -> str:
    """Reduce a text to its letters and digits: case, width, accents, white space and what nobody sees do not count."""
    return "".join(char for char in _bare(text).casefold() if char.isalnum())


def distance(text: str, name: str) -> int:
    """Count the letters that are wrong, missing, added or swapped; one of another script may look like any."""
    rows = [list(range(len(name) + 1))]
    for at, char in enumerate(text):
        row = [at + 1]
        for column, other in enumerate(name):
            wrong = rows[-1][column] + (char != other and char.isascii())
            row.append(min(wrong, rows[-1][column + 1] + 1, row[column] + 1))
            if at and column and (text[at - 1], char) == (other, name[column - 1]):
                row[-1] = min(row[-1], rows[-2][column - 1] + 1)
        rows = [rows[-1], row]
    return rows[-1][-1]


def _bare(text: str) -> str:
    marks = ("Mn", "Me", "Cf", "Cc")
    return "".join(char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) not in marks)
