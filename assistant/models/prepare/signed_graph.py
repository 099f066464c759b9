"""Write a graph's twin with signed weights, for processors with VNNI.

ONNX Runtime multiplies unsigned weights of 8 bits without VNNI's instruction, and takes twice as long as with signed
ones. Without VNNI, signed ones are multiplied in 16 bits, and what overflows is cut off. So both graphs are written
where a processor has it, and `onnx_session.fastest_graph` chooses: a folder that is moved to another machine is right
there too. What names an index is the unsigned graph, whichever is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assistant.models.onnx_session import GRAPH, SIGNED_GRAPH, has_vnni, open_session
from assistant.models.prepare.onnx_graph import ZERO

OPERATOR = "DynamicQuantizeMatMul"
WEIGHT, ZERO_POINT = 1, 3  # of the operator's inputs


def write_signed_twin(folder: Path, probe: Mapping[str, Any]) -> bool:
    """Write `SIGNED_GRAPH` beside `GRAPH` where the processor has VNNI; return whether it is there.

    `probe` maps the graph's inputs to arrays. A twin that does not give the same for it, bit for bit, is removed.
    """
    if not has_vnni():
        return False
    _write(folder / GRAPH, folder / SIGNED_GRAPH)
    unsigned, signed = (open_session(folder / name, 1).run(None, dict(probe))[0] for name in (GRAPH, SIGNED_GRAPH))
    same = np.array_equal(unsigned, signed)
    if not same:
        (folder / SIGNED_GRAPH).unlink()
    return same


def _write(source: Path, target: Path) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    projections = [node for node in model.graph.node if node.op_type == OPERATOR]
    shifted = {node.input[place] for node in projections for place in (WEIGHT, ZERO_POINT)}
    for tensor in model.graph.initializer:
        if tensor.name in shifted:
            value = numpy_helper.to_array(tensor).astype(np.int16) - ZERO
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.int8), tensor.name))
    onnx.save(model, target)
