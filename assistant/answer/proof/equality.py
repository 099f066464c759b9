"""A statement is proved when it is its quote, under its heading and lead-in.

Equal but for white space, list marks, emphasis, the shape of quotation marks, and a table's row said in words. Nothing
else is folded: each spelling that was once taken for another ("per" for "a", "may" for "can", a range for a list, a
number for its words) let false statements pass.
"""

from __future__ import annotations

import re

from assistant.answer.verbalizations import BULLET, opening, verbalizations
from assistant.core.records import Citation
from assistant.text.canonical import last_heading
from assistant.text.prompts import without_keys

EMPHASIS = re.compile(r"(?<!\w)(\*\*|`)(?=\S)([^\n]{1,200}?)(?<=\S)\1(?!\w)")
QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‚‛‹›", "'"))  # 24" stays inches


def canonical_statement(text: str) -> str:
    """Return a text in the one spelling in which statements and quotes are compared."""
    unmarked = EMPHASIS.sub(r"\2", BULLET.sub("", without_keys(text)))
    return " ".join(unmarked.translate(QUOTATION_MARKS).split())


def is_its_quote(statement: str, quote: str, heading: str = "") -> bool:
    """Tell whether a statement is its quote, said in one of the ways that code says it, with its heading or without."""
    said = canonical_statement(statement)
    openings = {"", opening(heading)} if heading else {""}
    return any(said == canonical_statement(first + way) for way in verbalizations(quote) for first in openings)


def is_proved(citation: Citation) -> bool:
    """Tell whether a citation's statement is its quote, or its quote under the heading above it."""
    return is_its_quote(citation.claim, citation.quote, last_heading(citation.title, citation.headings))
