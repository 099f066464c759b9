"""Build ONNX graphs node by node, in ONNX Runtime's fused operators.

Tracing a model with `torch.onnx.export` gives the same graph after ONNX Runtime's own fusion, at the same speed, but
takes seconds and three packages more, and the optimizer script that should fuse it fails on what torch 2.13 exports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[Any]]

CONTRIB = "com.microsoft"
OPSET, IR_VERSION = 17, 8  # old on purpose: every ONNX Runtime that has the fused operators reads them
LEVELS = 127  # of an 8-bit weight, on either side of zero
ZERO = LEVELS + 1
BLOCK = 128  # weights that share a scale where a projection's inputs have outliers


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

    def exact(self, values: str, name: str, weight: NDArray[np.float32]) -> str:
        """Multiply by `weight` [in, out] in float32."""
        return self.node("MatMul", [values, self.constant(f"{name}/weight", weight)], f"{name}/product")

    def columns(self, values: str, name: str, weight: NDArray[np.float32]) -> str:
        """Multiply by `weight` [in, out] in 8-bit integers, a scale a column; activations are rounded as they come.

        Weights are unsigned around `ZERO`: on a processor with AVX2 but no VNNI, signed ones are multiplied in 16 bits
        and what overflows is cut off. Where it has VNNI, both are computed in the same way.
        """
        scale = np.maximum(np.abs(weight).max(axis=0) / LEVELS, 1e-12).astype(np.float32)
        inputs = [
            values,
            self.constant(f"{name}/weight", (np.round(weight / scale) + ZERO).astype(np.uint8)),
            self.constant(f"{name}/scale", scale),
            self.constant(f"{name}/zero", np.full(len(scale), ZERO, np.uint8)),
        ]
        return self.node("DynamicQuantizeMatMul", inputs, f"{name}/product", CONTRIB)

    def smooth_columns(
        self, values: str, name: str, weight: NDArray[np.float32], smoothing: NDArray[np.float32]
    ) -> str:
        """Multiply as `columns` does, where a few inputs are far larger than the others.

        `smoothing` [in] moves their size into the weights, which bear it (SmoothQuant, Xiao et al. 2023).
        """
        smooth = self.node("Mul", [values, self.constant(f"{name}/smoothing", 1 / smoothing)], f"{name}/smooth")
        return self.columns(smooth, name, weight * smoothing[:, None])

    def blocks(self, values: str, name: str, weight: NDArray[np.float32], output: str = "") -> str:
        """Multiply by `weight` [in, out] in 8-bit integers, a scale for each block of inputs; slower, and closer."""
        inputs, outputs = weight.shape
        padded = np.pad(weight.T, ((0, 0), (0, -inputs % BLOCK)))
        parts = padded.reshape(outputs, -1, BLOCK)
        scale = np.maximum(np.abs(parts).max(axis=2) / LEVELS, 1e-12).astype(np.float32)
        rounded = (np.round(parts / scale[:, :, None]) + ZERO).astype(np.uint8)
        names = [values, self.constant(f"{name}/weight", rounded), self.constant(f"{name}/scale", scale)]
        size = {"K": inputs, "N": outputs, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        return self.node("MatMulNBits", names, output or f"{name}/product", CONTRIB, **size)

    def model(self, inputs: Sequence[Any], outputs: Sequence[Any], name: str = "encoder") -> Any:
        """Return the ONNX model of these value infos; its name is part of its hash, which an index keeps."""
        from onnx import helper

        graph = helper.make_graph(self.nodes, name, list(inputs), list(outputs), list(self._constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="policy-assistant")
