"""Make the model that tells which sentences limit others:  python -m tune.factory.fit_limits

From `examples/limits.txt`, and beside it, with little weight, the sentences of our organisations, of which few limit
anything: those that a first model takes for limiting are left out of the second. A minute on two cores; writes
`assistant/packaged/limits.json`, with what ten folds tell of its errors.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.answer.limits import FILE
from assistant.core.config import load_config
from assistant.evaluate.calibrate import fit_logistic
from assistant.models.encoder import guard_encode
from assistant.models.logistic import probabilities
from assistant.text.canonical import sentences
from tune.factory.fit_packaged import ORGANISATIONS

EXAMPLES = Path(__file__).parent / "examples" / "limits.txt"
ORDINARY, ORDINARY_WEIGHT, DOUBTFUL = 3_000, 0.15, 0.3  # sentences, the weight of each, and what is left out
THRESHOLD, FOLDS, PENALTY, SEED, DECIMALS = 0.5, 10, 0.02, 1, 5

Floats = NDArray[np.float64]


def read_examples() -> list[tuple[bool, str]]:
    """Return (whether it limits, sentence) of each example."""
    lines = (line for line in EXAMPLES.read_text(encoding="utf-8").splitlines() if line and line[0] != "#")
    return [(kind != "none", text) for kind, text in (line.split(": ", 1) for line in lines)]


def ordinary_sentences() -> Iterator[str]:
    """Yield the sentences of our organisations' documents, headings, lists and tables left out."""
    for path in sorted(ORGANISATIONS.glob("*/docs/**/*.md")):
        for paragraph in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            if paragraph[:1] not in "#|-<":
                for start, end in sentences(paragraph, 0, len(paragraph)):
                    yield " ".join(paragraph[start:end].split())


def fit(vectors: Floats, limits: NDArray[np.bool_], ordinary: Floats) -> tuple[Floats, float]:
    """Return the weights [384] and the bias."""
    rows = np.concatenate([vectors, ordinary])
    names = [str(dimension) for dimension in range(rows.shape[1])]
    weights = np.concatenate([np.ones(len(vectors)), np.full(len(ordinary), ORDINARY_WEIGHT)])
    outcome = np.concatenate([limits, np.zeros(len(ordinary), bool)])
    model = fit_logistic(dict(zip(names, rows.T, strict=True)), names, outcome, weights, penalty=PENALTY)
    return np.array(model.weights), model.bias


def probability(vectors: Floats, model: tuple[Floats, float]) -> Floats:
    """Return P(limits) of each vector [n]."""
    return probabilities(vectors @ model[0] + model[1])


def main() -> None:
    """Fit, measure on folds, write."""
    encode = guard_encode(load_config())
    examples = read_examples()
    limits = np.array([limits for limits, _ in examples])
    vectors = encode([text for _, text in examples]).astype(np.float64)
    texts = sorted(set(ordinary_sentences()))
    random.Random(SEED).shuffle(texts)
    ordinary = encode(texts[:ORDINARY]).astype(np.float64)
    ordinary = ordinary[probability(ordinary, fit(vectors, limits, ordinary)) < DOUBTFUL]
    order = np.random.default_rng(SEED).permutation(len(limits))
    held_out = np.zeros(len(limits))
    for fold in range(FOLDS):
        test, train = order[fold::FOLDS], np.delete(order, np.s_[fold::FOLDS])
        held_out[test] = probability(vectors[test], fit(vectors[train], limits[train], ordinary))
    model = fit(vectors, limits, ordinary)
    card = {
        "what": "P(a sentence limits, amends or takes back a rule elsewhere), over all-MiniLM-L6-v2's vector",
        "examples": len(limits),
        "ordinary": len(ordinary),
        "recall": round(float((held_out[limits] >= THRESHOLD).mean()), 3),
        "false_of_look_alikes": round(float((held_out[~limits] >= THRESHOLD).mean()), 3),
        "license": "Apache-2.0",
    }
    vector = [round(float(weight), DECIMALS) for weight in model[0]]
    found = {"card": card, "threshold": THRESHOLD, "bias": round(model[1], DECIMALS), "vector": vector}
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
