"""What a text states in numbers, dates and duties: the only reader of them.

`quantities` finds numbers, amounts, percentages, durations, frequencies, dates and times, each with its value, unit and
span; `duties` finds what a text demands, allows, denies and limits. `numerals` finds every number whatever it is
for, the numbers of sections, lists and codes too. English only. All of it takes time in proportion to the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from assistant.core.files import PACKAGED
from assistant.text.words import stem

QuantityKind = Literal["number", "amount", "percent", "duration", "frequency", "date", "time"]


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number at [start, end), in digits where it can be read: "1,250.00" and "twenty-five" are 1250 and 25."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is counted, paid, measured or dated at [start, end).

    `value` is in digits ("1250.5"); a date's is "2025-03-31", "--03-31", "2025-03", "--04" or "monday", a time's
    "17:00". `unit` is a measure in the singular ("working day", "pound"), empty for a number of anything else, and
    `per` what it holds for: "£15 a month", "20 days per year".
    """

    kind: QuantityKind
    value: str
    unit: str
    start: int
    end: int
    per: str = ""

    @property
    def measured(self) -> tuple[str, str]:
        """The value in the smallest unit that it is comparable in, and that unit: "2 weeks" is 14 days."""
        qualifier, _, name = self.unit.rpartition(" ")
        measure = MEASURES.get(stem(name))
        if measure is None or not _is_decimal(self.value):
            return self.value, self.unit
        value = Decimal(self.value) * measure.factor
        return _digits(value), f"{qualifier} {measure.base}".strip()


