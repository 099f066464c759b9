"""Hits -> evidence: which sentences, items and rows of the hits answer, in which order, and whether any does.

A cross-encoder reads each passage with the question and scores its parts (`models/cross_encoder.py`), then the
likeliest parts of all passages side by side. A few weights add what retrieval knew (`features.py`; fitted by
`tune/factory/fit_packaged.py`), and others turn the best candidates' scores into the probability that the evidence is
right (`confidence.py`). `select.py` makes evidence of the candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from assistant.answer.confidence import Confidence
from assistant.answer.evidence import as_read, in_place, overlap, place
from assistant.answer.features import (
    SENTENCE_FEATURES,
    Columns,
    Floats,
    overlap_gaps,
    reading_columns,
    sentence_columns,
)
from assistant.answer.select import choose, closest
from assistant.core.config import Config, ReaderSection
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import Evidence, Hit, Reading, Term
from assistant.models.cross_encoder import READER_ID
from assistant.models.cross_encoder import Floats as LogOdds
from assistant.models.llm import local_model
from assistant.models.logistic import Logistic, parse_logistic, read_json
from assistant.models.registry import Registry
from assistant.text.units import units

Score = Callable[[str, str, Sequence[str]], LogOdds]

KINDS: Final[Mapping[str, Literal["item", "row"]]] = {"item": "item", "row": "row"}
MAX_DEFINITIONS = 2  # of one question: the fullest, and one more that may say it otherwise
PASSAGE_WEIGHT = 0.06  # of a hit's best candidate beside its retrieval score, in the order of the hits
FOCUS_WEIGHT = 2.4  # of words in common, in a conversation; 3.3 answers as many (docs/log/experiments.md)
DEFINED = 0.99  # the probability that a definition answers the question what its term means
# Passages that are always read, and log-odds of a candidate from which no more are: of two questions in five the second
# half is left unread, and as many are answered right (docs/log/experiments.md).
READ_FIRST, ENOUGH = 8, 2.0
COMPARED = 8  # candidates that are read side by side
FILE_NAME = "reader.json"


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The parts of the hits that could prove something, and their columns of features."""

    sentences: tuple[Evidence, ...]
    columns: Columns


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """What a question's candidates answer with: their scores [n], the evidence, its features, and what is closest."""

    scores: Floats
    evidence: tuple[Evidence, ...]
    features: Mapping[str, float]
    closest: tuple[Evidence, ...]


def pick(
    question: str, found: Candidates, weights: Logistic, settings: ReaderSection, focus: str = ""
) -> Picked | None:
    """Weigh the candidates of a question and choose the evidence among them, if any could be.

    Where it holds what was said before, `focus` is the question itself: its words must be the evidence's.
    """
    if not found.sentences:
        return None
    scores = np.asarray(weights.log_odds(found.columns), float)
    if focus:
        scores = scores + FOCUS_WEIGHT * overlap_gaps(focus, found.sentences)
    scored = [replace(e, score=float(s)) for e, s in zip(found.sentences, scores, strict=True)]
    if not (evidence := choose(scored, settings)):
        return None
    quoted = np.array([any(overlap(part, quote) for quote in evidence) for part in scored])
    return Picked(scores, evidence, reading_columns(question, found.columns, scores, quoted), closest(scored))


class Reader:
    """Picks evidence; `score` reads a passage with a question."""

    def __init__(self, score: Score, settings: ReaderSection, model: Logistic, confidence: Confidence) -> None:
        self._score = score
        self._settings = settings
        self._model = model
        self._confidence = confidence

    def read(self, question: str, hits: Sequence[Hit], defined: Sequence[Term] = (), focus: str = "") -> Reading:
        """Return the evidence, best first, the hits by score and best candidate, and P(the evidence is right).

        `defined` are the terms whose meaning is asked for; their definitions are the evidence. `focus` is as in `pick`.
        """
        if definitions := _definitions(defined, hits):
            return Reading(tuple(definitions), tuple(hits), DEFINED)
        read, rest = hits[: self._settings.passages], hits[self._settings.passages :]
        found = self.candidates(question, read)
        if not (picked := pick(question, found, self._model, self._settings, focus)):
            return Reading((), tuple(hits), 0.0)
        return Reading(
            picked.evidence,
            _renumber((*_reorder(read, found, picked.scores), *rest)),
            self._confidence.probability(picked.features),
            picked.features,
            picked.closest,
        )

    def rerank(self, question: str, hits: Sequence[Hit], defined: Sequence[Term] = ()) -> tuple[Hit, ...]:
        """Return the hits in the order in which `read` would, which takes as long."""
        if _definitions(defined, hits):
            return tuple(hits)
        read, rest = hits[: self._settings.passages], hits[self._settings.passages :]
        found = self.candidates(question, read)
        if not found.sentences:
            return tuple(hits)
        return _renumber((*_reorder(read, found, np.asarray(self._model.log_odds(found.columns))), *rest))

    def log_odds(self, question: str, evidence: Evidence) -> float:
        """Return how likely evidence answers a question, read in its passage alone, as log-odds; -inf for no part."""
        parts = evidence_in(evidence.hit)
        odds = self._score(question, place(evidence.hit), [as_read(part) for part in parts])
        found = (float(o) for o, part in zip(odds, parts, strict=True) if overlap(part, evidence))
        return max(found, default=-np.inf)

    def candidates(self, question: str, hits: Sequence[Hit]) -> Candidates:
        """Return the parts of the hits with their features; of the last hits none where the first surely answer."""
        sentences: list[Evidence] = []
        odds: list[float] = []
        for number, hit in enumerate(hits):
            if number >= READ_FIRST and max(odds, default=0.0) >= ENOUGH:
                break
            if own := evidence_in(hit):
                sentences += own
                odds += self._score(question, place(hit), [as_read(e) for e in own]).tolist()
        if not sentences:
            return Candidates((), {})
        best = likeliest(sentences, odds)
        compared = self._score(question, "", [in_place(sentences[at]) for at in best]).tolist()
        return Candidates(tuple(sentences), sentence_columns(sentences, odds, dict(zip(best, compared, strict=True))))


