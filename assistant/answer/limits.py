"""Which sentences limit, amend or take back a rule that stands elsewhere: a linear model over a sentence's vector.

"Section 5 is repealed", "These rules are for guests": more verbs say so than a list holds. Made from our own sentences
by `tune/factory/fit_limits.py`; the card in the file tells how often it errs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import ModelDamaged
from assistant.core.files import PACKAGED
from assistant.models.logistic import probabilities, read_json

FILE = PACKAGED / "limits.json"
SAME_SUBJECT, RELATED = 0.5, 0.35  # cosines: "no more barbecues on balconies" and a rule on them 0.52, others below 0.3

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class LimitModel:
    """P(a sentence limits what is said elsewhere) from its vector [384]; from `threshold` on it is taken to."""

    encode: Encode
    vector: NDArray[np.float64]
    bias: float
    threshold: float

    def limits(self, texts: Sequence[str]) -> list[bool]:
        """Tell of each text [n] whether it limits something."""
        return [bool(p >= self.threshold) for p in self._probabilities(self.encode(texts))] if texts else []

    def limits_one_of(self, texts: Sequence[str], passages: Sequence[str], rules: Sequence[str]) -> list[bool]:
        """Tell of each text [n], in its passage [n], whether it limits one of these rules.

        It does if it is about the same as a rule, or if it limits something and its passage is near to a rule.
        """
        if not texts:
            return []
        vectors, around, known = self.encode(texts), self.encode(passages), self.encode(rules).T
        same = (vectors @ known).max(axis=1) >= SAME_SUBJECT
        related = (around @ known).max(axis=1) >= RELATED
        limiting = self._probabilities(vectors) >= self.threshold
        found: list[bool] = (same | (limiting & related)).tolist()
        return found

    def _probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        return probabilities(vectors.astype(np.float64) @ self.vector + self.bias)


def load_limits(encode: Encode, path: Path = FILE) -> LimitModel:
    """Read the packaged model; `encode` is the guards' encoder. Raises ModelDamaged."""
    raw = read_json(path)
    try:
        vector = np.array(raw["vector"], np.float64)
        model = LimitModel(encode, vector, float(raw["bias"]), float(raw["threshold"]))
        if vector.ndim != 1 or not np.isfinite(vector).all() or not 0 < model.threshold < 1:
            raise ValueError("its numbers make no model")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} does not fit this version: {error}.", "Reinstall the assistant.") from error
    return model
