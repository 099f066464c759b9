"""A sentence as tokens: its numbers with their units, dates, modals, negations, limits, people and names, and the rest.

Each has one spelling by which it is compared, so that `£1,000` and `£1000`, `must` and `has to`, `10 days` and
`ten days` are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

from assistant.text.words import STOP_WORDS
from ingest.impact.lexicon import COMPARING, EVERY, LONGEST, MEASURES, MONTHS, PHRASES, REFERS, TIMES, UNITS
from ingest.impact.records import FactKind
from ingest.impact.scan import Token, scan

COUNTED: frozenset[FactKind | None] = frozenset({"number", "amount", "percentage", "duration", "date", "time"})
NEAR = 3  # words behind a number among which its unit is
JOINS = " -\xa0"  # what parts a number from its unit
DATES = (("day", "month", "year"), ("month", "day", "year"), ("day", "month"), ("month", "day"), ("month", "year"))
WHOLE = {"n't": "not", "ca": "can", "wo": "will", "sha": "shall"}  # the parts of contractions


def tokenise(text: str, names: Collection[str] = ()) -> list[Token]:
    """Return the tokens of a text; `names` are words that are names elsewhere in its document."""
    return _phrased(text, _dated(text, _counted(text, _often(text, scan(text, names)))))


def _often(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Join a unit with what says how often: "a month", "every month" and "monthly" are one."""
    found: list[Token] = []
    for token in tokens:
        if token.kind == "unit" and found and text[found[-1].start : found[-1].end].casefold() in EVERY:
            found[-1] = replace(token, start=found[-1].start, same=f"per {token.same}")
            continue
        if token.kind == "unit" and found and found[-1].same in MEASURES:
            found[-1] = replace(found[-1], kind="unit")  # "working days"
        found.append(token)
    return found


def _counted(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Give numbers their units: "5 working days" is one thing, of which the words alone are no fact."""
    found = list(tokens)
    for at, token in enumerate(tokens):
        if token.kind == "number":
            if at and tokens[at - 1].same in REFERS:  # "section 9" counts nothing
                found[at] = replace(token, kind=None)
            else:
                _with_unit(text, found, at)
    return found


def _with_unit(text: str, found: list[Token], at: int) -> None:
    """Join a number with the unit among the words behind it, or show it with the one thing that it counts."""
    number, behind = found[at], _behind(text, found, at)
    unit = next((place for place, word in enumerate(behind) if word.same in UNITS), None)
    if unit is not None:
        measures = [word.same for word in behind[:unit] if word.same in MEASURES]
        same = " ".join((number.same, *measures, behind[unit].same))
        kind: FactKind = "duration" if behind[unit].same in TIMES else "number"
        found[at] = replace(number, same=same, kind=kind, shown=behind[unit].end)
        for place in range(at + 1, at + 2 + unit):
            found[place] = replace(found[place], kind=None)
    elif behind and behind[0].kind in (None, "who"):
        found[at] = replace(number, shown=behind[0].end)


def _behind(text: str, found: Sequence[Token], at: int) -> list[Token]:
    """Return the words right behind a number, up to a little word or another number."""
    words: list[Token] = []
    for one, other in pairwise(found[at : at + 1 + NEAR]):
        little = text[other.start : other.end].casefold() in STOP_WORDS
        if text[one.end : other.start].strip(JOINS) or little or other.kind in COUNTED:
            break
        words.append(other)
    return words


def _dated(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Join the day, the month and the year of a date."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        size = _date_at(text, tokens, at)
        if size > 1:
            parts = tokens[at : at + size]
            told = sorted((part.same for part in parts), key=lambda part: (part.isdecimal(), len(part), part))
            found.append(Token(parts[0].start, parts[-1].end, " ".join(told), "date"))
        else:
            found.append(tokens[at])
        at += size
    return found


def _date_at(text: str, tokens: Sequence[Token], at: int) -> int:
    """Return how many tokens from `at` on are one date: "31 March 2025", "March 31st, 2025", "1st of April"."""
    some = tokens[at : at + 3]
    parts = tuple(map(_part, some))
    near = [not text[one.end : other.start].strip(" ,") for one, other in pairwise(some)]
    sizes = (len(form) for form in DATES if parts[: len(form)] == form and all(near[: len(form) - 1]))
    return next(sizes, 1)


def _part(token: Token) -> str:
    if token.kind == "date" and token.same in MONTHS:
        return "month"
    if token.kind in ("number", None) and token.same.isdecimal():
        return "day" if 1 <= int(token.same) <= 31 else "year" if 1900 <= int(token.same) <= 2199 else ""
    return ""


def _phrased(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Find modals, negations and limits, the longest phrase first: "may not" before "may"."""
    told = (text[token.start : token.end].casefold().replace("’", "'") for token in tokens)
    words = [WHOLE.get(word, word) for word in told]
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        size = next((n for n in range(min(LONGEST, len(words) - at), 0, -1) if tuple(words[at : at + n]) in PHRASES), 0)
        compares = words[at] in COMPARING and at + 1 < len(tokens) and tokens[at + 1].kind in COUNTED
        if size and not (size == 1 and tokens[at].kind in COUNTED):
            kind, name = PHRASES[tuple(words[at : at + size])]
            found.append(Token(tokens[at].start, tokens[at + size - 1].end, name, kind))
        elif compares:
            found.append(replace(tokens[at], same=COMPARING[words[at]], kind="limit"))
        else:
            found.append(tokens[at])
        at += max(size, 1)
    return found
