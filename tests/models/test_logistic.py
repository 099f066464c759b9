"""A model is a few named numbers in JSON; what does not fit is refused with its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.core.errors import ModelDamaged
from assistant.models.logistic import Logistic, parse_logistic, read_json

KNOWN = ("near", "long")
RAW: dict[str, Any] = {"features": ["near", "long"], "weights": [2.0, -1.0], "bias": 0.5}


def test_log_odds_are_the_weighted_sum() -> None:
    model = parse_logistic(RAW, Path("m.json"), KNOWN)
    assert model == Logistic(("near", "long"), (2.0, -1.0), 0.5)
    assert model.log_odds({"near": np.array([0.0, 1.0]), "long": np.array([1.0, 1.0])}).tolist() == [-0.5, 1.5]
    assert float(model.log_odds({"near": 1.0, "long": 0.0, "other": 9.0})) == 2.5


@pytest.mark.parametrize(
    "change",
    [
        {"features": ["near"]},
        {"weights": [1.0]},
        {"features": ["near", "unheard of"]},
        {"bias": "much"},
        {"weights": ["a", "b"]},
        {"weights": None},
    ],
)
def test_a_model_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelDamaged, match=r"m\.json does not fit"):
        parse_logistic({**RAW, **change}, Path("m.json"), KNOWN)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reader.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"reader\.json cannot be read"):
        read_json(path)
    path.write_text(json.dumps(RAW), encoding="utf-8")
    assert read_json(path) == RAW


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"absent\.json"):
        read_json(tmp_path / "absent.json")
