"""The loss is that of the answers' tokens, however the rows are padded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from assistant.core.errors import UsageError
from tune.graphs.merge_lora import weight_files
from tune.train import IGNORED, answer_loss, check_memory, collate, free_memory, use_bf16

ROWS = [
    {"input_ids": [5, 6, 7, 8, 9], "labels": [IGNORED, IGNORED, IGNORED, 8, 9]},
    {"input_ids": [4, 11, 12, 13], "labels": [IGNORED, 11, 12, 13]},
    {"input_ids": [7, 7, 7, 7, 7, 7, 3], "labels": [IGNORED] * 6 + [3]},
]


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=20,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    return LlamaForCausalLM(config).eval()


def test_answers_begin_in_one_column() -> None:
    batch = collate(ROWS, pad=0)
    assert batch["input_ids"].tolist()[0] == [0, 0, 0, 5, 6, 7, 8, 9, 0]
    assert batch["attention_mask"].sum(1).tolist() == [5, 4, 7]
    assert batch["labels"].tolist() == [[8, 9, IGNORED], [11, 12, 13], [3, IGNORED, IGNORED]]


def test_the_loss_is_that_of_each_row_alone(model: Any) -> None:
    with torch.inference_mode():
        together = float(answer_loss(model, collate(ROWS, pad=0), 1))
        alone = 0.0
        for row in ROWS:
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
            for at, label in enumerate(row["labels"]):
                if label != IGNORED:
                    alone -= float(logits[at - 1].log_softmax(-1)[label])
    assert together == pytest.approx(alone, abs=1e-4)


def test_the_mean_is_over_answer_tokens(model: Any) -> None:
    batch = collate(ROWS, pad=0)
    with torch.inference_mode():
        assert float(answer_loss(model, batch)) == pytest.approx(float(answer_loss(model, batch, 6)), abs=1e-6)


@pytest.mark.parametrize(
    ("has", "fast"),
    [({"avx512_f": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({}, False)],
)
def test_bfloat16_is_taken_where_the_processor_multiplies_it(
    has: dict[str, bool], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AVX-512 alone multiplies it a third as fast as float32."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert use_bf16() is fast


def test_a_base_that_does_not_fit_is_not_trained(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(weight_files(tmp_path)) > 1
    weights = sum(parameter.numel() for parameter in model.parameters())
    check_memory(tmp_path, free_memory())
    check_memory(tmp_path, 5 * weights)
    with pytest.raises(UsageError, match="GB at least"):
        check_memory(tmp_path, weights)
