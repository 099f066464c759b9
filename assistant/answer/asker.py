"""A question read for whoever asks: once by itself, and once behind what they said of themselves.

"Contractor, London. How many days of leave do I get?" finds and prefers the rule for contractors in London; but where a
question is not about who asks, those words draw towards any rule for contractors. So what is found with them must not
be much less likely an answer to the question alone than what that finds (docs/log/experiments.md).
"""

from __future__ import annotations

from assistant.answer.engine import Engine
from assistant.answer.evidence import overlap
from assistant.answer.follow_up import Phrasing
from assistant.answer.question import Inquiry, own_words
from assistant.core.records import Reading

MOST_BELOW = 4.0  # log-odds


def read_for_asker(inquiry: Inquiry, asked: Phrasing, engine: Engine) -> tuple[str, Reading]:
    """Return the text as which a phrasing was read, and what was found."""
    alone = _read(inquiry, asked.text, asked, engine)
    if not inquiry.about:
        return asked.text, alone
    text = inquiry.as_told(asked.text)
    told = _read(inquiry, text, asked, engine)
    if not told.evidence or _is_beside_the_question(told, alone, asked.text, engine):
        return asked.text, alone
    if engine.answers(told):
        return text, told
    # Another's rule is no answer, and may be what comes closest.
    may_stand = not engine.answers(alone) or (alone.evidence and overlap(alone.evidence[0], told.evidence[0]))
    return (asked.text, alone) if may_stand and alone.probability > told.probability else (text, told)


def _read(inquiry: Inquiry, text: str, asked: Phrasing, engine: Engine) -> Reading:
    with inquiry.timer("retrieve"):
        hits, defined = engine.retrieve(text, inquiry.question, inquiry.access)
    inquiry.report("reading")
    with inquiry.timer("read"):
        reading = engine.reader.read(text, hits, defined, inquiry.question if asked.joined else "")
    if not defined and not own_words(asked.text):  # "What is that?" or "until when" alone asks of anything
        return Reading((), reading.hits, 0.0)
    return reading


def _is_beside_the_question(told: Reading, alone: Reading, question: str, engine: Engine) -> bool:
    if not alone.evidence:
        return False
    found, best = (engine.reader.log_odds(question, reading.evidence[0]) for reading in (told, alone))
    return found < best - MOST_BELOW
