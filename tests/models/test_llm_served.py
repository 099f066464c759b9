"""What serves is what was promoted last, and can be taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.core.config import Config, GeneratorSection, ModelsSection
from assistant.core.errors import ModelDamaged, ModelMissing, UsageError
from assistant.models.llm import FILE_NAME, PACKAGED_ID, open_model, promote, promoted, rollback, served
from assistant.models.registry import Registry
from tune.graphs.install import install


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path)
    for name in ("tuned-1", "tuned-2"):

        def build(folder: Path) -> None:
            (folder / "weights").write_bytes(b"weights")

        install(tmp_path, name, "runtime", None, {}, build)
    return registry


def test_the_last_promoted_serves_and_is_taken_back_step_by_step(registry: Registry) -> None:
    config = Config(models=ModelsSection(dir=str(registry.root)))
    assert served(config) == PACKAGED_ID
    for name in ("tuned-1", "tuned-2"):
        promote(registry, name)
        assert served(config) == name
    assert served(replace(config, generator=GeneratorSection(model="mine"))) == "mine", "what is configured goes first"
    assert rollback(registry) == served(config) == "tuned-1"
    assert rollback(registry) == served(config) == PACKAGED_ID
    with pytest.raises(UsageError, match="no model was promoted"):
        rollback(registry)


def test_no_generator_comes_along(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.models.registry.packaged_models", lambda: registry.root / "none")
    config = Config(models=ModelsSection(dir=str(registry.root)), generator=GeneratorSection(runtime="onnx"))
    with pytest.raises(ModelMissing, match="none comes along"):
        open_model(config, registry)


def test_what_is_missing_or_changed_is_not_promoted(registry: Registry) -> None:
    (registry.path("tuned-2") / "weights").write_bytes(b"Weights")
    with pytest.raises(ModelMissing, match="tuned-3"):
        promote(registry, "tuned-3")
    with pytest.raises(ModelDamaged, match="weights"):
        promote(registry, "tuned-2")
    assert promoted(registry) == (PACKAGED_ID,)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"serving": "tuned-1"}', '{"serving": [1]}', '{"serving": ["../tuned-1"]}']
)
def test_a_damaged_file_is_named(registry: Registry, text: str) -> None:
    (registry.root / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ModelDamaged, match=FILE_NAME):
        promoted(registry)
