"""Question + conversation -> a question that stands alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.core.errors import UsageError
from assistant.core.types import Turn
from assistant.retrieve import STOP_WORDS, WORD

FOLLOWS_UP = re.compile(
    r"^(?:and|but|or|so|also|then|what\s+about|how\s+about|what\s+if|why|even|same|in\s+that\s+case|does\s+that)\b",
    re.IGNORECASE,
)
REFERS_BACK = re.compile(r"\b(?:it|its|they|them|their|those|these|that|this|he|she|there|ones?|same)\b", re.IGNORECASE)
MAX_TURNS = 20  # the last ones of a conversation: what a question refers to is not further back
MAX_TURN = 16_000  # characters; a question may have 4,000, and masking makes it longer
SHORT = 3  # content words below which a question cannot stand alone


def recent(history: Sequence[Turn]) -> Sequence[Turn]:
    """Return the last turns of a conversation; raises UsageError if one of them has more than MAX_TURN characters."""
    history = history[-MAX_TURNS:]
    if (longest := max((len(turn.content) for turn in history), default=0)) > MAX_TURN:
        cause = f"a message of the history has {longest:,} characters; the limit is {MAX_TURN:,}."
        raise UsageError(cause, "Shorten that message, or leave it out.")
    return history


def standalone(question: str, history: Sequence[Turn]) -> str:
    """Put the question before it in front of one that cannot be understood alone."""
    asked = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked:
        return question
    content = [w for w in WORD.findall(question) if w.casefold() not in STOP_WORDS]
    refers_back = REFERS_BACK.search(question) and len(content) < 2 * SHORT
    if not (FOLLOWS_UP.search(question) or refers_back or len(content) < SHORT):
        return question
    return f"{standalone(asked[-1], [Turn('user', text) for text in asked[:-1][-2:]])} {question}"
