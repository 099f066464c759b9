"""Versions: since when the document of a quote holds, and what the one before it said where it said otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from assistant.answer.proof.citations import quote_of
from assistant.core.records import Access, Citation, EarlierQuote, Evidence
from assistant.index.queries import Queries
from assistant.text.quantities import numbers

# Asks what held before, or whether something still does.
OF_BEFORE = re.compile(
    r"\b(?:previous(?:ly)?|formerly|used to|last year|(?:old|earlier) (?:policy|rules?|version)|any ?more|no longer"
    r"|still|chang(?:ed?|es)|back then|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)

FindBefore = Callable[[Access, str], Sequence[Evidence]]  # as whom and when, and the source -> what answers there


def since(queries: Queries, citation: Citation, access: Access) -> str:
    """Return the ISO day from which a citation's document holds that supersedes another, empty if it does not."""
    meta = queries.meta_of(citation.source, citation.document_sha256, access)
    return meta.effective or "" if meta and meta.supersedes else ""


def earlier(
    question: str, citations: Sequence[Citation], queries: Queries, access: Access, find: FindBefore
) -> tuple[EarlierQuote, ...]:
    """Return what the version before the first citation's document said, if the question is about that.

    It is if it asks of before, or names a number that the earlier version says and the answer does not.
    """
    asked = numbers(question)
    told = numbers(" ".join(c.quote for c in citations))
    if not citations or not (asked - told or OF_BEFORE.search(question)):
        return ()
    if (before := queries.version_before(citations[0].source, citations[0].document_sha256, access)) is None:
        return ()
    source, until = before
    for evidence in find(replace(access, as_of=until), source)[:1]:
        quote = quote_of(1, evidence)
        said = numbers(quote.quote)
        if said != told and (said & (asked - told) or OF_BEFORE.search(question)):
            return (EarlierQuote(**asdict(quote), until=until),)
    return ()
