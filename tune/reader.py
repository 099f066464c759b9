"""Fit the reader: which of the sentences that were found answers, told from similarity, hit and words.

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
from assistant.evaluate.coverage import meets
from assistant.evaluate.fitting import Floats, fit_logistic
from assistant.evaluate.questions import Question
from assistant.features import SENTENCE_FEATURES
from assistant.pipeline import Assistant

MIN_QUESTIONS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One question's candidate sentences: their columns of features [n], and which are gold [n]."""

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
            yield Sample(dict(found.columns), gold)
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


def to_json(model: Logistic, made: dict[str, Any]) -> dict[str, Any]:
    """Return the form that `load_reader` reads; `made` says from what."""
    return {**asdict(model), "made": made}
