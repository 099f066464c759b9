"""What a generator is to the rest: two methods over messages; and which runtime the configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from assistant.core.config import Config
from assistant.core.records import ModelInfo, Turn
from assistant.models.active import served
from assistant.models.registry import Registry, opening


class LanguageModel(Protocol):
    """A chat model; greedy, so that the same messages give the same words."""

    info: ModelInfo

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        """Return the whole reply."""

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        """Yield the reply in pieces; closing the iterator stops the work."""


def open_model(config: Config, registry: Registry) -> LanguageModel | None:
    """Open the configured generator; None for the runtime `none`. Raises ModelMissing or ModelDamaged."""
    if config.generator.large:
        from assistant.models.llm_langchain import LangChainModel

        return LangChainModel(config.generator)
    if config.generator.local:
        from assistant.models.llm_onnx import OnnxModel

        record = registry.load(served(config))
        with opening(record):
            return OnnxModel(Path(record.path), record.id)
    return None
