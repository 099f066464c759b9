"""Make encoders, readers and the judge as ONNX graphs; each is compared with what it was made from, or there is none.

Neither torch nor peft is needed. A reader is MPNet with an adapter and heads, compared on questions of its own with
what it said in full precision when it was trained.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, EncoderSection
from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord
from assistant.models.cross_encoder import READER_ID, CrossEncoder, Judge, Read
from assistant.models.encoder import MAX_TOKENS, Encoder
from assistant.models.onnx_session import GRAPH
from tune.graphs.merge_lora import WEIGHTS, merged
from tune.graphs.minilm import write_minilm
from tune.graphs.mpnet import PROBE_IDS, write_judge, write_mpnet, write_reader
from tune.graphs.onnx_graph import make_signed
from tune.graphs.originals import Base

MADE, ADAPTER, JUDGE = PACKAGED / "encoder", PACKAGED / "reader", PACKAGED / "judge"
SMOOTHING, ORIGINALS = "smoothing.safetensors", "originals.safetensors"
HEADS, PROBES = "heads.safetensors", "probes.json"
WHOLE = np.full((1, PROBE_IDS.size), 1 / PROBE_IDS.size, np.float32)  # one unit of all tokens
MAX_DIFFERENCE = 0.35  # mean difference of a reader's log-odds to full precision; a wrong graph's is several


def build_minilm(base: Base, folder: Path) -> dict[str, str]:
    """Fill `folder` with all-MiniLM-L6-v2, `model.onnx` and `tokenizer.json`, in float32; return what was measured.

    Raises GateFailed if its embeddings are not the original's.
    """
    from tokenizers import Tokenizer

    write_minilm(base.weights(), base.config, folder / GRAPH)
    tokenizer = Tokenizer.from_file(str(base.tokenizer))
    tokenizer.enable_truncation(MAX_TOKENS[MINILM])
    tokenizer.enable_padding(pad_id=base.config["pad_token_id"], pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    return {"precision": "float32", "cosine": _close(MINILM, folder, least=0.999)}


def build_mpnet(base: Base, folder: Path) -> dict[str, str]:
    """Fill `folder` with all-mpnet-base-v2 in 8 bits, as `build_minilm` does."""
    write_mpnet(base.weights(), load_smoothing(MADE / SMOOTHING), base.config, folder / GRAPH)
    shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
    cosine = _close(MPNET, folder, least=0.98)  # the probes are odd: the mean of passages is 0.998
    return {"precision": "int8", "cosine": cosine} | make_signed(folder, {"input_ids": PROBE_IDS})


def read_probes() -> list[str]:
    """Return odd texts of several kinds, of which torch gave the embeddings in `ORIGINALS`."""
    return list(json.loads((MADE / PROBES).read_text(encoding="utf-8")))


def load_smoothing(path: Path) -> dict[str, NDArray[Any]]:
    """Read how the activations' outliers are kept from being rounded, as `mpnet.write_mpnet` takes it."""
    from safetensors.numpy import load_file

    return {
        name: value.astype(np.float32 if value.dtype.kind == "f" else int) for name, value in load_file(path).items()
    }


def _close(model_id: str, folder: Path, least: float) -> str:
    """Return the smallest cosine of the graph's embeddings of the probes to those that torch gave in float32."""
    from safetensors.numpy import load_file

    originals = load_file(MADE / ORIGINALS)[model_id].astype(np.float32)
    record = ModelRecord(model_id, "encoder", str(folder), None, {GRAPH: ""}, {})
    found = Encoder(folder, record, EncoderSection()).encode(read_probes())
    cosine = float((found * originals).sum(axis=1).min())
    if not cosine >= least:  # NaN fails too
        raise GateFailed(f"the encoder's graph gives embeddings of cosine {cosine:.4f} to the original's.", REPORT)
    return f"{cosine:.6f}"


def build_reader(base: Base, folder: Path, adapter: Path) -> dict[str, str]:
    """Fill `folder` with the reader that an adapter's folder makes of MPNet; return what was measured.

    Takes ten seconds and 1.5 GB of memory. Raises GateFailed if it does not score as it did when trained.
    """
    from safetensors.numpy import load_file

    weights = merged(base.weights(), adapter)
    heads = {name: value.astype(np.float32) for name, value in load_file(adapter / HEADS).items()}
    write_reader(weights, heads, load_smoothing(adapter / SMOOTHING), base.config, folder / GRAPH)
    shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
    difference = difference_to_original(CrossEncoder(folder).read, adapter)
    if not difference <= MAX_DIFFERENCE:  # NaN fails too
        raise GateFailed(f"the reader's scores are {difference:.2f} from what they should be.", REPORT)
    measured = {"precision": "int8", "difference": f"{difference:.4f}", "adapter_sha256": hash_file(adapter / WEIGHTS)}
    return measured | make_signed(folder, {"input_ids": PROBE_IDS, "pooling": WHOLE})


def build_judge(base: Base, folder: Path, adapter: Path) -> dict[str, str]:
    """Fill `folder` with the judge, on the lower layers of the reader beside it; otherwise as `build_reader` does."""
    from safetensors.numpy import load_file

    weights = merged(base.weights(), adapter)
    heads = {name: value.astype(np.float32) for name, value in load_file(adapter / HEADS).items()}
    write_judge(weights, heads, load_smoothing(adapter / SMOOTHING), base.config, folder / GRAPH)
    reader = CrossEncoder(folder.parent / READER_ID)
    difference = difference_to_original(Judge(folder, reader).read, adapter)
    if not difference <= MAX_DIFFERENCE:  # NaN fails too
        raise GateFailed(f"the judge's scores are {difference:.2f} from what they should be.", REPORT)
    measured = {"precision": "int8", "difference": f"{difference:.4f}", "adapter_sha256": hash_file(adapter / WEIGHTS)}
    shared = np.random.default_rng(1).normal(size=(1, PROBE_IDS.size, base.config["hidden_size"])).astype(np.float32)
    return measured | make_signed(folder, {"shared": shared, "pooling": WHOLE})


def difference_to_original(read: Read, adapter: Path) -> float:
    """Return the mean difference of log-odds to those of full precision, on the adapter's probes."""
    probes = json.loads((adapter / PROBES).read_text(encoding="utf-8"))
    found = [read(p["question"], p["header"], p["units"]) - np.array(p["log_odds"]) for p in probes]
    return float(np.abs(np.concatenate(found)).mean())
