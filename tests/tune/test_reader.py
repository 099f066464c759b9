"""A reader is taken if it is better on documents that it was not fitted on, and travels with its generator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.confidence import PACKAGED
from assistant.core.config import Config, GeneratorSection, ModelsSection
from assistant.core.errors import ModelDamaged
from assistant.core.logistic import Logistic
from assistant.core.registry import Registry
from assistant.core.serving import promote, rollback
from assistant.features import SENTENCE_FEATURES
from assistant.read import FILE_NAME, load_reader, read_reader
from assistant.status import _calibration
from tune.reader import Sample, fit_better, to_json

MISLED = Logistic(SENTENCE_FEATURES, (-1.0, *([0.0] * (len(SENTENCE_FEATURES) - 1))), 0.0)


def made_up(count: int, telling: bool) -> list[Sample]:
    """Questions of 20 documents; the nearest of their six sentences is gold, or any."""
    rng = np.random.default_rng(3)
    found = []
    for n in range(count):
        columns = {name: rng.normal(size=6) for name in SENTENCE_FEATURES}
        right = int(np.argmax(columns["similarity_gap"])) if telling else int(rng.integers(6))
        found.append(Sample(f"{n % 20}.md", columns, tuple(place == right for place in range(6))))
    return found


def test_one_that_is_better_is_taken() -> None:
    found = made_up(120, telling=True)
    fitted, told = fit_better(found, MISLED)
    assert fitted and told["taken"] and told["first_fitted"] > 0.8 > 0.2 > told["first_serving"]
    again, told = fit_better(found, fitted)
    assert again is None and not told["taken"], "no better than what serves"


def test_what_cannot_be_told_changes_nothing() -> None:
    assert fit_better(made_up(120, telling=False), MISLED)[0] is None
    assert fit_better(made_up(49, telling=True), MISLED) == (None, {"questions": 49, "taken": False})
    assert fit_better(made_up(55, telling=True), MISLED)[0] is None, "too few without one part of the documents"


def test_it_serves_as_long_as_its_generator(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    fitted, _ = fit_better(made_up(120, telling=True), MISLED)
    assert fitted

    def build(folder: Path) -> None:
        (folder / FILE_NAME).write_text(json.dumps(to_json(fitted, {})), encoding="utf-8")

    registry.install("tuned-1", "runtime", None, {}, build)
    for runtime in ("onnx", "langchain", "none"):
        config = Config(models=ModelsSection(dir=str(tmp_path)), generator=GeneratorSection(runtime=runtime))
        assert load_reader(config)[0] == read_reader(PACKAGED / FILE_NAME)
        promote(registry, "tuned-1")
        assert load_reader(config)[0] == fitted
        rollback(registry)
    promote(registry, "tuned-1")
    path = registry.path("tuned-1") / FILE_NAME
    path.write_text(path.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    with pytest.raises(ModelDamaged, match="SHA-256"):
        load_reader(config)
    problems: list[dict[str, Any]] = []
    _calibration(config, problems)
    assert ["SHA-256" in problem["problem"] and problem["fatal"] for problem in problems] == [True]
