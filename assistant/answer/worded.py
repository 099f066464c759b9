"""The recipe of an answer in words: search -> brief -> the generator writes -> check -> it looks again -> quotes.

Where no words come of it (no endpoint answers, nothing that it says may be shown), the documents' own do.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace

from assistant.answer import outcomes
from assistant.answer.brief import Brief, find, make_brief, phrasings_of
from assistant.answer.engine import Engine
from assistant.answer.phrase import Wording
from assistant.answer.proof.citations import answer_text
from assistant.answer.question import Inquiry, tell_nobody
from assistant.answer.quoted import abstain, check_quotes, said_before, shown
from assistant.answer.steps import Request
from assistant.answer.understand import understand
from assistant.answer.words import Words
from assistant.core.errors import EndpointFailed
from assistant.core.records import NO_MODEL, Answer, Reading, Verdict
from assistant.text.prompts import build_checking_messages, build_rewriting_messages

MOST_PHRASINGS, MAX_PHRASING = 4, 300  # in which a generator words a search, and characters of one
REWRITE_TOKENS, TOKENS_A_CHECK = 120, 8
SAID = re.compile(r"^\D{0,3}(\d{1,2})\D{1,4}(yes|no)\b", re.IGNORECASE | re.MULTILINE)
BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
NOTHING_LEFT = "nothing that the model wrote may be shown"


def in_words(inquiry: Inquiry, engine: Engine) -> Generator[Request, str, Answer | Inquiry]:
    """Answer in a generator's words; return the inquiry, with why, where the documents are to speak for themselves."""
    inquiry.report("searching")
    try:
        phrasings = yield from reworded(inquiry, engine)
        with inquiry.timer("retrieve"):
            hits = find(inquiry, phrasings, engine)
            brief = make_brief(inquiry, hits, engine)
        words = Words(brief, engine.guards, tell_nobody if engine.config.answer.verify else inquiry.tell)
        inquiry.report("wording")
        with inquiry.timer("generate"):
            reply = yield Request(brief.messages, engine.config.generator.max_tokens, words.hear)
        if words.is_not_found(reply):
            return not_found(inquiry, engine)
        with inquiry.timer("verify"):
            words.end(reply)
        if engine.config.answer.verify and words.sentences:
            yield from looked_at_again(inquiry, brief, words)
    except EndpointFailed as error:
        return _in_quotes(inquiry, Verdict("generator", "output", "redact", error.cause, 0.0))
    verdicts = tuple(words.verdicts)
    if not words.sentences:
        return _in_quotes(inquiry, *verdicts, Verdict("generator", "output", "redact", NOTHING_LEFT, 0.0))
    if engine.catalog.info(inquiry.access) != inquiry.index:
        return _in_quotes(inquiry, Verdict("generator", "output", "redact", "the documents changed meanwhile", 0.0))
    return answered(inquiry, brief, words, engine)


def reworded(inquiry: Inquiry, engine: Engine) -> Generator[Request, str, list[str]]:
    """Return the ways in which a question is searched for: as the rules tell, and as a generator words it."""
    phrasings = phrasings_of(inquiry, engine)
    if not engine.config.generator.rewrites:
        return phrasings
    messages = build_rewriting_messages(inquiry.question, inquiry.history)
    with inquiry.timer("rewrite"):
        reply = yield Request(messages, REWRITE_TOKENS)
    found = [BULLET.sub("", line).strip()[:MAX_PHRASING] for line in reply.splitlines()]
    allowed = [one for one in found if one and engine.guards.input(one).action != "block"]
    return [*dict.fromkeys((*phrasings, *allowed[:MOST_PHRASINGS]))]


def looked_at_again(inquiry: Inquiry, brief: Brief, words: Words) -> Generator[Request, str, None]:
    """Ask the generator of each of its sentences whether its passages say it, and leave out what it takes back."""
    said = [answer_text([sentence], worded=True) for sentence in words.written]
    messages = build_checking_messages(inquiry.as_told(inquiry.question), brief.passages, said)
    with inquiry.timer("look again"):
        reply = yield Request(messages, TOKENS_A_CHECK * len(said))
    taken_back = {int(number) for number, says in SAID.findall(reply) if says.casefold() == "no"}
    words.keep([number not in taken_back for number in range(1, len(said) + 1)])
    for sentence in words.sentences:
        inquiry.tell(sentence)


def answered(inquiry: Inquiry, brief: Brief, words: Words, engine: Engine) -> Answer:
    """Make the answer of sentences that may be shown, or of their quotes where documents alone may speak."""
    hits = brief.hits
    with inquiry.timer("verify"):
        quotes = Wording((), words.citations, tuple(words.verdicts))
        wording = shown(check_quotes(quotes, engine), hits, inquiry.access, engine)
    model = engine.model
    if engine.config.answer.words == "model" and model:
        wording = replace(wording, sentences=tuple(words.sentences), worded_by=model.info.id)
    agreeing = sum(sentence.check != "unchecked" for sentence in words.sentences)
    share = agreeing / (len(words.sentences) + words.left_out)
    reading = Reading((), hits[: inquiry.k], share)
    before = said_before(inquiry, inquiry.question, wording, engine)
    return outcomes.answered(inquiry, reading, wording, before, model.info if model else NO_MODEL)


def not_found(inquiry: Inquiry, engine: Engine) -> Answer:
    """Say that the documents do not answer, as the generator does, and show what comes closest."""
    asked, reading = understand(inquiry, engine)
    return abstain(inquiry, asked, replace(reading, hits=reading.hits[: inquiry.k]), engine)


def _in_quotes(inquiry: Inquiry, *why: Verdict) -> Inquiry:
    return replace(inquiry, verdicts=(*inquiry.verdicts, *why))
