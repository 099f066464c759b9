"""Signed weights give the same numbers, and are run only where the processor computes them rightly."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from assistant.models import onnx_session
from assistant.models.onnx_session import GRAPH, SIGNED, flipped, has_vnni, open_graph, open_session
from assistant.models.registry import UNSIGNED_SHA
from tune.graphs import onnx_graph
from tune.graphs.onnx_graph import Graph, make_signed

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
    model = graph.model({"values": (np.float32, (3, INPUTS))}, {product: (np.float32, (3, OUTPUTS))})
    onnx.save(model, str(tmp_path / GRAPH))
    return tmp_path


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the system says of a processor; a test rewrites it."""
    flags = tmp_path / "cpuinfo"
    flags.write_text("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_vnni\nbugs : spectre\n", encoding="ascii")
    monkeypatch.setattr(onnx_session, "CPU_INFO", flags)
    return flags


def test_signed_weights_give_the_same_numbers(folder: Path, processor: Path) -> None:
    before = (folder / GRAPH).read_bytes()
    unsigned = open_session(folder / GRAPH, 1).run(None, PROBE)[0]
    made = make_signed(folder, PROBE)
    signed = open_graph(folder, 1).run(None, PROBE)[0]
    assert np.array_equal(unsigned, signed) and np.abs(signed).max() > 0
    types = {tensor.data_type for tensor in onnx.load(folder / GRAPH).graph.initializer}
    assert TensorProto.INT8 in types and TensorProto.UINT8 not in types
    assert flipped(folder) == before and made == {UNSIGNED_SHA: hashlib.sha256(before).hexdigest()}


def test_a_processor_without_vnni_runs_unsigned_ones(
    folder: Path, processor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / GRAPH).read_bytes()
    make_signed(folder, PROBE)
    opened: list[Path | bytes] = []
    monkeypatch.setattr(onnx_session, "open_session", lambda graph, threads: opened.append(graph))
    open_graph(folder, 1)
    processor.write_text("processor : 0\nflags : fpu avx2 avx512f\n", encoding="ascii")
    open_graph(folder, 1)
    assert opened == [folder / GRAPH, before]


@pytest.mark.parametrize("flags", ["", "flags : fpu avx2\n", None])
def test_a_graph_stays_unsigned_on_other_processors(folder: Path, processor: Path, flags: str | None) -> None:
    before = (folder / GRAPH).read_bytes()
    processor.unlink() if flags is None else processor.write_text(flags, encoding="ascii")
    assert not has_vnni()
    make_signed(folder, PROBE)
    assert (folder / GRAPH).read_bytes() == before and not (folder / SIGNED).exists()


def test_a_signed_graph_that_differs_is_made_unsigned_again(
    folder: Path, processor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / GRAPH).read_bytes()
    answers = iter([np.zeros(2), np.ones(2)])

    class Session:
        def run(self, *_: object) -> list[NDArray[Any]]:
            return [next(answers)]

    monkeypatch.setattr(onnx_graph, "open_session", lambda *_: Session())
    make_signed(folder, PROBE)
    assert (folder / GRAPH).read_bytes() == before and not (folder / SIGNED).exists()
