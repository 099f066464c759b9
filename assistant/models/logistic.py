"""Logistic models, kept as JSON: a model, where it came from, and nothing to execute.

Over named features, or over a text's words and its vector. Those words are hashed: each word, each pair of neighbours,
each pair two apart by its beginnings, and the letters of each long word in order, whatever their order, so that no list
of words stands in the code.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import ModelDamaged

Floats = NDArray[np.float64]

DIMENSIONS = 384
BUCKETS = 8192  # for hashed words
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_UNSPACED = "\u0e00"  # from here on scripts part no words: pairs of signs stand for them
_STEM = 5  # letters


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


@dataclass(frozen=True)
class Linear:
    """log-odds = bias + hashed words x their weights + vector x its weights.

    At `threshold` and above something is found. A text whose words alone have less than `gate` need not be encoded.
    """

    words: tuple[float, ...]
    vector: tuple[float, ...]
    bias: float
    threshold: float
    gate: float
    card: Mapping[str, Any]

    def lexical_log_odds(self, text: str) -> float:
        """Return the log-odds of the words of a text alone."""
        hashed = hash_words(text)
        return self.bias + sum(self.words[at] for at in hashed) / math.sqrt(max(1, len(hashed)))

    def probabilities(self, lexical: Sequence[float], vectors: NDArray[np.float32]) -> Floats:
        """Return a probability a row [n] of log-odds of words [n] and vectors [n, 384]."""
        log_odds = vectors.astype(np.float64) @ self._weights + np.asarray(lexical)
        return probabilities(log_odds)

    def of_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> Floats:
        """Return a probability a text [n] with its vector [n, 384]."""
        return self.probabilities([self.lexical_log_odds(text) for text in texts], vectors)

    @cached_property
    def _weights(self) -> Floats:
        return np.asarray(self.vector)


def hash_words(text: str) -> list[int]:
    """Return the buckets of the words of a text, each once."""
    return sorted({zlib.crc32(feature.encode()) % BUCKETS for feature in _features(text)})


def _features(text: str) -> Iterator[str]:
    tokens = list(_tokens(text))
    yield from tokens
    yield from (f"{a} {b}" for a, b in pairwise(["^", *tokens, "$"]))
    yield from (f"{a[:_STEM]}..{b[:_STEM]}" for a, b in zip(tokens, tokens[2:], strict=False))
    yield from (f"~{''.join(sorted(token))}" for token in tokens if _STEM <= len(token) <= 16)


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text.lower()):
        token = match.group()
        if token[0] >= _UNSPACED and len(token) > 1:
            yield from (token[at : at + 2] for at in range(len(token) - 1))
        else:
            yield token


def load_linear(path: Path) -> Linear:
    """Load a model of this version's features; raises ModelDamaged."""
    raw = read_json(path)
    try:
        words, vector = (tuple(map(float, raw[name])) for name in ("words", "vector"))
        numbers = [float(raw[name]) for name in ("bias", "threshold", "gate")]
        if len(words) != BUCKETS or len(vector) != DIMENSIONS or not 0 < numbers[1] < 1:
            raise ValueError(f"{len(words)} words, {len(vector)} dimensions, threshold {numbers[1]}")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} does not fit this version: {error}.", "Reinstall the assistant.") from error
    bias, threshold, gate = numbers
    return Linear(words, vector, bias, threshold, gate, dict(raw.get("card", {})))
