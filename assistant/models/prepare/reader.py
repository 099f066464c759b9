"""Make the reader that the assistant runs, once: MPNet's weights and the adapter that came along, in 8 bits.

Needs neither torch nor peft. It is compared, on questions of its own, with what it said in full precision when it was
trained, before it is installed.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np

from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord, Progress, no_progress
from assistant.models.cross_encoder import READER_ID, CrossEncoder
from assistant.models.onnx_session import GRAPH
from assistant.models.prepare.encoder import SMOOTHING, load_smoothing
from assistant.models.prepare.merge_lora import merged
from assistant.models.prepare.mpnet_graph import PROBE_IDS, write_reader
from assistant.models.prepare.signed_graph import write_signed_twin
from assistant.models.registry import Registry
from assistant.models.weights import MPNET, find_base

ADAPTER = PACKAGED / "reader"
HEADS, PROBES = "heads.safetensors", "probes.json"
TOLERANCE = 0.35  # mean difference of log-odds to full precision; a graph that is wrong is off by several


def prepare_reader(registry: Registry, progress: Progress = no_progress) -> ModelRecord:
    """Install the packaged reader as `model.onnx` and `tokenizer.json`; takes ten seconds and 1.5 GB of memory.

    Raises ModelMissing or ModelDamaged for the weights, GateFailed if it does not score as it did when trained.
    """

    def build(folder: Path) -> dict[str, str]:
        return build_reader(folder, ADAPTER, progress)

    settings = {"precision": "int8", "onnx": version("onnx"), "license": "Apache-2.0"}
    record = registry.install(READER_ID, "reader", None, settings, build)
    progress("reader: ready", 1.0, 1)
    return record


def build_reader(folder: Path, adapter: Path, progress: Progress = no_progress) -> dict[str, str]:
    """Fill `folder` with the reader that an adapter's folder makes of MPNet; return what was measured."""
    from safetensors.numpy import load_file

    base = find_base(MPNET)
    progress("reader: merging the adapter", 0.1, 1)
    weights = merged(base.weights(), adapter)
    progress("reader: writing the graph", 0.4, 1)
    heads = {name: value.astype(np.float32) for name, value in load_file(adapter / HEADS).items()}
    write_reader(weights, heads, load_smoothing(adapter / SMOOTHING), base.config, folder / GRAPH)
    shutil.copyfile(base.tokenizer, folder / "tokenizer.json")
    progress("reader: asking it questions", 0.8, 1)
    difference = difference_to_original(folder, adapter)
    if not difference <= TOLERANCE:  # NaN fails too
        raise GateFailed(f"the reader's scores are {difference:.2f} from what they should be.", REPORT)
    whole = np.full((1, PROBE_IDS.size), 1 / PROBE_IDS.size, np.float32)
    write_signed_twin(folder, {"input_ids": PROBE_IDS, "pooling": whole})
    return {
        "difference": f"{difference:.4f}",
        "weights_sha256": MPNET.sha256,
        "adapter_sha256": hash_file(adapter / "adapter_model.safetensors"),
    }


def difference_to_original(folder: Path, adapter: Path) -> float:
    """Return the mean difference of log-odds to those of full precision, on the adapter's probes."""
    probes = json.loads((adapter / PROBES).read_text(encoding="utf-8"))
    reader = CrossEncoder(folder)
    found = [reader.read(p["question"], p["header"], p["units"]) - np.array(p["log_odds"]) for p in probes]
    return float(np.abs(np.concatenate(found)).mean())
