"""The recipe: question -> guard -> an answer in a generator's words, or in quotes; pure but for the engine."""

from __future__ import annotations

from dataclasses import replace

from assistant.answer import outcomes
from assistant.answer.engine import Engine
from assistant.answer.question import MAX_ABOUT, Inquiry
from assistant.answer.quoted import in_quotes
from assistant.answer.steps import Recipe
from assistant.answer.worded import in_words
from assistant.core.records import Answer, SearchResult
from assistant.guards.run import Screened, redacted

MOST_TITLES = 6  # of documents that are named to whoever wants to know what can be asked


def answer_question(inquiry: Inquiry, engine: Engine) -> Recipe:
    """Answer from the documents, abstain, or refuse; whoever runs a step holds a snapshot of the index."""
    with inquiry.timer("guard"):
        screened = screen(inquiry, engine)
    inquiry = replace(
        inquiry, question=screened.text, verdicts=screened.verdicts, about=redacted(inquiry.about)[:MAX_ABOUT]
    )
    if screened.action == "block":
        return outcomes.blocked(inquiry, screened.refusal)
    kind = engine.small_talk.kind(inquiry.question)
    if kind in outcomes.TALK:
        return outcomes.talked(inquiry, kind, engine.catalog.queries.titles(inquiry.access, MOST_TITLES))
    inquiry = engine.respelt(inquiry)
    if engine.generates:
        outcome = yield from in_words(inquiry, engine)
        if isinstance(outcome, Answer):
            return outcome
        inquiry = replace(outcome, index=engine.catalog.info(inquiry.access))
    return in_quotes(inquiry, engine)


def screen(inquiry: Inquiry, engine: Engine) -> Screened:
    """Screen a question, and with what is read before it too: neither half need give a request away."""
    screened = engine.guards.input(inquiry.question)
    if screened.action == "block":
        return screened
    for phrasing in engine.follow_ups.phrasings(inquiry.question, inquiry.history):
        text = inquiry.as_told(phrasing.text)
        if text != inquiry.question and (joined := engine.guards.input(text)).action == "block":
            return replace(joined, text=screened.text)
    return screened


def search_passages(inquiry: Inquiry, focus: str, engine: Engine) -> SearchResult:
    """Find passages without answering; `focus` is the question where the inquiry's says more."""
    inquiry = engine.respelt(inquiry)
    with inquiry.timer("retrieve"):
        hits, defined = engine.retrieve(inquiry.question, focus or inquiry.question, inquiry.access, inquiry.k)
    if engine.config.retrieval.rerank:
        with inquiry.timer("read"):
            hits = engine.reader.rerank(inquiry.question, hits, defined)
    asked = inquiry.question if inquiry.typed else ""
    return SearchResult(
        inquiry.typed or inquiry.question, hits[: inquiry.k], inquiry.index, inquiry.timer.timings(), asked
    )
