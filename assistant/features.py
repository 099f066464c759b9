"""What is known of a sentence beside its similarity: the reader's features, and those of a whole reading."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.core.types import Evidence
from assistant.evidence import plain
from assistant.facts import NUMBER, SMALL, stem
from assistant.retrieve import STOP_WORDS, WORD

SENTENCE_FEATURES = (
    "similarity_gap", "hit_score", "hit_gap", "hit_rank", "passage_best", "passage_mean", "overlap", "overlap_gap",
    "lacks_number", "position", "length",
)  # fmt: skip
READING_FEATURES = ("best_hit", "hit_spread", "similarity_lead")
"""How high the first hit is, how far above the last one read, and how far the most similar sentence is above the sixth.

Questions that the documents do not answer find many things that are about as near. More features told the questions
apart that they were fitted on, and others worse (docs/experiments.md): these hold for documents of other kinds.
"""

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]

ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|often|far|old|soon)|when|deadline|limit|maximum|minimum)\b", re.IGNORECASE
)
HAS_NUMBER = re.compile(rf"{NUMBER.pattern}|\b(?:{'|'.join(SMALL)})\b", re.IGNORECASE)
RIVAL = 6  # the sentence, counted by similarity, that the best one is compared with
FAR = 10  # sentences from a passage's start that count as far


def sentence_columns(question: str, sentences: Sequence[Evidence], similarity: Sequence[float]) -> Columns:
    """Return each of SENTENCE_FEATURES, and the similarity, of candidate sentences [n], in the order of their hits."""
    near = np.asarray(similarity, float)
    passages = np.array([e.hit.passage.id for e in sentences])
    hits = np.array([e.hit.score for e in sentences])
    best, mean, position = np.empty(len(near)), np.empty(len(near)), np.empty(len(near))
    for passage in dict.fromkeys(passages.tolist()):
        own = passages == passage
        best[own], mean[own], position[own] = near[own].max(), near[own].mean(), np.arange(own.sum())
    said, around = overlaps(question, sentences)
    asked = bool(ASKS_NUMBER.search(question))
    return {
        "similarity": near,
        "similarity_gap": near - near.max(),
        "hit_score": hits,
        "hit_gap": hits - hits.max(),
        "hit_rank": np.array([1 / e.hit.rank for e in sentences]),
        "passage_best": best,
        "passage_mean": mean,
        "overlap": around,
        "overlap_gap": said - said.max(),
        "lacks_number": np.array([float(asked and not HAS_NUMBER.search(plain(e))) for e in sentences]),
        "position": np.minimum(position, FAR) / FAR,
        "length": np.array([math.log(len(e.text.split())) for e in sentences]),
    }


def reading_columns(columns: Columns) -> dict[str, float]:
    """Return READING_FEATURES of the candidates' columns."""
    hits, near = columns["hit_score"], np.sort(columns["similarity"])[::-1]
    return {
        "best_hit": float(hits.max()),
        "hit_spread": float(hits.max() - hits.min()),
        "similarity_lead": float(near[0] - near[min(RIVAL, len(near)) - 1]),
    }


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


def content(text: str) -> set[str]:
    """Return the stems of a text's words that are not stop words."""
    words = (match.group().casefold() for match in WORD.finditer(text))
    return {stem(word) for word in words if word not in STOP_WORDS}
