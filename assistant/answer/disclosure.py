"""What of the documents may be shown: a quote is never masked, so evidence that would have to be is left out."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from assistant.answer.evidence import plain, quote_span, quote_text
from assistant.answer.verbalizations import row_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config
from assistant.core.records import Access, Evidence, Excerpt, Hit, Meta, Quote, Term, Verdict
from assistant.guards import Span, merge_spans
from assistant.guards.run import Guards, Screened, mask
from assistant.index.catalog import Catalog
from assistant.text.canonical import cells, last_heading, named_cells
from assistant.text.units import Unit, units
from assistant.text.words import normalise_term

SEAM = 300  # characters on either side of a passage's beginning: no rule looks further from a value for its name


def permitted(evidence: Sequence[Evidence], guards: Guards) -> tuple[tuple[Evidence, ...], tuple[Verdict, ...]]:
    """Return the evidence that may be quoted, and what the guards say of all of it.

    Screened is what is said and what is quoted, a quote holds what stands between a lead-in and its item, and where it
    stands: what is masked there is quoted nowhere.
    """
    reach: dict[Hit, int] = {}  # how far above its passage what is quoted of a hit begins
    for one in evidence:
        reach[one.hit] = max(reach.get(one.hit, 0), one.hit.passage.start - quote_span(one)[0])
    there = functools.cache(lambda hit: screened(hit, guards, reach[hit]))  # once for each hit
    kept, verdicts = [], list[Verdict]()
    for one in evidence:
        said = guards.output(f"{plain(one)}\n{quote_text(one)}", (one.hit.before + one.hit.passage.text,))
        start, end = (at - one.hit.passage.start for at in quote_span(one))
        is_masked = any(span.meets(start, end) for span in there(one.hit).spans)
        verdicts += (*said.verdicts, *(there(one.hit).verdicts if is_masked and said.action == "allow" else ()))
        kept += [one] if said.action == "allow" and not is_masked else []
    return tuple(kept), tuple(verdicts)


def masked(hits: Sequence[Hit], guards: Guards) -> tuple[Hit, ...]:
    """Return the hits with secrets and personal numbers masked; a contact of the passage's own is neither."""
    return tuple(replace(hit, passage=replace(hit.passage, text=screened(hit, guards).text)) for hit in hits)


def withheld_spans(hit: Hit, guards: Guards) -> tuple[Span, ...]:
    """Return where a passage, and the end of what is above it, may not be shown, as offsets into its document."""
    return tuple(span.moved(hit.passage.start) for span in screened(hit, guards, SEAM).spans)


def screened(hit: Hit, guards: Guards, reach: int = 0) -> Screened:
    """Screen a passage as it stands below what is above it in its section, `reach` characters of that with it."""
    return screened_text(hit.passage.text, guards, hit.passage.headings, hit.before, reach)


def screened_text(
    text: str, guards: Guards, headings: Sequence[str] = (), before: str = "", reach: int = 0
) -> Screened:
    """Screen a document's text as it stands below its headings, and as its parts are said under their leads.

    "The alarm code:" and an item below it are no secret line by line, and are one when they are said; so is a row below
    its table's header. Both may stand in what is `before` the text. The last `reach` characters of that are screened,
    too: their spans begin below 0. What is above them is read for what stands under it, and screened no more, since a
    table may be long.
    """
    below = last_heading("", headings)
    head = f"{below}\n\n" if below and not text.lstrip().startswith("#") else ""
    whole, begin = before + text, len(before)
    reach = min(reach, begin)
    given = (head + whole,)
    stands = guards.output(head + text, given)
    spans = _moved(stands.spans, -len(head), 0)
    seam = Screened("")
    if before:
        first = max(0, begin - reach - SEAM)
        seam = guards.output(whole[first : begin + SEAM], given)
        spans += _moved(seam.spans, first - begin, -reach)
    own = [unit for unit in units(whole) if unit.end > begin - reach]
    lines = [(unit, " ".join(said.split())) for unit in own for said in _said(whole, unit)]
    spoken = guards.output("\n".join(line for _, line in lines), given)
    ends = list(accumulate(len(line) + 1 for _, line in lines))
    for span in spoken.spans:
        unit, _ = lines[bisect_right(ends, span.start)]
        spans += _moved([Span(unit.start, unit.end, span.kind)], -begin, -reach)
    told = (*stands.verdicts, *seam.verdicts, *spoken.verdicts) if spans else ()
    refusal = stands.refusal or seam.refusal or spoken.refusal
    return Screened(mask(text, _moved(spans, 0, 0)), told, refusal, tuple(spans))


def _moved(spans: Iterable[Span], by: int, least: int) -> list[Span]:
    """Return spans so many characters further on, as far as they lie behind `least`."""
    moved = [span.moved(by) for span in spans]
    return [replace(span, start=max(least, span.start)) for span in moved if span.end > least]


def _said(text: str, unit: Unit) -> Iterator[str]:
    """Yield a part below all that it stands under, and below each of it alone: any of that may name it."""
    lead, own = text[slice(*unit.lead)] if unit.lead else "", text[unit.start : unit.end]
    above = [text[slice(*span)][-SEAM:] for span in unit.also]
    # "| Door code | 4821 |", and a sheet's "Field: Door code; Value: 4821": the first cell may name the others.
    values = cells(own) if unit.kind == "row" else [value for _, value in named_cells(own)]
    if len(filled := [value for value in values if value]) > 1:
        yield f"{filled[0]}: {', '.join(filled[1:])}"
    if unit.kind == "row":
        own, lead = row_text(lead, own), ""
    own = own.strip("`~ \n")  # a code block without its fence
    if unit.lead or unit.also:
        yield f"{' '.join(above)} {lead[-SEAM:]} {own}"
    yield from (f"{one} {own}" for one in above if lead or len(above) > 1)
    _, colon, value = own.partition(": ")
    if unit.kind == "item" and colon and (unit.lead or unit.also):  # "The door codes:" and below it "- Hall: 4821"
        yield f"{(lead or above[-1])[-SEAM:]} {value}"


def masked_excerpt(excerpt: Excerpt, withheld: Iterable[Span], guards: Guards) -> Excerpt:
    """Mask an excerpt by what it says, and by what its place says is `withheld`, as offsets into its document."""
    own = guards.output(excerpt.text, (excerpt.text,)).spans
    place = _moved((span for span in withheld if span.start < excerpt.end), -excerpt.start, 0)
    return replace(excerpt, text=mask(excerpt.text, merge_spans((*own, *place))))


def in_context(text: str, start: int, end: int, withheld: Iterable[Span], most: int) -> tuple[str, int, int] | None:
    """Return text[start:end] with at most so many characters on either side, masked, and where it is in that.

    Of what is `withheld` and cut by an edge no part is shown. None where a part of text[start:end] may not be shown.
    """
    spans = merge_spans(withheld)  # two that overlap are one, or an edge may part them
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
