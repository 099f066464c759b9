"""Make the guards' models that ship with the assistant:  python -m tune.factory.train_guards ../shared

From the development halves of the guard sets, of policy questions, also misspelt, and of policy sentences
(`guard_data.py`), and from our own examples (`guard_examples.py`, `examples/`). Of the harmless texts those are encoded
whose words are likest an attack, and as many by chance. The threshold is chosen from scores that each fold gets from a
model of the other folds, so that no text is scored by a model that has seen it. Five minutes on two cores; writes
`assistant/packaged/guards/injection.json` and `orders.json`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import load_config
from assistant.core.files import hash_file
from assistant.core.package import __version__
from assistant.evaluate.questions import Split
from assistant.guards import injection
from assistant.guards.normalise import as_encoded, fold, sentences, windows
from assistant.models.encoder import GUARD_ENCODER, Encode, encoder_sha, guard_encode
from assistant.models.logistic import BUCKETS, Linear, hash_words, probabilities
from assistant.models.registry import Registry
from tune.factory.fit_packaged import ORGANISATIONS
from tune.factory.guard_data import (
    DOCUMENTS,
    FOLDS,
    GENERAL,
    QUESTIONS,
    SEED,
    Item,
    Kind,
    apart,
    misspelt,
    read_attacks,
    read_general,
    read_organisations,
    read_own_examples,
    read_own_questions,
    read_questions,
    read_sentences,
    split,
)

ROOT = Path(__file__).resolve().parent.parent.parent
GUARD_SETS = ("guard_garak_half", "guard_giskard_injections", "guard_piguard_valid", "guard_xstest")
VECTOR_SCALE = 3.0  # of a vector beside the words, both of length 1: direct .95 of the test half, .98 with 1, but
# three times as many misspelt questions refused
Floats = NDArray[np.float64]


def pieces_of(text: str) -> tuple[str, ...]:
    """Cut a text as the guard of a question does, encodings left alone."""
    return windows(as_encoded(text, fold(text)))


def sentences_of(text: str) -> tuple[str, ...]:
    """Cut a text as the guard of a document does."""
    return sentences(fold(text))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one model is fitted on: kinds with their weight, how strong the penalty is, and what its threshold keeps."""

    path: Path
    cut: Callable[[str], tuple[str, ...]]
    found: Mapping[Kind, float]
    harmless: Mapping[Kind, float]
    families: frozenset[str] | None  # of our own attacks, all if None
    limits: Mapping[Kind, float]  # share of false positives that the threshold allows, by kind
    encoded: int  # harmless texts that are encoded: the likest attacks by their words, and as many by chance
    gate: float  # share of harmless pieces that go on to be encoded
    penalty: float = 30.0  # scikit-learn's C


RECIPES = (
    Recipe(
        injection.MODEL,
        pieces_of,
        {"direct": 1.0},
        {"question": 1.0, "misspelt": 1.0, "sentence": 0.02, "lookalike": 3.0, "chat": 2.0, "safe": 1.0},
        families=None,
        limits={"question": 0.0005, "misspelt": 0.0015},
        encoded=3_000,
        gate=1.0,
    ),
    Recipe(
        injection.ORDERS,
        sentences_of,
        {"order": 1.0, "indirect": 1.0, "direct": 0.3},
        {"sentence": 1.0},
        families=frozenset({"override", "other_language", "orders_in_other_languages", "persona"}),
        limits={"sentence": 0.0003},
        encoded=1_500,
        gate=0.02,
    ),
)
OWN_QUESTIONS = 3.0  # weight of those of upset and foreign employees, beside all others
SCARCE = {"guard_piguard_valid": 15.0}  # weight of a set's few harmless texts, beside the others


