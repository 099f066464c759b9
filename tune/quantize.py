"""Quantize the merged model to 4 bits by GPTQ, calibrated on the prompts and answers it was trained on.

gptqmodel stands where auto-gptq was asked for: auto-gptq is archived and no longer imports beside transformers 5;
gptqmodel writes the same checkpoint format, which transformers, vLLM and the ONNX Runtime builder read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.core.config import TuneSection
from tune.dataset import Example
from tune.gptq_weights import dequantize
from tune.train import answer_loss, collate, encode

BITS = 4
WORKERS = "GPTQMODEL_CPU_WORKERS"
MSE = 2.0  # the power of the error that each group's scale is searched for: half of the perplexity lost by the largest
HELD_OUT = 40  # validation examples that perplexity is taken over


def quantize(merged: Path, examples: Sequence[Example], settings: TuneSection, out: Path) -> dict[str, Any]:
    """Write the checkpoint to `out`; return its size beside the bfloat16 one's, and the perplexity of both.

    The training part of the examples calibrates it; perplexity is of the answers of the validation part.
    """
    os.environ.setdefault(WORKERS, str(os.cpu_count() or 1))  # with fewer workers than it asks for it stops
    from gptqmodel import GPTQModel, QuantizeConfig
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(merged)
    texts = calibration(tokenizer, examples, settings.calibration)
    config = QuantizeConfig(bits=BITS, group_size=settings.group_size, desc_act=settings.act_order, sym=True, mse=MSE)
    shutil.rmtree(out, ignore_errors=True)  # what a stopped run left
    model = GPTQModel.load(str(merged), config)
    model.quantize(texts, batch_size=1)
    model.save(str(out))
    before, after = perplexities(merged, out, [e for e in examples if e.part == "validation"][:HELD_OUT])
    size = weights_size(out)
    return {
        "bytes": size,
        "of_bfloat16": round(size / (weights_size(merged) / 2), 4),
        "texts": len(texts),
        "perplexity_merged": round(before, 4),
        "perplexity": round(after, 4),
    }


def calibration(tokenizer: Any, examples: Sequence[Example], count: int) -> list[str]:
    """Return whole training texts, prompt and answer, spread evenly over the examples."""
    chosen = [e for e in examples if e.part == "train"]
    chosen = chosen[:: max(1, len(chosen) // count)][:count]
    return [str(tokenizer.decode(encode(tokenizer, example)["input_ids"])) for example in chosen]


def perplexities(merged: Path, quantized: Path, held_out: Sequence[Example]) -> tuple[float, float]:
    """Return the perplexity of the answers under the merged model and under the quantized weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(merged)
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
    batches = [collate([encode(tokenizer, example)], 0) for example in held_out]

    def perplexity() -> float:
        with torch.inference_mode():
            losses = [float(answer_loss(model, batch)) * batch["labels"].shape[1] for batch in batches]
        return float(torch.tensor(sum(losses) / sum(batch["labels"].shape[1] for batch in batches)).exp())

    before = perplexity()
    weights = {name: torch.from_numpy(value) for name, value in dequantize(quantized).items()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if set(missing) - {"lm_head.weight"}:  # which is the embeddings, where it is tied to them
        raise ValueError(f"the checkpoint lacks {missing[0]}")
    return before, perplexity()


def weights_size(folder: Path) -> int:
    """Return the bytes of a folder's safetensors."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
