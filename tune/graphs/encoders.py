"""Make the two encoders as ONNX graphs; each is compared with what it was made from, or there is none.

Neither needs torch.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, EncoderSection
from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED
from assistant.core.records import ModelRecord
from assistant.models.encoder import ENCODERS, MiniLM
from assistant.models.onnx_session import GRAPH
from tune.graphs import minilm, mpnet
from tune.graphs.originals import Base
from tune.graphs.signed import make_signed

MIN_COSINE = 0.999  # of a probe to the original, in float32
MIN_COSINE_INT8 = 0.98  # of a probe in 8 bits; they are odd, and the passages' mean is at 0.998
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


def build_minilm(base: Base, folder: Path) -> dict[str, str]:
    """Fill `folder` with all-MiniLM-L6-v2, `model.onnx` and `tokenizer.json`, in float32; return what was measured.

    Raises GateFailed if its embeddings are not the original's.
    """
    from tokenizers import Tokenizer

    minilm.write_encoder(base.weights(), base.config, folder / GRAPH)
    tokenizer = Tokenizer.from_file(str(base.tokenizer))
    tokenizer.enable_truncation(MiniLM.max_tokens)
    tokenizer.enable_padding(pad_id=base.config["pad_token_id"], pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    return {"precision": "float32", "cosine": _close(MINILM, folder, MIN_COSINE)}


def build_mpnet(base: Base, folder: Path) -> dict[str, str]:
    """Fill `folder` with all-mpnet-base-v2 in 8 bits, as `build_minilm` does."""
    mpnet.write_encoder(base.weights(), load_smoothing(MADE / SMOOTHING), base.config, folder / GRAPH)
    shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
    cosine = _close(MPNET, folder, MIN_COSINE_INT8)
    return {"precision": "int8", "cosine": cosine} | make_signed(folder, {"input_ids": mpnet.PROBE_IDS})


def load_smoothing(path: Path) -> dict[str, NDArray[Any]]:
    """Read how the activations' outliers are kept from being rounded, as `mpnet.write_encoder` takes it."""
    from safetensors.numpy import load_file

    return {
        name: value.astype(np.float32 if value.dtype.kind == "f" else int) for name, value in load_file(path).items()
    }


def _close(model_id: str, folder: Path, least: float) -> str:
    """Return the smallest cosine of the graph's embeddings of the probes to those that torch gave in float32."""
    from safetensors.numpy import load_file

    originals = load_file(MADE / ORIGINALS)[model_id].astype(np.float32)
    record = ModelRecord(model_id, "encoder", str(folder), None, {GRAPH: ""}, {})
    found = ENCODERS[model_id](folder, record, EncoderSection()).encode(PROBES)
    cosine = float((found * originals).sum(axis=1).min())
    if not cosine >= least:  # NaN fails too
        raise GateFailed(f"the encoder's graph gives embeddings of cosine {cosine:.4f} to the original's.", REPORT)
    return f"{cosine:.6f}"
