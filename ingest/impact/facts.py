"""Which facts moved between what a document said and what it says.

In a cell, a definition and a short item every word is the fact: there a change counts unless it is one of spelling. In
any other sentence only numbers, dates, who, must or may, not and the like do (see `compared.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import shorten

from ingest.impact.compared import Compared, Moved
from ingest.impact.pairing import Pair
from ingest.impact.pieces import Piece, columns_of, fold
from ingest.impact.records import Fact, FactKind
from ingest.impact.sentence import GAP
from ingest.impact.spelling import Usage
from ingest.impact.tokens import COUNTED, tokenise

SECTION_NUMBER = re.compile(
    r"\s*(?:(?:section|clause|article|chapter|part)\s|§\s?)?\s*\d{1,3}(?:\.\d{1,3}){0,4}(?![\d%])", re.IGNORECASE
)

RULES: frozenset[FactKind | None] = frozenset({"obligation", "negation", "limit"})  # of sentences alone
STATES = COUNTED | RULES  # what makes a sentence that is new or gone a fact
SHORT = 8  # words of an item, or of a cell, that is no sentence
MAX_ABOVE = 100  # characters of what an item stands under
Columns = Sequence[tuple[str, str]]
DEFINES = ("definition", "meaning", "description")  # columns whose cells are no mere sentences

SECTION = re.compile(
    r"(?:(?:section|clause|article|chapter|part)\s|§\s?)?\s*(\d{1,3}(?:\.\d{1,3}){0,4})(?![\d%])", re.IGNORECASE
)


def name_of(heading: str) -> str:
    """Return a heading without its section's number: "Refunds" of "4.2 Refunds"."""
    match = SECTION.match(heading)
    return heading[match.end() if match else 0 :].strip(" .:)–-")


def facts_moved(pair: Pair, usage: Usage, source: str) -> Iterator[Fact]:
    """Yield the facts that moved from one piece to the other; from or to none, what was stated alone."""
    told = pair.told
    headings = told.place.headings
    above = told.lead if told.kind == "item" and told.lead else headings[-1] if headings else ""
    for moved in _moved(pair, usage):
        subject = moved.subject or shorten(above, MAX_ABOVE, placeholder=GAP.rstrip())
        yield Fact(moved.kind, subject, moved.old, moved.new, source, told.place, pair.was, pair.now)


def _moved(pair: Pair, usage: Usage) -> Iterator[Moved]:
    old, new = pair.old, pair.new
    if old is None or new is None:
        yield from _stated(pair, usage)
    elif fold(old.text) == fold(new.text):
        yield Moved("item", _plain(new), old.lead, new.lead)  # it stands in another list or table
    elif old.kind == new.kind == "row":
        yield from _of_row(old, new, usage)
    else:
        yield from _of_text(old, new, usage)


def _stated(pair: Pair, usage: Usage) -> Iterator[Moved]:
    """Yield what was or is stated, where it has no counterpart; a sentence without a fact is none."""
    told = pair.told
    if told.kind in ("heading", "header", "code"):
        return
    kind: FactKind = "definition" if told.term else "item" if told.kind in ("item", "row") else "statement"
    if kind != "statement" or any(token.kind in STATES for token in tokenise(told.text, usage.names)):
        yield Moved(kind, told.term, _plain(told) if pair.old else "", _plain(told) if pair.new else "")


def _plain(piece: Piece) -> str:
    return "; ".join(cell for _, cell in columns_of(piece) if cell) if piece.kind == "row" else piece.text


def _unnumbered(heading: str) -> str:
    """Return a heading without its section's number: "Refunds" of "4.2 Refunds"."""
    numbered = SECTION_NUMBER.match(heading)
    return heading[numbered.end() if numbered else 0 :].strip(" .:)–-")


def _of_text(old: Piece, new: Piece, usage: Usage) -> Iterator[Moved]:
    was, now = old.text, new.text
    if new.kind == "heading":  # its number says nothing of what stands below it
        was, now = _unnumbered(was) or was, _unnumbered(now) or now
    told = Compared(was, now, usage, titled=new.kind == "heading")
    term = new.term if fold(new.term) == fold(old.term) else ""
    found = list(told.facts())
    yield from (Moved(moved.kind, term or moved.subject, moved.old, moved.new) for moved in found)
    if not found and (term or _is_listed(old, new)) and (stretch := told.reworded()):
        yield Moved("definition", term, *stretch) if term else Moved("item", "", fold(was), fold(now))


def _is_listed(old: Piece, new: Piece) -> bool:
    """Tell an item that is one of several things from one that is a sentence."""
    both = (old, new)
    short = all(len(piece.text.split()) <= SHORT and piece.text[-1:] not in ".!?" for piece in both)
    rules = any(token.kind in RULES for piece in both for token in tokenise(piece.text))
    return old.kind == new.kind == "item" and short and not rules


def _of_row(old: Piece, new: Piece, usage: Usage) -> Iterator[Moved]:
    first, key = columns_of(new)[0]
    for name, was, now in _cells(columns_of(old), columns_of(new)):
        subject = name if name == first else ", ".join(filter(None, dict.fromkeys((key, name))))
        if fold(was) != fold(now):
            yield from _of_cell(subject, name, was, now, usage)


def _of_cell(subject: str, column: str, was: str, now: str, usage: Usage) -> Iterator[Moved]:
    """Yield what moved in a cell: of a short one the cell itself, of a sentence its facts."""
    told = Compared(was, now, usage)
    found = list(told.facts())
    if not was or not now or max(len(was.split()), len(now.split())) <= SHORT:
        if found or told.reworded():
            yield Moved(found[0].kind if found else "cell", subject, was, now)
        return
    yield from (Moved(moved.kind, subject, moved.old, moved.new) for moved in found)
    if not found and column.casefold() in DEFINES and (stretch := told.reworded()):
        yield Moved("definition", subject, *stretch)


def _cells(old: Columns, new: Columns) -> Iterator[tuple[str, str, str]]:
    """Yield (column, old cell, new cell): by the columns' names if columns came, went or moved, else by place."""
    before, after = dict(old), dict(new)
    named = all(before) and all(after) and len(before) == len(old) and len(after) == len(new)
    if named and (len(old) != len(new) or before.keys() == after.keys()):
        yield from ((name, before.get(name, ""), after.get(name, "")) for name in {**after, **before})
    else:
        for (_, was), (name, now) in zip_longest(old, new, fillvalue=("", "")):
            yield name, was, now
