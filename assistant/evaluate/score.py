"""One question and its saved answer -> what it is worth by every metric that applies to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assistant.answer.phrase import INVENTED
from assistant.evaluate.answer_scores import best_f1, best_recall, citation_scores, holds, number_scores
from assistant.evaluate.questions import Group, Question
from assistant.evaluate.retrieval_scores import covers_gold, retrieval_scores, spans_of
from assistant.text.prompts import KEY

DIGITS = 6  # of every number in a report

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
    if status == "answered" and saved["confidence"] < threshold:
        status = "abstained"
    answered = status == "answered"
    text = " ".join(KEY.sub(" ", saved["answer"]).split()) if saved["status"] == "answered" else ""
    right = is_right(question, text, [c["quote"] for c in saved["citations"]])
    scores = {"coverage": float(answered)}
    if question.answerable:
        scores |= {"answer_rate": float(answered), "false_abstention": float(status == "abstained")}
        scores |= retrieval_scores(question, saved["hits"]) | _answer_scores(question, text if answered else "")
        scores |= _reader_scores(question, saved["evidence"])
    else:
        scores[f"abstention_{question.group}"] = float(not answered)
    if answered:
        scores |= {"risk": float(not right), "own_words": float(saved["own_words"])}
        scores |= citation_scores(saved["answer"], saved["citations"])
        scores["invented_keys"] += sum(v["guard"] == INVENTED for v in saved["verdicts"])
        if saved["verbatim"]:
            scores["verbatim"] = sum(saved["verbatim"]) / len(saved["verbatim"])
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


def _reader_scores(question: Question, evidence: list[str]) -> dict[str, float]:
    """Score the sentences that the reader picked, best first, whether or not an answer was given."""
    if not spans_of(question.evidence):
        return {}
    best_two = " ".join(evidence[:2])
    return {
        "reader_first": float(bool(evidence) and covers_gold(evidence[0], question.evidence)),
        "reader_f1": best_f1(best_two, (*question.answers, *question.evidence)),
    }
