"""Telephone numbers, as libphonenumber sees them: international ones anywhere, national ones where the text says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.guards import Span

REGIONS = ("US", "GB", "DE", "FR", "NL")  # whose way of writing numbers is tried without a country code
PHONE_DIGITS = range(6, 19)

_CANDIDATE = re.compile(
    r"(?<![\w.,-])\(?\+?\(?\d[\d ()./\u2010-\u2015-]{4,26}\d(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w-])", re.IGNORECASE
)
_NAMED = re.compile(
    r"(?:phone|tel|telephone|mobile|cell|fax|(?:call|dial|ring|text|reach)(?: \w+){0,2}|hotline|helpline|desk|"
    r"answering|contact|phone number|registered|sms|texts?|messages?)\W{0,3}(?:is|at|to|on|under)?\W{0,3}$",
    re.IGNORECASE,
)
# How telephones are written and other numbers are not: a country or trunk prefix, an area in brackets, 3-3-4.
_WRITTEN = re.compile(r"\(?\+|00\d|0\d|\(\d{2,5}\)|\d{3}[-.]\d{3}[-.]\d{4}")
_DATE = re.compile(r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}))(?=$|[ T]\d)")


def phone_spans(text: str) -> Iterator[Span]:
    """Yield the telephone numbers of a text: those that it names, and valid ones that are written like one."""
    for match in _CANDIDATE.finditer(text):
        said = match.group()
        count = sum(char.isdigit() for char in said)
        if count not in PHONE_DIGITS or _DATE.match(said):
            continue
        if _NAMED.search(text, max(0, match.start() - 40), match.start()) or _is_phone(said):
            yield Span(*match.span(), "phone number")


def _is_phone(said: str) -> bool:
    if not _WRITTEN.match(said) or not re.search(r"[^\d]", said):
        return False  # a run of digits alone is an order number as likely as a telephone
    import phonenumbers

    for region in (None,) if said.lstrip("(").startswith("+") else REGIONS:
        try:
            number = phonenumbers.parse(said, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False
