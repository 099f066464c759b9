"""The recipe of an answer in quotes: read -> guard -> quote -> check; and what answers in words share with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer import outcomes
from assistant.answer.context import excerpts_around, with_amendments, with_limits
from assistant.answer.disclosure import permitted, shown_owner
from assistant.answer.engine import Engine
from assistant.answer.extract import EXTRACT, extract
from assistant.answer.phrase import Wording, phrase
from assistant.answer.proof.citations import quote_of
from assistant.answer.proof.verify import check_quote
from assistant.answer.question import Inquiry
from assistant.answer.small_talk import SUMMARY
from assistant.answer.understand import understand, with_halves
from assistant.answer.versions import earlier, since
from assistant.core.records import (
    NO_MODEL,
    Access,
    Answer,
    Citation,
    EarlierQuote,
    Evidence,
    Hit,
    Reading,
    Verdict,
)
from assistant.text.words import content


def in_quotes(inquiry: Inquiry, engine: Engine) -> Answer:
    """Answer with what the reader picks, or abstain."""
    if engine.small_talk.kind(inquiry.question) == SUMMARY and (summary := summarize(inquiry, engine)):
        return summary
    asked, reading = understand(inquiry, engine)
    reading = with_halves(inquiry, reading, engine)
    reading = replace(reading, hits=reading.hits[: inquiry.k])
    if not engine.answers(reading):
        return abstain(inquiry, asked, reading, engine)
    evidence, withheld = quotable(inquiry, reading, engine)
    if evidence[:1] != reading.evidence[:1]:  # what is next best would miss the point
        return abstain(replace(inquiry, verdicts=(*inquiry.verdicts, *withheld)), asked, reading, engine)
    return from_evidence(inquiry, asked, replace(reading, evidence=evidence), withheld, engine)


def summarize(inquiry: Inquiry, engine: Engine) -> Answer | None:
    """Answer with an extract of the document that a question names; None where it names none."""
    with inquiry.timer("retrieve"):
        hits, _ = engine.retrieve(inquiry.question, inquiry.question, inquiry.access)
        found = extract(inquiry.question, hits, engine.catalog.queries, inquiry.access, inquiry.report)
    if found is None:
        return None
    title, reading = found
    evidence, withheld = quotable(inquiry, reading, engine)
    if not evidence:
        return None
    asked = replace(inquiry, question=EXTRACT.format(title=title), typed=inquiry.typed or inquiry.question)
    reading = replace(reading, evidence=evidence, hits=hits[: inquiry.k])
    return from_evidence(asked, asked.question, reading, withheld, engine)


def quotable(inquiry: Inquiry, reading: Reading, engine: Engine) -> tuple[tuple[Evidence, ...], tuple[Verdict, ...]]:
    """Return what was picked, with what amends it, as far as the guards let it out, and what they say."""
    with inquiry.timer("guard"):
        amended = with_amendments(reading.evidence, engine.catalog, inquiry.access, engine.limits)
        return permitted(amended, engine.guards)


def from_evidence(
    inquiry: Inquiry,
    asked: str,
    reading: Reading,
    withheld: tuple[Verdict, ...],
    engine: Engine,
) -> Answer:
    """Quote what was read and may be quoted; `withheld` is what the guards say of it."""
    inquiry.report("wording")
    with inquiry.timer("generate"):
        wording = phrase(reading.evidence, withheld)
    with inquiry.timer("verify"):
        wording = shown(check_quotes(wording, engine), [e.hit for e in reading.evidence], inquiry.access, engine)
    before = said_before(inquiry, asked, wording, engine)
    return outcomes.answered(inquiry, reading, wording, before, NO_MODEL)


def abstain(inquiry: Inquiry, asked: str, reading: Reading, engine: Engine) -> Answer:
    """Say that nothing surely answers, and show what came closest unless that is far off."""
    likely = reading.probability >= engine.config.answer.min_closest
    itself = asked.removeprefix(inquiry.as_told(""))  # of contractors speaks many a page
    near = reading.closest if likely and _shares_content_words(itself, reading.hits) else ()
    with inquiry.timer("guard"):
        near, withheld = permitted(near, engine.guards)
    quotes = tuple(quote_of(key, e) for key, e in enumerate(near, 1))
    for q in quotes:
        check_quote(engine.catalog, q.document_sha256, q.start, q.end, q.quote)
    owner = shown_owner(quotes[0], inquiry.access, engine.catalog, engine.guards) if quotes else ""
    return outcomes.unanswered(inquiry, reading, quotes, owner, withheld)


def said_before(inquiry: Inquiry, asked: str, wording: Wording, engine: Engine) -> tuple[EarlierQuote, ...]:
    """Return what the version before said, where the question is about that and the answer says otherwise."""

    def find(before: Access, source: str) -> tuple[Evidence, ...]:
        hits, _ = engine.retrieve(asked, inquiry.question, before)
        own = [hit for hit in hits if hit.source == source]
        reading = engine.reader.read(asked, own)
        return permitted(reading.evidence if reading.probability >= engine.threshold else (), engine.guards)[0]

    return earlier(inquiry.question, wording.citations, engine.catalog.queries, inquiry.access, find)


def check_quotes(wording: Wording, engine: Engine) -> Wording:
    """Return the wording; raises where a quote is not what the catalog's document says at its place."""
    for citation in wording.citations:
        check_quote(engine.catalog, citation.document_sha256, citation.start, citation.end, citation.quote)
    return wording


def shown(wording: Wording, hits: Sequence[Hit], access: Access, engine: Engine) -> Wording:
    """Show with each quote its context, since when its document holds, and how well a scan was read."""
    documents = {hit.document_sha256: hit.passage.document_id for hit in hits}
    catalog = engine.catalog

    def with_context(citation: Citation) -> Citation:
        document = documents[citation.document_sha256]
        around = excerpts_around(catalog.queries, document, citation.start, citation.end)
        context = tuple(with_limits(around, citation, engine.limits))
        ocr = catalog.queries.ocr_of(document, citation.start, citation.end)
        return replace(citation, context=context, since=since(catalog.queries, citation, access), ocr=ocr)

    return replace(wording, citations=tuple(map(with_context, wording.citations)))


def _shares_content_words(question: str, hits: Sequence[Hit]) -> bool:
    """Tell whether any word of a question, not a mere number, is the hits'."""
    words = {word for word in content(question) if not word.isdigit()}
    return any(words & content(hit.passage.text) for hit in hits)
