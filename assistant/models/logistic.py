"""Logistic models over named features, kept as JSON: a model, where it came from, and nothing to execute."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import ModelDamaged

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """log-odds = bias + sum of weight x feature."""

    features: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float

    def log_odds(self, columns: Mapping[str, Sequence[float] | Floats | float]) -> Floats:
        """Return the log-odds of each row [n]; `columns` maps each feature to its values [n], or to a number."""
        parts = (w * np.asarray(columns[name], float) for name, w in zip(self.features, self.weights, strict=True))
        total: Floats = sum(parts, np.asarray(self.bias, float))
        return total


def probabilities(log_odds: Floats) -> Floats:
    """Return the probability of each of the log-odds."""
    found: Floats = 1 / (1 + np.exp(-log_odds))
    return found


def read_json(path: Path) -> dict[str, Any]:
    """Read one of our JSON model files; raises ModelDamaged if it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{path} cannot be read: {error}.", f"Delete {path}, or reinstall the assistant.") from error
    return found


def parse_logistic(raw: Mapping[str, Any], path: Path, known: Sequence[str]) -> Logistic:
    """Build a model from `features`, `weights` and `bias`; raises ModelDamaged for anything else.

    `known` are the features that this version computes.
    """
    try:
        features, weights = tuple(map(str, raw["features"])), tuple(map(float, raw["weights"]))
        model = Logistic(features, weights, float(raw["bias"]))
        if len(features) != len(weights) or not set(features) <= set(known):
            raise ValueError(f"its features are {', '.join(features)}")
    except (KeyError, TypeError, ValueError) as error:
        cause = f"{path} does not fit this version: {error}."
        raise ModelDamaged(cause, f"Make it again, or delete {path}.") from error
    return model
