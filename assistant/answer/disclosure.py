"""What of the documents may be shown: a quote is never masked, so evidence that would have to be is left out."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from assistant.answer.evidence import plain, quote_span, quote_text
from assistant.answer.verbalizations import row_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config
from assistant.core.records import Access, Evidence, Excerpt, Hit, Meta, Passage, Term, Verdict
from assistant.guards import Span
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
    read = functools.cache(lambda hit: screened_text(hit.before + hit.passage.text, guards, _label(hit)))
    kept, verdicts = [], list[Verdict]()
    for one in evidence:
        said = guards.output(f"{plain(one)}\n{quote_text(one)}", (one.hit.before + one.hit.passage.text,))
        there = read(one.hit)
        start, end = (at - one.hit.begin for at in quote_span(one))
        is_masked = any(span.start < end and start < span.end for span in there.spans)
        verdicts += (*said.verdicts, *(there.verdicts if is_masked and said.action == "allow" else ()))
        kept += [one] if said.action == "allow" and not is_masked else []
    return tuple(kept), tuple(verdicts)


def masked(hits: Sequence[Hit], guards: Guards) -> tuple[Hit, ...]:
    """Return the hits with secrets and personal numbers masked; a contact of the passage's own is neither."""
    texts = (screened_text(hit.passage.text, guards, _label(hit)).text for hit in hits)
    return tuple(replace(hit, passage=replace(hit.passage, text=text)) for hit, text in zip(hits, texts, strict=True))


def screened_text(text: str, guards: Guards, label: str = "") -> Screened:
    """Screen a document's text as it stands below its `label`, a heading, and as its parts are said under their leads.

    "The alarm code:" and an item below it are no secret line by line, and are one when they are said.
    """
    head = f"{label}\n\n" if label else ""
    whole = head + text
    stands = guards.output(whole, (whole,))
    spans = [_moved(span, -len(head)) for span in stands.spans if span.start >= len(head)]
    parts = [unit for unit in units(text) if unit.lead or unit.also]
    lines = [" ".join(_said(text, unit).split()) for unit in parts]
    spoken = guards.output("\n".join(lines), (whole,))
    ends = list(accumulate(len(line) + 1 for line in lines))
    for span in spoken.spans:
        unit = parts[bisect_right(ends, span.start)]
        spans.append(Span(unit.start, unit.end, span.kind))
    told = (*stands.verdicts, *spoken.verdicts) if spans else ()
    return Screened(mask(text, spans), told, stands.refusal or spoken.refusal, tuple(spans))


def masked_excerpt(excerpt: Excerpt, passages: Sequence[Passage], guards: Guards) -> Excerpt:
    """Mask an excerpt, all of it where it is its place, in one of the passages, that says what may not be shown."""
    text = masked_text(excerpt.text, guards)
    if text == excerpt.text:
        for passage in passages:
            start, end = excerpt.start - passage.start, excerpt.end - passage.start
            spans = screened_text(passage.text, guards, _label_of(passage.text, passage.headings)).spans
            kinds = [span.kind for span in spans if span.start < end and start < span.end]
            text = f"[{kinds[0]} removed]" if kinds else text
    return replace(excerpt, text=text)


def _said(text: str, unit: Unit) -> str:
    lead, own = text[slice(*unit.lead)] if unit.lead else "", text[unit.start : unit.end]
    above = " ".join(text[slice(*span)] for span in unit.also)
    return f"{above} {row_text(lead, own)}" if unit.kind == "row" else f"{above} {lead} {own}"


def _label(hit: Hit) -> str:
    return _label_of(hit.before or hit.passage.text, hit.passage.headings)


def _label_of(text: str, headings: Sequence[str]) -> str:
    """Return the heading that a text stands below, "" where it begins with it."""
    return "" if text.lstrip().startswith("#") else last_heading("", headings)


def in_context(text: str, start: int, end: int, guards: Guards, most: int) -> tuple[str, int, int] | None:
    """Return text[start:end] with at most so many characters on either side, masked, and where it is in that.

    All of the text is screened as one: a part of a secret need not look like one, so none is shown of one that an edge
    cuts. None where a part of text[start:end] itself may not be shown.
    """
    spans = screened_text(text, guards).spans
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
