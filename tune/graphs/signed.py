"""Make a graph's weights signed where the processor has VNNI.

ONNX Runtime multiplies unsigned weights of 8 bits without VNNI's instruction, and takes twice as long as with signed
ones. Without VNNI, signed ones are multiplied in 16 bits, and what overflows is cut off. The two forms differ in the
highest bit of each weight: where those bits are is written beside a signed graph, and `onnx_session.open_graph` flips
them back on another processor. What names an index is the hash of the unsigned graph, whichever is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assistant.core.files import hash_file
from assistant.models.onnx_session import GRAPH, SIGN_BIT, SIGNED, TYPE_BIT, flipped, has_vnni, open_session
from assistant.models.registry import UNSIGNED_SHA

OPERATOR = "DynamicQuantizeMatMul"
WEIGHT, ZERO_POINT = 1, 3  # of the operator's inputs


def make_signed(folder: Path, probe: Mapping[str, Any]) -> dict[str, str]:
    """Make `GRAPH` signed where the processor has VNNI, and write `SIGNED` beside it; return its hash before.

    `probe` maps the graph's inputs to arrays. A signed graph that does not give the same for it, bit for bit, is
    made unsigned again.
    """
    path, places = folder / GRAPH, folder / SIGNED
    sha256 = hash_file(path)
    if has_vnni():
        unsigned = open_session(path, 1).run(None, dict(probe))[0]
        places.write_text(json.dumps(_places(path)) + "\n", encoding="utf-8")
        path.write_bytes(flipped(folder))
        signed = open_session(path, 1).run(None, dict(probe))[0]
        if not np.array_equal(unsigned, signed):
            path.write_bytes(flipped(folder))
            places.unlink()
    return {UNSIGNED_SHA: sha256}


def _places(path: Path) -> dict[str, Any]:
    """Return where the bytes of the file are that say the weights' types, and where the weights begin and end."""
    import onnx

    raw = path.read_bytes()
    model = onnx.load_model_from_string(raw)
    projections = [node for node in model.graph.node if node.op_type == OPERATOR]
    shifted = {node.input[place] for node in projections for place in (WEIGHT, ZERO_POINT)}
    types, weights, start = [], [], 0
    for tensor in model.graph.initializer:
        if tensor.name in shifted:
            unsigned, length = tensor.SerializeToString(), len(tensor.raw_data)
            start = raw.index(unsigned, start)
            tensor.data_type = onnx.TensorProto.INT8
            tensor.raw_data = (np.frombuffer(tensor.raw_data, np.uint8) ^ SIGN_BIT).tobytes()
            bits = np.frombuffer(unsigned, np.uint8) ^ np.frombuffer(tensor.SerializeToString(), np.uint8)
            types.append(start + int(np.argmax(bits == TYPE_BIT)))
            first = start + int(np.argmax(bits == SIGN_BIT))
            weights.append([first, first + length])
    return {"types": types, "weights": weights}