def likeliest(sentences: Sequence[Evidence], log_odds: Sequence[float]) -> list[int]:
    """Return the places of the likeliest candidates, best first; of several that say the same, the first."""
    found: dict[str, int] = {}
    for at in sorted(range(len(sentences)), key=lambda at: -log_odds[at]):
        if len(found) < COMPARED:
            found.setdefault(in_place(sentences[at]).casefold(), at)
    return list(found.values())


def evidence_in(hit: Hit) -> list[Evidence]:
    """Return each sentence, list item and table row of a hit, under what stands above it in its section."""
    text, begin = hit.before + hit.passage.text, hit.begin

    def place(span: tuple[int, int]) -> tuple[int, int]:
        return begin + span[0], begin + span[1]

    return [
        Evidence(
            hit=hit,
            start=begin + unit.start,
            end=begin + unit.end,
            text=text[unit.start : unit.end],
            score=0.0,
            kind=KINDS.get(unit.kind, "sentence"),
            lead=place(unit.lead) if unit.lead else None,
            also=tuple(map(place, unit.also)),
        )
        for unit in units(text)
        if unit.start >= len(hit.before)
    ]


@dataclass(frozen=True, slots=True)
class ReaderFile:
    """Which model reads, what is added to its log-odds, and the SHA-256 of the file that says so."""

    model_id: str
    weights: Logistic
    sha256: str


def load_reader(config: Config) -> ReaderFile:
    """Load the reader that came with the local generator, or else the packaged one; raises ModelDamaged."""
    path = PACKAGED / FILE_NAME
    registry = Registry(config.models_dir)
    own = registry.path(local_model(config)) / FILE_NAME
    if own.is_file():
        registry.verify(registry.load(own.parent.name))
        path = own
    return read_reader(path)


def read_reader(path: Path) -> ReaderFile:
    """Read a reader's file; raises ModelDamaged."""
    raw = read_json(path)
    weights = parse_logistic(raw, path, SENTENCE_FEATURES)
    return ReaderFile(str(raw.get("model", READER_ID)), weights, hash_file(path))


def _definitions(defined: Sequence[Term], hits: Sequence[Hit]) -> list[Evidence]:
    """Make evidence of the definitions that lie in the hits: of one name, in the order of the hits."""
    first = {term.name.casefold(): place for place, term in reversed(list(enumerate(defined)))}
    places = sorted(
        (
            (first[term.name.casefold()], hit.rank, term.start, hit, term)
            for term in defined
            for hit in hits
            if term.document_id == hit.passage.document_id and hit.passage.start <= term.start < hit.passage.end
        ),
        key=lambda found: found[:3],
    )
    found: dict[str, Evidence] = {}
    for _, _, _, hit, term in places:
        said = " ".join(term.definition.split()).casefold()
        score = 2.0 - 0.01 * len(found)
        lead = _name_before(hit, term)
        found.setdefault(said, Evidence(hit, term.start, term.end, term.definition, score, "definition", lead))
    return list(found.values())[:MAX_DEFINITIONS]


def _name_before(hit: Hit, term: Term) -> tuple[int, int] | None:
    """Return the span of a term's name in the line of its definition."""
    p = hit.passage
    line = p.text.rfind("\n", 0, term.start - p.start) + 1
    at = p.text.rfind(term.name, line, term.start - p.start)
    return (p.start + at, p.start + at + len(term.name)) if at >= 0 else None


def _reorder(hits: Sequence[Hit], found: Candidates, scores: Floats) -> list[Hit]:
    """Return the hits by retrieval score + their best candidate's."""
    best: dict[int, float] = {}
    for evidence, score in zip(found.sentences, scores, strict=True):
        best[evidence.hit.passage.id] = max(best.get(evidence.hit.passage.id, -np.inf), float(score))
    least = float(scores.min())
    ranked = [replace(hit, score=hit.score + PASSAGE_WEIGHT * best.get(hit.passage.id, least)) for hit in hits]
    return sorted(ranked, key=lambda hit: (-hit.score, hit.rank))


def _renumber(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, 1))
