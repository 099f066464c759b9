"""Fit the reader: which of the sentences that were found answers, told from similarity, hit and words.

`tune run` fits one to the user's own questions, and takes it if it finds the gold more often than what serves: each
document's questions are asked of weights that were fitted without them.

Labels are gold evidence: a sentence that meets it is right, the others of the same hits are wrong, so that negatives
are what retrieval really brings. A bi-encoder tuned on the same questions, and pooling sentences from their passage's
tokens, both lost to the untuned encoder with these few weights (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from assistant.core.errors import UsageError
from assistant.core.logistic import Logistic
from assistant.core.types import Progress
from assistant.evaluate.ask import access_of
from assistant.evaluate.bootstrap import interval, resamples
from assistant.evaluate.coverage import meets
from assistant.evaluate.fitting import Floats, fit_logistic
from assistant.evaluate.questions import Question
from assistant.features import SENTENCE_FEATURES
from assistant.pipeline import Assistant
from tune.dataset import digest

MIN_QUESTIONS = 50
FOLDS = 8  # that the documents are parted in


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One question's candidate sentences: their columns of features [n], and which are gold [n]."""

    document: str
    columns: dict[str, Floats]
    gold: tuple[bool, ...]


def samples(assistant: Assistant, questions: Sequence[Question], progress: Progress) -> Iterator[Sample]:
    """Yield the candidates of each question that has both right and wrong ones, and again without its scenario."""
    asked = [q for q in questions if q.evidence]
    asked += [replace(q, scenario="") for q in asked if q.scenario]
    for done, question in enumerate(asked):
        progress("reading", done, len(asked))
        found = assistant.candidates(question.asked, question.history, access=access_of(assistant, question))
        gold = tuple(meets(e.text, question.evidence) for e in found.sentences)
        if any(gold) and not all(gold):
            yield Sample(question.document, dict(found.columns), gold)
    progress("reading", len(asked), len(asked))


def fit_reader(found: Sequence[Sample]) -> Logistic:
    """Fit the weights; each question counts the same. Raises UsageError for too few."""
    if len(found) < MIN_QUESTIONS:
        cause = f"only {len(found)} questions have gold evidence among what was found."
        raise UsageError(cause, f"Give a file with at least {MIN_QUESTIONS}.")
    columns = {name: np.concatenate([s.columns[name] for s in found]) for name in SENTENCE_FEATURES}
    weights = np.concatenate([np.full(len(s.gold), 1 / len(s.gold)) for s in found])
    gold = np.array([good for s in found for good in s.gold])
    return fit_logistic(columns, SENTENCE_FEATURES, gold, weights)


def fit_better(found: Sequence[Sample], serving: Logistic) -> tuple[Logistic | None, dict[str, Any]]:
    """Fit the weights, and return them if they are better than those that serve; and how often each is right.

    Right is a first sentence that is gold; better is a gain whose 95% interval, over questions, is above nothing.
    """
    fold = np.array([digest(sample.document) % FOLDS for sample in found], int)
    if len(found) - np.bincount(fold, minlength=FOLDS).max() < MIN_QUESTIONS:
        return None, {"questions": len(found), "taken": False}
    before, after = np.array([_right(serving, s) for s in found]), np.zeros(len(found))
    for part in range(FOLDS):
        weights = fit_reader([sample for sample, own in zip(found, fold, strict=True) if own != part])
        after[fold == part] = [_right(weights, s) for s, own in zip(found, fold, strict=True) if own == part]
    low, high = interval((after - before)[resamples(len(found))].mean(axis=1))
    told = {
        "questions": len(found), "first_serving": round(float(before.mean()), 4),
        "first_fitted": round(float(after.mean()), 4), "gain95": [round(low, 4), round(high, 4)], "taken": low > 0,
    }  # fmt: skip
    return (fit_reader(found) if low > 0 else None), told


def _right(model: Logistic, sample: Sample) -> float:
    return float(sample.gold[int(np.argmax(model.log_odds(sample.columns)))])


def to_json(model: Logistic, made: dict[str, Any]) -> dict[str, Any]:
    """Return the form that `load_reader` reads; `made` says from what."""
    return {**asdict(model), "made": made}
