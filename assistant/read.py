"""Hits -> evidence: which sentences of the hits answer, in which order, and whether any does.

The first reader is sentence similarity by the encoder that made the index: each sentence, list item and table row is
encoded with its heading and lead-in, and compared with the question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import ReaderSection
from assistant.core.text import cells, units
from assistant.core.types import Evidence, Hit, Reading, Term

KINDS: Final[Mapping[str, Literal["item", "row"]]] = {"item": "item", "row": "row"}
MIN_WORDS = 3  # a shorter sentence proves nothing on its own
RANK_WEIGHT = 0.06  # what a hit's place in the retrieval adds to its sentences
# P(answered) = 1 / (1 + exp(-(SLOPE * (best similarity - MIDPOINT)))); replaced by the calibration when there is one.
SLOPE, MIDPOINT = 14.0, 0.42
DEFINED = 0.95  # the probability that a definition answers the question what its term means


class Reader:
    """Picks evidence by sentence similarity."""

    def __init__(self, encode: Callable[[Sequence[str]], NDArray[np.float32]], settings: ReaderSection) -> None:
        self._encode = encode
        self._settings = settings

    def read(self, question: str, hits: Sequence[Hit], defined: Sequence[Term] = ()) -> Reading:
        """Return the evidence, best first, the hits by their best sentence, and P(the question is answered).

        `defined` are the terms whose meaning is asked for; their definitions are the evidence.
        """
        candidates = [c for hit in hits[: self._settings.passages] for c in _candidates(hit)]
        if not candidates:
            return Reading((), tuple(hits), 0.0)
        vectors = self._encode([question, *map(in_context, candidates)])
        similarity = vectors[1:] @ vectors[0]
        scored = [
            replace(c, score=float(s) + RANK_WEIGHT / c.hit.rank) for c, s in zip(candidates, similarity, strict=True)
        ]
        definitions = _definitions(defined, hits)
        evidence = definitions + sorted(scored, key=lambda e: -e.score)
        floor = evidence[0].score - self._settings.margin
        picked = _distinct([e for e in evidence if e.score >= floor])[: self._settings.evidence]
        probability = DEFINED if definitions else answered(float(similarity.max()))
        return Reading(picked, _reorder(hits, evidence), probability)


def answered(similarity: float) -> float:
    """Return the probability that the documents answer, from the best sentence's cosine similarity."""
    return 1.0 / (1.0 + math.exp(-SLOPE * (similarity - MIDPOINT)))


def _candidates(hit: Hit) -> list[Evidence]:
    text, begin = hit.passage.text, hit.passage.start
    return [
        Evidence(
            hit, begin + u.start, begin + u.end, text[u.start : u.end], 0.0, KINDS.get(u.kind, "sentence"),
            (begin + u.lead[0], begin + u.lead[1]) if u.lead else None,
        )
        for u in units(text)
        if len(text[u.start : u.end].split()) >= MIN_WORDS
    ]  # fmt: skip


def in_context(evidence: Evidence) -> str:
    """Return what is encoded for a sentence: its own heading, its lead-in or column names, and itself."""
    headings = evidence.hit.passage.headings
    return f"{headings[-1] if headings else evidence.hit.title}: {plain(evidence)}"


def plain(evidence: Evidence) -> str:
    """Say evidence as one line that stands alone: with its lead-in, column names or term."""
    lead, text = evidence.lead_text, " ".join(evidence.text.split())
    if evidence.kind == "row":
        return row_text(lead, text)
    if evidence.kind == "definition" and lead:
        return f"{lead}: {text}"
    return f"{lead} {text}" if lead else text


def row_text(header: str, row: str) -> str:
    """Say a table row as `Column: cell; Column: cell`."""
    names, values = cells(header), cells(row)
    pairs = [f"{name}: {value}" if name else value for name, value in zip(names, values, strict=False) if value]
    return "; ".join(pairs + values[len(names) :])


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
    return found


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


def _reorder(hits: Sequence[Hit], evidence: Sequence[Evidence]) -> tuple[Hit, ...]:
    best: dict[int, float] = {}
    for e in evidence:
        best[e.hit.passage.id] = max(best.get(e.hit.passage.id, -1.0), e.score)
    order = sorted(hits, key=lambda hit: (-best.get(hit.passage.id, -1.0), hit.rank))
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(order, 1))
