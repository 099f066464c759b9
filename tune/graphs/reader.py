"""Make a reader: MPNet's weights and an adapter, in 8 bits; neither torch nor peft is needed.

It is compared, on questions of its own, with what it said in full precision when it was trained, or there is none.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.models.cross_encoder import CrossEncoder
from assistant.models.onnx_session import GRAPH
from tune.graphs.encoders import SMOOTHING, load_smoothing
from tune.graphs.merge_lora import WEIGHTS, merged
from tune.graphs.mpnet import PROBE_IDS, write_reader
from tune.graphs.originals import Base
from tune.graphs.signed import make_signed

ADAPTER = PACKAGED / "reader"
HEADS, PROBES = "heads.safetensors", "probes.json"
TOLERANCE = 0.35  # mean difference of log-odds to full precision; a graph that is wrong is off by several


def build_reader(base: Base, folder: Path, adapter: Path) -> dict[str, str]:
    """Fill `folder` with the reader that an adapter's folder makes of MPNet; return what was measured.

    Takes ten seconds and 1.5 GB of memory. Raises GateFailed if it does not score as it did when trained.
    """
    from safetensors.numpy import load_file

    weights = merged(base.weights(), adapter)
    heads = {name: value.astype(np.float32) for name, value in load_file(adapter / HEADS).items()}
    write_reader(weights, heads, load_smoothing(adapter / SMOOTHING), base.config, folder / GRAPH)
    shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
    difference = difference_to_original(folder, adapter)
    if not difference <= TOLERANCE:  # NaN fails too
        raise GateFailed(f"the reader's scores are {difference:.2f} from what they should be.", REPORT)
    whole = np.full((1, PROBE_IDS.size), 1 / PROBE_IDS.size, np.float32)
    measured = {"precision": "int8", "difference": f"{difference:.4f}", "adapter_sha256": hash_file(adapter / WEIGHTS)}
    return measured | make_signed(folder, {"input_ids": PROBE_IDS, "pooling": whole})


def difference_to_original(folder: Path, adapter: Path) -> float:
    """Return the mean difference of log-odds to those of full precision, on the adapter's probes."""
    probes = json.loads((adapter / PROBES).read_text(encoding="utf-8"))
    reader = CrossEncoder(folder)
    found = [reader.read(p["question"], p["header"], p["units"]) - np.array(p["log_odds"]) for p in probes]
    return float(np.abs(np.concatenate(found)).mean())
