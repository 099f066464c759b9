"""What of the documents may be shown: a quote is never masked, so evidence that would have to be is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.evidence import plain, quote_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config
from assistant.core.records import Access, Evidence, Hit, Meta, Term, Verdict
from assistant.guards import Span
from assistant.guards.run import Guards, mask
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


def in_context(text: str, start: int, end: int, guards: Guards, most: int) -> tuple[str, int, int] | None:
    """Return text[start:end] with at most so many characters on either side, masked, and where it is in that.

    All of the text is screened as one: a part of a secret need not look like one, so none is shown of one that an edge
    cuts. None where a part of text[start:end] itself may not be shown.
    """
    spans = masked_spans(text, guards)
    if any(span.start < end and start < span.end for span in spans):
        return None
    first, last = max(0, start - most), min(len(text), end + most)
    first = max([first, *(span.end for span in spans if span.start < first < span.end)])
    last = min([last, *(span.start for span in spans if span.start < last < span.end)])
    before = mask(text[first:start], [_moved(span, -first) for span in spans if first <= span.start < start])
    after = mask(text[end:last], [_moved(span, -end) for span in spans if end <= span.start < last])
    return before + text[start:end] + after, len(before), len(before) + end - start


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)


def shown_meta(meta: Meta, guards: Guards) -> Meta:
    """Return what is said of a document as far as it may be shown: unlike its title it was not screened before."""
    said = (meta.policy_id, meta.version, meta.supersedes, meta.owner)
    screened = guards.documents([value or "" for value in said])
    policy_id, version, supersedes, owner = (
        masked_text(value, guards) if value and all(verdict.action == "allow" for verdict in found.verdicts) else None
        for value, found in zip(said, screened, strict=True)
    )
    return replace(meta, policy_id=policy_id, version=version, supersedes=supersedes, owner=owner)


def shown_owner(source: str, access: Access, catalog: Catalog, guards: Guards) -> str:
    """Return who owns a document, as far as that may be shown; "" where nobody says so."""
    meta = catalog.queries.meta_of(source, access)
    return (shown_meta(meta, guards).owner if meta else "") or ""


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
