"""What a generator is to the rest: two methods over messages; and which runtime the configuration names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    return OPENERS[config.generator.runtime](config, registry)


def _open_onnx(config: Config, registry: Registry) -> LanguageModel:
    from assistant.models.llm_onnx import OnnxModel

    record = registry.load(served(config))
    with opening(record):
        return OnnxModel(Path(record.path), record.id)


def _open_langchain(config: Config, registry: Registry) -> LanguageModel:
    from assistant.models.llm_langchain import LangChainModel

    return LangChainModel(config.generator)


def _open_none(config: Config, registry: Registry) -> None:
    return None


OPENERS: Mapping[str, Callable[[Config, Registry], LanguageModel | None]] = {  # one for each of `config.RUNTIMES`
    "onnx": _open_onnx,
    "langchain": _open_langchain,
    "none": _open_none,
}
