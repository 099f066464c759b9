"""What of the documents may be shown: a quote is never masked, so evidence that would have to be is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.evidence import plain, quote_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config
from assistant.core.records import Access, Evidence, Hit, Term, Verdict
from assistant.guards import Span
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog
from assistant.text.words import normalise_term


def permitted(evidence: Sequence[Evidence], guards: Guards) -> tuple[tuple[Evidence, ...], tuple[Verdict, ...]]:
    """Return the evidence that may be quoted, and what the guards say of all of it.

    Screened is what is said and what is quoted: a quote holds what stands between a lead-in and its item.
    """
    screened = [guards.output(f"{plain(e)}\n{quote_text(e)}", (e.hit.before + e.hit.passage.text,)) for e in evidence]
    kept = tuple(e for e, found in zip(evidence, screened, strict=True) if found.action == "allow")
    return kept, tuple(verdict for found in screened for verdict in found.verdicts)


def masked(hits: Sequence[Hit], guards: Guards) -> tuple[Hit, ...]:
    """Return the hits with secrets and personal numbers masked; a contact of the passage's own is neither."""
    return tuple(replace(hit, passage=replace(hit.passage, text=masked_text(hit.passage.text, guards))) for hit in hits)


def in_context(text: str, start: int, end: int, guards: Guards) -> tuple[str, int, int]:
    """Mask what stands around a quote, text[start:end]; return the text, and where the quote is in it."""
    before, quote, after = text[:start], text[start:end], text[end:]
    before, after = masked_text(before, guards), masked_text(after, guards)
    return before + quote + after, len(before), len(before) + len(quote)


def masked_text(text: str, guards: Guards) -> str:
    """Mask in a document's text what may not be shown."""
    return guards.output(text, (text,)).text


def masked_spans(text: str, guards: Guards) -> tuple[Span, ...]:
    """Return where a document's text is masked before it is shown."""
    return guards.output(text, (text,)).spans


def show_terms(
    name: str, config: Config, catalog: Catalog, access: Access, guards: Guards, audit: Audit | None
) -> list[tuple[Term, str, str]]:
    """Return (term, source, document title) of every definition of a name, or of all names if it is empty."""
    with catalog.snapshot():
        found = [
            (_masked_term(term, guards), source, title)
            for term, source, title in catalog.queries.terms(access, [normalise_term(name)] if name else None)
        ]
        if audit:
            audit.append(terms_line(name, found, access, catalog, config))
    return found


def _masked_term(term: Term, guards: Guards) -> Term:
    """Mask what may not be shown in a definition and in what it is of."""
    name, definition = masked_text(term.name, guards), masked_text(term.definition, guards)
    aliases = tuple(masked_text(alias, guards) for alias in term.aliases)
    return replace(term, name=name, aliases=aliases, definition=definition)
