"""What a sentence says in figures, and whether it allows, demands or forbids: what two sentences can differ in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from assistant.text.facts import MONTH, quantities
from assistant.text.words import STOP_WORDS, stem

Bound = Literal["least", "most", ""]
Duty = Literal["permits", "requires", "forbids", "exempts", ""]

# Measure -> (what it is counted in, how many of those it is).
MEASURES: dict[str, tuple[str, Decimal]] = {
    "minute": ("minute", Decimal(1)),
    "hour": ("minute", Decimal(60)),
    "day": ("day", Decimal(1)),
    "week": ("day", Decimal(7)),
    "fortnight": ("day", Decimal(14)),
    "month": ("month", Decimal(1)),
    "quarter": ("month", Decimal(3)),
    "year": ("month", Decimal(12)),
    **{name: (name, Decimal(1)) for name in ("percent", "pound", "euro", "dollar", "kilometre", "mile", "metre")},
}
ANYTHING = "of them"  # a unit that was said before
MONTHS = MONTH.split("|")
# A day of each year; one of a certain year is when something happened.
DAY = re.compile(rf"\b(?P<day>\d{{1,2}}) (?P<month>{MONTH})\b(?P<year>,? \d{{4}}\b)?", re.IGNORECASE)
QUALIFIED = {"working", "business", "consecutive"}  # days that are not the calendar's
WORD = re.compile(r"[^\W\d_]+")
PLURAL = re.compile(r"[^\W\d_]{2,}[^\W\d_s]s")
LEAST = re.compile(
    r"\b(?:at least|minimum(?: of)?|no fewer than|(?:not|no) less than|more than|over|above|exceed\w*|from|after) $",
    re.IGNORECASE,
)
MOST = re.compile(
    r"\b(?:up to|at most|maximum(?: of)?|(?:no|not) more than|within|not exceed|under|below|less than|fewer than) $",
    re.IGNORECASE,
)
NAMES = re.compile(
    r"\b(?:section|clause|version|step|level|grade|band|tier|class|category|phase|stage|appendix|annex|table|page|room"
    r"|floor|building|form|part|chapter|article|paragraph|schedule|no|number|bay|zone|line|option|v) $",
    re.IGNORECASE,
)
PER = re.compile(
    r"(?: of [\w ]{1,20}?)?,? (?:per|an?|each|every|in (?:each|any|every|a)) (?:calendar |leave )?(?P<basis>\w+)"
)
DUTIES: dict[Duty, str] = {
    "exempts": r"need not|(?:is|are) not (?:required|obliged|necessary)|(?:do|does) not (?:need|have) to|optional"
    r"|no need",
    "forbids": r"(?:must|may|can|shall) ?not|never|(?:is|are) not (?:permitted|allowed)|not be|prohibited|forbidden"
    r"|no \w+(?: \w+)? (?:may|can|is|are)|nobody|under no circumstances",
    "requires": r"must|shall|required|obliged|mandatory|(?:has|have|needs?) to|compulsory",
    "permits": r"may|can|permitted|allowed|free to|entitled",
}
DUTY = {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in DUTIES.items()}
CLASHES = ({"permits", "forbids"}, {"requires", "exempts"}, {"requires", "forbids"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, a measure in its smallest; `basis` is the time that it holds for."""

    value: Decimal
    unit: str
    bound: Bound
    basis: str
    start: int
    end: int

    def comparable(self, other: Figure) -> bool:
        """Say whether two figures may be of the same thing."""
        opposed = {self.bound, other.bound} == {"least", "most"}
        bases = self.basis == other.basis or not self.basis or not other.basis
        same = self.unit == other.unit or ANYTHING in (self.unit, other.unit)
        return same and bases and not opposed


def figures(text: str) -> list[Figure]:
    """Return the numbers of folded text (`fold_signs`) that count something, and its days of the year."""
    found = list(DAY.finditer(text))
    dates = [_date(match) for match in found if not match["year"]]
    taken = {at for match in found for at in range(*match.span())}
    return sorted((*dates, *_counts(text, taken)), key=lambda figure: figure.start)


def _date(match: re.Match[str]) -> Figure:
    month = MONTHS.index(match["month"].casefold()) + 1
    return Figure(Decimal(100 * month + int(match["day"])), "date", "", "", *match.span())


def _counts(text: str, taken: Collection[int]) -> Iterator[Figure]:
    for start, end, number in quantities(text):
        if start in taken or NAMES.search(text, max(0, start - 20), start):
            continue
        words = WORD.findall(text[end : end + 60])[:3]
        if not words or text[end : end + 2].strip()[:1] in set(".,;:)|"):
            continue
        try:
            value = Decimal(number)
        except InvalidOperation:
            continue
        unit, factor = _unit(words)
        after = text[end : end + 80].partition(words[0])[2] if unit else ""
        basis = PER.match(after.removeprefix(f" {words[1]}") if words[0] in QUALIFIED and len(words) > 1 else after)
        before = text[max(0, start - 24) : start]
        bound: Bound = "most" if MOST.search(before) else "least" if LEAST.search(before) else ""
        if unit:
            yield Figure(value * factor, unit, bound, stem(basis["basis"]) if basis else "", start, end)


def _unit(words: list[str]) -> tuple[str, Decimal]:
    """Return what a number counts by the words behind it, empty if that is no measure and no plural."""
    if [word.casefold() for word in words[:2]] == ["of", "them"]:
        return ANYTHING, Decimal(1)
    first = stem(words[0])
    if words[0].casefold() in QUALIFIED and len(words) > 1:
        name, factor = MEASURES.get(stem(words[1]), ("", Decimal(1)))
        return (f"working {name}" if name else ""), factor
    if first in MEASURES:
        return MEASURES[first]
    plural = next((word for word in words[:2] if PLURAL.fullmatch(word) and word.casefold() not in STOP_WORDS), "")
    return stem(plural) if plural else "", Decimal(1)


def duty(text: str) -> Duty:
    """Say what a sentence does: the first that fits of exempting, forbidding, requiring and permitting."""
    return next((name for name, pattern in DUTY.items() if pattern.search(text)), "")


def clash(one: Duty, other: Duty) -> bool:
    """Say whether two duties cannot both hold."""
    return {one, other} in CLASHES
