"""One question and its saved answer -> what it is worth by every metric that applies to it.

Answers are compared with gold answers by words and numbers; that statements are their quotes, `verify` says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assistant.answer.words import LEFT_OUT
from assistant.evaluate.questions import Group, Question
from assistant.evaluate.retrieval_scores import covers_gold, retrieval_scores
from assistant.text.prompts import KEY
from assistant.text.quantities import numbers

DIGITS = 6  # of every number in a report
HELD_RECALL = 0.6  # of a gold answer's tokens, at which a text holds it

Saved = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scored:
    """A question's outcome. `answer` and `right` are of what was or would have been said, whatever the status."""

    id: str
    question: str
    gold: str
    answer: str
    group: Group
    status: str
    confidence: float
    right: bool
    words: int
    scores: Mapping[str, float]

    @property
    def answered(self) -> bool:
        """Whether an answer was given."""
        return self.status == "answered"

    def to_json(self) -> dict[str, Any]:
        """Return a row of a report."""
        return asdict(self)


def score(question: Question, saved: Saved, threshold: float) -> Scored:
    """Score an answer that was asked for without a threshold, as if it had been given at `threshold`."""
    status = saved["status"]
    worded = bool(saved.get("worded_by"))
    if status == "answered" and saved["confidence"] < threshold and not worded:  # a model decides by itself
        status = "abstained"
    answered = status == "answered"
    text = " ".join(KEY.sub(" ", saved["answer"]).split()) if saved["status"] == "answered" else ""
    quotes = [] if worded and question.answers else [c["quote"] for c in saved["citations"]]  # its words alone count
    right = is_right(question, text, quotes)
    scores = {"coverage": float(answered)}
    if question.answerable:
        scores |= {"answer_rate": float(answered), "false_abstention": float(status == "abstained")}
        scores |= retrieval_scores(question, saved["hits"]) | _answer_scores(question, text if answered else "")
    else:
        scores[f"abstention_{question.group}"] = float(not answered)
    if answered:
        scores |= {"risk": float(not right), "worded": float(worded), "verified": float(saved["verified"])}
        scores["left_out"] = float(sum(v["reason"].startswith(LEFT_OUT) for v in saved["verdicts"]))
        if worded:
            checks = [sentence["check"] != "unchecked" for sentence in saved["sentences"]]
            scores |= {"agrees": sum(checks) / len(checks), "seconds": saved["timings_ms"]["generate"] / 1000}
        if question.answerable and question.evidence:
            scores["evidence_hit"] = float(any(covers_gold(c["quote"], question.evidence) for c in saved["citations"]))
    return Scored(
        question.id,
        question.asked,
        next(iter((*question.answers, *question.evidence)), ""),
        text,
        question.group,
        status,
        saved["confidence"],
        right,
        len(text.split()) if answered else 0,
        {name: round(value, DIGITS) for name, value in scores.items()},
    )


def is_right(question: Question, text: str, quotes: list[str]) -> bool:
    """Tell whether an answer is right: there is one, and a quote meets gold evidence or the text holds a gold answer.

    A gold answer of one word ("yes") proves nothing by its occurrence: such an answer needs the evidence.
    """
    if not question.answerable or not text:
        return False
    return any(covers_gold(quote, question.evidence) for quote in quotes) or holds(text, question.answers)


def _answer_scores(question: Question, text: str) -> dict[str, float]:
    """Score the words and numbers; no answer scores 0, and does not count for the metrics of answered questions."""
    golds = question.answers
    if not golds:
        return {}
    scores = {"f1": best_f1(text, golds), "gold_recall": best_recall(text, golds)}
    if not text:
        return scores
    return scores | {f"{name}_answered": value for name, value in scores.items()} | number_scores(text, golds)


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
    telling = [gold for gold in golds if len(normalise(gold)) > 1]  # "yes" and "12" prove nothing
    return any(token_recall(text, gold) >= HELD_RECALL and numbers(text) >= numbers(gold) for gold in telling)


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
