"""Any LangChain chat model by its `provider:model` name; OpenAI-compatible servers (vLLM, llama.cpp) first of all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from assistant.core.config import GeneratorSection
from assistant.core.errors import ConfigError, EndpointFailed
from assistant.core.records import ModelInfo, Turn

BUSY = (408, 409, 425, 429)  # HTTP statuses of a server that may answer later


class LangChainModel:
    """A generator behind `langchain.chat_models.init_chat_model`."""

    def __init__(self, settings: GeneratorSection, first_wait_seconds: float = 0.5) -> None:
        """Open it; a second attempt waits, by chance up to twice as long, and each further one as long again.

        Raises ConfigError for a model that LangChain does not know or cannot open.
        """
        from langchain.chat_models import init_chat_model

        options: dict[str, Any] = {"temperature": 0.0, "timeout": settings.timeout_seconds, "max_retries": 0}
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
        self._seconds = settings.timeout_seconds
        self._retries = settings.retries
        self._first_wait = first_wait_seconds

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return "".join(self.stream(messages, max_tokens))

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        """Yield the answer as it comes. Raises EndpointFailed once it has failed as often, or as long, as it may."""
        turns = [(turn.role, turn.content) for turn in messages]
        ends = time.monotonic() + self._seconds  # of all of it: a server may drip
        try:
            for text in self._begin(turns, max_tokens):
                if time.monotonic() > ends:
                    raise TimeoutError(f"it took longer than {self._seconds:g} s")
                yield text
        except Exception as error:  # each provider has errors of its own
            hint = "Check generator.base_url and that the server runs."
            raise EndpointFailed(f"the generator {self.info.id} does not answer: {_told(error)}.", hint) from error

    def _begin(self, turns: Sequence[tuple[str, str]], max_tokens: int) -> Iterator[str]:
        """Ask until the first piece of an answer is there: until then nothing was shown, and it may be asked again."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_exponential_jitter

        def ask() -> Iterator[str]:
            pieces = (chunk.text for chunk in self._model.stream(turns, max_tokens=max_tokens))
            first = next(pieces, "")
            return chain([first], pieces)

        again = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(1 + self._retries) | stop_after_delay(self._seconds),
            wait=wait_exponential_jitter(self._first_wait, self._seconds, jitter=self._first_wait),
            reraise=True,
        )
        return again(ask)


def _told(error: Exception) -> str:
    """Say what an error is, and not in its words: a server may repeat what it was sent, documents and questions."""
    if type(error) is TimeoutError:  # our own
        return str(error)
    status = getattr(error, "status_code", None)
    return type(error).__name__ + (f", status {status}" if status else "")


def _may_pass(error: BaseException) -> bool:
    """Say whether asking again may help: not when the server understood and refused."""
    status = getattr(error, "status_code", None)
    return isinstance(error, Exception) and (not isinstance(status, int) or status >= 500 or status in BUSY)
