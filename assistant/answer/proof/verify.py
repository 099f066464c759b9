"""Re-checks saved answers: every quote against the indexed text, every statement against its quote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.answer.context import excerpts_around
from assistant.answer.evidence import MAX_REACH, quote_span, quote_text
from assistant.answer.outcomes import BETWEEN, SAYS_ABSTAINED, SAYS_TALK, SAYS_UNSURE
from assistant.answer.proof.agreement import Stated, disagreement
from assistant.answer.proof.citations import answer_text, is_its_quote, is_proved, parse_claims, statements
from assistant.answer.read import evidence_in
from assistant.answer.verbalizations import opening
from assistant.answer.versions import since
from assistant.core.errors import IndexMismatch
from assistant.core.records import (
    Access,
    Citation,
    Document,
    EarlierQuote,
    Evidence,
    Hit,
    Passage,
    Quote,
    SavedAnswer,
    Sentence,
)
from assistant.guards.run import REFUSALS, shows
from assistant.index.catalog import Catalog
from assistant.index.queries import Queries
from assistant.text.canonical import ITEM, heading_path, last_heading
from assistant.text.prompts import without_keys
from assistant.text.units import units
from assistant.text.words import shown_title


@dataclass(frozen=True, slots=True)
class Check:
    """One citation's result; `problem` is empty when it holds."""

    key: int
    source: str
    problem: str


def verify_answer(saved: SavedAnswer, catalog: Catalog, access: Access) -> list[Check]:
    """Check all that a saved answer says.

    Neither that it answered its question, nor its confidence and hits, is proved by a document: the log knows of those.
    """
    verifier = _Verifier(catalog, access)
    with catalog.snapshot():
        checks = [Check(c.key, c.source, verifier.citation(c)) for c in saved.citations]
        checks += [Check(q.key, q.source, verifier.quote(q)) for q in saved.closest]
        checks += [Check(q.key, q.source, verifier.before(q, saved.citations)) for q in saved.earlier]
        faults = [*saved.faults, *_unproved(saved, verifier)]
    return [*checks, *(Check(0, "", fault) for fault in faults)]


def check_place(quote: Citation | Quote, catalog: Catalog, access: Access) -> str:
    """Say why no answer could have quoted that, empty if one could; title, headings and page are not looked at."""
    verifier = _Verifier(catalog, access)
    with catalog.snapshot():
        return verifier.span(quote)


def lacks_lead(queries: Queries, document: Document, start: int, end: int, access: Access) -> bool:
    """Tell whether a span begins below the lead-in, header or question that governs its end and is near enough."""
    read = [(passage.id, 0.0, ()) for passage in queries.passages_of(document.id, start, end)]
    parts = [e for hit in queries.hits(read, access) for e in evidence_in(hit)]
    begins = [quote_span(e)[0] for e in parts if e.end == end]
    lacks = any(begin < start and end - begin <= MAX_REACH for begin in begins)
    return lacks and not _defines(queries, document, start, end)


def is_whole(queries: Queries, document: Document, start: int, end: int) -> bool:
    """Tell whether a span begins and ends where sentences, items or rows of its document do, or is a definition."""
    found = [_places(passage) for passage in queries.passages_of(document.id, start, end)]
    within = any(start in starts for starts, _ in found) and any(end in ends for _, ends in found)
    return within or _defines(queries, document, start, end)


