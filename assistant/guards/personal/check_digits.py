"""Numbers with a check digit: IBAN, payment cards, national numbers; python-stdnum knows the sums."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.guards import Span

LABEL_REACH_CHARACTERS = 48  # before a number, in which the word that says what it is may stand
CARD_DIGITS = range(12, 20)
IBAN_SIGNS = 15  # the fewest (ISO 13616)

# What every national number holds: without it none of their patterns is tried.
_WORTH = re.compile(r"\d(?:[ ./-]?\d){5}|[A-Z]{3}\d{4}|[A-Z]{5}\d", re.IGNORECASE)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}[^\w\n]?\d{2}(?:(?:[^\w\n]|_){0,2}\n?[A-Z0-9]){11,30}", re.IGNORECASE)
_CARD = re.compile(r"(?<!\w)(?<!\d[.,])\d(?:[ -]?\d){11,18}(?!\w)")
# Printed on a card in groups: whatever parts those is no part of another number.
_BREAK = r"(?:[^\w|]|_){1,3}"
_GROUPED = re.compile(
    rf"(?<!\w)(?<!\d[.,])(?:\d{{4}}(?:{_BREAK}\d{{4}}){{3}}(?:{_BREAK}\d{{3}})?|\d{{4}}{_BREAK}\d{{6}}{_BREAK}\d{{4,5}}"
    r"|\d(?:[^\w\n|]\d){14,15})(?!\w)"
)
# How the issuers of payment cards begin their numbers (ISO/IEC 7812).
_ISSUER = re.compile(r"4|5[0-8]|6|3[04-9]|2[2-7]|2131|1800")


@dataclass(frozen=True, slots=True)
class NationalNumber:
    """How a kind of number is written, the module that checks it, and the words that must stand before it, if any."""

    kind: str
    pattern: re.Pattern[str]
    module: str
    label: re.Pattern[str] | None = None


def _number(kind: str, pattern: str, module: str, label: str = "") -> NationalNumber:
    near = re.compile(rf"\b(?:{label})\b", re.IGNORECASE) if label else None
    return NationalNumber(kind, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), module, near)


# A sum of one digit passes a tenth of all numbers. A number that nothing names must so have a letter, two check digits,
# a date or a layout of its own beside it; the others count only near the word that says what they are.
NATIONAL = (
    _number("social security number", r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _number("social security number", r"\d{3}[ .]?\d{2}[ .]?\d{4}", "us.ssn", r"ssn|social security"),
    _number("insurance number", r"[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", ""),  # British: no sum
    _number("NHS number", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"nhs"),
    _number("tax number", r"\d{2}[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}", "de.idnr"),
    _number("social security number", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    _number("tax number", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    _number("identity number", r"\d{8}-?[A-Z]", "es.dni"),
    _number("identity number", r"[XYZ]-?\d{7}-?[A-Z]", "es.nie"),
    _number("citizen number", r"\d{9}", "nl.bsn", r"bsn|burgerservicenummer|citizen service"),
    _number("national number", r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}", "be.nn"),
    _number("national number", r"\d{11}", "pl.pesel"),
    _number("national number", r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    _number("national number", r"756\.?\d{4}\.?\d{4}\.?\d{2}", "ch.ssn"),
    _number("public service number", r"\d{7}[A-W][ABHWTX]?", "ie.pps"),
    _number("national number", r"(?!20\d\d)[2-9]\d{3}[ -]\d{4}[ -]\d{4}", "in_.aadhaar"),
    _number("tax number", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", "in_.pan"),
    _number("social insurance number", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"sin|social insurance"),
    _number("tax number", r"\d{3} ?\d{3} ?\d{2,3}", "au.tfn", r"tfn|tax file"),
    _number("tax number", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "br.cpf"),
)


def account_spans(text: str) -> Iterator[Span]:
    """Yield the numbers of a normalised text whose check digits are right, the surest kinds first."""
    yield from _ibans(text)
    yield from _cards(text, _GROUPED)
    yield from _cards(text, _CARD)
    if _WORTH.search(text):
        known: set[int] = set()
        for number in NATIONAL:
            found = list(_nationals(text, number, known))
            known.update(span.start for span in found)
            yield from found


def _ibans(text: str) -> Iterator[Span]:
    at = 0
    while match := _IBAN.search(text, at):
        if end := _iban(match.group()):
            at = match.start() + end
            yield Span(match.start(), at, "IBAN")
        else:
            at = match.start() + 2


def _iban(said: str) -> int:
    """Return where the IBAN at the start of what was matched ends: words after it may look like more of it."""
    from stdnum import iban

    for end in _ends_that_add_up(said):
        if iban.is_valid(_alphanumeric(said[:end]), check_country=False):
            return end
    return 0


def _ends_that_add_up(said: str) -> list[int]:
    """Return where ISO 7064's sum modulo 97 is right, the last first: the first four signs count after the others."""
    signs = [(int(char, 36), at + 1) for at, char in enumerate(said) if char.isalnum() and char.isascii()]
    head = int("".join(str(value) for value, _ in signs[:4]))
    ends, rest = [], 0
    for count, (value, end) in enumerate(signs[4:], 5):
        rest = (rest * (100 if value > 9 else 10) + value) % 97
        if count >= IBAN_SIGNS and (rest * 10**6 + head) % 97 == 1:
            ends.append(end)
    return ends[::-1]


def _cards(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    at = 0
    while match := pattern.search(text, at):
        if end := _card(match.group()):
            at = match.start() + end
            yield Span(match.start(), at, "card number")
        else:
            at = _onward(match)


def _card(said: str) -> int:
    """Return where the card at the start of what was matched ends: other numbers may stand after it."""
    from stdnum import luhn

    if not _ISSUER.match(_alphanumeric(said[:10])):
        return 0
    for end in (*(gap.start() for gap in re.finditer(r"\s", said)), len(said)):
        digits = _alphanumeric(said[:end])
        if len(digits) in CARD_DIGITS and len(set(digits)) > 1 and luhn.is_valid(digits):
            return end
    return 0


def _nationals(text: str, number: NationalNumber, known: set[int]) -> Iterator[Span]:
    """Yield a kind's numbers; none is checked where one of another kind is known to begin."""
    at = 0
    while match := number.pattern.search(text, at):
        new = match.start() not in known
        near = number.label is None or number.label.search(
            text, max(0, match.start() - LABEL_REACH_CHARACTERS), match.start()
        )
        if new and near and _passes(match.group(), number.module):
            at = match.end()
            yield Span(*match.span(), number.kind)
        else:
            at = _onward(match)


def _onward(match: re.Match[str]) -> int:
    """Return where to look on: another number may begin inside one, as in "2 cards: 12 4111 1111 1111 1111"."""
    said = match.group()
    gap = next((at for at, char in enumerate(said) if not (char.isalnum() or char == "_")), len(said) - 1)
    return match.start() + gap + 1


def _alphanumeric(said: str) -> str:
    return "".join(char for char in said if char.isalnum() and char.isascii())


def _passes(said: str, module: str) -> bool:
    """Check a number as it is written, since some signs say a century, and without its signs."""
    if not module:
        return True
    check = importlib.import_module(f"stdnum.{module}").is_valid
    plain = _alphanumeric(said)
    try:
        return len(set(plain)) > 2 and bool(check(said) or check(plain))
    except Exception:  # a slip of the library's, such as a KeyError for a county that it does not know
        return False
