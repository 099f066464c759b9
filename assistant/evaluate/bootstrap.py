"""Intervals by resampling questions (percentile bootstrap), seeded."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