@dataclass(frozen=True, slots=True)
class _Verifier:
    """Says what is wrong with a part of an answer, nothing if it is what the documents say."""

    catalog: Catalog
    access: Access

    def citation(self, citation: Citation) -> str:
        document = self._document(citation)
        if (problem := self.quote(citation)) or document is None:
            return problem
        if not is_proved(citation):
            return "the statement is not its quote"
        if not self._holds_focus(citation):
            return "what it points out is no part of its quote"
        if lacks_lead(self.catalog.queries, document, citation.start, citation.end, self.access):
            return "the quote lacks what it stands under"
        heading = last_heading("", citation.headings)
        defines = _defines(self.catalog.queries, document, citation.start, citation.end)
        headed = heading and not defines and _is_headed(citation, document)
        if headed and not citation.claim.startswith(without_keys(opening(heading))):
            return "the statement lacks the heading that governs it"
        around = excerpts_around(self.catalog.queries, document.id, citation.start, citation.end)
        if [(e.start, e.end, e.text) for e in around] != [(e.start, e.end, e.text) for e in citation.context]:
            return "its context is not what stands around the quote"
        if citation.since != since(self.catalog.queries, citation, self.access):
            return "it does not say since when its document holds"
        if citation.ocr != self.catalog.queries.ocr_of(document.id, citation.start, citation.end):
            return "it does not say how sure OCR was of its page"
        return ""

    def before(self, quote: EarlierQuote, citations: Sequence[Citation]) -> str:
        """Check a quote of the version before the first citation's document, on the last day on which that held."""
        first = citations[0] if citations else None
        before = first and self.catalog.queries.version_before(first.source, first.document_sha256, self.access)
        if quote.key != 1 or (quote.source, quote.until) != before:
            return "its document is not the version before, or did not hold until that day"
        return _Verifier(self.catalog, replace(self.access, as_of=quote.until)).quote(quote)

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
        if not is_whole(self.catalog.queries, document, quote.start, quote.end):
            return "the quote begins or ends in the middle of what the document says"
        if self.catalog.queries.indexed_around(document, quote.start, quote.start + 1)[1] < quote.end:
            return "the quote holds what is not indexed"
        return ""

    def _around(self, document: Document, quote: Citation | Quote) -> list[Passage]:
        return self.catalog.queries.passages_of(document.id, quote.start, quote.end)

    def _holds_focus(self, citation: Citation) -> bool:
        """Tell whether what is pointed out, if anything is, is a whole part of the quote."""
        if not citation.focus:
            return True
        at = citation.quote.find(citation.focus)
        start = citation.start + at
        part = replace(citation, start=start, end=start + len(citation.focus), quote=citation.focus)
        return at >= 0 and not self.span(part)

    def sentence(self, sentence: Sentence, saved: SavedAnswer) -> str:
        """Say why a model's sentence is not what it says of itself: its quote, or in agreement with its passages."""
        named = [c for c in saved.citations if c.key in sentence.keys]
        said = f"{sentence.text[:80]!r}"
        if {c.key for c in named} != {*sentence.keys} or not named:
            return f"a sentence names no quote of the answer: {said}"
        text = ITEM.sub("", sentence.text, count=1) if ITEM.match(sentence.text) else sentence.text
        texts = [(c, _title(document), passage) for c, document, passage in self._passages(named)]
        if sentence.check == "quote":
            quotes = [(quote_text(e), last_heading(c.title, c.headings)) for c, _, p in texts for e in _parts(p, c)]
            return "" if any(is_its_quote(text, *quote) for quote in quotes) else f"a sentence is no quote: {said}"
        stated = Stated.of([*(f"{heading_path(t, p.headings)}\n{p.text}" for _, t, p in texts), *saved.asked])
        found = disagreement(text, stated, stated)
        agrees = found.carried and (sentence.check == "unchecked" or not (found.invented or found.elsewhere))
        return "" if agrees else f"a sentence does not agree with its passages: {said}"

    def _passages(self, citations: Sequence[Citation]) -> Iterator[tuple[Citation, Document, Passage]]:
        """Yield the passages that citations are of, each with its document."""
        for citation in citations:
            if document := self._document(citation):
                yield from ((citation, document, passage) for passage in self._around(document, citation))

    def is_unsure(self, told: str, closest: Quote) -> bool:
        """Tell whether a text says that nothing is certain, and names nobody but the owner of what came closest."""
        match = SAYS_UNSURE.fullmatch(told)
        if match is None or match[1] is None:
            return match is not None
        meta = self.catalog.queries.meta_of(closest.source, closest.document_sha256, self.access)
        return meta is not None and meta.owner is not None and shows(match[1], meta.owner)

    def is_talk(self, told: str) -> bool:
        """Tell whether a text is what is said to a greeting or the like, and names titles of documents alone."""
        match = SAYS_TALK.fullmatch(told)
        titles = set(self.catalog.queries.titles(self.access)) if match else set()
        return match is not None and all(
            {*named.split(BETWEEN)} <= titles for named in match.groups() if named is not None
        )

    def _document(self, quote: Citation | Quote) -> Document | None:
        """Return the document that a quote names, if it is still what it was."""
        sha256 = quote.document_sha256
        named = (self.catalog.queries.document(name, self.access) for name in (quote.source, sha256))
        return next((d for d in named if d and (d.source, d.sha256) == (quote.source, sha256)), None)