@dataclass(frozen=True, slots=True)
class Duty:
    """A modal, negation or limit at [start, end), by its name in `duties.toml`: "has to" and "shall" are "must"."""

    modality: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit, and how many of its `base` it is: a week is seven days."""

    kind: QuantityKind
    unit: str
    base: str
    factor: Decimal


def _measures(kind: QuantityKind, units: str) -> dict[str, Measure]:
    """Read "unit=factor base"; a unit alone is its own base."""
    found = {}
    for unit, _, size in (entry.partition("=") for entry in units.split(";")):
        factor, _, base = size.partition(" ")
        found[stem(unit)] = Measure(kind, unit, base or unit, Decimal(factor or 1))
    return found


MEASURES: Mapping[str, Measure] = {
    **_measures("duration", "second;minute=60 second;hour=3600 second;day;week=7 day;fortnight=14 day;night;weekend"),
    **_measures("duration", "month;quarter=3 month;semester=6 month;year=12 month;decade=120 month"),
    **_measures(
        "amount", "pound;euro;dollar;pence=0.01 pound;penny=0.01 pound;cent;gbp=1 pound;eur=1 euro;usd=1 dollar"
    ),
    **_measures("percent", "percent"),
    **_measures("number", "metre;meter=1 metre;km=1000 metre;kilometre=1000 metre;kilometer=1000 metre;mile;cm;mm;kg"),
    **_measures("number", "kilogram=1 kg;gram=0.001 kg;tonne=1000 kg;litre;liter=1 litre;gb;mb;tb;kb;kwh"),
}
# Words between a number and its unit: what they make of the unit. Calendar days are days.
QUALIFIERS: Mapping[str, str] = {
    **dict.fromkeys(("working", "business"), "working "),
    **{word: f"{word} " for word in ("half", "net", "gross")},
    **dict.fromkeys("calendar consecutive full complete clear further additional".split(), ""),
}
CURRENCIES = {"£": "pound", "€": "euro", "$": "dollar", "gbp": "pound", "eur": "euro", "usd": "dollar"}
FREQUENCIES = {
    **{"daily": "day", "weekly": "week", "monthly": "month"},
    **{"quarterly": "quarter", "yearly": "year", "annually": "year"},
}
ORDINALS: Mapping[str, int] = {"first": 1, "second": 2, "third": 3, "once": 1}
SMALL: Mapping[str, int | Decimal] = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()
    )
} | {"half": Decimal("0.5"), "twice": 2, "dozen": 12, **ORDINALS}
TENS = {word: 10 * tens for tens, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
LARGE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
SHORT = {"k": 1_000, "m": 1_000_000, "bn": 1_000_000_000}  # behind an amount: "£5m"
MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()

NUMBER = r"(?:(?<![^\s(£€$])[-−–])?(?:(?<![\w.,])[.,])?\d+(?:[.,:]\d+)*"  # ".5" is no 5
NUMBER_OR_WORD = re.compile(rf"(?P<number>{NUMBER})(?P<short>(?:k|m|bn)\b)?|[a-z]+", re.IGNORECASE)
MONTH = "|".join(MONTHS)
DATE = re.compile(
    rf"""\b(?:(?P<iso>\d{{4}}-\d\d-\d\d)|(?P<slashed>\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{4}})
    |(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<month>{MONTH})\b(?:,?\s(?P<year>\d{{4}})\b)?
    |(?P<named>{MONTH})\b(?:\s(?P<on>\d{{1,2}})(?:st|nd|rd|th)?\b(?![.,:]\d|\s[a-z]{{2,}}[^\W\d_s]s\b)
        (?:,?\s(?P<year2>\d{{4}})\b)?|\s(?P<year3>\d{{4}})\b)?
    |(?P<weekday>{"|".join(DAYS)})s?)(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
TIME = re.compile(r"(\d{1,2})(?:[:.](\d\d))?(?:\s?([ap])\.?m\b\.?)?", re.IGNORECASE)
# What stands right behind a number.
BEHIND = re.compile(
    r"(?P<ordinal>(?:st|nd|rd|th)\b)|(?P<percent>\s?(?:%|per\s?cent\b))|[\s-](?P<word>[^\W\d_]+)", re.IGNORECASE
)
RATE = re.compile(r",? (?:(per)|an?|each|every|in (?:each|any|every|a)) (?:calendar |leave )?([a-z]+)", re.IGNORECASE)
EVERY = re.compile(
    rf"\b(?:(?:an?|each|every|per) (?:(working|business) |calendar )?([a-z]+)|({'|'.join(FREQUENCIES)}))\b",
    re.IGNORECASE,
)
# Before a number that is a name, or a part of one: "section 9", "sections 8 and 9", "level 3", "HR-001".
LABEL = re.compile(
    r"""(?:\b(?:section|clause|article|chapter|paragraph|para|annex|appendix|schedule|part|page|table|figure|version|v
    |step|level|grade|band|tier|class|category|phase|stage|room|floor|building|form|no|number|bay|zone|line|option|art
    |iso)s?\.?\ ?(?:\d[\d.]*\ ?(?:and|or|to|,|-|–)\ ?)?|[^\W\d_][-_.]?|\#)$""",
    re.IGNORECASE | re.VERBOSE,
)
# "4." and "2.1" where a line or a sentence begins number what follows; so does "(4)".
LISTED = re.compile(r"\d{1,3}(?:\.\d{1,3})*(?:[.)](?:\s+\S|\s*$)|(?:(?<=\.\d)|(?<=\.\d\d))\s+(?![KMGT]B\b)[A-Z])")
WINDOW = 24  # characters before a number in which what makes a name of it stands

DUTIES = PACKAGED / "duties.toml"
DUTY_PARTS = {
    "{be}": "(?:is|are|be|was|were)",
    "{not}": "(?: not|n['’]t)",
    "{count}": rf"(?= (?:[£€$]?[0-9]|(?:{'|'.join((*SMALL, *TENS, 'an?'))})\b))",
}


@cache
def read_duties(path: Path = DUTIES) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Read how duties are said: a pattern with a group for each, and their names in the same order."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["duties"]
    phrases = "|".join(rf"((?:{row['says']})\b)" for row in rows)
    for name, part in DUTY_PARTS.items():
        phrases = phrases.replace(name, part)
    return re.compile(rf"\b(?=[a-z][a-z])(?:{phrases})", re.IGNORECASE), tuple(row["name"] for row in rows)


def numbers(text: str) -> frozenset[str]:
    """Return the values of all numerals of a text: `1,250.00` and `1250`, `twenty-five` and `25` are one."""
    return frozenset(numeral.value for numeral in numerals(text))


def numerals(text: str) -> Iterator[Numeral]:
    """Yield every number in digits or words, whatever it is for: `1,250.00`, `two hundred`, `£5 million`, `3.2`."""
    value: Decimal | None = None
    start = end = 0
    tens = False
    for match in NUMBER_OR_WORD.finditer(text):
        word = (match["number"] or match.group()).casefold()
        joined = value is not None and _is_joined(text, end, match)
        if joined and value is not None and word in LARGE:
            value, tens = value * LARGE[word], False
        elif joined and value is not None and tens and 0 < SMALL.get(word, 0) < 10:
            value, tens = value + SMALL[word], False
        else:
            if value is not None:
                yield Numeral(_digits(value), start, end)
            start, tens = match.start(), word in TENS
            value = _value(match, word, text)
            if value is None and match["number"]:
                yield Numeral(_plain(word), start, match.end("number"))  # a time, a section, an extension, "1.500"
        end = match.end("number") if match["number"] and not _is_large(match, text) else match.end()
    if value is not None:
        yield Numeral(_digits(value), start, end)


def quantities(text: str) -> tuple[Quantity, ...]:
    """Return what is counted, paid, measured or dated, in order; no two overlap.

    Numbers of sections, lists, levels and codes, and ordinals ("first", "2nd"), count nothing and are left out.
    """
    found = [*_dates(text), *_every(text)]
    dates = {at for quantity in found if quantity.kind == "date" for at in range(quantity.start, quantity.end)}
    counted = (_counted(text, numeral) for numeral in numerals(text) if numeral.start not in dates)
    found += [quantity for quantity in counted if quantity]
    apart: list[Quantity] = []
    for quantity in sorted(found, key=lambda one: (one.start, -one.end)):
        if not apart or apart[-1].end <= quantity.start:
            apart.append(quantity)
    return tuple(apart)


def duties(text: str) -> tuple[Duty, ...]:
    """Return the modals, negations and limits of a text, in order; no two overlap."""
    said, names = read_duties()
    return tuple(Duty(names[(match.lastindex or 1) - 1], *match.span()) for match in said.finditer(text))


def _is_joined(text: str, end: int, match: re.Match[str]) -> bool:
    """Tell whether a word goes on with the number before it: of "thirty one-day courses" "one" does not."""
    between = text[end : match.start()]
    another = text[match.end() : match.end() + 1] == "-" and text[match.end() + 1 : match.end() + 2].isalpha()
    return between != "" and not between.strip(" \n\t\xa0-") and not another


def _is_large(match: re.Match[str], text: str) -> bool:
    """Tell "£5m" from five metres."""
    before = text[max(0, match.start() - 2) : match.start()]
    return match["short"] is not None and before.rstrip(" ").endswith(("£", "€", "$"))


def _value(match: re.Match[str], word: str, text: str) -> Decimal | None:
    if match["number"] is None:
        known = SMALL.get(word, TENS.get(word, LARGE.get(word)))
        return None if known is None else Decimal(known)
    plain = _plain(word)
    if not _is_decimal(plain):
        return None
    return Decimal(plain) * (SHORT[match["short"].casefold()] if _is_large(match, text) else 1)


def _plain(number: str) -> str:
    """Return a number without commas between thousands: "1,250.00" is "1250.00"."""
    first, *groups = number.replace("−", "-").replace("–", "-").split(",")
    thousands = (len(group) == 3 or (len(group) > 3 and not group[3].isdigit()) for group in groups)
    return first + "".join(group if whole else f",{group}" for group, whole in zip(groups, thousands, strict=True))


def _is_decimal(number: str) -> bool:
    """Tell a number that can be read in one way: "1.500" may be 1500 or 1.5."""
    whole, point, fraction = number.removeprefix("-").partition(".")
    read = whole == "0" or (whole.isdecimal() and whole[0] != "0")
    return number.isascii() and read and (not point or (fraction.isdecimal() and len(fraction) != 3))


def _digits(value: Decimal) -> str:
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _dates(text: str) -> Iterator[Quantity]:
    for match in DATE.finditer(text):
        if value := _date(text, match):
            yield Quantity("date", value, "", *match.span())


def _date(text: str, match: re.Match[str]) -> str:
    """Return a date's value; empty for a word that is no month: "march", and "May" where a sentence begins."""
    if other := match["iso"] or match["slashed"] or match["weekday"]:
        return other.casefold().removesuffix("s")
    name, day = match["month"] or match["named"], match["day"] or match["on"]
    year = match["year"] or match["year2"] or match["year3"]
    begins = name.casefold() == "may" and not text[max(0, match.start() - 2) : match.start()].strip().islower()
    if not day and not year and (name.islower() or begins):
        return ""
    month = f"{year or '-'}-{MONTHS.index(name.casefold()) + 1:02}"
    return f"{month}-{int(day):02}" if day else month


def _every(text: str) -> Iterator[Quantity]:
    """Yield how often something is done, and "a week", which is as long as it: all are one of a unit."""
    for match in EVERY.finditer(text):
        word = FREQUENCIES.get((match[3] or "").casefold()) or (match[2] or "").casefold()
        measure = MEASURES.get(stem(word))
        if measure and measure.kind == "duration" and word != "second":  # a second warning
            yield Quantity(
                "frequency", "1", QUALIFIERS.get((match[1] or "").casefold(), "") + measure.unit, *match.span()
            )


def _counted(text: str, numeral: Numeral) -> Quantity | None:
    """Return what a numeral counts, None for one that only names or orders."""
    value, start, end = numeral.value, numeral.start, numeral.end
    behind = BEHIND.match(text, end)
    if text[start:end].casefold() in ORDINALS or (behind and behind["ordinal"]):
        return None
    if (time := TIME.match(text, start)) and time.end() >= end and (time[3] or ":" in time.group()):
        return Quantity("time", _clock(time), "", start, time.end())
    if _is_name(text, start):
        return None
    sign = next((size for size in (1, 2, 3, 4) if text[start - size : start].strip(" ").casefold() in CURRENCIES), 0)
    if sign and start >= sign:
        unit = CURRENCIES[text[start - sign : start].strip(" ").casefold()]
        return _rated(text, Quantity("amount", value, unit, start - sign, end))
    if behind and behind["percent"]:
        return _rated(text, Quantity("percent", value, "percent", start, behind.end()))
    kind, unit, end = _unit(text, end)
    return _rated(text, Quantity(kind, value, unit, start, end))


def _is_name(text: str, start: int) -> bool:
    """Tell a number that is a name or numbers what follows: "section 9", "HR-001", "4." where a line begins."""
    window = max(0, start - WINDOW)
    if LABEL.search(text, window, start):
        return True
    before = text[window:start].removesuffix("(")
    above = before.rstrip(" \t\n#*")
    begins = "\n" in before[len(above) :] or above.endswith(tuple(".!?:>]|")) or (not above and not window)
    return begins and LISTED.match(text, start) is not None


def _clock(time: re.Match[str]) -> str:
    hour = int(time[1]) % 12 + 12 * (time[3] in "pP") if time[3] else int(time[1])
    return f"{hour:02}:{time[2] or '00'}"


def _unit(text: str, end: int) -> tuple[QuantityKind, str, int]:
    """Return the kind, the unit and the end of a number's unit; no unit where none is behind its qualifiers."""
    qualifier, at = "", end
    while match := BEHIND.match(text, at):
        word, at = (match["word"] or "").casefold(), match.end()
        if word not in QUALIFIERS:
            measure = MEASURES.get(stem(word))
            return (measure.kind, qualifier + measure.unit, at) if measure else ("number", "", end)
        qualifier += QUALIFIERS[word]
    return "number", "", end


def _rated(text: str, quantity: Quantity) -> Quantity:
    """Add what a quantity holds for: "£15 a month", "5 days per employee"."""
    match = RATE.match(text, quantity.end)
    measure = MEASURES.get(stem(match[2])) if match else None
    if match is None or not (match[1] or (measure and measure.kind == "duration")):
        return quantity
    return replace(quantity, per=measure.unit if measure else match[2].casefold(), end=match.end())
