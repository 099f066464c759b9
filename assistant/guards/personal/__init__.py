"""Personal data: e-mail, telephone, IBAN, payment card, national numbers, numbers behind a label, machine addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span, drop_overlaps, in_sources
from assistant.guards.normalized_with_offsets import normalize_with_offsets, spelled_out
from assistant.guards.personal.check_digits import account_spans
from assistant.guards.personal.labelled import labelled_spans
from assistant.guards.personal.phones import phone_spans

_WORTH = re.compile(r"\d\D*\d")  # no address, number, plate or birth date has fewer digits
CONTACTS = frozenset({"e-mail", "phone number"})
_LOCAL = r"(?<![\w.+%-])[\w+%-](?:[\w.+%-]{0,62}[\w+%-])?"
_LABEL = r"\w(?:[\w-]{0,61}\w)?"
_DOT = r"(?:\.| ?[\[({<] ?(?:dot|\.) ?[\])}>] ?)"
_EMAIL = re.compile(
    rf"(?:{_LOCAL}|\"[^\"\n@]{{1,64}}\")(?:@| @ |%40|&#64;| ?[\[({{<] ?(?:at|@) ?[\])}}>] ?)"
    rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,7}}{_DOT}[^\W\d_]{{2,24}}(?![\w-])",
    re.IGNORECASE,
)
_AT = ("@", "%40", "&#64;", " at", "[at", "(at", "{at", "<at")  # one of them is in an address
_SPOKEN_EMAIL = re.compile(
    rf"{_LOCAL} at {_LABEL}(?: dot {_LABEL}){{0,3}} dot (?:com|org|net|edu|gov|mil|io|ai|app|dev|info|eu|uk|de|fr|es|nl"
    r"|pl|pt|ch|se|dk|fi|ie|ca|au|nz|jp|cn|br|ru)\b",
    re.IGNORECASE,
)
_IP = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)"
    r"|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"
)
_OUTLINE = re.compile(
    r"\b(?:section|sec|version|ver|v|release|clause|chapter|article|paragraph|§)s?\.? ?$", re.IGNORECASE
)
_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}"
    r"|(?=[\d.]{0,14}[a-f])(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})(?![\w:-])",
    re.IGNORECASE,
)


def personal_spans(text: str) -> tuple[Span, ...]:
    """Return the personal data in a text, left to right, none inside another."""
    read = spelled_out(normalize_with_offsets(text))
    plain = read.text
    found = list(_emails(plain))
    if _WORTH.search(plain):
        found += [*account_spans(plain), *_addresses(plain), *labelled_spans(plain, read.lower())]
        found = drop_overlaps(found, len(plain))
        found += phone_spans(_blank(plain, found))
    return tuple(read.span(span.start, span.end, span.kind) for span in drop_overlaps(found, len(plain)))


def _emails(text: str) -> Iterator[Span]:
    lower = text.lower()
    if any(sign in lower for sign in _AT):
        yield from (Span(*match.span(), "e-mail") for match in _EMAIL.finditer(text))
    if " dot " in lower:
        yield from (Span(*match.span(), "e-mail") for match in _SPOKEN_EMAIL.finditer(text))


def _blank(text: str, spans: list[Span]) -> str:
    """Hide what was found: digits beside a telephone number would be read as part of it."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], "\n" * (span.end - span.start)]
        at = span.end
    return "".join([*parts, text[at:]])


def _addresses(text: str) -> Iterator[Span]:
    from ipaddress import ip_address

    yield from (Span(*match.span(), "hardware address") for match in _MAC.finditer(text))
    for match in _IP.finditer(text):
        try:
            ip_address(match.group())
        except ValueError:
            continue
        if match.group() != "::" and not _OUTLINE.search(text, max(0, match.start() - 12), match.start()):
            yield Span(*match.span(), "IP address")


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
            known = in_sources(said.values(), " ".join(context.sources))
            spans = tuple(span for span in spans if said.get(span) not in known)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Detection(f"It holds personal data: {kinds}.", 1.0, spans)
