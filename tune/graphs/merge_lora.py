"""Add a LoRA adapter to the full-precision weights it was trained on; needs no torch and no peft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import ModelDamaged

PREFIX, A, B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
# What would change the sum below; adapters with any of them are refused, not merged wrongly.
PLAIN: dict[str, Any] = {
    "use_rslora": False,
    "use_dora": False,
    "fan_in_fan_out": False,
    "bias": "none",
    "rank_pattern": {},
    "alpha_pattern": {},
}
REINSTALL = "Install the assistant again, or train the adapter again."


def merge_adapter(model: Path, adapter: Path) -> None:
    """Add an adapter, a folder as peft saves it, to `model/model.safetensors`; raises ModelDamaged if it cannot."""
    from safetensors.numpy import load_file, save_file

    weights = merged(load_file(model / "model.safetensors"), adapter)
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


def merged(weights: dict[str, NDArray[np.float32]], adapter: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights with each adapted W replaced by W + alpha / rank * B A, in float32.

    `adapter` is a folder as peft saves it. Raises ModelDamaged if it does not fit the model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    weights = dict(weights)
    try:
        raw = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
        parts = {name: value.astype(np.float32) for name, value in load_file(adapter / WEIGHTS).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelDamaged(f"the adapter in {adapter} cannot be read: {error}.", REINSTALL) from error
    for name, plain in PLAIN.items():
        if raw.get(name, plain) != plain:
            raise ModelDamaged(f"{adapter / CONFIG} has {name} = {raw[name]!r}.", "Only plain LoRA can be merged.")
    scale = raw["lora_alpha"] / raw["r"]
    for name in sorted(name.removesuffix(A) for name in parts if name.endswith(A)):
        target = f"{name.removeprefix(PREFIX)}.weight"
        a, b = parts.pop(name + A), parts.pop(name + B, None)
        if target not in weights or b is None or weights[target].shape != (b.shape[0], a.shape[1]):
            raise ModelDamaged(f"{adapter / WEIGHTS} does not fit the model: {target}.", "Train it on this base.")
        weights[target] = (weights[target] + np.float32(scale) * (b @ a)).astype(np.float32)
    if parts:
        raise ModelDamaged(f"{adapter / WEIGHTS} holds more than LoRA: {min(parts)}.", "Only plain LoRA can be merged.")
    return weights
