"""Numbers with a check digit: IBAN, payment cards, national numbers; python-stdnum knows the sums."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.guards import Span

_GAP = re.compile(r"[ .-]")
MIN_CARD = 12  # digits
NEAR = 48  # characters before a number in which the word that says what it is may stand


@dataclass(frozen=True, slots=True)
class Number:
    """How a kind of number is written, the module that checks it, and, where its sum says little, what must name it."""

    kind: str
    pattern: re.Pattern[str]
    module: str
    named: re.Pattern[str] | None = None


def _number(kind: str, pattern: str, module: str, named: str = "") -> Number:
    near = re.compile(rf"\b(?:{named})\b", re.IGNORECASE) if named else None
    return Number(kind, re.compile(rf"(?<![\w]){pattern}(?![\w])", re.IGNORECASE), module, near)


# A sum of one digit passes a tenth of all numbers: those that are digits alone must be named near by.
NUMBERS = (
    _number("IBAN", r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?", "iban"),
    _number("card number", r"(?<![.])\d(?:[ -]?\d){11,18}", "luhn"),
    _number("social security number", r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _number("social security number", r"\d{9}", "us.ssn", r"ssn|social security"),
    _number("NHS number", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"nhs"),
    _number("tax number", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr", r"steuer\w*|tax\w*|idnr|tin"),
    _number("social security number", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    _number("identity number", r"\d{8}-?[A-Z]", "es.dni"),
    _number("identity number", r"[XYZ]-?\d{7}-?[A-Z]", "es.nie"),
    _number("tax number", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    _number("citizen number", r"\d{9}", "nl.bsn", r"bsn|burgerservicenummer|citizen service"),
    _number("national number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn"),
    _number("national number", r"\d{11}", "pl.pesel", r"pesel"),
    _number("national number", r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    _number("national number", r"\d{6}[-+A-Y]\d{3}[0-9A-Y]", "fi.hetu"),
    _number("national number", r"\d{6}[ -]?\d{5}", "no.fodselsnummer", r"f[oø]dselsnummer|national id\w*|personnummer"),
    _number("national number", r"756\.?\d{4}\.?\d{4}\.?\d{2}", "ch.ssn"),
    _number("insurance number", r"\d{4} ?\d{6}", "at.vnr", r"svnr|sozialversicherung\w*|versicherungsnummer"),
    _number("social insurance number", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"sin|social insurance"),
    _number("tax number", r"\d{3} ?\d{3} ?\d{2,3}", "au.tfn", r"tfn|tax file"),
    _number("tax number", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    _number("national number", r"\d{4} ?\d{4} ?\d{4}", "in_.aadhaar", r"aadhaar"),
    _number("public service number", r"\d{7}[A-W][ABHWTX]?", "ie.pps"),
)  # fmt: skip


def account_spans(text: str) -> Iterator[Span]:
    """Yield the numbers of a text whose check digits are right."""
    for number in NUMBERS:
        at = 0
        while match := number.pattern.search(text, at):
            start, said = match.start(), match.group()
            near = number.named is None or number.named.search(text, max(0, start - NEAR), start)
            if near and (end := _valid(number, said)):
                yield Span(start, start + end, number.kind)
                at = start + end
            else:  # another number may stand before it: "2 cards: 12 4111 1111 1111 1111"
                gap = _GAP.search(said)
                at = start + gap.end() if gap else match.end()


def _valid(number: Number, said: str) -> int:
    """Return how many characters of what was matched are a valid number, 0 for none."""
    check = importlib.import_module(f"stdnum.{number.module}")
    if number.module == "luhn":
        return _card(said, check.is_valid)
    if number.module == "iban":
        return _iban(said, check.is_valid)
    return len(said) * bool(check.is_valid(said))


def _card(said: str, passes: object) -> int:
    """Find the card at the start of what was matched: other numbers may stand after it.

    Issuers begin with 1 to 6, and no card is one digit again and again; other numbers pass Luhn's sum too.
    """
    for end in (*(m.start() for m in re.finditer(r"[ -]", said)), len(said)):
        digits = re.sub(r"\D", "", said[:end])
        if (
            len(digits) >= MIN_CARD
            and digits[0] in "123456"
            and len(set(digits)) > 1
            and callable(passes)
            and passes(digits)
        ):
            return end
    return 0


def _iban(said: str, passes: object) -> int:
    """Find the IBAN at the start of what was matched: words after it may look like more of it."""
    for end in range(len(said), 14, -1):
        if said[end - 1].isalnum() and callable(passes) and passes(said[:end]):
            return end
    return 0
