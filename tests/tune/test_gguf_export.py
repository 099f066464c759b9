"""A GPTQ layer written as GGUF blocks holds the same numbers, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, dequantize
from numpy.typing import NDArray

from assistant.core.errors import UsageError
from assistant.models.prepare.import_gguf import _halves_from_pairs
from tune.gguf_export import q4_0
from tune.gptq_weights import integers

INPUTS, OUTPUTS, GROUP = 64, 16, 32


@pytest.fixture
def raw() -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(5)
    packed = random.integers(0, 2**32, size=(INPUTS // 8, OUTPUTS), dtype=np.uint32).view(np.int32)
    scales = random.uniform(-0.1, 0.1, size=(INPUTS // GROUP, OUTPUTS)).astype(np.float16)
    return {"q.qweight": packed, "q.scales": scales, "q.g_idx": np.arange(INPUTS, dtype=np.int32) // GROUP}


@pytest.mark.parametrize("heads", [0, 2, 4])
def test_the_blocks_hold_the_checkpoints_numbers(raw: dict[str, NDArray[Any]], heads: int) -> None:
    read = dequantize(q4_0(raw, "q", heads), GGMLQuantizationType.Q4_0)
    if heads:
        read = _halves_from_pairs(read, heads)
    expected = integers(raw, "q").astype(np.float32) * raw["q.scales"].astype(np.float32)[raw["q.g_idx"]].T
    assert (read == expected).all()


def test_groups_of_weights_that_are_not_neighbours_are_refused(raw: dict[str, NDArray[Any]]) -> None:
    raw["q.g_idx"] = raw["q.g_idx"][::-1].copy()
    with pytest.raises(UsageError, match="act_order"):
        q4_0(raw, "q")
