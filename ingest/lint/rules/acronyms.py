"""An acronym that no document spells out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.text.words import WORD
from ingest.lint.corpus import Corpus, Fault, Policy

CODE = "acronym-unexpanded"
ACRONYM = re.compile(r"(?<![\w.&/@'’-])([A-Z]{2,6})s?(?![\w@&/]|[-.'’]\w)")
ROMAN = re.compile(r"[IVXLC]+")
NUMBERED = re.compile(r"[  -]?\d")  # "ISO 27001" names a standard, "FM 200" a product
BEFORE = re.compile(r"(?:[£€$]|\d|\b[A-Z]{2,}[,;:]?) ?$")
AFTER = re.compile(r"[,;:]? [A-Z]{2,}\b")
NEAR = 20  # characters on either side in which an amount or another word in capitals stands
SPELLED = re.compile(r"\b([A-Z]{2,6})s?\s*(?:\(|[-–—:=]\s|means\b|stands for\b)")
INITIALS = re.compile(r"[^\W\d_]+")
SMALL = {"a", "an", "and", "at", "by", "for", "in", "of", "on", "or", "the", "to"}
# What a dictionary of everyday English lists, and what is never spelled out: countries, currencies, units, files.
EVERYBODYS = frozenset(
    """AD AI AM AOB API ATM BBC BC BCC BST CAD CC CCTV CD CEO CET CFO CHF COO CPU CSV CTO CV DIY DNA DVD ETA EU EUR
    FAQ FBI FTE GB GBP GDP GMT GP GPS HIV HQ HR HTML HTTP HTTPS ID IP IQ ISBN ISO IT JPEG JPG JPY JSON KB LAN
    LED LGBT LLP LTD MB MP NASA NATO NHS OK PA PC PDF PIN PLC PM PNG PO PPE PR PS RAM RIP RSVP SIM SMS SOS SQL
    SUV TB TBC TBD TV UAE UFO UK UN UNESCO UNICEF UPS URL US USA USB USD UTC VAT VIP VPN WC WIFI WWW XML ZIP""".split()
)


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield the first place of each acronym that is spelled out nowhere."""
    known = set(EVERYBODYS)
    names: set[str] = set()
    for policy in corpus.policies:
        known |= {name.rstrip("s") for term in policy.terms for name in (term.name, *term.aliases)}
        known |= {match[1] for match in SPELLED.finditer(policy.text)}
        names |= {_initials(text) for text in (policy.document.title, *(text for *_, text in policy.headings))}
        names |= _prefixes(policy)
        names |= {word.upper() for word in WORD.findall(policy.text) if word.islower()}  # shouted, then
    told: set[str] = set()
    for policy in corpus.in_force:
        for match in ACRONYM.finditer(policy.text):
            word = match[1]
            if word in told or word in known or word in names or _is_no_acronym(policy.text, match):
                continue
            told.add(word)
            yield Fault(f"“{word}” is spelled out nowhere.", policy, *match.span(1))


def _prefixes(policy: Policy) -> set[str]:
    return {policy.meta.policy_id.partition("-")[0].upper()} if policy.meta.policy_id else set()


def _initials(text: str) -> str:
    words = INITIALS.findall(text)
    return "".join(word[0] for word in words if word.casefold() not in SMALL).upper()


def _is_no_acronym(text: str, match: re.Match[str]) -> bool:
    """Tell Roman numerals, numbered names, amounts and words of a line in capitals."""
    start, end = match.span(1)
    return bool(
        ROMAN.fullmatch(match[1])
        or NUMBERED.match(text, end)
        or BEFORE.search(text, max(0, start - NEAR), start)
        or AFTER.match(text, end, end + NEAR)
        or (text[start - 2 : start] == "| " and text[end : end + 2] == " |")  # a cell's code
    )
