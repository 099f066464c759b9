"""What of the documents may be shown: a quote is never masked, so evidence that would have to be is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.evidence import plain, quote_text
from assistant.core.records import Evidence, Hit, Verdict
from assistant.guards import Span
from assistant.guards.run import Guards


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
