"""Merge the adapter into the full-precision base, and quantize the merged model to 4 bits by GPTQ.

peft's `merge_and_unload` wants torch, the base in memory a second time, and ruins weights that are quantized
(transformers#31293); `graphs/merge_lora.py` is the same sum in numpy, which the build of the wheel makes too.
gptqmodel stands where auto-gptq was asked for: auto-gptq is archived and no longer imports beside transformers 5;
gptqmodel writes the same checkpoint format, which transformers, vLLM and the ONNX Runtime builder read. What either
step costs, the evaluation says: it asks the merged and the quantized model the same questions.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assistant.core.config import TuneSection
from tune.examples import Example
from tune.graphs.merge_lora import merge_adapter
from tune.train import encode

WORKERS = "GPTQMODEL_CPU_WORKERS"


def merge(base: Path, trained: Path, out: Path) -> dict[str, Any]:
    """Write base + adapter to the new folder `out`; raises ModelDamaged for an adapter that does not fit."""
    shutil.copytree(base, out, ignore=shutil.ignore_patterns("manifest.json", "verified.json"))
    merge_adapter(out, trained)
    return {"bytes": weights_size(out)}


def quantize(merged: Path, examples: Sequence[Example], settings: TuneSection, out: Path) -> dict[str, Any]:
    """Write the checkpoint to `out`, calibrated on training texts; return its size beside the bfloat16 one's."""
    os.environ.setdefault(WORKERS, str(os.cpu_count() or 1))  # with fewer workers than it asks for it stops
    from gptqmodel import GPTQModel, QuantizeConfig
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(merged)
    texts = calibration(tokenizer, examples, settings.calibration)
    config = QuantizeConfig(
        bits=4,
        group_size=settings.group_size,
        sym=True,
        mse=2.0,  # the power of the error that each scale is searched for: half of the perplexity lost by the largest
    )
    shutil.rmtree(out, ignore_errors=True)  # what a stopped run left
    source, made = str(merged.resolve()), str(out.resolve())
    with TemporaryDirectory() as beside, chdir(beside):  # it leaves a folder of logs where it runs
        model = GPTQModel.load(source, config)
        model.quantize(texts, batch_size=1)
        model.save(made)
    size = weights_size(out)
    return {
        "bytes": size,
        "of_bfloat16": round(size / (weights_size(merged) / 2), 4),
        "texts": len(texts),
    }


def calibration(tokenizer: Any, examples: Sequence[Example], count: int) -> list[str]:
    """Return whole training texts, prompt and answer, spread evenly over the examples."""
    chosen = [e for e in examples if e.part == "train"]
    chosen = chosen[:: max(1, len(chosen) // count)][:count]
    return [str(tokenizer.decode(encode(tokenizer, example)["input_ids"])) for example in chosen]


def weights_size(folder: Path) -> int:
    """Return the bytes of a folder's safetensors."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
