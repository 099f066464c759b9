"""Hits -> evidence: which sentences of the hits answer, in which order, and whether any does.

Each sentence, list item and table row is encoded with its heading and lead-in and compared with the question; a
logistic model weighs that similarity with the passage's and the hit's (`features.py`; fitted by `tune/reader.py`). A
second one turns the best sentence's scores into the probability that the documents answer (`confidence.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.confidence import PACKAGED, Confidence
from assistant.core.config import Config, ReaderSection
from assistant.core.logistic import Logistic, parse_logistic, read_json
from assistant.core.registry import Registry, hash_file
from assistant.core.serving import prepared
from assistant.core.text import units
from assistant.core.types import Evidence, Hit, Reading, Term
from assistant.evidence import in_context
from assistant.features import SENTENCE_FEATURES, Columns, reading_columns, sentence_columns

KINDS: Final[Mapping[str, Literal["item", "row"]]] = {"item": "item", "row": "row"}
MAX_DEFINITIONS = 2  # of one question: the fullest, and one more that may say it otherwise
MIN_WORDS = 3  # a shorter sentence proves nothing on its own
SENTENCE_WEIGHT = 0.5  # of a hit's best sentence beside its retrieval score, in the order of the hits
DEFINED = 0.99  # the probability that a definition answers the question what its term means
FILE_NAME = "reader.json"
# Also the headings of a list of contents, which have lost their mark: "How to ask for leave".
QUESTION = re.compile(r".*\?\W*|(?:What|How|Who|Whom|Whose|Why)\b.*[^.:;,!)]")


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The sentences of the hits that could prove something, and their columns of features."""

    sentences: tuple[Evidence, ...]
    columns: Columns


class Reader:
    """Picks evidence."""

    def __init__(
        self,
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
        settings: ReaderSection,
        model: Logistic,
        confidence: Confidence,
    ) -> None:
        self._encode = encode
        self._settings = settings
        self._model = model
        self._confidence = confidence

    def read(self, question: str, hits: Sequence[Hit], defined: Sequence[Term] = (), focus: str = "") -> Reading:
        """Return the evidence, best first, the hits by score and best sentence, and P(the documents answer).

        `defined` are the terms whose meaning is asked for; their definitions are the evidence. Where `question` holds
        what was said before, `focus` is the question itself and counts for half.
        """
        if definitions := _definitions(defined, hits):
            return Reading(_distinct(definitions)[: self._settings.evidence], tuple(hits), DEFINED)
        read, rest = hits[: self._settings.passages], hits[self._settings.passages :]
        found = self.candidates(question, read, focus)
        if not found.sentences:
            return Reading((), tuple(hits), 0.0)
        log_odds = self._model.log_odds(found.columns)
        scored = [replace(e, score=float(s)) for e, s in zip(found.sentences, log_odds, strict=True)]
        # A question answers nothing, however like it is to the one that was asked.
        telling = [e for e in scored if not QUESTION.fullmatch(" ".join(e.text.split()))] or scored
        by_score = sorted(telling, key=lambda e: -e.score)
        floor = by_score[0].score - self._settings.margin
        picked = _distinct([e for e in by_score if e.score >= floor])[: self._settings.evidence]
        features = reading_columns(found.columns)
        ranked = _reorder(read, found)
        return Reading(picked, _renumber((*ranked, *rest)), self._confidence.probability(features), features)

    def candidates(self, question: str, hits: Sequence[Hit], focus: str = "") -> Candidates:
        """Return the sentences of the hits with their features."""
        sentences = [e for hit in hits for e in evidence_in(hit)]
        if not sentences:
            return Candidates((), {})
        vectors = self._encode([question, focus or question, *map(in_context, sentences)])
        asked = vectors[0] + vectors[1]
        similarity = vectors[2:] @ (asked / np.linalg.norm(asked))
        return Candidates(tuple(sentences), sentence_columns(focus or question, sentences, similarity.tolist()))


def evidence_in(hit: Hit) -> list[Evidence]:
    """Return each sentence, list item and table row of a hit that could prove something."""
    text, begin = hit.passage.text, hit.passage.start
    return [
        Evidence(
            hit, begin + u.start, begin + u.end, text[u.start : u.end], 0.0, KINDS.get(u.kind, "sentence"),
            (begin + u.lead[0], begin + u.lead[1]) if u.lead else None,
        )
        for u in units(text)
        if len(text[u.start : u.end].split()) >= MIN_WORDS
    ]  # fmt: skip


def load_reader(config: Config) -> tuple[Logistic, str]:
    """Load the reader that came with the prepared model, or else the packaged one, with its SHA-256.

    Raises ModelDamaged.
    """
    path = PACKAGED / FILE_NAME
    registry = Registry(config.models_dir)
    own = registry.path(prepared(config)) / FILE_NAME
    if own.is_file():
        registry.verify(registry.load(own.parent.name))
        path = own
    return read_reader(path), hash_file(path)


def read_reader(path: Path) -> Logistic:
    """Read a reader's model; raises ModelDamaged."""
    return parse_logistic(read_json(path), path, SENTENCE_FEATURES)


def _definitions(defined: Sequence[Term], hits: Sequence[Hit]) -> list[Evidence]:
    """Make evidence of the definitions that lie in the hits, ahead of everything else."""
    found = []
    for place, term in enumerate(defined):
        for hit in hits:
            p = hit.passage
            if p.document_id == term.document_id and p.start <= term.start < p.end:
                line = p.text.rfind("\n", 0, term.start - p.start) + 1
                at = p.text.rfind(term.name, line, term.start - p.start)
                lead = (p.start + at, p.start + at + len(term.name)) if at >= 0 else None
                score = 2.0 - 0.01 * place
                found.append(Evidence(hit, term.start, term.end, term.definition, score, "definition", lead))
    return found[:MAX_DEFINITIONS]


def _distinct(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Leave out what says the same words again, or lies inside what is already picked."""
    kept: list[Evidence] = []
    for e in evidence:
        same = any(
            " ".join(e.text.split()).casefold() == " ".join(k.text.split()).casefold()
            or (e.hit.passage.document_id == k.hit.passage.document_id and k.start <= e.start < k.end)
            for k in kept
        )
        if not same:
            kept.append(e)
    return tuple(kept)


def _reorder(hits: Sequence[Hit], found: Candidates) -> list[Hit]:
    """Return the hits by retrieval score + their best sentence's similarity."""
    best = {
        e.hit.passage.id: float(similarity)
        for e, similarity in zip(found.sentences, found.columns["passage_best"], strict=True)
    }
    ranked = [replace(hit, score=hit.score + SENTENCE_WEIGHT * best.get(hit.passage.id, 0.0)) for hit in hits]
    return sorted(ranked, key=lambda hit: (-hit.score, hit.rank))


def _renumber(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, 1))
