"""A text has one vector, whatever it is encoded beside and whether it was remembered or not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, EncoderSection
from assistant.models.encoder import Encoder, open_encoder, remember
from assistant.models.registry import Registry

pytestmark = pytest.mark.models

TEXTS = [f"{'Rule ' * (n % 40)}{n}: employees of grade {n} may carry over {n} days." for n in range(120)]


@pytest.fixture(params=[MPNET, MINILM])
def encoder(models_dir: Path, request: pytest.FixtureRequest) -> Encoder:
    return open_encoder(Registry(models_dir), EncoderSection(), request.param)


def test_what_a_text_is_encoded_beside_changes_no_bit(encoder: Encoder) -> None:
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    rng = random.Random(3)
    for size in (2, 5, 40, len(TEXTS)):
        chosen = rng.sample(range(len(TEXTS)), size)
        assert (encoder.encode([TEXTS[i] for i in chosen]) == alone[chosen]).all()


def test_what_is_remembered_is_what_was_encoded(encoder: Encoder) -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return encoder.encode(texts)

    remembering = remember(encode, most=30)
    assert (remembering(TEXTS[:40] + TEXTS[:5]) == encoder.encode(TEXTS[:40] + TEXTS[:5])).all()
    assert asked == TEXTS[:40], "twice in one call is encoded once"
    asked.clear()
    assert (remembering(TEXTS[20:50]) == encoder.encode(TEXTS[20:50])).all()
    assert asked == TEXTS[40:50], "the last 30 were known"
    assert remembering([]).shape == (0, encoder.dimensions)
