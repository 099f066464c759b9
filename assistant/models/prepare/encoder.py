"""Make the encoders that the assistant runs, once, from weights that came with the installed packages, as ONNX graphs.

Neither needs torch afterwards. Each is compared with what it was made from before it is installed.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, EncoderSection
from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED
from assistant.core.records import ModelRecord, Progress, no_progress
from assistant.models.encoder import ENCODERS, GUARD_ENCODER, MiniLM, MPNet
from assistant.models.onnx_session import GRAPH
from assistant.models.prepare import minilm_graph, mpnet_graph
from assistant.models.prepare.signed_graph import write_signed_twin
from assistant.models.registry import Registry
from assistant.models.weights import MINILM as MINILM_WEIGHTS
from assistant.models.weights import MPNET as MPNET_WEIGHTS
from assistant.models.weights import Base, find_base

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


def prepare_encoders(registry: Registry, settings: EncoderSection, progress: Progress = no_progress) -> ModelRecord:
    """Install the configured encoder, and the one that the guards' models read; return the configured one's record.

    Takes seconds. Raises ModelMissing or ModelDamaged for the weights, GateFailed if a graph's embeddings are not the
    original's.
    """
    prepare = {MINILM: prepare_minilm, MPNET: prepare_mpnet}
    prepare[GUARD_ENCODER](registry, progress)
    return prepare[settings.model](registry, progress)


def prepare_minilm(registry: Registry, progress: Progress = no_progress) -> ModelRecord:
    """Install all-MiniLM-L6-v2 as `model.onnx` and `tokenizer.json`, in float32."""

    def build(folder: Path) -> dict[str, str]:
        progress("encoder: writing the graph", 0.1, 1)
        _write_minilm(find_base(MINILM_WEIGHTS), folder)
        progress("encoder: comparing with the original", 0.3, 1)
        return {"cosine": _close(_cosine(MINILM, folder), MIN_COSINE), "weights_sha256": MINILM_WEIGHTS.sha256}

    settings = {"precision": "float32", "max_tokens": str(MiniLM.max_tokens), "onnx": version("onnx")}
    record = registry.install(MINILM, "encoder", None, settings, build)
    progress("encoder: ready", 1.0, 1)
    return record


def prepare_mpnet(registry: Registry, progress: Progress = no_progress) -> ModelRecord:
    """Install all-mpnet-base-v2 as `model.onnx` and `tokenizer.json`, in 8 bits."""

    def build(folder: Path) -> dict[str, str]:
        progress("encoder: writing the graph", 0.3, 1)
        base = find_base(MPNET_WEIGHTS)
        mpnet_graph.write_encoder(base.weights(), load_smoothing(MADE / SMOOTHING), base.config, folder / GRAPH)
        shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
        progress("encoder: comparing with the original", 0.8, 1)
        cosine = _close(_cosine(MPNET, folder), MIN_COSINE_INT8)
        write_signed_twin(folder, {"input_ids": mpnet_graph.PROBE_IDS})
        return {"cosine": cosine, "weights_sha256": MPNET_WEIGHTS.sha256}

    settings = {"precision": "int8", "max_tokens": str(MPNet.max_tokens), "onnx": version("onnx")}
    record = registry.install(MPNET, "encoder", None, settings, build)
    progress("encoder: ready", 1.0, 1)
    return record


def _close(cosine: float, least: float) -> str:
    """Write a graph's cosine to its original; raises GateFailed below `least`."""
    if not cosine >= least:  # NaN fails too
        raise GateFailed(f"the encoder's graph gives embeddings of cosine {cosine:.4f} to the original's.", REPORT)
    return f"{cosine:.6f}"


def load_smoothing(path: Path) -> dict[str, NDArray[Any]]:
    """Read how the activations' outliers are kept from being rounded, as `write_encoder` takes it."""
    from safetensors.numpy import load_file

    return {
        name: value.astype(np.float32 if value.dtype.kind == "f" else int) for name, value in load_file(path).items()
    }


def _cosine(model_id: str, folder: Path) -> float:
    """Return the smallest cosine between the graph's embeddings of the probes and those that torch gave in float32."""
    from safetensors.numpy import load_file

    originals = load_file(MADE / ORIGINALS)[model_id].astype(np.float32)
    record = ModelRecord(model_id, "encoder", str(folder), None, {GRAPH: ""}, {})
    found = ENCODERS[model_id](folder, record, EncoderSection()).encode(PROBES)
    return float((found * originals).sum(axis=1).min())


def _write_minilm(base: Base, folder: Path) -> None:
    from tokenizers import Tokenizer

    minilm_graph.write_encoder(base.weights(), base.config, folder / GRAPH)
    tokenizer = Tokenizer.from_file(str(base.tokenizer))
    tokenizer.enable_truncation(MiniLM.max_tokens)
    tokenizer.enable_padding(pad_id=base.config["pad_token_id"], pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
