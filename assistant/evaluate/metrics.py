"""The metrics: what each is called, what it is taken over, and its value with a 95% interval over questions.

What confidence is worth is ranking, selective risk and calibration. Equal confidences share their mean outcome, so that
no number depends on the order of the questions; intervals resample the questions, seeded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import GateFailed, UsageError
from assistant.evaluate.score import DIGITS, Scored

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RESAMPLES = 1_000
SEED = 0


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of about the same confidence: how many, their mean confidence, the share that is right."""

    size: int
    confidence: float
    right: float


def auroc(confidence: Floats, positive: Bools) -> float:
    """Return the area under the ROC curve: the share of (positive, negative) pairs in order, ties counting half.

    NaN unless there are positives and negatives.
    """
    _, level, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    positives = np.bincount(level, weights=positive, minlength=len(counts))
    negatives = counts - positives
    pairs = positives.sum() * negatives.sum()
    return float(positives @ (np.cumsum(negatives) - negatives / 2) / pairs) if pairs else math.nan


def risk_curve(confidence: Floats, wrong: Bools) -> Floats:
    """Return the share of wrong answers among the i + 1 most confident questions, for each i."""
    _, outcome = _ranked(confidence, wrong)
    return np.cumsum(outcome) / np.arange(1, len(outcome) + 1)


def aurc(confidence: Floats, wrong: Bools) -> float:
    """Return the area under the risk-coverage curve (Geifman & El-Yaniv 2017); lower is better."""
    return float(risk_curve(confidence, wrong).mean())


def reliability(confidence: Floats, right: Bools) -> list[Bin]:
    """Return bins of equally many questions, the most confident first."""
    bins = zip(*(np.array_split(part, 10) for part in _ranked(confidence, right)), strict=True)
    return [Bin(len(c), float(c.mean()), float(r.mean())) for c, r in bins if len(c)]


def calibration_error(confidence: Floats, right: Bools) -> float:
    """Return the expected calibration error (Naeini et al. 2015) over bins of equal mass."""
    return sum(b.size * abs(b.confidence - b.right) for b in reliability(confidence, right)) / len(right)


def _ranked(confidence: Floats, outcome: Bools) -> tuple[Floats, Floats]:
    """Sort by falling confidence; each outcome becomes the mean over its equals."""
    levels, level, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    means = np.bincount(level, weights=outcome) / counts
    return np.repeat(-levels, counts), np.repeat(means, counts)


def resamples(size: int) -> NDArray[np.int64]:
    """Return 1,000 samples, with replacement, of the indices of `size` questions; always the same ones."""
    return np.random.default_rng(SEED).integers(0, size, (RESAMPLES, size))


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return the middle 95% of a statistic over the resamples; where it was undefined (NaN) it does not count."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Columns:
    """The outcomes of many questions, as arrays."""

    confidence: Floats
    right: Bools

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Return these rows, in this order."""
        return Columns(self.confidence[rows], self.right[rows])


@dataclass(frozen=True, slots=True)
class Metric:
    """A mean over the questions that have the score, or a function of all (or all answered) of them together."""

    group: str
    title: str
    lower_better: bool = False
    together: Callable[[Columns], float] | None = None
    answered_only: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's value, its interval, and over how many questions; None where nothing had it."""

    value: float | None
    low: float | None
    high: float | None
    n: int


NOTHING = Value(None, None, None, 0)


METRICS: Mapping[str, Metric] = {
    "doc_recall@5": Metric("Retrieval", "gold document in the first 5 hits"),
    "evidence@800w": Metric("Retrieval", "gold evidence in the first 800 words"),
    "answer_rate": Metric("Answers", "answerable questions answered"),
    "f1": Metric("Answers", "token F1, an abstention scoring 0"),
    "f1_answered": Metric("Answers", "token F1 where answered"),
    "gold_recall": Metric("Answers", "recall of gold tokens, an abstention scoring 0"),
    "gold_recall_answered": Metric("Answers", "recall of gold tokens where answered"),
    "numbers_exact": Metric("Answers", "the gold's numbers and no others"),
    "numbers_found": Metric("Answers", "the gold's numbers among others"),
    "worded": Metric("Answers", "worded by the generator"),
    "agrees": Metric("Answers", "its sentences that agree with their passages, of an answer"),
    "seconds": Metric("Answers", "seconds in which it wrote", lower_better=True),
    "verified": Metric("Citations", "answers that verify accepts"),
    "evidence_hit": Metric("Citations", "a quote meets gold evidence"),
    "left_out": Metric("Citations", "sentences left out of an answer", lower_better=True),
    "abstention_unanswerable": Metric("Abstention", "abstained where nothing answers"),
    "abstention_out_of_domain": Metric("Abstention", "abstained on another corpus's questions"),
    "false_abstention": Metric("Abstention", "abstained where the documents answer", lower_better=True),
    "auroc_right": Metric(
        "Confidence",
        "AUROC of right or wrong where answered",
        answered_only=True,
        together=lambda c: auroc(c.confidence, c.right),
    ),
    "coverage": Metric("Confidence", "all questions answered, at the threshold"),
    "risk": Metric("Confidence", "answers that are wrong, at the threshold", lower_better=True),
    "aurc": Metric(
        "Confidence",
        "area under risk-coverage",
        lower_better=True,
        together=lambda c: aurc(c.confidence, ~c.right),
    ),
    "ece": Metric(
        "Confidence",
        "calibration error of confidence",
        lower_better=True,
        together=lambda c: calibration_error(c.confidence, c.right),
    ),
}


