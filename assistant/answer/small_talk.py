"""What people type that no passage answers: thanks, a greeting, "what can you do?", or a wish for a summary.

A linear model of a text's vector tells them from questions. `tune/factory/fit_small_talk.py` makes it from our own
lines; the card in the file tells how often it errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import ModelDamaged
from assistant.core.files import PACKAGED
from assistant.core.records import Turn
from assistant.models.encoder import Encode
from assistant.models.logistic import read_json

FILE = PACKAGED / "small_talk.json"
SUMMARY = "summary"  # which the documents can give
KINDS = ("thanks", "hello", "about", "again", SUMMARY)
QUESTION = "question"
MOST_WORDS = 15  # whoever says more asks something


@dataclass(frozen=True, slots=True, eq=False)
class SmallTalk:
    """Tells the kind of a text, of KINDS, or "" for a question; `encode` gives the vectors that the model weighs."""

    encode: Encode
    weights: NDArray[np.float64]  # [kinds and question, dimensions]
    bias: NDArray[np.float64]
    threshold: float
    card: Mapping[str, Any]

    def kind(self, text: str) -> str:
        """Return what a text is."""
        if len(text.split()) > MOST_WORDS:
            return ""
        log_odds = self.weights @ self.encode([text])[0].astype(np.float64) + self.bias
        chances = np.exp(log_odds - np.logaddexp.reduce(log_odds))
        best = int(chances.argmax())
        return KINDS[best] if best < len(KINDS) and chances[best] >= self.threshold else ""

    def without(self, history: Sequence[Turn]) -> list[Turn]:
        """Return a conversation without what was no question, and what was said to that."""
        kept: list[Turn] = []
        skips = False
        for turn in history:
            if turn.role == "user":
                skips = self.kind(turn.content) not in ("", SUMMARY)
            if not skips:
                kept.append(turn)
        return kept


def load_small_talk(encode: Encode, path: Path = FILE) -> SmallTalk:
    """Read the packaged model; `encode` is the guards' encoder. Raises ModelDamaged."""
    raw = read_json(path)
    try:
        weights, bias = np.array(raw["weights"], np.float64), np.array(raw["bias"], np.float64)
        if raw["kinds"] != [*KINDS, QUESTION] or weights.shape[0] != bias.size or weights.ndim != 2:
            raise ValueError(f"it tells {raw['kinds']}")
        return SmallTalk(encode, weights, bias, float(raw["threshold"]), dict(raw["card"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} does not fit this version: {error}.", "Reinstall the assistant.") from error
