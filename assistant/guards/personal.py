"""Personal data: e-mail, telephone, IBAN, payment card, national numbers with a check digit, IP addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.core.types import Stage
from assistant.guards import Context, Finding, Span
from assistant.guards.numbers import account_spans
from assistant.guards.phones import phone_spans

CONTACTS = frozenset({"e-mail", "phone number"})
_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w+%-](?:[\w.+%-]{0,62}[\w+%-])?@(?:[\w](?:[\w-]{0,61}[\w])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_IP4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")


def personal_spans(text: str) -> tuple[Span, ...]:
    """Return the personal data in a text, left to right, none inside another."""
    found: list[Span] = []
    digits = sum(char.isdigit() for char in text)
    if "@" in text:
        found += (Span(*match.span(), "e-mail") for match in _EMAIL.finditer(text))
    if digits >= 4:
        found += _addresses(text)
    if digits >= 6:
        found += account_spans(text)
        found = list(_apart(found))
        found += phone_spans(_blank(text, found))
    return tuple(_apart(found))


def _blank(text: str, spans: list[Span]) -> str:
    """Hide what was found: digits beside a telephone number would be read as part of it."""
    for span in spans:
        text = text[: span.start] + "\n" * (span.end - span.start) + text[span.end :]
    return text


def _addresses(text: str) -> Iterator[Span]:
    from ipaddress import ip_address

    for pattern in (_IP4, _IP6):
        for match in pattern.finditer(text):
            try:
                ip_address(match.group())
            except ValueError:
                continue
            if match.group() != "::":
                yield Span(*match.span(), "IP address")


def _apart(spans: list[Span]) -> Iterator[Span]:
    """Drop what overlaps something found before: detectors come in the order of how sure they are."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    yield from sorted(kept, key=lambda span: span.start)


class Personal:
    """Finds personal data; in an answer only what the cited documents do not give as a contact."""

    name = "personal"
    stages: frozenset[Stage] = frozenset({"input", "output"})
    refusal = "I cannot take or give personal data. Please ask again without it."

    def check(self, context: Context) -> Finding | None:
        """Return the personal data of the text."""
        spans = personal_spans(context.text)
        if context.stage == "output":
            given = " ".join(context.sources)
            spans = tuple(s for s in spans if s.kind not in CONTACTS or context.text[s.start : s.end] not in given)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Finding(f"It holds personal data: {kinds}.", 1.0, spans)
