"""Merge the adapter into the full-precision base, and check that nothing but the form has changed.

peft's `merge_and_unload` wants torch, the base in memory a second time, and ruins weights that are quantized
(transformers#31293); `graphs/merge_lora.py` is the same sum in numpy, which the build of the wheel makes too.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.core.errors import GateFailed
from tune.examples import Example
from tune.graphs.merge_lora import CONFIG, merge_adapter
from tune.train import encode

MAX_LOGIT_DIFFERENCE = 1e-2  # of two logits, which are some tens; float32 sums in another order


def merge(base: Path, trained: Path, examples: Sequence[Example], out: Path) -> dict[str, Any]:
    """Write base + adapter to the new folder `out`; return how far its logits are from the adapter's at most.

    A model that was trained whole is copied. Raises GateFailed if logits differ by more than rounding.
    """
    shutil.copytree(base, out, ignore=shutil.ignore_patterns("manifest.json", "verified.json"))
    if not (trained / CONFIG).exists():
        for path in trained.glob("*.safetensors"):
            shutil.copy2(path, out)
        return {"logits_apart": 0.0, "same_tokens": 1.0}
    merge_adapter(out, trained)
    some = examples[:: max(1, len(examples) // 8)][:8]
    apart, same = compare(base, trained, out, some)
    if apart > MAX_LOGIT_DIFFERENCE:
        raise GateFailed(f"the merged model's logits are up to {apart:g} from the adapter's.", "Please report this.")
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
