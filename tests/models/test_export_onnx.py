"""The CPU runtime's graph: what the builder makes, and what is changed in it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from assistant.core.errors import AssistantError
from assistant.models.active import PACKAGED_ID
from assistant.models.prepare import export_onnx


@pytest.fixture(scope="module")
def folder(models_dir: Path) -> Path:
    return models_dir / PACKAGED_ID


def test_it_runs_on_the_cores_there_are(folder: Path) -> None:
    config = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))
    threads = config["model"]["decoder"]["session_options"]["intra_op_num_threads"]
    assert threads == export_onnx.physical_cores() >= 1


def test_a_layer_reads_with_integers_and_keeps_blocks_for_its_last_projection(folder: Path) -> None:
    import onnx

    graph = onnx.load(folder / export_onnx.GRAPH, load_external_data=False).graph
    kinds = Counter(node.op_type for node in graph.node)
    layers = 30
    assert (kinds["MatMulInteger"], kinds["MatMulNBits"], kinds["MatMul"]) == (4 * layers, layers + 1, 0)
    assert {node.name.split("/")[-2] for node in graph.node if node.op_type == "MatMulNBits"} == {
        "down_proj",
        "lm_head",
    }


def test_the_graph_gives_the_logits_of_the_last_tokens(folder: Path) -> None:
    import onnx

    graph = onnx.load(folder / export_onnx.GRAPH, load_external_data=False).graph
    logits = next(output for output in graph.output if output.name == "logits")
    assert logits.type.tensor_type.shape.dim[1].dim_param == "last_tokens"
    assert not {node.name for node in graph.node} & set(export_onnx.PRUNE)


def test_every_user_may_read_what_one_has_prepared(folder: Path) -> None:
    modes = {
        (folder / name).stat().st_mode & 0o777 for name in (export_onnx.GRAPH, export_onnx.DATA, "genai_config.json")
    }
    assert len(modes) == 1


def test_a_builder_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "no-such-model"}', encoding="utf-8")
    with pytest.raises(AssistantError, match="no-such-model"):
        export_onnx.build_runtime(tmp_path / "model", tmp_path / "out", export_onnx.INT8)
