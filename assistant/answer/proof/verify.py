"""Re-checks saved answers: every quote against the indexed text, every sentence against its quote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.answer.context import excerpts_around
from assistant.answer.evidence import opening
from assistant.answer.proof.citations import parse_claims
from assistant.answer.support import check_support
from assistant.answer.versions import since
from assistant.contract import citations_from_json, closest_from_json, earlier_from_json
from assistant.core.errors import IndexMismatch
from assistant.core.records import Access, Citation, Document, EarlierQuote, Passage, Quote
from assistant.guards.run import REFUSALS, shows
from assistant.index.catalog import Catalog
from assistant.text.canonical import ITEM, heading_path, last_heading
from assistant.text.prompts import SAYS_ABSTAINED, SAYS_WITHHELD, UNSURE
from assistant.text.units import units
from assistant.text.words import title_of

FIELDS = frozenset(
    """id question status answer confidence citations closest earlier hits verdicts model index timings_ms""".split()
)
HIT = frozenset("rank source title headings page score methods text".split())


@dataclass(frozen=True, slots=True)
class Check:
    """One citation's result; `problem` is empty when it holds."""

    key: int
    source: str
    problem: str


def verify_answer(raw: Any, catalog: Catalog, access: Access, min_support: float) -> list[Check]:
    """Check all that a saved answer (parsed `ask --json`) says; raises UsageError if it is not one.

    Neither that it answered its question, nor its confidence and hits, is proved by a document: the log knows of those.
    """
    citations, near = citations_from_json(raw), closest_from_json(raw)
    verifier = _Verifier(catalog, access)
    with catalog.snapshot():
        checks = [Check(c.key, c.source, verifier.citation(c, min_support)) for c in citations]
        checks += [Check(q.key, q.source, verifier.quote(q)) for q in near]
        checks += [Check(q.key, q.source, verifier.before(q, citations)) for q in earlier_from_json(raw)]
        return [*checks, *_strangers(raw), *_unproved(raw, citations, near, verifier)]


def check_place(quote: Quote, catalog: Catalog, access: Access) -> str:
    """Say why no answer could have quoted that, empty if one could; title, headings and page are not looked at."""
    verifier = _Verifier(catalog, access)
    with catalog.snapshot():
        return verifier.span(quote)


@dataclass(frozen=True, slots=True)
class _Verifier:
    """Says what is wrong with a part of an answer, nothing if it is what the documents say."""

    catalog: Catalog
    access: Access

    def citation(self, citation: Citation, min_support: float) -> str:
        if problem := self.quote(citation):
            return problem
        heading = last_heading(citation.title, citation.headings)
        if not check_support(citation.claim, citation.quote, min_support, heading).supported:
            return "the quote does not support the sentence"
        if citation.headings and self._is_headed(citation) and not citation.claim.startswith(opening(heading)):
            return "the heading that governs the sentence is not told with it"
        document = self._document(citation)
        around = excerpts_around(self.catalog, document.id, citation.start, citation.end) if document else ()
        same = [(e.start, e.end) for e in around] == [(e.start, e.end) for e in citation.context]
        if not same or not all(shows(told.text, e.text) for told, e in zip(citation.context, around, strict=True)):
            return "its context is not what stands around the quote"
        if citation.since != since(self.catalog, citation.source, self.access):
            return "it does not say since when its document holds"
        if document and citation.ocr != self.catalog.ocr_of(document.id, citation.start, citation.end):
            return "it does not say how sure OCR was of its page"
        return ""

    def before(self, quote: EarlierQuote, citations: Sequence[Citation]) -> str:
        """Check a quote of the version before the first citation's document, on the last day on which that held."""
        before = self.catalog.version_before(citations[0].source, self.access) if citations else None
        if quote.key != 1 or (quote.source, quote.until) != before:
            return "its document is not the version before, or did not hold until that day"
        return _Verifier(self.catalog, replace(self.access, as_of=quote.until)).quote(quote)

    def _is_headed(self, citation: Citation) -> bool:
        """Tell whether a quote begins with an item or a row, which its heading may forbid."""
        document = self._document(citation)
        if document is None or self._defines(citation, document):
            return False
        line = document.text.rfind("\n", 0, citation.start) + 1
        mark = ITEM.match(document.text, line)
        return citation.quote.startswith("|") or (mark is not None and mark.end() >= citation.start)

    def quote(self, quote: Citation | Quote) -> str:
        document = self._document(quote)
        if (problem := self.span(quote)) or document is None:
            return problem
        around = self._around(document, quote)
        if (quote.title, quote.headings, quote.page) not in [(_title(document), p.headings, p.page) for p in around]:
            return "its title, headings or page are not those of the place"
        return ""

    def span(self, quote: Citation | Quote) -> str:
        """Say what is wrong with a quote, wherever it says that it stands."""
        document = self._document(quote)
        if document is None:
            return "the document has changed or is no longer indexed"
        # A slice may end beyond the text: only an end within it is a place.
        within = 0 <= quote.start < quote.end <= len(document.text)
        if not within or document.text[quote.start : quote.end] != quote.quote:
            return "the quote is not what the document says there"
        if not (self._is_whole(quote, self._around(document, quote)) or self._defines(quote, document)):
            return "the quote begins or ends in the middle of what the document says"
        return ""

    def _around(self, document: Document, quote: Citation | Quote) -> list[Passage]:
        return [p for p in self.catalog.passages_of(document.id) if p.start < quote.end and p.end > quote.start]

    def _is_whole(self, quote: Citation | Quote, around: Sequence[Passage]) -> bool:
        found = [_places(passage) for passage in around]
        return any(quote.start in starts for starts, _ in found) and any(quote.end in ends for _, ends in found)

    def _defines(self, quote: Citation | Quote, document: Document) -> bool:
        """Tell whether a quote is a definition, from its term on."""
        for name, start, end in self.catalog.terms_of(document.id):
            line = document.text.rfind("\n", 0, start) + 1
            if quote.end == end and quote.start in (start, document.text.rfind(name, line, start)):
                return True
        return False

    def is_place(self, told: str) -> bool:
        """Tell whether `title > headings (source)` is that of a passage."""
        cuts = [match.start() for match in re.finditer(r" \(", told)] if told.endswith(")") else []
        for cut in cuts:
            document = self.catalog.document(told[cut + 2 : -1], self.access)
            passages = self.catalog.passages_of(document.id) if document else []
            if document and told[:cut] in {heading_path(_title(document), p.headings) for p in passages}:
                return True
        return False

    def _document(self, quote: Citation | Quote) -> Document | None:
        """Return the document that a quote names, if it is still what it was."""
        sha256 = quote.document_sha256
        named = (self.catalog.document(name, self.access) for name in (quote.source, sha256))
        return next((d for d in named if d and (d.source, d.sha256) == (quote.source, sha256)), None)


