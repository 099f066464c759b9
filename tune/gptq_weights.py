"""Read a GPTQ checkpoint's weights: eight 4-bit integers in an int32, a scale for each group of inputs.

The layout is AutoGPTQ's, which gptqmodel writes too: qweight [inputs / 8, outputs], scales [groups, outputs], g_idx
[inputs]; symmetric, so that the stored integer 8 is zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKED = ".qweight"
ZERO = 8
Array = NDArray[np.generic]


def dequantize(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return every weight of a checkpoint in float32, under its name in the model that was quantized."""
    raw = read_raw(folder)
    layers = {name.removesuffix(PACKED) for name in raw if name.endswith(PACKED)}
    parts = tuple(f"{layer}." for layer in layers)
    weights = {name: value.astype(np.float32) for name, value in raw.items() if not name.startswith(parts)}
    return weights | {f"{layer}.weight": _weight(raw, layer) for layer in layers}


def read_raw(folder: Path) -> dict[str, Array]:
    """Return the checkpoint's tensors as they are stored; bfloat16, which numpy does not know, as float32."""
    import torch
    from safetensors.torch import load_file

    raw: dict[str, Array] = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors = load_file(path)
        raw |= {name: (t.float() if t.dtype == torch.bfloat16 else t).numpy() for name, t in tensors.items()}
    return raw


def integers(raw: Mapping[str, Array], layer: str) -> NDArray[np.int8]:
    """Return a layer's integers, -8..7, as [outputs, inputs]."""
    packed = raw[layer + PACKED].view(np.uint32)
    shifts = np.arange(0, 32, 4, dtype=np.uint32)
    nibbles = (packed[:, None, :] >> shifts[None, :, None]) & np.uint32(0xF)
    return (nibbles.reshape(-1, packed.shape[1]).astype(np.int8) - ZERO).T


def _weight(raw: Mapping[str, Array], layer: str) -> NDArray[np.float32]:
    scales = raw[layer + ".scales"].astype(np.float32)  # [groups, outputs]
    groups = raw[layer + ".g_idx"]
    weight: NDArray[np.float32] = integers(raw, layer) * scales[groups].T
    return weight