@dataclass(frozen=True, slots=True)
class Samples:
    """Pieces of texts, row by row: which text each is of, its words, whether it is to be found, its weight."""

    items: tuple[Item, ...]
    pieces: tuple[str, ...]
    owner: NDArray[np.int64]
    words: Any  # a sparse matrix [n, BUCKETS]
    found: NDArray[np.bool_]
    weights: Floats

    def where(self, rows: NDArray[np.bool_]) -> Samples:
        """Return some of the rows."""
        kept = tuple(piece for piece, row in zip(self.pieces, rows, strict=True) if row)
        return Samples(
            self.items, kept, self.owner[rows], self.words[np.flatnonzero(rows)], self.found[rows], self.weights[rows]
        )

    @property
    def folds(self) -> NDArray[np.int64]:
        """The fold of each row."""
        return np.array([self.items[at].fold for at in self.owner])


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights of words and vector."""

    words: Floats
    vector: Floats
    bias: float

    def lexical(self, samples: Samples) -> Floats:
        """Return the log-odds of each row's words [n]."""
        found: Floats = samples.words @ self.words + self.bias
        return found


def make_samples(recipe: Recipe, items: Sequence[Item]) -> Samples:
    """Cut what a recipe takes of the items; both classes weigh the same."""
    kinds = {**recipe.found, **recipe.harmless}
    taken = tuple(item for item in items if item.kind in kinds and _is_taken(recipe, item))
    cut = [recipe.cut(item.text) for item in taken]
    pieces = tuple(piece for some in cut for piece in some)
    owner = np.array([number for number, some in enumerate(cut) for _ in some])
    found = np.array([taken[at].kind in recipe.found for at in owner], dtype=np.bool_)
    weights = np.array([kinds[taken[at].kind] * _scarce(taken[at]) / len(cut[at]) for at in owner])
    if found.any():
        weights[found] *= weights[~found].sum() / weights[found].sum()
    return Samples(taken, pieces, owner, word_matrix(pieces), found, weights)


def _scarce(item: Item) -> float:
    return (
        OWN_QUESTIONS
        if item.origin == "own" and item.kind in ("question", "misspelt")
        else SCARCE.get(item.origin, 1.0)
    )


def _is_taken(recipe: Recipe, item: Item) -> bool:
    return recipe.families is None or item.kind != "direct" or item.part in recipe.families


