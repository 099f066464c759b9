"""Features and outcomes -> a logistic model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.models.logistic import Logistic

Floats = NDArray[np.float64]

NOISE = 1e-9  # a spread so small is no information: an encoder has dimensions that are 1e-33 whatever it reads
PENALTY = 0.1  # scikit-learn's C, over standardised features


def fit_logistic(
    columns: Mapping[str, NDArray[np.float64]],
    features: Sequence[str],
    outcome: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    penalty: float = PENALTY,
    favour: Mapping[str, float] | None = None,
) -> Logistic:
    """Fit the outcome [n] to the named columns [n] by L2-regularised logistic regression; `weights` [n] of the rows.

    A feature that is favoured, by a factor over 1, is penalised less.
    """
    from sklearn.linear_model import LogisticRegression

    rows = np.stack([columns[name] for name in features], axis=1)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread < NOISE] = 1.0
    spread /= np.array([(favour or {}).get(name, 1.0) for name in features])
    model = LogisticRegression(C=penalty, max_iter=5_000)
    model.fit((rows - mean) / spread, outcome, sample_weight=weights * len(weights) / weights.sum())
    slopes = model.coef_[0] / spread
    bias = float(model.intercept_[0] - slopes @ mean)
    return Logistic(tuple(features), tuple(round(float(slope), 6) for slope in slopes), round(bias, 6))