def _places(passage: Passage) -> tuple[set[int], set[int]]:
    """Return where in its document a passage's sentences, items and rows begin, their lead-ins too, and end."""
    begin, found = passage.start, units(passage.text)
    above = [span for u in found for span in (*u.also, *((u.lead,) if u.lead else ()))]
    starts = {begin + u.start for u in found} | {begin + start for start, _ in above}
    # A list is quoted from the mark of its first item on.
    lines = {begin + passage.text.rfind("\n", 0, u.start) + 1 for u in found if u.kind == "item"}
    return starts | lines, {begin + u.end for u in found} | {begin + end for _, end in above}


def _title(document: Document) -> str:
    return document.title or title_of(document.source)


def _strangers(raw: Mapping[str, Any]) -> list[Check]:
    """Refuse what `ask --json` does not write: it would be read as part of the answer."""
    told = raw.get("hits", [])
    hits = [hit for hit in told if isinstance(hit, Mapping)] if isinstance(told, list) else []
    fields = [*raw, *(f"hits: {key}" for hit in hits for key in hit.keys() - HIT)]
    checks = [Check(0, "", f"it holds {key!r}, which answers do not") for key in fields if key not in FIELDS]
    if hits != told:
        checks.append(Check(0, "", "its hits are no list of objects"))
    if not all(citation.get("supported") is True for citation in raw["citations"]):
        checks.append(Check(0, "", "a citation says that it is not supported"))
    probability = raw.get("confidence", 0.0)
    if type(probability) not in (int, float) or not 0 <= probability <= 1:
        checks.append(Check(0, "", f"its confidence is {probability!r}, not a number from 0 to 1"))
    if not isinstance(raw.get("question", ""), str):
        checks.append(Check(0, "", "its question is no text"))
    return checks


def _unproved(
    raw: Mapping[str, Any], citations: Sequence[Citation], near: Sequence[Quote], verifier: _Verifier
) -> list[Check]:
    """Return failed checks unless the answer is its citations' claims, each with its key, or says there is none."""
    text, status = str(raw.get("answer", "")), raw.get("status")
    if status == "blocked":
        told = SAYS_WITHHELD.fullmatch(text)
        refused = text in REFUSALS or (told and verifier.is_place(told[1]))
        return [] if refused and not citations else [Check(0, "", "it says more than that the question is refused")]
    if status == "abstained":
        alone = not citations and (text == UNSURE if near else SAYS_ABSTAINED.fullmatch(text))
        return [] if alone else [Check(0, "", "it says more than that the documents do not answer")]
    unknown = [] if status == "answered" else [Check(0, "", f"its status is {status!r}, which no answer has")]
    return [*unknown, *_loose(text, citations)]


def _loose(text: str, citations: Sequence[Citation]) -> list[Check]:
    """Return a failed check for each sentence of an answer that is no citation's."""
    proved = "".join(f"{c.claim}[{c.key}]" for c in citations)
    if citations and "".join(text.split()) == "".join(proved.split()):
        return []
    claims = {(claim.text, c.key) for c in citations for claim in parse_claims(f"{c.claim} [{c.key}]")}
    loose = [
        Check(claim.keys[0] if claim.keys else 0, "", f"a sentence has no proof: {claim.text[:80]!r}")
        for claim in parse_claims(text)
        if not any((claim.text, key) in claims for key in claim.keys)
    ]
    return loose or [Check(0, "", "the answer is not made of the sentences of its citations")]


def check_quote(catalog: Catalog, sha256: str, start: int, end: int, quote: str) -> None:
    """Raise IndexMismatch unless a document of that hash says exactly `quote` at [start, end)."""
    if quote not in catalog.slices(sha256, start, end):
        raise IndexMismatch(f"a quote at {start}-{end} is not in its document.", "See `assistant status`.")
