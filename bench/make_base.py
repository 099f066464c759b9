"""Unpack the generator's weights into the folder that a tutorial would have downloaded:  python -m bench.make_base

SmolLM2-135M-Instruct as safetensors with its tokenizer, from the GGUF that comes with the assistant; bfloat16 is the
type in which the model is published. Kept in the user's cache: 270 MB, 540 MB as float32.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

from platformdirs import user_cache_path

from assistant.models.prepare.import_gguf import read_llama
from assistant.models.weights import GGUF, packaged_weights
from bench.common import console

NAME = "smollm2-135m-instruct"
DTYPES = ("bfloat16", "float32")


def base_folder(dtype: str) -> Path:
    """Return where the folder is kept."""
    return user_cache_path("policy-assistant") / "bench" / f"{NAME}-{dtype}"


def make_base(folder: Path, dtype: str) -> Path:
    """Make the folder if it is not there; return it. Raises ModelMissing without the packaged weights."""
    if (folder / "config.json").is_file():
        return folder
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        aside.mkdir()
        read_llama(packaged_weights(GGUF)).write(aside)
        if dtype == "bfloat16":
            _halve(aside)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _halve(folder: Path) -> None:
    """Store the float32 weights as bfloat16."""
    import torch
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = "bfloat16"
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, nargs="?", help="instead of the cache")
    options.add_argument("--dtype", choices=DTYPES, default=DTYPES[0])
    given = options.parse_args()
    console.print(str(make_base(given.folder or base_folder(given.dtype), given.dtype)), soft_wrap=True)


if __name__ == "__main__":
    main()
