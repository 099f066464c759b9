"""Learn which questions ask the same thing in other words:  python -m tune.factory.fit_questions

From `examples/same_questions.jsonl`: questions about sixteen organisations, of which some ask the same (`ask`) and most
of the others sound like it and want something else. A linear map of the encoder's vectors brings the first together
(supervised contrastive loss, Khosla et al. 2020, over all questions of an organisation at once). Thirteen
are learned from; `assistant gaps` is tried on the three others. Five minutes on two cores; writes
`assistant/packaged/encoder/same_question.npy`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import dropout, log_softmax, normalize

from assistant.core.config import MPNET, Config
from assistant.evaluate.gaps import FEW, MAP, group
from assistant.models.encoder import open_encoder
from assistant.models.registry import Registry

EXAMPLES = Path(__file__).parent / "examples" / "same_questions.jsonl"
HELD_OUT = ("brewery", "research hospital", "camps")
STEPS, RATE, TEMPERATURE = 120, 1e-3, 0.1
# Chosen by leaving two organisations out: half of a vector is left out at each step, and the map stays near to none.
DROPPED, NEAR = 0.5, 3e-4
KEPT = 256  # dimensions; as many as the vectors have bring no more
LEAST = 3  # questions that are told as a gap

Set = tuple[NDArray[np.float32], NDArray[np.str_]]  # vectors [n, dimensions] and what each asks, "" for a single one


def main() -> None:
    """Fit on all organisations but three, measure on those, write."""
    config = Config()
    encoder = open_encoder(Registry(config.models_dir), config.encoder, MPNET)
    rows: dict[str, list[dict[str, str]]] = {}
    for line in EXAMPLES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row["set"], []).append(row)
    sets = {
        name: (encoder.encode([row["question"] for row in asked]), np.array([row["ask"] for row in asked]))
        for name, asked in rows.items()
    }
    learned = fit([found for name, found in sets.items() if name not in HELD_OUT])
    np.save(MAP, learned)
    for name in HELD_OUT:
        vectors, asks = sets[name]
        found, once, others = tell(group(vectors), asks)
        sys.stdout.write(f"{name}: of {len({*asks} - {''})} gaps {found} found, {once} once; {others} others\n")


def fit(sets: list[Set]) -> NDArray[np.float16]:
    """Return the map [dimensions, KEPT]."""
    torch.manual_seed(0)
    inputs = [torch.tensor(centred(vectors)) for vectors, _ in sets]
    same = [torch.tensor((asks[:, None] == asks) & (asks != "")).fill_diagonal_(False) for _, asks in sets]
    start = torch.eye(inputs[0].shape[1])
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.AdamW([weights], lr=RATE, weight_decay=0)
    for _ in range(STEPS):
        loss = NEAR * (weights - start).square().sum()
        for vectors, alike in zip(inputs, same, strict=True):
            mapped = normalize(dropout(vectors, DROPPED) @ weights.T, dim=1)
            scores = (mapped @ mapped.T / TEMPERATURE).fill_diagonal_(-torch.inf)
            asked = alike.any(1)
            chances = log_softmax(scores[asked], 1).masked_fill(~alike[asked], 0)
            loss = loss - (chances.sum(1) / alike[asked].sum(1)).mean() / len(sets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _, strengths, axes = np.linalg.svd(weights.detach().numpy())
    return np.ascontiguousarray((strengths[:KEPT, None] * axes[:KEPT]).T, np.float16)


def centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors as `gaps` has them before they are mapped."""
    own: NDArray[np.float32] = vectors - vectors.mean(axis=0) * len(vectors) / (len(vectors) + FEW)
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    return own


def tell(groups: list[int], asks: NDArray[np.str_]) -> tuple[int, int, int]:
    """Return how many gaps make up half of a group, how many of one group alone, and how many groups are no gap's."""
    found: Counter[str] = Counter()
    others = 0
    for label, size in Counter(groups).items():
        if size < LEAST:
            continue
        told = Counter(ask for ask in asks[np.array(groups) == label] if ask).most_common(1)
        if told and told[0][1] >= max(LEAST, size / 2):
            found[told[0][0]] += 1
        else:
            others += 1
    return len(found), sum(count == 1 for count in found.values()), others


if __name__ == "__main__":
    main()
