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
MAX_DEFINITIONS = 2  # of one question: the fullest, and one more that may say it otherwise
MIN_WORDS = 3  # a shorter sentence proves nothing on its own
SENTENCE_WEIGHT = 0.5  # of a hit's best sentence beside its retrieval score, in the order of the hits
HIT_WEIGHT = 0.1  # of a hit's score beside a sentence's similarity, in the order of the evidence
# P(answered) = 1 / (1 + exp(-SLOPE * (best similarity - MIDPOINT))), by logistic regression over 120 questions of
# conditionalqa, contoso and white_sharc's development part, asked of their own and of the wrong documents.
SLOPE, MIDPOINT = 28.0, 0.56
DEFINED = 0.95  # the probability that a definition answers the question what its term means


class Reader:
    """Picks evidence by sentence similarity."""

    def __init__(self, encode: Callable[[Sequence[str]], NDArray[np.float32]], settings: ReaderSection) -> None:
        self._encode = encode
        self._settings = settings

    def read(self, question: str, hits: Sequence[Hit], defined: Sequence[Term] = (), focus: str = "") -> Reading:
        """Return the evidence, best first, the hits by score and best sentence, and P(the question is answered).

        `defined` are the terms whose meaning is asked for; their definitions are the evidence. Where `question` holds
        what was said before, `focus` is the question itself and counts for half.
        """
        if definitions := _definitions(defined, hits):
            return Reading(_distinct(definitions)[: self._settings.evidence], tuple(hits), DEFINED)
        read, rest = hits[: self._settings.passages], hits[self._settings.passages :]
        candidates = [e for hit in read for e in _candidates(hit)]
        if not candidates:
            return Reading((), tuple(hits), 0.0)
        vectors = self._encode([question, focus or question, *map(in_context, candidates)])
        asked = vectors[0] + vectors[1]
        similarity = vectors[2:] @ (asked / np.linalg.norm(asked))
        scored = [replace(c, score=float(s)) for c, s in zip(candidates, similarity, strict=True)]
        ranked, best = _reorder(read, scored)
        by_score = sorted(scored, key=lambda e: -(e.score + HIT_WEIGHT * best[e.hit.passage.id]))
        floor = by_score[0].score - self._settings.margin
        picked = _distinct([e for e in by_score if e.score >= floor])[: self._settings.evidence]
        return Reading(picked, _renumber((*ranked, *rest)), answered(float(similarity.max())))


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


def _reorder(hits: Sequence[Hit], scored: Sequence[Evidence]) -> tuple[list[Hit], dict[int, float]]:
    """Return the hits by retrieval score + best sentence, and that sum by passage id."""
    best: dict[int, float] = {}
    for e in scored:
        best[e.hit.passage.id] = max(best.get(e.hit.passage.id, 0.0), e.score)
    total = {hit.passage.id: hit.score + SENTENCE_WEIGHT * best.get(hit.passage.id, 0.0) for hit in hits}
    ranked = [replace(hit, score=total[hit.passage.id]) for hit in hits]
    return sorted(ranked, key=lambda hit: (-hit.score, hit.rank)), total


def _renumber(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, 1))
