"""What of the documents may be shown: a quote is never masked, so evidence that would have to be is left out."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from assistant.answer.evidence import plain, quote_span, quote_text
from assistant.answer.verbalizations import row_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config
from assistant.core.records import Access, Evidence, Excerpt, Hit, Meta, Passage, Quote, Term, Verdict
from assistant.guards import Span, merge_spans
from assistant.guards.run import Guards, Screened, mask
from assistant.index.catalog import Catalog
from assistant.text.canonical import last_heading
from assistant.text.units import Unit, units
from assistant.text.words import normalise_term


def permitted(evidence: Sequence[Evidence], guards: Guards) -> tuple[tuple[Evidence, ...], tuple[Verdict, ...]]:
    """Return the evidence that may be quoted, and what the guards say of all of it.

    Screened is what is said and what is quoted, a quote holds what stands between a lead-in and its item, and where it
    stands: what is masked there is quoted nowhere.
    """
    there = functools.cache(
        lambda hit: screened_text(hit.before + hit.passage.text, guards, hit.passage.headings)  # once for each hit
    )
    kept, verdicts = [], list[Verdict]()
    for one in evidence:
        said = guards.output(f"{plain(one)}\n{quote_text(one)}", (one.hit.before + one.hit.passage.text,))
        start, end = (at - one.hit.begin for at in quote_span(one))
        is_masked = any(span.meets(start, end) for span in there(one.hit).spans)
        verdicts += (*said.verdicts, *(there(one.hit).verdicts if is_masked and said.action == "allow" else ()))
        kept += [one] if said.action == "allow" and not is_masked else []
    return tuple(kept), tuple(verdicts)


def masked(hits: Sequence[Hit], guards: Guards) -> tuple[Hit, ...]:
    """Return the hits with secrets and personal numbers masked; a contact of the passage's own is neither."""
    texts = (screened_text(hit.passage.text, guards, hit.passage.headings).text for hit in hits)
    return tuple(replace(hit, passage=replace(hit.passage, text=text)) for hit, text in zip(hits, texts, strict=True))


def screened_text(text: str, guards: Guards, headings: Sequence[str] = ()) -> Screened:
    """Screen a document's text as it stands below its headings, and as its parts are said under their leads.

    "The alarm code:" and an item below it are no secret line by line, and are one when they are said.
    """
    below = last_heading("", headings)
    head = f"{below}\n\n" if below and not text.lstrip().startswith("#") else ""
    whole = head + text
    stands = guards.output(whole, (whole,))
    spans = [replace(span.moved(-len(head)), start=max(0, span.start - len(head))) for span in stands.spans]
    spans = [span for span in spans if span.end > 0]
    parts = [unit for unit in units(text) if unit.lead or unit.also]
    lines = [" ".join(_said(text, unit).split()) for unit in parts]
    spoken = guards.output("\n".join(lines), (whole,))
    ends = list(accumulate(len(line) + 1 for line in lines))
    for span in spoken.spans:
        unit = parts[bisect_right(ends, span.start)]
        spans.append(Span(unit.start, unit.end, span.kind))
    told = (*stands.verdicts, *spoken.verdicts) if spans else ()
    return Screened(mask(text, spans), told, stands.refusal or spoken.refusal, tuple(spans))


def _said(text: str, unit: Unit) -> str:
    lead, own = text[slice(*unit.lead)] if unit.lead else "", text[unit.start : unit.end]
    above = " ".join(text[slice(*span)] for span in unit.also)
    return f"{above} {row_text(lead, own)}" if unit.kind == "row" else f"{above} {lead} {own}"


def withheld_spans(passage: Passage, guards: Guards) -> tuple[Span, ...]:
    """Return where a passage says what may not be shown, as offsets into its document."""
    return tuple(span.moved(passage.start) for span in screened_text(passage.text, guards, passage.headings).spans)


def masked_excerpt(excerpt: Excerpt, withheld: Iterable[Span], guards: Guards) -> Excerpt:
    """Mask an excerpt, all of it where only its place says what is `withheld`, as offsets into its document."""
    text = masked_text(excerpt.text, guards)
    if text == excerpt.text and (met := [span for span in withheld if span.meets(excerpt.start, excerpt.end)]):
        text = f"[{met[0].kind} removed]"
    return replace(excerpt, text=text)


def in_context(text: str, start: int, end: int, guards: Guards, most: int) -> tuple[str, int, int] | None:
    """Return text[start:end] with at most so many characters on either side, masked, and where it is in that.

    All of the text is screened as one: a part of a secret need not look like one, so none is shown of one that an edge
    cuts. None where a part of text[start:end] itself may not be shown.
    """
    spans = merge_spans(screened_text(text, guards).spans)  # two that overlap are one, or an edge may part them
    if any(span.meets(start, end) for span in spans):
        return None
    first, last = max(0, start - most), min(len(text), end + most)
    first = max([first, *(span.end for span in spans if span.start < first < span.end)])
    last = min([last, *(span.start for span in spans if span.start < last < span.end)])
    before = mask(text[first:start], [span.moved(-first) for span in spans if first <= span.start < start])
    after = mask(text[end:last], [span.moved(-end) for span in spans if end <= span.start < last])
    return before + text[start:end] + after, len(before), len(before) + end - start


def shown_meta(meta: Meta, guards: Guards) -> Meta:
    """Return what is said of a document as far as it may be shown: unlike its title it was not screened before."""
    said = (meta.policy_id, meta.version, meta.supersedes, meta.owner)
    screened = guards.documents([value or "" for value in said])
    policy_id, version, supersedes, owner = (
        masked_text(value, guards) if value and all(verdict.action == "allow" for verdict in found.verdicts) else None
        for value, found in zip(said, screened, strict=True)
    )
    return replace(meta, policy_id=policy_id, version=version, supersedes=supersedes, owner=owner)


def shown_owner(found: Hit | Quote, access: Access, catalog: Catalog, guards: Guards) -> str:
    """Return who owns a document, as far as that may be shown; "" where nobody says so."""
    meta = catalog.queries.meta_of(found.source, found.document_sha256, access)
    return (shown_meta(meta, guards).owner if meta else "") or ""


def masked_text(text: str, guards: Guards) -> str:
    """Mask in a document's text what may not be shown."""
    return guards.output(text, (text,)).text


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
