"""Add a LoRA adapter to the full-precision weights it was trained on; needs no peft, and in memory no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class LowRank:
    """What an adapter adds to one weight: scale x B A."""

    a: NDArray[np.float32]  # [rank, in]
    b: NDArray[np.float32]  # [out, rank]
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The weight's shape."""
        return self.b.shape[0], self.a.shape[1]

    def change(self) -> NDArray[np.float32]:
        """Return what is added."""
        change: NDArray[np.float32] = (np.float32(self.scale) * (self.b @ self.a)).astype(np.float32)
        return change


def merge_adapter(model: Path, adapter: Path) -> None:
    """Add an adapter, a folder as peft saves it, to a model's weights, file by file, each weight in its own type.

    Raises ModelDamaged if it does not fit. Needs torch: numpy has no bfloat16.
    """
    import torch
    from safetensors.torch import load_file, save_file

    parts = read_adapter(adapter)
    for path in weight_files(model):
        weights = load_file(path)
        if own := _take(parts, {name: tuple(weight.shape) for name, weight in weights.items()}, adapter):
            for name, part in own.items():
                changed = weights[name].float() + torch.from_numpy(part.change())
                weights[name] = changed.to(weights[name].dtype)
            save_file(weights, path, metadata={"format": "pt"})
    _check_all_are_merged(parts, adapter)


def weight_files(model: Path) -> list[Path]:
    """Return the files of a model's weights, several where they are sharded; raises ModelDamaged if there are none."""
    found = sorted(path for path in model.glob("*.safetensors") if path.name != WEIGHTS)
    if not found:
        cause = f"{model} holds no weights as safetensors."
        raise ModelDamaged(cause, "Save the model with transformers' save_pretrained, and name that folder.")
    return found


def merged(weights: Mapping[str, NDArray[np.float32]], adapter: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights with each adapted W replaced by W + alpha / rank * B A, in float32.

    `adapter` is a folder as peft saves it. Raises ModelDamaged if it does not fit the model.
    """
    found, parts = dict(weights), read_adapter(adapter)
    for name, part in _take(parts, {name: weight.shape for name, weight in found.items()}, adapter).items():
        found[name] = (found[name] + part.change()).astype(np.float32)
    _check_all_are_merged(parts, adapter)
    return found


def read_adapter(adapter: Path) -> dict[str, LowRank]:
    """Return what an adapter adds to each weight; raises ModelDamaged for one that is more than plain LoRA."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        raw = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
        parts = {name: value.astype(np.float32) for name, value in load_file(adapter / WEIGHTS).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelDamaged(f"the adapter in {adapter} cannot be read: {error}.", REINSTALL) from error
    for name, plain in PLAIN.items():
        if raw.get(name, plain) != plain:
            raise ModelDamaged(f"{adapter / CONFIG} has {name} = {raw[name]!r}.", "Only plain LoRA can be merged.")
    found = {}
    for name in sorted(name.removesuffix(A) for name in parts if name.endswith(A)):
        target = f"{name.removeprefix(PREFIX)}.weight"
        a, b = parts.pop(name + A), parts.pop(name + B, None)
        if b is None:
            raise _misfit(target, adapter)
        found[target] = LowRank(a, b, raw["lora_alpha"] / raw["r"])
    if parts:
        raise ModelDamaged(f"{adapter / WEIGHTS} holds more than LoRA: {min(parts)}.", "Only plain LoRA can be merged.")
    return found


def _take(parts: dict[str, LowRank], shapes: Mapping[str, tuple[int, ...]], adapter: Path) -> dict[str, LowRank]:
    """Take out of the parts those of these weights, and return them; raises ModelDamaged for one of another shape."""
    taken = {name: parts.pop(name) for name in shapes if name in parts}
    for name, part in taken.items():
        if part.shape != shapes[name]:
            raise _misfit(name, adapter)
    return taken


def _check_all_are_merged(parts: Mapping[str, LowRank], adapter: Path) -> None:
    if parts:
        raise _misfit(min(parts), adapter)


def _misfit(name: str, adapter: Path) -> ModelDamaged:
    return ModelDamaged(f"{adapter / WEIGHTS} does not fit the model: {name}.", "Train it on this base.")
