"""Make the model that tells which sentences limit others:  python -m tune.factory.fit_limits

From `examples/limits.txt`, and beside it, with little weight, the sentences of our organisations, of which few limit
anything: those that a first model takes for limiting are left out of the second. A minute on two cores; writes
`assistant/packaged/limits.json`, with what ten folds tell of its errors.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.answer.limits import FILE
from assistant.core.config import load_config
from assistant.models.encoder import guard_encode
from assistant.models.logistic import probabilities
from assistant.text.canonical import sentences
from tune.factory.fit_packaged import ORGANISATIONS
from tune.factory.train_guards import Fitted, as_linear, fit_rows, fold_rows, to_json, word_matrix

EXAMPLES = Path(__file__).parent / "examples" / "limits.txt"
ORDINARY, ORDINARY_WEIGHT, DOUBTFUL = 3_000, 0.15, 0.3  # sentences, the weight of each, and what is left out
THRESHOLD, FOLDS, PENALTY, SEED, UNGATED = 0.8, 10, 3.0, 1, -1e9

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


def fit(texts: Sequence[str], vectors: Floats, limits: NDArray[np.bool_], ordinary: int) -> Fitted:
    """Fit the texts [n], the last of which are `ordinary` ones that count less."""
    weights = np.ones(len(texts))
    weights[len(texts) - ordinary :] = ORDINARY_WEIGHT
    return fit_rows(word_matrix(texts), vectors, limits, weights, PENALTY)


def probability(texts: Sequence[str], vectors: Floats, fitted: Fitted) -> Floats:
    """Return P(limits) of each text [n]."""
    return probabilities(word_matrix(texts) @ fitted.words + vectors @ fitted.vector + fitted.bias)


def main() -> None:
    """Fit, measure on folds, write."""
    encode = guard_encode(load_config())
    examples = read_examples()
    texts = [text for _, text in examples]
    limits = np.array([limits for limits, _ in examples])
    vectors = encode(texts).astype(np.float64)
    others = sorted(set(ordinary_sentences()))
    random.Random(SEED).shuffle(others)
    others = others[:ORDINARY]
    ordinary = encode(others).astype(np.float64)

    def fit_with_ordinary(rows: NDArray[np.int64]) -> Fitted:
        own = [texts[at] for at in rows]
        outcome = np.concatenate([limits[rows], np.zeros(len(others), bool)])
        return fit([*own, *others], np.concatenate([vectors[rows], ordinary]), outcome, len(others))

    every = np.arange(len(limits))
    kept = np.flatnonzero(probability(others, ordinary, fit_with_ordinary(every)) < DOUBTFUL)
    others, ordinary = [others[at] for at in kept], ordinary[kept]
    held_out = np.zeros(len(limits))
    for test, train in fold_rows(len(limits), FOLDS, SEED):
        held_out[test] = probability([texts[at] for at in test], vectors[test], fit_with_ordinary(train))
    card = {
        "what": "P(a sentence limits, amends or takes back a rule elsewhere), over words and all-MiniLM-L6-v2's vector",
        "examples": len(limits),
        "ordinary": len(others),
        "recall": round(float((held_out[limits] >= THRESHOLD).mean()), 3),
        "false_of_look_alikes": round(float((held_out[~limits] >= THRESHOLD).mean()), 3),
        "license": "Apache-2.0",
    }
    model = as_linear(fit_with_ordinary(every), UNGATED, THRESHOLD, card)
    FILE.write_text(json.dumps(to_json(model)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
