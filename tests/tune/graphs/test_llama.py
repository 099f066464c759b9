"""The generator's graph: what it is made of, and that it says what the float32 model says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.core.records import Turn
from assistant.models.llm import PACKAGED_ID
from assistant.models.llm_onnx import OnnxModel, _State
from tune.graphs import llama
from tune.graphs.generator import ADAPTER, read_generator
from tune.graphs.originals import SMOLLM2, open_base


@pytest.fixture(scope="module")
def folder(models_dir: Path) -> Path:
    return models_dir / PACKAGED_ID


def graph_of(folder: Path) -> Any:
    import onnx

    return onnx.load(folder / llama.GRAPH, load_external_data=False).graph


def test_a_layer_reads_with_integers_and_keeps_blocks_for_its_last_projection(folder: Path) -> None:
    kinds = Counter(node.op_type for node in graph_of(folder).node)
    layers = 30
    assert (kinds["DynamicQuantizeMatMul"], kinds["MatMulNBits"], kinds["MatMul"]) == (4 * layers, layers + 1, 0)


def test_the_graph_gives_the_logits_of_the_last_token(folder: Path) -> None:
    logits = next(output for output in graph_of(folder).output if output.name == "logits")
    assert logits.type.tensor_type.shape.dim[1].dim_value == 1


def test_every_user_may_read_what_one_has_made(folder: Path) -> None:
    names = (llama.GRAPH, llama.DATA, llama.LAYOUT)
    assert len({(folder / name).stat().st_mode & 0o777 for name in names}) == 1


def test_other_architectures_are_not_written() -> None:
    plain = {"model_type": "llama", "hidden_act": "silu"}
    assert llama.writable({**plain, "attention_bias": False, "rope_scaling": None})
    assert llama.writable({**plain, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}})
    others: list[dict[str, Any]] = [
        {"model_type": "qwen2"},
        {"hidden_act": "gelu"},
        {"mlp_bias": True},
        {"rope_scaling": {"factor": 8.0}},
        {"rope_parameters": {"rope_type": "llama3"}},
    ]
    assert not any(llama.writable({**plain, **other}) for other in others)


@pytest.mark.slow
def test_it_predicts_what_the_weights_predict_in_float32(folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    read_generator(open_base(SMOLLM2), ADAPTER)[0].write(tmp_path)
    original = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    model = OnnxModel(folder, PACKAGED_ID)
    text = "Quotes:\n[1] An employee receives 27 days of leave.\n\nQuestion: How much leave do I get?"
    tokens = model._encode([Turn("user", text)])
    state = _State(model._session, model._layout, len(tokens))
    found = np.stack([state.read([token]) for token in tokens])
    with torch.inference_mode():
        expected = original(torch.tensor([tokens])).logits[0]
    apart = torch.nn.functional.kl_div(
        torch.tensor(found).log_softmax(-1), expected.log_softmax(-1), reduction="batchmean", log_target=True
    )
    assert float(apart) < 0.1  # 0.03 when it was written; a wrong graph is off by several
    assert np.mean(found.argmax(-1) == expected.numpy().argmax(-1)) > 0.85