def label(name: str) -> str:
    """Return a metric's name as tables and plots show it: with an arrow down if lower is better."""
    return f"{name} ↓" if METRICS[name].lower_better else name


def columns(rows: Sequence[Scored]) -> Columns:
    """Return the rows' outcomes as arrays."""
    return Columns(
        np.array([row.confidence for row in rows], np.float64),
        np.array([row.right for row in rows], np.bool_),
    )


def measure(rows: Sequence[Scored]) -> dict[str, Value]:
    """Return every metric over the rows."""
    return {name: _value(name, metric, rows) for name, metric in METRICS.items()}


def _value(name: str, metric: Metric, rows: Sequence[Scored]) -> Value:
    sampled = sample(name, metric, [(row,) for row in rows])
    return value_of(sampled.values[0], sampled.draws[:, 0], sampled.n) if sampled else NOTHING


@dataclass(frozen=True, slots=True)
class Sampled:
    """A metric of one run, or of two over the questions of both: values [side], draws [resample, side].

    `scores` [question, side] are those that a mean is taken of.
    """

    values: Sequence[float]
    draws: Floats
    n: int
    scores: Floats | None


def sample(name: str, metric: Metric, questions: Sequence[tuple[Scored, ...]]) -> Sampled | None:
    """Take a metric, and draw it again over resampled questions; each has its outcome on every side.

    A mean is taken over the questions that have the score on all sides. None without any.
    """
    if metric.together is None:
        scored = [rows for rows in questions if all(name in row.scores for row in rows)]
        scores = np.array([[row.scores[name] for row in rows] for rows in scored])
        if not scored:
            return None
        return Sampled(list(scores.mean(axis=0)), scores[resamples(len(scores))].mean(axis=1), len(scores), scores)
    kept = [rows for rows in questions if not metric.answered_only or all(row.answered for row in rows)]
    if not kept:
        return None
    sides = [columns(side) for side in zip(*kept, strict=True)]
    drawn = np.array([[metric.together(side.take(at)) for side in sides] for at in resamples(len(kept))])
    return Sampled([metric.together(side) for side in sides], drawn, len(kept), None)


def value_of(value: float, draws: Floats, n: int) -> Value:
    """Return a statistic with the interval of its draws; None where it is undefined."""
    if math.isnan(value):
        return Value(None, None, None, n)
    low, high = interval(draws)
    return Value(round(value, DIGITS), round(low, DIGITS), round(high, DIGITS), n)


def parse_gates(texts: Sequence[str]) -> dict[str, float]:
    """Read `METRIC=VALUE` conditions; raises UsageError for an unknown metric or a bad number."""
    gates = {}
    for text in texts:
        name, _, bound = text.partition("=")
        if name not in METRICS:
            raise UsageError(f"--fail-under {text}: there is no metric {name!r}.", f"Known: {', '.join(METRICS)}.")
        try:
            gates[name] = float(bound)
        except ValueError:
            raise UsageError(f"--fail-under {text}: {bound!r} is not a number.", f"E.g. {name}=0.9") from None
    return gates


def check_gates(gates: Mapping[str, float], values: Mapping[str, float | None]) -> None:
    """Raise GateFailed naming every metric that is worse than its bound, or has no value."""
    failed = []
    for name, bound in gates.items():
        value, lower = values[name], METRICS[name].lower_better
        if value is None or (value > bound if lower else value < bound):
            told = "has no value" if value is None else f"is {value:.3f}"
            failed.append(f"{name} {told}, and must be at {'most' if lower else 'least'} {bound:g}")
    if failed:
        raise GateFailed(f"{'; '.join(failed)}.", "The report says which questions went wrong.")
