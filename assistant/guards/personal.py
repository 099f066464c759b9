"""Personal data: e-mail, telephone, IBAN, payment card, national numbers, numbers behind a label, machine addresses.

How each is written stands in `packaged/guards/personal.toml`; python-stdnum and libphonenumber know what adds up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial

from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span
from assistant.guards.normalise import fold_with_offsets, layout_folded, spelled_out
from assistant.guards.rules import PERSONAL, Check, load_values

CONTACTS = frozenset({"e-mail", "phone number"})
IBAN_SIGNS = 15  # the fewest (ISO 13616)
CARD_DIGITS = range(12, 20)
# How the issuers of payment cards begin their numbers (ISO/IEC 7812).
ISSUERS = tuple("4 50 51 52 53 54 55 56 57 58 6 30 34 35 36 37 38 39 22 23 24 25 26 27 2131 1800".split())
REGIONS = ("US", "GB", "DE", "FR", "NL")  # whose way of writing telephones is tried without a country code
PHONE_DIGITS = range(6, 19)
MOST_SOUGHT = 256  # different contacts of an answer; the others count as not given by its documents


def personal_spans(text: str) -> tuple[Span, ...]:
    """Return the personal data in a text, left to right, none inside another."""
    read = spelled_out(layout_folded(fold_with_offsets(text)))
    plain = read.text
    found: list[Span] = []
    numbered = any(map(str.isdigit, plain))  # nothing but an address of e-mail is without a digit
    for rule in load_values(PERSONAL):
        if not (numbered or rule.kind == "e-mail"):
            continue
        values = list(rule.spans(plain, _check(rule.check)))
        plain = _blank(plain, values)  # digits beside what was found would be read as part of it
        found += values
    spans = (Span(*read.place(span.start, span.end), span.kind) for span in found)
    return tuple(sorted(spans, key=lambda span: span.start))


def _blank(text: str, spans: list[Span]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], "\0" * (span.end - span.start)]
        at = span.end
    return "".join([*parts, text[at:]])


def _check(name: str) -> Check:
    return CHECKS.get(name) or partial(_standard_number, f"stdnum.{name}")


def _standard_number(module: str, said: str) -> int:
    """Check a number as it is written, since some signs say a century, and without its signs."""
    check = importlib.import_module(module).is_valid
    plain = _alphanumeric(said)
    try:
        return len(said) if len(set(plain)) > 2 and (check(said) or check(plain)) else 0
    except Exception:  # a slip of the library's, such as a KeyError for a county that it does not know
        return 0


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


def _card(said: str) -> int:
    """Return where the card at the start of what was matched ends: other numbers may stand after it."""
    from stdnum import luhn

    if not _alphanumeric(said[:10]).startswith(ISSUERS):
        return 0
    for end in (*(at for at, char in enumerate(said) if char.isspace()), len(said)):
        digits = _alphanumeric(said[:end])
        if len(digits) in CARD_DIGITS and len(set(digits)) > 1 and luhn.is_valid(digits):
            return end
    return 0


def _ip(said: str) -> int:
    from ipaddress import ip_address

    try:
        ip_address(said)
    except ValueError:
        return 0
    return len(said) if said != "::" else 0


def _account(said: str) -> int:
    """Take what has five digits and is no date, years or telephone number: "2024-05-03", "2023/2024", "31/01/27"."""
    parts = _parts(said)
    years = len(parts) <= 3 and all(part.isdigit() and (len(part) == 4 or len(part) <= 2) for part in parts)
    dated = years and any(part.startswith(("19", "20")) and len(part) == 4 for part in (parts[0], parts[-1]))
    dated = dated or (years and len(parts) == 3 and "/" in said)
    return len(said) if sum(map(str.isdigit, said)) >= 5 and not dated and not _phone(said) else 0


def _dialled(said: str) -> int:
    """Take what has as many digits as a telephone number and is no date."""
    date = [len(part) for part in _parts(said.lstrip("(").split()[0])]
    dated = len(date) == 3 and (date[0] == 4 or date[0] <= 2) and date[1] <= 2 and date[2] in (1, 2, 4)
    return len(said) if sum(map(str.isdigit, said)) in PHONE_DIGITS and not dated else 0


def _phone(said: str) -> int:
    """Take a valid number that is written like one: a country or trunk prefix, an area in brackets, 3-3-4."""
    trunk = said.startswith(("+", "(+")) or (said[0] == "0" and said[1].isdigit())
    area = said.startswith("(") and said[1:3].isdigit() and 3 <= said.find(")") <= 6
    grouped = [len(part) for part in said.replace(".", "-").split("-")] == [3, 3, 4]
    if said.isdigit() or not (trunk or area or grouped) or not _dialled(said):
        return 0  # a run of digits alone is an order number as likely as a telephone
    return len(said) if _is_valid_phone(said) else 0


def _is_valid_phone(said: str) -> bool:
    import phonenumbers

    for region in (None,) if said.lstrip("(").startswith("+") else REGIONS:
        try:
            number = phonenumbers.parse(said, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False


def _alphanumeric(said: str) -> str:
    return "".join(char for char in said if char.isalnum() and char.isascii())


def _parts(said: str) -> list[str]:
    for sign in "./ ":
        said = said.replace(sign, "-")
    return said.split("-")


CHECKS: Mapping[str, Callable[[str], int]] = {
    "": len,
    "iban": _iban,
    "card": _card,
    "ip": _ip,
    "account": _account,
    "dialled": _dialled,
    "phone": _phone,
}


class Personal:
    """Finds personal data; in an answer only what the cited documents do not give as a contact."""

    name = "personal"
    stages: frozenset[Stage] = frozenset({"input", "output"})
    refusal = "I cannot take or give personal data. Please ask again without it."

    def check(self, context: GuardInput) -> Detection | None:
        """Return the personal data of the text."""
        spans = personal_spans(context.text)
        if context.stage == "output":
            said = {span: context.text[span.start : span.end] for span in spans if span.kind in CONTACTS}
            sources = " ".join(context.sources)
            known = {contact for contact in list(dict.fromkeys(said.values()))[:MOST_SOUGHT] if contact in sources}
            spans = tuple(span for span in spans if said.get(span) not in known)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Detection(f"It holds personal data: {kinds}.", 1.0, spans)
