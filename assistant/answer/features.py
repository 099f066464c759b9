"""What the reader's choice is weighed from: the features of a candidate, and those of a whole reading."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.answer.evidence import plain
from assistant.core.records import Evidence
from assistant.text.canonical import count_words
from assistant.text.words import content

SENTENCE_FEATURES = ("log_odds", "compared", "hit_gap")
"""What the reader says of a candidate in its passage, and beside the likeliest others, and how far its hit is below the
first. Places, words in common and numbers that are asked for helped a reader that scored each passage by itself; now
they mislead (docs/log/experiments.md).
"""

READING_FEATURES = ("score", "quoted", "words")
"""The best candidate's weighed score, the log-odds that the answer is in what is quoted, over all else, and the
logarithm of how many words were asked.

The reader learns one softmax over the likeliest candidates and "nothing answers": the second is what that says. A plain
question, "notice period", has lower scores than a story and is answered rightly as often (docs/log/experiments.md).
"""

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]

FLOOR = -15.0  # of log-odds; what was cut off has this
LEAST_LENGTH = 5  # words that a short question counts as
VAGUE_LENGTH = 12  # and one that names nothing: "How much is it?"


def sentence_columns(
    sentences: Sequence[Evidence], log_odds: Sequence[float], compared: Mapping[int, float]
) -> Columns:
    """Return each of SENTENCE_FEATURES of candidates [n], in the order of their hits.

    `compared` are the log-odds of the likeliest, by their place, when read side by side; others have no more than the
    least of them.
    """
    hits = np.array([e.hit.score for e in sentences])
    odds = np.maximum(np.asarray(log_odds, float), FLOOR)
    read = {at: value for at, value in compared.items() if value > FLOOR}  # the others were cut off
    beside = np.minimum(odds, min(read.values(), default=FLOOR))
    beside[list(read)] = list(read.values())
    return {"log_odds": odds, "compared": beside, "hit_gap": hits - hits.max()}


def reading_columns(question: str, columns: Columns, scores: Floats, quoted: NDArray[np.bool_]) -> dict[str, float]:
    """Return READING_FEATURES of candidates, given their combined scores [n], and which of them are quoted [n]."""
    odds = columns["compared"]
    others = np.logaddexp.reduce(odds[~quoted], initial=0.0)  # 0 are the log-odds that nothing answers
    return {
        "score": float(scores.max()),
        "quoted": float(np.logaddexp.reduce(odds[quoted]) - others),
        "words": math.log(_length(question)),
    }


def _length(question: str) -> int:
    """Return how many words a question counts as: one is not plain for saying next to nothing."""
    return max(LEAST_LENGTH, count_words(question)) if len(content(question)) > 1 else VAGUE_LENGTH


def overlap_gaps(question: str, sentences: Sequence[Evidence]) -> Floats:
    """Return how far below the best each sentence is by the share of the question's content that it has [n].

    A word weighs by how few of the sentences have it (inverse document frequency).
    """
    own = [content(plain(e)) for e in sentences]
    frequency = Counter(word for words in own for word in words)
    weight = {word: math.log(1 + len(own) / (1 + frequency[word])) for word in content(question)}
    total = sum(weight.values()) or 1.0
    said = np.array([sum(w for word, w in weight.items() if word in words) / total for words in own])
    gaps: Floats = said - said.max()
    return gaps
