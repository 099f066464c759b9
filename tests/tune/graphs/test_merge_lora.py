"""An adapter is added to the weights it was trained on, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from assistant.core.errors import ModelDamaged
from tune.graphs.merge_lora import CONFIG, WEIGHTS, merge_adapter, weight_files

NAME = "model.layers.0.mlp.up_proj"
PLAIN = {"r": 2, "lora_alpha": 8, "bias": "none"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    (tmp_path / "model").mkdir()
    save_file({f"{NAME}.weight": weights, "other": weights[0].copy()}, tmp_path / "model" / "model.safetensors")
    return tmp_path / "model"


def write_adapter(folder: Path, parts: dict[str, NDArray[Any]], **config: Any) -> Path:
    folder.mkdir()
    save_file(parts, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps({**PLAIN, **config}), encoding="utf-8")
    return folder


def lora(columns: int = 4) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, columns)).astype(np.float16), random.normal(size=(3, 2)).astype(np.float16)
    return {f"base_model.model.{NAME}.lora_A.weight": a, f"base_model.model.{NAME}.lora_B.weight": b}


def test_the_weights_become_w_plus_alpha_over_rank_b_a(model: Path, tmp_path: Path) -> None:
    before = load_file(model / "model.safetensors")
    parts = lora()
    merge_adapter(model, write_adapter(tmp_path / "adapter", parts))
    after = load_file(model / "model.safetensors")
    a, b = (part.astype(np.float32) for part in parts.values())
    assert np.allclose(after[f"{NAME}.weight"], before[f"{NAME}.weight"] + 4 * b @ a)
    assert (after["other"] == before["other"]).all()


def test_the_weights_of_a_sharded_model_stay_where_and_as_they_are(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file as load_torch
    from safetensors.torch import save_file as save_torch

    sharded = tmp_path / "sharded"
    sharded.mkdir()
    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    save_torch({"embed": weight[0].clone()}, sharded / "model-00001-of-00002.safetensors")
    save_torch({f"{NAME}.weight": weight}, sharded / "model-00002-of-00002.safetensors")
    assert [path.name[:11] for path in weight_files(sharded)] == ["model-00001", "model-00002"]
    untouched = (sharded / "model-00001-of-00002.safetensors").read_bytes()
    parts = lora()
    merge_adapter(sharded, write_adapter(tmp_path / "adapter", parts))
    assert (sharded / "model-00001-of-00002.safetensors").read_bytes() == untouched
    after = load_torch(sharded / "model-00002-of-00002.safetensors")[f"{NAME}.weight"]
    a, b = (torch.from_numpy(part).float() for part in parts.values())
    assert after.dtype == torch.bfloat16
    assert torch.equal(after, (weight.float() + 4 * b @ a).to(torch.bfloat16))


def test_a_folder_without_weights_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="no weights as safetensors"):
        merge_adapter(tmp_path, write_adapter(tmp_path / "adapter", lora()))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"use_rslora": True}, "use_rslora"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"rank_pattern": {"q": 4}}, "rank_pattern"),
    ],
)
def test_what_is_not_plain_lora_is_refused(model: Path, tmp_path: Path, config: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelDamaged, match=told):
        merge_adapter(model, write_adapter(tmp_path / "adapter", lora(), **config))


def test_an_adapter_of_another_model_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="does not fit"):
        merge_adapter(model, write_adapter(tmp_path / "wide", lora(columns=5)))
    more = {**lora(), "base_model.model.lm_head.modules_to_save": np.zeros(2, np.float16)}
    with pytest.raises(ModelDamaged, match="holds more"):
        merge_adapter(model, write_adapter(tmp_path / "more", more))


def test_an_adapter_that_cannot_be_read_says_so(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="cannot be read"):
        merge_adapter(model, tmp_path / "absent")
    folder = write_adapter(tmp_path / "adapter", lora())
    (folder / WEIGHTS).write_bytes(b"\x08\0\0\0\0\0\0\0no json")
    with pytest.raises(ModelDamaged, match="cannot be read"):
        merge_adapter(model, folder)
