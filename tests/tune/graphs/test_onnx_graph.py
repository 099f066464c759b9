"""Eight-bit products are those of the rounded numbers, however large both sides are."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from tune.graphs.onnx_graph import Graph

INPUTS, OUTPUTS = 256, 64


@pytest.mark.parametrize("kind", ["columns", "blocks"])
def test_large_products_do_not_overflow(kind: str) -> None:
    """Signed weights are added in pairs of 16 bits by processors that have AVX2 without VNNI."""
    generator = np.random.default_rng(0)
    weight = np.sign(generator.normal(size=(INPUTS, OUTPUTS))).astype(np.float32)
    values = generator.uniform(0.9, 1, (3, INPUTS)).astype(np.float32)
    graph = Graph({}, epsilon=0)
    product = getattr(graph, kind)("values", "layer", weight)
    model = graph.model({"values": (np.float32, (3, INPUTS))}, {product: (np.float32, (3, OUTPUTS))})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"values": values})[0]
    assert np.abs(found - values @ weight).max() < 0.01 * np.sqrt(INPUTS)