def fold_rows(count: int, folds: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the rows of each fold, drawn at random, and all others."""
    order = np.random.default_rng(seed).permutation(count)
    for number in range(folds):
        yield order[number::folds], np.delete(order, np.s_[number::folds])


def word_matrix(pieces: Sequence[str]) -> Any:
    """Return the hashed words of pieces as a sparse matrix [n, BUCKETS] of rows of length 1."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    rows = [hash_words(piece) for piece in pieces]
    at = np.cumsum([0, *map(len, rows)])
    values = [1 / max(1, len(row)) ** 0.5 for row in rows for _ in row]
    return csr_matrix((values, [bucket for row in rows for bucket in row], at), shape=(len(rows), BUCKETS))


def _regression(penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=penalty, max_iter=1_000)


def _mean_one(weights: Floats) -> Floats:
    scaled: Floats = weights * len(weights) / weights.sum()
    return scaled


def choose_encoded(recipe: Recipe, samples: Samples) -> NDArray[np.bool_]:
    """Return the rows to encode: all that is to be found, the harmless that are likest it, and some by chance.

    Likest by their words, by a model of the folds that they are not in.
    """
    lexical: Floats = np.zeros(len(samples.owner))
    for number in range(FOLDS):
        left = samples.folds == number
        rest = samples.where(~left)
        model = _regression(recipe.penalty).fit(rest.words, rest.found, sample_weight=_mean_one(rest.weights))
        lexical[left] = model.decision_function(samples.words[np.flatnonzero(left)])
    harmless = np.flatnonzero(~samples.found)
    ranked = harmless[np.argsort(-lexical[harmless], kind="stable")]
    others = list(ranked[recipe.encoded :])
    chosen = samples.found.copy()
    chosen[ranked[: recipe.encoded]] = True
    chosen[random.Random(SEED).sample(others, min(len(others), recipe.encoded))] = True
    return chosen


def fit(recipe: Recipe, samples: Samples, encode: Encode) -> Fitted:
    """Fit words and vector together."""
    vectors = encode(samples.pieces).astype(np.float64)
    return fit_rows(samples.words, vectors, samples.found, samples.weights, recipe.penalty)


def fit_rows(words: Any, vectors: Floats, found: NDArray[np.bool_], weights: Floats, penalty: float) -> Fitted:
    """Fit the outcome [n] to hashed words [n, BUCKETS] and vectors [n, 384] of rows with weights [n]."""
    from scipy.sparse import csr_matrix, hstack

    columns = hstack([words, csr_matrix(vectors * VECTOR_SCALE)]).tocsr()
    model = _regression(penalty).fit(columns, found, sample_weight=_mean_one(weights))
    fitted = model.coef_[0]
    return Fitted(fitted[:BUCKETS], fitted[BUCKETS:] * VECTOR_SCALE, float(model.intercept_[0]))


def scores_of(fitted: Fitted, samples: Samples, encode: Encode, gate: float) -> Floats:
    """Score each text by the highest of its pieces at the gate; one without any has 0."""
    lexical = fitted.lexical(samples)
    rows = np.flatnonzero(lexical >= gate)
    found: Floats = np.zeros(len(samples.items))
    if len(rows):
        odds = lexical[rows] + encode([samples.pieces[at] for at in rows]).astype(np.float64) @ fitted.vector
        np.maximum.at(found, samples.owner[rows], probabilities(odds))
    return found


def held_out_scores(recipe: Recipe, samples: Samples, encode: Encode) -> Floats:
    """Score each text with a model of the folds that it is not in."""
    scores: Floats = np.zeros(len(samples.items))
    for number in range(FOLDS):
        left = samples.folds == number
        fitted = fit(recipe, samples.where(~left), encode)
        scores = np.maximum(scores, scores_of(fitted, samples.where(left), encode, -np.inf))
    return scores


def choose_threshold(recipe: Recipe, items: Sequence[Item], scores: Floats) -> float:
    """Return the least threshold at which every kind keeps to its limit of false positives, our own examples apart."""
    needed = []
    for kind, limit in recipe.limits.items():
        public = [score for i, score in zip(items, scores, strict=True) if i.kind == kind and i.origin != "own"]
        of = np.sort(public)[::-1]
        needed.append(float(of[min(len(of) - 1, int(limit * len(of)))]))
    return round(min(max(needed) + 1e-4, 0.9999), 4)


def shares(items: Sequence[Item], scores: Floats, threshold: float) -> dict[str, float]:
    """Return by kind, our own examples apart, the share of texts at or above the threshold."""
    hits: dict[str, list[bool]] = {}
    for item, score in zip(items, scores, strict=True):
        own = " (own examples)" if item.origin == "own" else ""
        hits.setdefault(f"{item.kind}{own}", []).append(bool(score >= threshold))
    return {name: round(float(np.mean(of)), 4) for name, of in sorted(hits.items())}


def make(recipe: Recipe, items: Sequence[Item], encode: Encode, card: Mapping[str, Any]) -> Linear:
    """Fit a recipe on the development half."""
    whole = make_samples(recipe, [item for item in items if item.split is Split.DEV])
    samples = whole.where(choose_encoded(recipe, whole))
    scores = held_out_scores(recipe, samples, encode)
    threshold = choose_threshold(recipe, samples.items, scores)
    fitted = fit(recipe, samples, encode)
    harmless = fitted.lexical(whole)[~whole.found]
    gate = float(np.quantile(harmless, 1 - recipe.gate)) if recipe.gate < 1 else -1e9
    counts = {kind: sum(item.kind == kind for item in samples.items) for kind in (*recipe.found, *recipe.harmless)}
    results = shares(samples.items, scores, threshold)
    told = {**card, "texts": counts, "results": {"of": "development half, folds held out", "found": results}}
    return as_linear(fitted, gate, threshold, told)


def as_linear(fitted: Fitted, gate: float, threshold: float, card: Mapping[str, Any]) -> Linear:
    """Return a model as it is packaged."""
    return Linear(
        words=tuple(round(float(weight), 2) for weight in fitted.words),
        vector=tuple(round(float(weight), 5) for weight in fitted.vector),
        bias=round(fitted.bias, 5),
        threshold=threshold,
        gate=round(gate, 4),
        card=card,
    )


def to_json(model: Linear) -> dict[str, Any]:
    """Return what `classifier.load_linear` reads."""
    numbers = {name: getattr(model, name) for name in ("threshold", "gate", "bias")}
    return {"card": dict(model.card), **numbers, "vector": list(model.vector), "words": list(model.words)}


def read_all(shared: Path, encode: Encode) -> list[Item]:
    """Read everything that a model may be fitted on, both halves."""
    data = shared / "data"
    attacks = split(list(read_attacks(data)), encode)
    questions = [
        *read_questions(data, QUESTIONS),
        *read_own_questions(ROOT / "corpora" / "questions.jsonl"),
        *read_organisations(ORGANISATIONS),
    ]
    own = apart(list(read_own_examples()), attacks, encode)
    upset = [item for item in own if item.kind == "question"]
    return [
        *attacks,
        *own,
        *questions,
        *misspelt([*questions, *upset]),
        *read_general(data / "reader"),
        *read_sentences(_folders(data), sentences_of),
    ]


def _folders(data: Path) -> dict[str, Path]:
    """Return the folders of real policies, and of our own."""
    own = {path.parent.name: path for path in sorted(ORGANISATIONS.glob("*/docs"))}
    shared = {name: data / name / "docs" for name in sorted({*DOCUMENTS, *QUESTIONS})}
    return {**shared, **own, "corpora": ROOT / "corpora"}


def make_card(shared: Path, encoder: str) -> dict[str, Any]:
    """Say by what, from what and under which licences a model is made."""
    sets = {
        name: {"licence": _licence(shared / "data" / name / "SOURCE.txt"), "sha256": hash_file(path)}
        for name, file in (
            *((name, "items.jsonl") for name in GUARD_SETS),
            *((name, "qa.jsonl") for name in QUESTIONS),
            *((name, "SOURCE.txt") for name in DOCUMENTS if name not in QUESTIONS),
        )
        if (path := shared / "data" / name / file).exists()
    }
    own = {"corpora, tune/factory/organisations and tune/factory/examples": {"licence": "Apache-2.0"}}
    sets |= {name: {"licence": licence} for name, licence in GENERAL.items()}
    return {
        "by": "python -m tune.factory.train_guards",
        "version": __version__,
        "encoder": encoder,
        "seed": SEED,
        "split": "dev",
        "data": {**sets, **own},
    }


def _licence(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("Licence as stated:")), "")


def open_encode(config_file: Path | None) -> tuple[Encode, str]:
    """Return what encodes, and which encoder it is."""
    config = load_config(config_file)
    record = Registry(config.models_dir).load(GUARD_ENCODER)
    return guard_encode(config), encoder_sha(record)


def main() -> None:
    shared = Path(sys.argv[1])
    encode, encoder = open_encode(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    items = read_all(shared, encode)
    card = make_card(shared, encoder)
    for recipe in RECIPES:
        model = make(recipe, items, encode, card)
        recipe.path.write_text(json.dumps(to_json(model)) + "\n", encoding="utf-8")
        results = json.dumps(model.card["results"], indent=1)
        sys.stderr.write(f"{recipe.path.name}: threshold {model.threshold}\n{results}\n")


if __name__ == "__main__":
    main()
