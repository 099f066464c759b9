"""A checkpoint's integers and scales are read as they were packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tune.quantize import dequantize, integers


def test_packed_weights_are_read_back(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    inputs, outputs, group = 64, 5, 32
    stored = random.integers(0, 16, size=(inputs, outputs), dtype=np.uint32)
    packed = np.zeros((inputs // 8, outputs), np.uint32)
    for place in range(8):
        packed |= stored[place::8] << np.uint32(4 * place)
    scales = random.uniform(0.1, 1, size=(inputs // group, outputs)).astype(np.float16)
    g_idx = np.arange(inputs, dtype=np.int32) // group
    raw: dict[str, NDArray[Any]] = {
        "up.qweight": packed.view(np.int32),
        "up.scales": scales,
        "up.g_idx": g_idx,
        "norm": np.ones(3, np.float16),
    }
    save_file(raw, tmp_path / "model.safetensors")
    found = dequantize(tmp_path)
    assert set(found) == {"up.weight", "norm"}
    expected = (stored.astype(np.float32) - 8) * scales.astype(np.float32)[g_idx]
    assert (found["up.weight"] == expected.T).all()
    assert (integers(raw, "up") == stored.T.astype(int) - 8).all()