def _parts(passage: Passage, citation: Citation) -> list[Evidence]:
    hit = Hit(passage, 0.0, 1, (), citation.source, citation.title, citation.document_sha256)
    return evidence_in(hit)


def _is_headed(citation: Citation, document: Document) -> bool:
    """Tell whether a quote begins with an item or a row, which its heading may forbid."""
    line = document.text.rfind("\n", 0, citation.start) + 1
    mark = ITEM.match(document.text, line)
    return citation.quote.startswith("|") or (mark is not None and mark.end() >= citation.start)


def _defines(queries: Queries, document: Document, start: int, end: int) -> bool:
    """Tell whether a span is a definition, from its term on."""
    for name, begin, stop in queries.terms_of(document.id):
        line = document.text.rfind("\n", 0, begin) + 1
        if end == stop and start in (begin, document.text.rfind(name, line, begin)):
            return True
    return False


def _places(passage: Passage) -> tuple[set[int], set[int]]:
    """Return where in its document a passage's sentences, items and rows begin, their lead-ins too, and end."""
    begin, found = passage.start, units(passage.text)
    above = [span for u in found for span in (*u.also, *((u.lead,) if u.lead else ()))]
    starts = {begin + u.start for u in found} | {begin + start for start, _ in above}
    # A list is quoted from the mark of its first item on.
    lines = {begin + passage.text.rfind("\n", 0, u.start) + 1 for u in found if u.kind == "item"}
    return starts | lines, {begin + u.end for u in found} | {begin + end for _, end in above}


def _title(document: Document) -> str:
    return shown_title(document.title, document.source)


def _unproved(saved: SavedAnswer, verifier: _Verifier) -> list[str]:
    """Say what is wrong unless the answer is its citations' statements, each with its key, or says there is none."""
    if saved.status == "blocked":
        return (
            [] if saved.text in REFUSALS and not saved.citations else ["it says more than that the question is refused"]
        )
    if saved.status == "abstained":
        if saved.closest:
            said = verifier.is_unsure(saved.text, saved.closest[0])
        else:
            said = SAYS_ABSTAINED.fullmatch(saved.text) is not None or verifier.is_talk(saved.text)
        return [] if said and not saved.citations else ["it says more than that the documents do not answer"]
    known = saved.status == "answered"
    faults = [] if known else [f"its status is {saved.status!r}, which no answer has"]
    if saved.worded_by is None:
        if saved.sentences and saved.sentences != statements(saved.citations):
            faults.append("its sentences are not the statements of its citations")
        return [*faults, *unproved_sentences(saved)]
    if saved.text.split() != answer_text(saved.sentences, worded=True).split():
        faults.append("its text is not made of its sentences")
    return [*faults, *filter(None, (verifier.sentence(one, saved) for one in saved.sentences))]


def unproved_sentences(saved: SavedAnswer) -> list[str]:
    """Name the sentences of an answer that are no citation's statement."""
    if saved.citations and saved.text.split() == answer_text(statements(saved.citations)).split():
        return []
    stated = {(claim.text, c.key) for c in saved.citations for claim in parse_claims(answer_text(statements([c])))}
    unproved = [
        f"a sentence has no proof: {claim.text[:80]!r}"
        for claim in parse_claims(saved.text)
        if not any((claim.text, key) in stated for key in claim.keys)
    ]
    return unproved or ["the answer is not made of the statements of its citations"]


def check_quote(catalog: Catalog, sha256: str, start: int, end: int, quote: str) -> None:
    """Raise IndexMismatch unless a document of that hash says exactly `quote` at [start, end)."""
    if quote not in catalog.queries.slices(sha256, start, end):
        raise IndexMismatch(f"a quote at {start}-{end} is not in its document.", "See `assistant status`.")
