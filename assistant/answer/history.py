"""Question + conversation -> a question that is one, and stands alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.core.errors import UsageError
from assistant.core.records import Turn
from assistant.text.words import STOP_WORDS, WORD

FOLLOWS_UP = re.compile(r"^(?:and|or|what\s+about|how\s+about|even|same|in\s+that\s+case|does\s+that)\b", re.IGNORECASE)
ANAPHORA = re.compile(
    r"\b(?:it|its|they|them|their|those|these|that|this|he|she|there|ones|(?:which|other|new|old|next) one|same)\b",
    re.IGNORECASE,
)
# What looks as if it referred back, and does not: "is there a limit", "is it allowed to", "this year".
REFERS_TO_NOTHING = re.compile(
    r"\b(?:is|are|was|were|will|would|can|should)\s+there\b|\bthere\s+(?:is|are|was|were|'s|’s)"
    r"|\b(?:is|was|would)\s+it\s+(?:[a-z]+\s+)?(?:to|if|when|for)\b|\bit\s+(?:is|was|takes?)\s+[a-z]+\s+(?:to|for)\b"
    r"|\bthis\s+(?:year|month|week|quarter|summer|winter)\b|\bthose\s+who\b",
    re.IGNORECASE,
)
# What is no question without the one before: "For contractors?", "in the Berlin office", "Who approves?".
FRAGMENT = re.compile(
    r"^(?:for|in|at|on|with|without|during|after|before|within|from|to|under|by|per|not|only|if)\b"
    r"(?!.*\b(?:am|is|are|was|were|do|does|did|has|have|can|could|may|must|should|will|would)\b)"
    r"|^(?:who|what|when|where|how|which)(?:\s+\w+)?\W*$",
    re.IGNORECASE,
)
MEASURED = re.compile(r"\bhow\s+(?:many|much)\s+(?:of\s+)?\w+", re.IGNORECASE)  # "how many days" asks of no days
MAX_QUESTION = 4_000  # characters
MAX_TURNS = 20  # the last ones of a conversation: what a question refers to is not further back
MAX_TURN = 16_000  # characters; a question may have 4,000, and masking makes it longer
FEW = 6  # content words below which a question with a word that refers back cannot stand alone
SHORT = 3  # content words below which a question may not


def checked_question(question: str) -> str:
    """Return a question as it is asked; raises UsageError for an empty or endless one."""
    question = question.encode("utf-8", "replace").decode().replace("\0", " ").strip()
    if not question:
        raise UsageError("the question is empty.", "Ask something, e.g. assistant ask 'Who approves travel?'")
    if len(question) > MAX_QUESTION:
        raise UsageError(f"the question has {len(question):,} characters; the limit is {MAX_QUESTION:,}.")
    return question


def recent(history: Sequence[Turn]) -> Sequence[Turn]:
    """Return the last turns of a conversation; raises UsageError if one of them has more than MAX_TURN characters."""
    history = history[-MAX_TURNS:]
    if (longest := max((len(turn.content) for turn in history), default=0)) > MAX_TURN:
        cause = f"a message of the history has {longest:,} characters; the limit is {MAX_TURN:,}."
        raise UsageError(cause, "Shorten that message, or leave it out.")
    return history


def readings(question: str, history: Sequence[Turn]) -> tuple[str, ...]:
    """Return the ways in which a question may be meant, the likeliest first.

    One that cannot be understood alone is asked with the one before it; one of a few words that could be, "When do I
    get my bonus?", alone, and with it only where it is not answered so.
    """
    asked = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked:
        return (question,)
    words = _content(MEASURED.sub(" ", question))
    refers_back = ANAPHORA.search(REFERS_TO_NOTHING.sub(" ", question)) and len(_content(question)) < FEW
    short = len(words) < SHORT
    follows = FOLLOWS_UP.search(question) or refers_back or not words or (short and FRAGMENT.search(question))
    if not follows and not short:
        return (question,)
    before = readings(asked[-1], [Turn("user", text) for text in asked[:-1][-2:]])[0]
    joined = f"{before} {question}"
    return (joined,) if follows else (question, joined)


def _content(question: str) -> list[str]:
    return [word for word in WORD.findall(question) if word.casefold() not in STOP_WORDS]


def was_said(text: str, history: Sequence[Turn]) -> bool:
    """Tell whether the last answer has said a text: who asks on wants to know something else."""
    said = next((turn.content for turn in reversed(history) if turn.role == "assistant"), "")
    return " ".join(text.split()) in " ".join(said.split())
