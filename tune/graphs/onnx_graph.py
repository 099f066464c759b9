"""Build ONNX graphs node by node, in ONNX Runtime's fused operators, and with signed weights where that is faster.

Tracing a model with `torch.onnx.export` gives the same graph after ONNX Runtime's own fusion, at the same speed, but
takes seconds and three packages more, and the optimizer script that should fuse it fails on what torch 2.13 exports.

ONNX Runtime multiplies unsigned weights of 8 bits without the instruction that processors have for it (VNNI), and takes
twice as long as with signed ones. Without VNNI, signed ones are multiplied in 16 bits, and what overflows is cut off.
The two forms differ in the highest bit of each weight: where those bits are is written beside a signed graph, and
`onnx_session.open_graph` flips them back on another processor. What names an index is the hash of the unsigned graph.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.files import hash_file
from assistant.models.onnx_session import GRAPH, SIGN_BIT, SIGNED, TYPE_BIT, flipped, has_vnni, open_session
from assistant.models.registry import UNSIGNED_SHA

Weights = Mapping[str, NDArray[Any]]
Ports = Mapping[str, tuple[Any, Sequence[Any]]]  # name -> numpy type, and shape of numbers and names

CONTRIB = "com.microsoft"
OPERATOR = "DynamicQuantizeMatMul"


class Graph:
    """Collects nodes and constants; each node's output is named after itself."""

    def __init__(self, weights: Weights, epsilon: float) -> None:
        self.weights = weights
        self.epsilon = epsilon
        self.nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant; one of the same name is there already and stays."""
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name: str, transpose: bool = False) -> str:
        """Add a weight; torch keeps a linear layer's as [out, in], ONNX multiplies by [in, out]."""
        value = self.weights[name].astype(np.float32)
        return self.constant(name, value.T if transpose else value)

    def node(
        self, kind: str, inputs: Sequence[str], output: str | Sequence[str], domain: str = "", **attributes: Any
    ) -> str:
        """Add a node and return its first output."""
        from onnx import helper

        outputs = [output] if isinstance(output, str) else list(output)
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, domain=domain, **attributes))
        return outputs[0]

    def cast(self, value: str, output: str, kind: type[np.generic]) -> str:
        """Add a cast to a numpy type."""
        from onnx import helper

        return self.node("Cast", [value], output, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def residual(self, branch: str, hidden: str, norm: str, offset: str, output: str) -> str:
        """Return norm(branch + offset + hidden); `norm` and `offset` are names of weights."""
        inputs = [branch, hidden, *(self.weight(name) for name in (f"{norm}.weight", f"{norm}.bias", offset))]
        return self.node("SkipLayerNormalization", inputs, output, CONTRIB, epsilon=self.epsilon)

    def exact(self, values: str, name: str, weight: NDArray[np.float32]) -> str:
        """Multiply by `weight` [in, out] in float32."""
        return self.node("MatMul", [values, self.constant(f"{name}/weight", weight)], f"{name}/product")

    def columns(self, values: str, name: str, weight: NDArray[np.float32]) -> str:
        """Multiply by `weight` [in, out] in 8-bit integers, a scale a column; activations are rounded as they come.

        Weights are unsigned around 128, as `make_signed` wants them.
        """
        rounded, scale = _rounded(weight, axis=0)
        names = [self.constant(f"{name}/weight", rounded), self.constant(f"{name}/scale", scale)]
        names.append(self.constant(f"{name}/zero", np.full(len(scale), 128, np.uint8)))
        return self.node(OPERATOR, [values, *names], f"{name}/product", CONTRIB)

    def smooth_columns(
        self, values: str, name: str, weight: NDArray[np.float32], smoothing: NDArray[np.float32]
    ) -> str:
        """Multiply as `columns` does, where a few inputs are far larger than the others.

        `smoothing` [in] moves their size into the weights, which bear it (SmoothQuant, Xiao et al. 2023).
        """
        smooth = self.node("Mul", [values, self.constant(f"{name}/smoothing", 1 / smoothing)], f"{name}/smooth")
        return self.columns(smooth, name, weight * smoothing[:, None])

    def blocks(self, values: str, name: str, weight: NDArray[np.float32], output: str = "", block: int = 128) -> str:
        """Multiply by `weight` [in, out] in 8-bit integers, a scale for `block` inputs each; slower, and closer."""
        inputs, outputs = weight.shape
        padded = np.pad(weight.T, ((0, 0), (0, -inputs % block)))
        rounded, scale = _rounded(padded.reshape(outputs, -1, block), axis=2)
        names = [values, self.constant(f"{name}/weight", rounded), self.constant(f"{name}/scale", scale)]
        size = {"K": inputs, "N": outputs, "bits": 8, "block_size": block, "accuracy_level": 4}
        return self.node("MatMulNBits", names, output or f"{name}/product", CONTRIB, **size)

    def model(self, inputs: Ports, outputs: Ports, name: str = "encoder") -> Any:
        """Return the ONNX model; its name is part of its hash, which an index keeps.

        It is of an old form on purpose: every ONNX Runtime that has the fused operators reads that.
        """
        from onnx import helper

        ports = [
            [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(np.dtype(t)), s) for n, (t, s) in these]
            for these in (inputs.items(), outputs.items())
        ]
        graph = helper.make_graph(self.nodes, name, *ports, list(self._constants.values()))
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="policy-assistant")


def _rounded(weight: NDArray[np.float32], axis: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return weights as 1..255 around 128, and their scales, one for all along an axis."""
    scale = np.maximum(np.abs(weight).max(axis=axis) / 127, 1e-12).astype(np.float32)
    return (np.round(weight / np.expand_dims(scale, axis)) + 128).astype(np.uint8), scale


def make_signed(folder: Path, probe: Mapping[str, Any]) -> dict[str, str]:
    """Make a folder's graph signed where the processor has VNNI, and write `SIGNED` beside it; return its hash before.

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
    projections = [node.input for node in model.graph.node if node.op_type == OPERATOR]
    shifted = {name for _, weight, _, zero in projections for name in (weight, zero)}
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
