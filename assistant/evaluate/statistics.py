"""What confidence is worth: ranking, selective risk, calibration; and intervals by resampling questions, seeded.

Equal confidences share their mean outcome, so that no number depends on the order of the questions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


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


def risk_at(confidence: Floats, wrong: Bools, coverage: float) -> float:
    """Return the share of wrong answers when the most confident share `coverage` of the questions is answered."""
    return float(risk_curve(confidence, wrong)[math.ceil(coverage * len(wrong)) - 1])


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


RESAMPLES = 1_000
SEED = 0


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
