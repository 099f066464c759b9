"""Re-checks saved answers: every quote against the indexed text, every sentence against its quote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.citations import check_support, parse_claims
from assistant.core.catalog import Catalog
from assistant.core.errors import AssistantError
from assistant.core.types import Access, Citation
from assistant.records import citations_from_json


@dataclass(frozen=True, slots=True)
class Check:
    """One citation's result; `problem` is empty when it holds."""

    key: int
    source: str
    problem: str


def verify_answer(raw: Any, catalog: Catalog, access: Access, min_support: float) -> list[Check]:
    """Check a saved answer (parsed `ask --json`); raises UsageError if it is not one."""
    citations = citations_from_json(raw)
    with catalog.snapshot():
        checks = [Check(c.key, c.source, _problem(c, catalog, access, min_support)) for c in citations]
    return checks + _unproved(raw, citations)


def _problem(citation: Citation, catalog: Catalog, access: Access, min_support: float) -> str:
    document = catalog.document(citation.document_sha256, access)
    if document is None:
        return "the document has changed or is no longer indexed"
    if document.text[citation.start : citation.end] != citation.quote:
        return "the quote is not what the document says there"
    context = " ".join((document.title, *citation.headings))
    if not check_support(citation.claim, citation.quote, min_support, context).supported:
        return "the quote does not support the sentence"
    return ""


def _unproved(raw: Mapping[str, Any], citations: list[Citation]) -> list[Check]:
    """Return a failed check for each sentence of the answer that is not a citation's claim under its key."""
    if raw.get("status") != "answered":
        return []
    claims: dict[int, str] = {}
    for c in citations:
        claims[c.key] = f"{claims.get(c.key, '')} {_folded(c.claim)}"
    loose = [
        claim
        for claim in parse_claims(str(raw.get("answer", "")))
        if not any(_folded(claim.text) in claims.get(key, "") for key in claim.keys)
    ]
    return [Check(c.keys[0] if c.keys else 0, "", f"a sentence has no proof: {c.text[:80]!r}") for c in loose]


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def check_quote(catalog: Catalog, sha256: str, start: int, end: int, quote: str) -> None:
    """Raise AssistantError unless a document of that hash says exactly `quote` at [start, end)."""
    if quote not in catalog.slices(sha256, start, end):
        raise AssistantError(f"a quote at {start}-{end} is not in its document.", "Please report this.")
