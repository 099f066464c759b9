"""What a label before it makes personal, whatever its sum: numbers of papers and accounts, plates, birth dates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.guards import Span

# Sought in lower case. The first label that fits says the kind.
LABELS = {
    "passport number": r"passport|reisepass|pasaporte|passeport|passaporto|paspoort",
    "licence number": r"driv(?:er'?s?|ing) licen[cs]e|führerschein|permis de conduire|permiso de conducir|rijbewijs",
    "bank account": r"accounts?|acct|sort code|routing(?: no| number)?|kontonummer|bankleitzahl|numéro de compte",
    "insurance number": r"health (?:card|insurance)|medicare|nhs|national insurance|insurance (?:no|number|id)|nino"
    r"|krankenversicherten|versicherten|rentenversicherungs|svnr|sécu\w*(?: sociale)?|seguridad social"
    r"|patient (?:no|number|id)|medical record",
    "identity number": r"ssn|social security|social insurance|national (?:id\w*|number)|identity card|id card|dni|nie"
    r"|ausweis|carte d'identité|nir|bsn|burgerservice|pesel|personnummer|rodn[eé] [cč][ií]slo|aadhaar|cpf|my ?number"
    r"|身份证(?:号码?)?|マイナンバー|tc(?: kimlik)?|personalnummer|(?:employee|staff) (?:no|number|id)",
    "tax number": r"tax(?:payer)?(?: file| id\w*| ref\w*)?|utr|tfn|steuer(?:-?id\w*|nummer|identifikations)|nif"
    r"|codice fiscale|numéro fiscal|pan|itin",
}
_NAMES = re.compile("|".join(f"({names})" for names in LABELS.values()))
_KINDS = tuple(LABELS)
_SAYS = re.compile(
    r"[\"')]{0,2}(?:[ -]?(?:card|number|nummer|numéro|número|numero|no|nr|num|id|code|#|№|\([a-z]{2,12}\))\.?){0,2}"
    r"(?: ?[:=#]| (?:is|ist|lautet|est|es|è|é|er|är|jest|on)|は|是)?:?[ \n]{0,2}"
)
_NUMBER = re.compile(
    r"(?:[A-Z]{1,4}[ -])?[A-Za-z]{0,6}\d[A-Za-z0-9]{0,20}(?:[ ./-](?:[A-Z]{0,3}\d[A-Za-z0-9]{0,11}|[A-Z]{1,2}\b)){0,7}"
    r"(?!\w)(?!,\d)"
)
_YEAR = r"(?:19|20)\d{2}"
_WHEN = re.compile(rf"{_YEAR}(?:[-/. ](?:{_YEAR}|\d{{1,2}})){{0,2}}|\d{{1,2}}[./-]\d{{1,2}}[./-]{_YEAR}")

_PLATE = re.compile(
    rf"(?<!\w)(?i:plates?|kennzeichen|immatriculation|matr[ií]cula|targa|kenteken)(?!\w){_SAYS.pattern}"
    r"((?=[A-Z -]{0,9}\d)(?=[\d -]{0,9}[A-Z])[A-ZÄÖÜ0-9]{1,4}(?:[ -]?[A-Z0-9]{1,4}){1,3})(?!\w)"
)

_MONTH = r"[a-zäéû]{3,10}\.?"
_DATE = (
    rf"(?:\d{{1,4}}[./ -]\d{{1,2}}[./ -]\d{{2,4}}|\d{{1,2}}(?:st|nd|rd|th|\.)? (?:of |de )?{_MONTH}(?: de)?,? \d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{8}})"
)
_BORN = re.compile(
    r"(?:(?<![a-z])d\.?o\.?b\.?(?![a-z])|dates? of birth|birth ?(?:date|day)|(?<![a-z])(?:born|née?|nat[oa]|nacid[oa])"
    r"|geboren|geburtsdatum|geburtstag|date de naissance|fecha de nacimiento|data di nascita|geboortedatum)"
    rf"[\"')]{{0,2}}(?: ?[:=-]| (?:is|on|ist|am|est|es|el|le|il|op|é|è))?(?: the)?:? ?({_DATE})(?!\w)"
)


def labelled_spans(text: str, lower: str) -> Iterator[Span]:
    """Yield what a normalised text names as somebody's number, plate or birth date; `lower` is it in lower case."""
    yield from (Span(*match.span(1), "birth date") for match in _BORN.finditer(lower))
    yield from (Span(*match.span(1), "number plate") for match in _PLATE.finditer(text))
    for name in _NAMES.finditer(lower):
        value = _NUMBER.match(text, _value_start(lower, name))
        if value and _is_number(value.group()) and not _inside(lower, name):
            yield Span(*value.span(), _KINDS[(name.lastindex or 1) - 1])


def _value_start(lower: str, name: re.Match[str]) -> int:
    """Return where the value begins that is said of a name."""
    says = _SAYS.match(lower, name.end())
    return says.end() if says else name.end()


def _is_number(value: str) -> bool:
    return sum(char.isdigit() for char in value) >= 5 and not _WHEN.fullmatch(value)


def _inside(text: str, name: re.Match[str]) -> bool:
    """Return whether a name is part of another word; a long one may begin a compound."""
    before, after = text[name.start() - 1 : name.start()], text[name.end() : name.end() + 1]
    return (before.isascii() and before.isalpha()) or (len(name.group()) < 5 and after.isascii() and after.isalpha())
