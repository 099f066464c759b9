"""What a generator is to the rest: two methods over messages; and which runtime the configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from assistant.core.config import Config
from assistant.core.registry import Registry
from assistant.core.serving import served
from assistant.core.types import ModelInfo, Turn


class LanguageModel(Protocol):
    """A chat model; greedy, so that the same messages give the same words."""

    info: ModelInfo

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        """Return the whole reply."""

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        """Yield the reply in pieces; closing the iterator stops the work."""


def open_model(config: Config, registry: Registry) -> LanguageModel | None:
    """Open the configured generator; None for the runtime `none`. Raises ModelMissing or ModelDamaged."""
    settings = config.generator
    if settings.runtime == "onnx":
        from assistant.core.llm_onnx import OnnxModel

        record = registry.load(served(config))
        registry.verify(record)
        return OnnxModel(Path(record.path), record.id)
    if settings.runtime == "langchain":
        from assistant.core.llm_langchain import LangChainModel

        return LangChainModel(settings)
    return None
