"""A linear model over a sentence's vector and named cues, kept as JSON with a card: nothing to execute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.core.errors import ModelDamaged
from assistant.models.logistic import Logistic, parse_logistic, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assistant.guards import Context

Features = Callable[[str], Mapping[str, float]]

DIMENSIONS = 384


@dataclass(frozen=True, slots=True)
class Linear:
    """log-odds = bias + vector x its weights + cues x theirs; at `threshold` and above something is found."""

    vector: tuple[float, ...]
    cues: Logistic
    threshold: float
    card: Mapping[str, Any]

    def probabilities(self, vectors: NDArray[np.float32], cues: Mapping[str, Sequence[float]]) -> NDArray[np.float64]:
        """Return a probability a row [n] of vectors [n, 384] and cues, each [n]."""
        import numpy as np

        log_odds = vectors.astype(np.float64) @ np.asarray(self.vector) + self.cues.log_odds(cues)
        found: NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
        return found

    def highest(self, context: Context, features: Features) -> float:
        """Return the highest probability of any piece of a text, 0 without an encoder."""
        if context.vectors is None:
            return 0.0
        return float(self.probabilities(context.vectors, columns(context.pieces, features, self.cues.features)).max())


def columns(pieces: Sequence[str], features: Features, names: Sequence[str]) -> dict[str, list[float]]:
    """Return the named features of pieces as columns."""
    rows = [features(piece) for piece in pieces]
    return {name: [row[name] for row in rows] for name in names}


def load_linear(path: Path, known: Sequence[str]) -> Linear:
    """Load a model whose cues this version knows; raises ModelDamaged."""
    raw = read_json(path)
    cues = parse_logistic(raw, path, known)
    try:
        vector, threshold = tuple(map(float, raw["vector"])), float(raw["threshold"])
        if len(vector) != DIMENSIONS or not 0 < threshold < 1:
            raise ValueError(f"{len(vector)} dimensions, threshold {threshold}")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} does not fit this version: {error}.", "Reinstall the assistant.") from error
    return Linear(vector, cues, threshold, dict(raw.get("card", {})))
