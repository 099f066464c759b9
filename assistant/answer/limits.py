"""Which sentences limit, amend or take back a rule that stands elsewhere: a linear model of its words and its vector.

"Section 5 is repealed", "These rules are for guests": more verbs say so than a list holds. Made from our own sentences
by `tune/factory/fit_limits.py`; the card in the file tells how often it errs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.core.files import PACKAGED
from assistant.models.encoder import Encode
from assistant.models.logistic import Linear, load_linear

FILE = PACKAGED / "limits.json"
SAME_SUBJECT, RELATED = 0.5, 0.35  # cosines: "no more barbecues on balconies" and a rule on them 0.52, others below 0.3
# P(it limits something). Of our examples, folds held out, 59% have the threshold, 75% are likely and 87% possible; of
# sentences of real policies 1-3% and 3-6%, nearly all wrongly, and few of them are on the subject of a quote.
LIKELY, POSSIBLE = 0.5, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LimitModel:
    """Tells which sentences limit what is said elsewhere; `encode` gives the vectors that the model weighs."""

    encode: Encode
    model: Linear

    def limits(self, texts: Sequence[str], near: Sequence[bool], rule: str) -> list[bool]:
        """Tell of each text [n] of its document whether it limits a rule.

        It surely does, or likely does and is on the rule's subject or `near` to it [n].
        """
        if not texts:
            return []
        vectors = self.encode(texts)
        same = np.array(near, bool) | (vectors @ self.encode([rule])[0] >= SAME_SUBJECT)
        chances = self.model.of_texts(texts, vectors)
        found: list[bool] = ((chances >= self.model.threshold) | ((chances >= LIKELY) & same)).tolist()
        return found

    def limits_one_of(self, texts: Sequence[str], passages: Sequence[str], rules: Sequence[str]) -> list[bool]:
        """Tell of each text [n], in its passage [n], whether it limits one of these rules.

        It does if it likely limits something and its passage is near to a rule, or if it possibly does and is about the
        same as a rule.
        """
        if not texts:
            return []
        vectors, around, known = self.encode(texts), self.encode(passages), self.encode(rules).T
        same = (vectors @ known).max(axis=1) >= SAME_SUBJECT
        related = (around @ known).max(axis=1) >= RELATED
        chances = self.model.of_texts(texts, vectors)
        found: list[bool] = (((chances >= POSSIBLE) & same) | ((chances >= LIKELY) & related)).tolist()
        return found


def load_limits(encode: Encode, path: Path = FILE) -> LimitModel:
    """Read the packaged model; `encode` is the guards' encoder. Raises ModelDamaged."""
    return LimitModel(encode, load_linear(path))
