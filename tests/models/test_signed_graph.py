"""A graph's twin with signed weights gives the same numbers, and is run only where the processor computes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from assistant.models import onnx_session
from assistant.models.onnx_session import GRAPH, SIGNED_GRAPH, fastest_graph, has_vnni, open_session
from assistant.models.prepare import signed_graph
from assistant.models.prepare.onnx_graph import Graph
from assistant.models.prepare.signed_graph import write_signed_twin

INPUTS, OUTPUTS = 64, 32
PROBE = {"values": np.random.default_rng(1).normal(size=(3, INPUTS)).astype(np.float32)}
PROBE["values"][:, 0] = 0  # its weights are the largest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with the graph of one projection, whose sums no processor cuts off."""
    graph = Graph({}, epsilon=0)
    weight = np.random.default_rng(0).normal(size=(INPUTS, OUTPUTS)).astype(np.float32)
    weight[0] = 50  # the others are a few levels, so that pairs of them fit 16 bits
    product = graph.columns("values", "layer", weight)
    model = graph.model(
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, [3, INPUTS])],
        [helper.make_tensor_value_info(product, TensorProto.FLOAT, [3, OUTPUTS])],
    )
    onnx.save(model, str(tmp_path / GRAPH))
    return tmp_path


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the system says of a processor; a test rewrites it."""
    told = tmp_path / "cpuinfo"
    told.write_text("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_vnni\nbugs : spectre\n", encoding="ascii")
    monkeypatch.setattr(onnx_session, "CPU_INFO", told)
    return told


def test_a_twin_gives_the_same_numbers(folder: Path, processor: Path) -> None:
    assert write_signed_twin(folder, PROBE)
    unsigned, signed = (open_session(folder / name, 1).run(None, PROBE)[0] for name in (GRAPH, SIGNED_GRAPH))
    assert np.array_equal(unsigned, signed) and np.abs(signed).max() > 0
    types = {t.data_type for t in onnx.load(folder / SIGNED_GRAPH).graph.initializer}
    assert TensorProto.INT8 in types and TensorProto.UINT8 not in types


def test_it_is_run_where_the_processor_has_vnni(folder: Path, processor: Path) -> None:
    assert fastest_graph(folder).name == GRAPH  # prepared by an earlier version, or elsewhere
    assert write_signed_twin(folder, PROBE)
    assert fastest_graph(folder).name == SIGNED_GRAPH
    processor.write_text("processor : 0\nflags : fpu avx2 avx512f\n", encoding="ascii")
    assert fastest_graph(folder).name == GRAPH


@pytest.mark.parametrize("told", ["", "flags : fpu avx2\n", None])
def test_it_is_not_written_for_other_processors(folder: Path, processor: Path, told: str | None) -> None:
    processor.unlink() if told is None else processor.write_text(told, encoding="ascii")
    assert not has_vnni()
    assert not write_signed_twin(folder, PROBE)
    assert not (folder / SIGNED_GRAPH).exists()


def test_a_twin_that_differs_is_removed(folder: Path, processor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_badly(source: Path, target: Path) -> None:
        model = onnx.load(source)
        (scale,) = (tensor for tensor in model.graph.initializer if tensor.name == "layer/scale")
        scale.CopyFrom(numpy_helper.from_array(2 * numpy_helper.to_array(scale), scale.name))
        onnx.save(model, target)

    monkeypatch.setattr(signed_graph, "_write", write_badly)
    assert not write_signed_twin(folder, PROBE)
    assert not (folder / SIGNED_GRAPH).exists()
