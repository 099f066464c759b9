"""Any LangChain chat model by its `provider:model` name; OpenAI-compatible servers (vLLM, llama.cpp) first of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assistant.core.config import GeneratorSection
from assistant.core.errors import ConfigError, ModelMissing
from assistant.core.records import ModelInfo, Turn


class LangChainModel:
    """A generator behind `langchain.chat_models.init_chat_model`."""

    def __init__(self, settings: GeneratorSection) -> None:
        from langchain.chat_models import init_chat_model

        options: dict[str, Any] = {"temperature": 0.0, "timeout": settings.timeout_seconds, "max_retries": 1}
        if settings.base_url:
            options["base_url"] = settings.base_url
        try:
            self._model = init_chat_model(settings.model, **options)
        except ImportError as error:
            raise ConfigError(f"generator.model {settings.model!r} needs another package: {error}.") from error
        except ValueError as error:
            hint = "Write it as provider:model, e.g. openai:my-model."
            raise ConfigError(
                f"generator.model {settings.model!r} is not known to LangChain: {error}.", hint
            ) from error
        except Exception as error:  # each provider has its own error for a missing key
            raise ConfigError(f"generator.model {settings.model!r} cannot be opened: {error}.") from error
        self.info = ModelInfo(settings.model, "langchain")

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return "".join(self.stream(messages, max_tokens))

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        turns = [(turn.role, turn.content) for turn in messages]
        try:
            for chunk in self._model.stream(turns, max_tokens=max_tokens):
                yield chunk.text
        except Exception as error:  # each provider has errors of its own
            hint = "Check generator.base_url and that the server runs."
            raise ModelMissing(f"the generator {self.info.id} does not answer: {error}.", hint) from error
