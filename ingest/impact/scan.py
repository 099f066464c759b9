"""A text's words, numbers, dates, codes and addresses, in order: what `tokens.py` makes phrases of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from assistant.text.facts import quantities
from assistant.text.words import STOP_WORDS, stem
from ingest.impact.lexicon import DAYS, MONTHS, PEOPLE, PER, UNITS
from ingest.impact.records import FactKind

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
CODE = re.compile(r"\b[A-Z]{1,6}-?\d[\w-]{0,12}")  # of a policy, a level, a form: HR-001, SEV1
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
CHUNK = re.compile(r"\S+")
TRAILING = ".,;:)"  # behind an address
ENDS = re.compile(r"[.!?:;|•][\"'”’)\]]*+\s*+$")  # what a sentence or cell begins after
OPENING = "\"'“‘(*#- "  # what may stand before its first word
NEAR = 8  # characters before a word that tell whether it begins something
SHORT = re.compile(r"(bn|k|m)\b")  # behind an amount
LARGE = {"k": 1_000, "m": 1_000_000, "bn": 1_000_000_000}
CURRENCIES = {"£": "pound", "€": "euro", "$": "dollar"}
SHARE = re.compile(r"\s?(?:%|per ?cent\b)")
ORDINAL = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)  # "1st"
NOT = re.compile(r"n['’]t$", re.IGNORECASE)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Token:
    """What stands at [start, end) of a text; `same` is how it is compared, `kind` what it is a fact of, if of any.

    A number is shown with its unit, up to `shown`.
    """

    start: int
    end: int
    same: str
    kind: FactKind | None = None
    shown: int = 0

    @property
    def stop(self) -> int:
        """Where what is shown of it ends."""
        return max(self.end, self.shown)


def scan(text: str, names: Collection[str]) -> list[Token]:
    """Return the tokens of a text, none of which overlap; `names` are words that are names elsewhere."""
    found = list(_addresses(text))
    for pattern, kind in ((DATE, "date"), (CODE, "name")):
        spans = [match.span() for match in pattern.finditer(text) if _free(match.span(), found)]
        found += [Token(start, end, text[start:end], "date" if kind == "date" else "name") for start, end in spans]
    found += [_number(text, *number) for number in quantities(text) if _free(number[:2], found)]
    taken = sorted((token.start, token.end) for token in found)
    return sorted([*found, *_words(text, names, taken)], key=lambda token: token.start)


def proper_names(text: str) -> set[str]:
    """Return the words of a text that are capitalised where no sentence begins."""
    return {match.group() for match in WORD.finditer(text) if match.group()[0].isupper() and not _opens(text, match)}


def _addresses(text: str) -> Iterator[Token]:
    for chunk in CHUNK.finditer(text):
        address = chunk.group().rstrip(TRAILING)
        if "@" in address or "://" in address:
            yield Token(chunk.start(), chunk.start() + len(address), address.casefold(), "name")


def _free(span: Span, found: list[Token]) -> bool:
    return not any(span[0] < token.end and token.start < span[1] for token in found)


def _number(text: str, start: int, end: int, number: str) -> Token:
    """Make a number's token, with the sign of a currency before it, "k", "m" or "%" behind it."""
    at = start - 2 if text[start - 1 : start] == " " else start - 1
    if currency := CURRENCIES.get(text[max(at, 0) : at + 1], ""):
        if (short := SHORT.match(text, end)) and number.replace(".", "", 1).isdecimal():
            number, end = f"{(Decimal(number) * LARGE[short[1]]).normalize():f}", short.end()
        return Token(at, end, f"{number} {currency}", "amount")
    if share := SHARE.match(text, end):
        return Token(start, share.end(), f"{number} percent", "percentage")
    ordinal = ORDINAL.match(text, end)
    return Token(start, ordinal.end() if ordinal else end, number, "time" if ":" in number else "number")


def _words(text: str, names: Collection[str], taken: list[Span]) -> Iterator[Token]:
    """Yield the words between what is taken."""
    at = 0
    for match in WORD.finditer(text):
        while at < len(taken) and taken[at][1] <= match.start():
            at += 1
        if at < len(taken) and taken[at][0] < match.end():
            continue
        if contracted := NOT.search(match.group()):  # "don't" is two words
            middle = match.start() + contracted.start()
            yield Token(match.start(), middle, stem(text[match.start() : middle]))
            yield Token(middle, match.end(), "not")
        else:
            yield Token(*match.span(), *_read(text, match, names))


def _read(text: str, match: re.Match[str], names: Collection[str]) -> tuple[str, FactKind | None]:
    """Return how a word is compared, and what it is a fact of."""
    word, told = match.group(), match.group().casefold()
    if told in MONTHS and (told != "may" or (word == "May" and not _opens(text, match))):
        return told, "date"
    if told in DAYS or told.removesuffix("s") in DAYS:
        return told.removesuffix("s"), "date"
    if told in PER:
        return f"per {PER[told]}", "unit"
    root = stem(word)
    if root in PEOPLE:
        return root, "who"
    if root in UNITS:
        return root, "unit"
    acronym = word.isupper() and len(word) > 1
    named = word[0].isupper() and (word in names or not _opens(text, match)) and told not in STOP_WORDS
    return root, "name" if acronym or named else None


def _opens(text: str, match: re.Match[str]) -> bool:
    """Tell whether a sentence, line, item or cell begins with a word."""
    before = text[max(0, match.start() - NEAR) : match.start()].rsplit("\n", 1)[-1].rstrip(OPENING)
    return not before or ENDS.search(before) is not None
