"""Re-checks saved answers: every quote against the indexed text, every sentence against its quote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.citations import parse_claims
from assistant.core.catalog import Catalog
from assistant.core.errors import IndexMismatch
from assistant.core.types import Access, Citation, Document, Quote
from assistant.guards.run import REFUSALS
from assistant.prompts import SAYS_ABSTAINED, SAYS_WITHHELD
from assistant.records import citations_from_json, closest_from_json
from assistant.support import check_support


@dataclass(frozen=True, slots=True)
class Check:
    """One citation's result; `problem` is empty when it holds."""

    key: int
    source: str
    problem: str


def verify_answer(raw: Any, catalog: Catalog, access: Access, min_support: float) -> list[Check]:
    """Check a saved answer (parsed `ask --json`); raises UsageError if it is not one."""
    citations, near = citations_from_json(raw), closest_from_json(raw)
    with catalog.snapshot():
        checks = [Check(c.key, c.source, _problem(c, catalog, access, min_support)) for c in citations]
        checks += [Check(q.key, q.source, _misquoted(q, _document(q, catalog, access))) for q in near]
    return checks + _unproved(raw, citations)


def _document(quote: Citation | Quote, catalog: Catalog, access: Access) -> Document | None:
    """Return the document that a quote names, if it is still what it was."""
    sha256 = quote.document_sha256
    named = (catalog.document(name, access) for name in (quote.source, sha256))
    return next((d for d in named if d and (d.source, d.sha256) == (quote.source, sha256)), None)


def _misquoted(quote: Citation | Quote, document: Document | None) -> str:
    if document is None:
        return "the document has changed or is no longer indexed"
    # A slice may end beyond the text: only an end within it is a place.
    within = 0 <= quote.start < quote.end <= len(document.text)
    if not within or document.text[quote.start : quote.end] != quote.quote:
        return "the quote is not what the document says there"
    return ""


def _problem(citation: Citation, catalog: Catalog, access: Access, min_support: float) -> str:
    document = _document(citation, catalog, access)
    problem = _misquoted(citation, document)
    if document is None or problem:
        return problem
    context = " ".join((document.title, *(h for h in citation.headings if h in document.text)))
    if not check_support(citation.claim, citation.quote, min_support, context).supported:
        return "the quote does not support the sentence"
    return ""


def _unproved(raw: Mapping[str, Any], citations: list[Citation]) -> list[Check]:
    """Return failed checks unless the answer is its citations' claims, each with its key, or says there is none."""
    text = str(raw.get("answer", ""))
    if raw.get("status") == "blocked":
        refused = not citations and (text in REFUSALS or SAYS_WITHHELD.fullmatch(text))
        return [] if refused else [Check(0, "", "it says more than that the question is refused")]
    if raw.get("status") == "abstained":
        alone = not citations and SAYS_ABSTAINED.fullmatch(text)
        return [] if alone else [Check(0, "", "it says more than that the documents do not answer")]
    proved = "".join(f"{c.claim}[{c.key}]" for c in citations)
    if "".join(text.split()) == "".join(proved.split()):
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
