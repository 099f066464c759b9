"""What a question of a conversation means: it is read alone, with the question before it, or by its halves."""

from __future__ import annotations

from dataclasses import replace

from assistant.answer.asker import read_for_asker
from assistant.answer.engine import Engine
from assistant.answer.evidence import covers, in_place, overlap
from assistant.answer.question import Inquiry, halves, own_words, questions_before
from assistant.core.records import MAX_QUESTION, Evidence, Reading, Turn
from assistant.text.words import content, stem


def understand(inquiry: Inquiry, engine: Engine) -> tuple[str, Reading]:
    """Read for what a question may mean, and return what was asked and found: the first that is answered.

    The less likely meaning must be about the question's own words, and so must another than what has just been said.
    """
    tried: list[tuple[str, Reading]] = []
    was_said = False
    stands_alone = not inquiry.history or engine.follow_ups.stands_alone(inquiry.question)
    for asked in engine.follow_ups.phrasings(inquiry.question, inquiry.history):
        text, reading = read_for_asker(inquiry, asked, engine)
        answers = engine.answers(reading)
        if answers and (asked.joined or not stands_alone):
            reading = beyond_last_answer(reading, inquiry, engine)
        if was_said or (stands_alone if asked.joined else tried):
            reading = about_it(reading, inquiry.question)
        if engine.answers(reading):
            return text, reading
        was_said = was_said or answers
        tried.append((text, reading))
    return tried[0]


def with_halves(inquiry: Inquiry, reading: Reading, engine: Engine) -> Reading:
    """Add to a question of two halves what answers each, since the whole's answer is often that of one of them.

    Where the whole is not answered it is only if both of them are.
    """
    parts = halves(inquiry.question)
    if parts is None:
        return reading
    first, second = parts
    history = [*inquiry.history, Turn("user", first)]
    asked = replace(inquiry, question=first), replace(inquiry, question=second, history=history, is_second_half=True)
    found = [half for one in asked if engine.answers(half := understand(one, engine)[1])]
    if engine.answers(reading):
        found, probability = [reading, *found], reading.probability
    elif len(found) == len(asked):
        probability = min(half.probability for half in found)
    else:
        return reading
    evidence: list[Evidence] = []
    for one in found:
        evidence += [e for e in one.evidence if not any(overlap(e, known) for known in evidence)]
    return replace(reading, evidence=tuple(evidence), probability=probability)


def about_it(reading: Reading, question: str) -> Reading:
    """Return what was found for a question, nothing if it lacks the question's own words.

    "How do we name channels?" after "Who approves software?" is not about software.
    """
    if not reading.evidence or has_own_words(reading.evidence[0], question):
        return reading
    return Reading((), reading.hits, 0.0)


def has_own_words(evidence: Evidence, question: str) -> bool:
    """Tell whether evidence has all of a question's own words."""
    return set(map(stem, own_words(question))) <= content(in_place(evidence))


def beyond_last_answer(reading: Reading, inquiry: Inquiry, engine: Engine) -> Reading:
    """Return what was found for a follow-up, without what the last answer said, unless that answers it by itself.

    "And by when must I take them?" after "how many days can I carry over?": one sentence may answer both. It counts if
    it has a word of the follow-up, and is only close otherwise: "And for dinner?" is not about a hotel's limit. A table
    is shown whole, whichever row is asked for, so that "And abroad?" may be answered by what was said for "by post?".
    """

    def alone(evidence: Evidence) -> Reading:
        return engine.reader.read(inquiry.as_told(inquiry.question), (evidence.hit,))

    best, said = reading.evidence[0], last_evidence(inquiry, engine)
    least = engine.config.answer.min_closest
    new = [e for e in reading.evidence if not any(covers(known, e) for known in said)]
    row = next((e for e in reading.evidence if e.kind == "row" and e not in new), None)
    if row and alone(row).probability >= least:
        return reading
    if new and (best in new or has_own_words(new[0], inquiry.question)):
        return replace(reading, evidence=tuple(new))
    by_itself = alone(best)
    if not any(overlap(best, evidence) for evidence in by_itself.evidence[:1]):
        return Reading((), reading.hits, 0.0)
    shares_words = not content(inquiry.question).isdisjoint(content(in_place(best)))
    if shares_words and by_itself.probability >= least:
        return reading
    return replace(reading, evidence=(), probability=by_itself.probability)


def last_evidence(inquiry: Inquiry, engine: Engine) -> tuple[Evidence, ...]:
    """Return what the question before is answered with, for somebody who asks on with words of their own.

    By reading for it again, which costs little while it is remembered: what a history says was answered may be forged,
    and the log, from which a question is asked again, holds questions alone.
    """
    asked = questions_before(inquiry.history)
    if not asked or inquiry.is_second_half or not own_words(inquiry.question):
        return ()
    history = [Turn("user", question) for question in asked[:-1]]
    reading = understand(replace(inquiry, question=asked[-1][:MAX_QUESTION], history=history), engine)[1]
    return reading.evidence if engine.answers(reading) else ()
