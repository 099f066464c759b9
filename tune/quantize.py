"""Merge the adapter into the full-precision base, and quantize the merged model to 4 bits by GPTQ; read it back.

peft's `merge_and_unload` wants torch, the base in memory a second time, and ruins weights that are quantized
(transformers#31293); `graphs/merge_lora.py` is the same sum in numpy, which the build of the wheel makes too.
gptqmodel stands where auto-gptq was asked for: auto-gptq is archived and no longer imports beside transformers 5;
gptqmodel writes the same checkpoint format, which transformers, vLLM and the ONNX Runtime builder read: eight 4-bit
integers in an int32. qweight [inputs / 8, outputs], scales [groups, outputs], g_idx [inputs]; symmetric, so that the
stored integer 8 is zero.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import TuneSection
from assistant.core.errors import REPORT, GateFailed
from tune.examples import Example
from tune.graphs.merge_lora import merge_adapter
from tune.train import answer_loss, collate, encode

WORKERS = "GPTQMODEL_CPU_WORKERS"
MAX_LOGIT_DIFFERENCE = 1e-2  # of two logits, which are some tens; float32 sums in another order


def merge(base: Path, trained: Path, examples: Sequence[Example], out: Path) -> dict[str, Any]:
    """Write base + adapter to the new folder `out`; return how far its logits are from the adapter's at most.

    Raises GateFailed if logits differ by more than rounding.
    """
    shutil.copytree(base, out, ignore=shutil.ignore_patterns("manifest.json", "verified.json"))
    merge_adapter(out, trained)
    some = examples[:: max(1, len(examples) // 8)][:8]
    apart, same = compare(base, trained, out, some)
    if apart > MAX_LOGIT_DIFFERENCE:
        raise GateFailed(f"the merged model's logits are up to {apart:g} from the adapter's.", REPORT)
    return {"logits_apart": apart, "same_tokens": same}


def compare(base: Path, adapter: Path, merged: Path, examples: Sequence[Example]) -> tuple[float, float]:
    """Return the largest difference of the logits over the examples, and the share of tokens chosen alike."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = [torch.tensor([encode(tokenizer, example)["input_ids"]]) for example in examples]
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        adapted = PeftModel.from_pretrained(plain, adapter).eval()
        before = [adapted(input_ids=row).logits for row in rows]
        model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
        after = [model(input_ids=row).logits for row in rows]
    apart = max(float((one - other).abs().max()) for one, other in zip(before, after, strict=True))
    same = [
        float((one.argmax(-1) == other.argmax(-1)).float().mean()) for one, other in zip(before, after, strict=True)
    ]
    return apart, sum(same) / len(same)


def quantize(merged: Path, examples: Sequence[Example], settings: TuneSection, out: Path) -> dict[str, Any]:
    """Write the checkpoint to `out`; return its size beside the bfloat16 one's, and the perplexity of both.

    The training part of the examples calibrates it; perplexity is of the answers of the validation part.
    """
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
    model = GPTQModel.load(str(merged), config)
    model.quantize(texts, batch_size=1)
    model.save(str(out))
    before, after = perplexities(merged, out, [e for e in examples if e.part == "validation"][:40])
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


PACKED = ".qweight"
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
    return (nibbles.reshape(-1, packed.shape[1]).astype(np.int8) - 8).T


def _weight(raw: Mapping[str, Array], layer: str) -> NDArray[np.float32]:
    scales = raw[layer + ".scales"].astype(np.float32)  # [groups, outputs]
    groups = raw[layer + ".g_idx"]
    weight: NDArray[np.float32] = integers(raw, layer) * scales[groups].T
    return weight
