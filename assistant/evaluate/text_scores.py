"""Answers against gold answers, by their words and by their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from assistant.text.quantities import numbers

HELD = 0.6  # recall of a gold answer's tokens at which a text holds it
SHORT = 1  # tokens of a gold answer that proves nothing by occurring in an answer: "yes", "12"


def normalise(text: str) -> list[str]:
    """Return the tokens as SQuAD compares them (Rajpurkar et al. 2016): no capitals, punctuation and articles."""
    bare = re.sub(r"[^\w\s]|_", "", text.lower())
    return [word for word in bare.split() if word not in ("a", "an", "the")]


def token_f1(text: str, gold: str) -> float:
    """Return the F1 of the tokens that both have, as SQuAD counts it, in 0..1."""
    said, wanted = normalise(text), normalise(gold)
    if not said or not wanted:
        return float(said == wanted)
    return 2.0 * _common(said, wanted) / (len(said) + len(wanted))


def token_recall(text: str, gold: str) -> float:
    """Return the share of the gold's tokens that the text has, in 0..1."""
    wanted = normalise(gold)
    return _common(normalise(text), wanted) / len(wanted) if wanted else 0.0


def best_f1(text: str, golds: Sequence[str]) -> float:
    """Return the F1 against the gold that fits best."""
    return max((token_f1(text, gold) for gold in golds), default=0.0)


def best_recall(text: str, golds: Sequence[str]) -> float:
    """Return the recall of the gold that fits best."""
    return max((token_recall(text, gold) for gold in golds), default=0.0)


def holds(text: str, golds: Sequence[str]) -> bool:
    """Tell whether a text has most tokens and all numbers of a gold long enough to be there by more than chance."""
    telling = [gold for gold in golds if len(normalise(gold)) > SHORT]
    return any(token_recall(text, gold) >= HELD and numbers(text) >= numbers(gold) for gold in telling)


def number_scores(text: str, golds: Sequence[str]) -> dict[str, float]:
    """Say whether the amounts, dates and counts of a gold are in the text (`found`), and no others (`exact`).

    Empty where no gold has a number.
    """
    said = numbers(text)
    wanted = [found for gold in golds if (found := numbers(gold))]
    if not wanted:
        return {}
    return {
        "numbers_exact": float(any(said == found for found in wanted)),
        "numbers_found": float(any(said >= found for found in wanted)),
    }


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return sum((Counter(one) & Counter(other)).values())
