"""Which generator serves, and the runtime that the configuration names.

What serves is the configured model, or the one promoted last, or the untuned one, which does not come along.

models/promoted.json   {"serving": ["tuned-1a2b3c4d-gptq"]}   the ids that were promoted, the last one serves
"""

from __future__ import annotations

import json
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import ModelDamaged, ModelMissing, UsageError
from assistant.core.files import write_atomic
from assistant.core.records import ModelRecord
from assistant.models.language_model import LanguageModel
from assistant.models.registry import Registry, opening

# SmolLM2-135M-Instruct with the adapter in packaged/generator; counts its versions.
PACKAGED_ID = "smollm2-135m-policy-2"
FILE_NAME = "promoted.json"
MOST = 20  # promotions that are remembered


def open_model(config: Config, registry: Registry) -> LanguageModel | None:
    """Open the configured generator; None for the runtime `none`. Raises ModelMissing or ModelDamaged."""
    if config.generator.remote:
        from assistant.models.llm_langchain import LangChainModel

        return LangChainModel(config.generator)
    if config.generator.local:
        from assistant.models.llm_onnx import OnnxModel

        record = load_served(config, registry)
        with opening(record):
            return OnnxModel(Path(record.path), record.id)
    return None


def load_served(config: Config, registry: Registry) -> ModelRecord:
    """Read the manifest of the local generator that answers; raises ModelMissing or ModelDamaged."""
    if (model_id := served(config)) == PACKAGED_ID and not registry.has(PACKAGED_ID):
        hint = 'Tune one: assistant tune run QUESTIONS.jsonl. Or leave out generator.runtime = "onnx".'
        raise ModelMissing("no generator was tuned, and none comes along.", hint)
    return registry.load(model_id)


def served(config: Config) -> str:
    """Return the id of the model that answers; raises ModelDamaged if that cannot be told."""
    return config.generator.model or promoted(Registry(config.models_dir))[-1]


def local_model(config: Config) -> str:
    """Return the id of the local model that answers, or would if another runtime did not."""
    return served(config) if config.generator.local else promoted(Registry(config.models_dir))[-1]


def promoted(registry: Registry) -> tuple[str, ...]:
    """Return the ids that have served, the one that serves last; the packaged one was the first."""
    path = registry.root / FILE_NAME
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))["serving"]
        if not isinstance(ids, list) or not all(isinstance(id, str) and registry.path(id) for id in ids):
            raise ValueError(f"'serving' is {ids!r}")
    except FileNotFoundError:
        return (PACKAGED_ID,)
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        hint = f"Delete {path}: {PACKAGED_ID} then serves."
        raise ModelDamaged(f"{path} cannot be understood: {error}.", hint) from error
    return (PACKAGED_ID, *ids)


def promote(registry: Registry, model_id: str) -> None:
    """Let a model serve from the next start on. Raises ModelMissing or ModelDamaged if it is not whole."""
    registry.verify(registry.load(model_id))
    _write(registry.root / FILE_NAME, (*promoted(registry)[1:], model_id))


def rollback(registry: Registry) -> str:
    """Let the model before serve again and return its id; raises UsageError if none was promoted."""
    before = promoted(registry)
    if len(before) == 1:
        raise UsageError("no model was promoted.", "The untuned one is the first.")
    _write(registry.root / FILE_NAME, before[1:-1])
    return before[-2]


def _write(path: Path, ids: tuple[str, ...]) -> None:
    write_atomic(path, json.dumps({"serving": ids[-MOST:]}, indent=1) + "\n")
