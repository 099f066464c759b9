"""Remarks: what takes evidence back elsewhere, "Section 5 is repealed.", in a memo "in place of the Travel Policy"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from assistant.answer.evidence import alone, overlap
from assistant.answer.read import evidence_in
from assistant.core.records import Access, Evidence, Hit
from assistant.index.catalog import Catalog

NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,4}")
SECTION = re.compile(
    rf"(?:(?:section|clause|article|chapter|part)\s|§\s?)?\s*({NUMBER.pattern})(?![\d%])", re.IGNORECASE
)
REFERS_TO = re.compile(
    r"(?:\b(?:sections?|clauses?|articles?|chapters?|paragraphs?|parts?|numbers?|nos?\.|rules?|points?|items?)|§§?)\s*"
    r"(\d[\d., ]{0,30}(?:(?:and|or|to|–|-)\s*\d[\d.]{0,10})?)",
    re.IGNORECASE,
)
AMENDS = re.compile(
    r"\b(?:repealed|replaced|deleted|amended|superseded|withdrawn|suspended|revoked|cancelled|reduced|raised|increased"
    r"|lowered|changed|no longer|not apply|appl(?:y|ies) only|only appl(?:y|ies)|does not|do not|is not|are not)\b",
    re.IGNORECASE,
)
REPLACES = re.compile(
    r"\b(?:in(?: the)? (?:place|stead) of|instead of|replac(?:es?|ed|ing)|supersed(?:es?|ed|ing)|amend(?:s|ed|ing)?"
    r"|repeal(?:s|ed)?|withdraws?|withdrawn|suspend(?:s|ed)?|overrid(?:es?|den)|takes? precedence|prevails?"
    r"|no longer|(?:contrary|changes?) to|notwithstanding)\b",
    re.IGNORECASE,
)
STANDING = re.compile(r"\[[^][]*\]$")  # what a title says of its document's standing
WORD = re.compile(r"\w+")
RANGE = re.compile(r"(?<![\d.])(\d{1,3})\s*(?:to|–|-)\s*(\d{1,3})(?![\d.]*\d)")
TOLD = ("sentence", "item")  # what a remark is: a rule of its own is none
MOST = 3  # remarks on an answer
MAX_RANGE = 100  # sections


def with_remarks(evidence: Sequence[Evidence], catalog: Catalog, access: Access) -> tuple[Evidence, ...]:
    """Return evidence, and after it what takes its sections back or changes them, and then, its documents."""
    told = list(evidence)
    for remark in chain(_remarks_on(evidence, catalog), _remarks_elsewhere(evidence, catalog, access)):
        if len(told) == len(evidence) + MOST:
            break
        if not any(overlap(remark, known) for known in told):
            told.append(remark)
    return tuple(told)


def _remarks_on(evidence: Sequence[Evidence], catalog: Catalog) -> Iterator[Evidence]:
    """Yield what the documents say of the sections, each looked for once."""
    sections: dict[tuple[str, str], Hit] = {}
    for hit in (e.hit for e in evidence):
        for number in sorted(sections_of(hit.passage.headings)):
            sections.setdefault((hit.passage.document_id, number), hit)
    for (document, number), hit in sections.items():
        for found in catalog.passages_on(document, number):
            for unit in evidence_in(replace(hit, passage=found, before="")):
                if unit.kind in TOLD and AMENDS.search(unit.text) and number in sections_named(unit.text):
                    yield replace(alone(unit), kind="note")


def _remarks_elsewhere(evidence: Sequence[Evidence], catalog: Catalog, access: Access) -> Iterator[Evidence]:
    """Yield what other documents say in place of the evidence's, which they name by title; one word names too much."""
    own = {e.hit.passage.document_id for e in evidence}
    for title in dict.fromkeys(STANDING.sub("", e.hit.title) for e in evidence):
        words = WORD.findall(title)
        if len(words) < 2:
            continue
        named = re.compile(r"\W+".join(map(re.escape, words)), re.IGNORECASE)
        for hit in catalog.hits_naming(words, access):
            if hit.passage.document_id not in own:
                yield from (
                    replace(alone(unit), kind="note")
                    for unit in evidence_in(hit)
                    if unit.kind in TOLD and named.search(unit.text) and REPLACES.search(unit.text)
                )


def sections_of(headings: Sequence[str]) -> set[str]:
    """Return the numbers of the sections with these headings, "4.2" of "Section 4.2: Refunds"."""
    return {match[1] for heading in headings if (match := SECTION.match(heading))}


def name_of(heading: str) -> str:
    """Return a heading without its section's number: "Refunds" of "4.2 Refunds"."""
    match = SECTION.match(heading)
    return heading[match.end() if match else 0 :].strip(" .:)–-")


def sections_named(text: str) -> set[str]:
    """Return the numbers of the sections that a text names, those between "sections 3 to 6" included."""
    named: set[str] = set()
    for match in REFERS_TO.finditer(text):
        named.update(NUMBER.findall(match[1]))
        for first, last in RANGE.findall(match[1]):
            named.update(str(number) for number in range(int(first), min(int(last), int(first) + MAX_RANGE) + 1))
    return named
