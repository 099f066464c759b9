"""What the reader's choice is weighed from: the features of a candidate, and those of a whole reading."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.answer.evidence import MIN_WORDS, plain
from assistant.core.records import Evidence
from assistant.text.quantities import NUMBER, SMALL
from assistant.text.words import content

SENTENCE_FEATURES = ("log_odds", "hit_gap", "hit_rank", "overlap_gap", "lacks_number", "short")
READING_FEATURES = ("best",)
"""The log-odds of the candidate that scores highest.

How far it stands out, how high the hits are and the words in common tell a little more of documents and questions like
those that they were fitted on, and mislead elsewhere (docs/log/experiments.md).
"""

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]

ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|often|far|old|soon)|when|deadline|limit|maximum|minimum)\b", re.IGNORECASE
)
HAS_NUMBER = re.compile(rf"{NUMBER}|\b(?:{'|'.join(SMALL)})\b", re.IGNORECASE)
FLOOR = -15.0  # of log-odds; what was cut off has this


def sentence_columns(question: str, sentences: Sequence[Evidence], log_odds: Sequence[float]) -> Columns:
    """Return each of SENTENCE_FEATURES of candidates [n], in the order of their hits."""
    odds = np.maximum(np.asarray(log_odds, float), FLOOR)
    hits = np.array([e.hit.score for e in sentences])
    said, around = overlaps(question, sentences)
    asked = bool(ASKS_NUMBER.search(question))
    return {
        "log_odds": odds,
        "hit_score": hits,
        "hit_gap": hits - hits.max(),
        "hit_rank": np.array([1 / e.hit.rank for e in sentences]),
        "overlap": around,
        "overlap_gap": said - said.max(),
        "lacks_number": np.array([float(asked and not HAS_NUMBER.search(plain(e))) for e in sentences]),
        "short": np.array([float(len(e.text.split()) < MIN_WORDS) for e in sentences]),
    }


def reading_columns(columns: Columns, scores: Floats) -> dict[str, float]:
    """Return READING_FEATURES of candidates, given their combined scores [n]."""
    return {"best": float(columns["log_odds"][int(scores.argmax())])}


def overlaps(question: str, sentences: Sequence[Evidence]) -> tuple[Floats, Floats]:
    """Return the share of the question's content that each sentence has [n], and that it has with its headings [n].

    A word weighs by how few of the sentences have it (inverse document frequency).
    """
    own = [content(plain(e)) for e in sentences]
    headed = [content(" ".join((e.hit.title, *e.hit.passage.headings))) for e in sentences]
    frequency = Counter(word for words in own for word in words)
    weight = {word: math.log(1 + len(own) / (1 + frequency[word])) for word in content(question)}
    total = sum(weight.values()) or 1.0
    said = [sum(w for word, w in weight.items() if word in words) / total for words in own]
    around = [
        sum(w for word, w in weight.items() if word in words or word in heads) / total
        for words, heads in zip(own, headed, strict=True)
    ]
    return np.array(said), np.array(around)
