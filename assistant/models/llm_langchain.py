"""Any LangChain chat model by its `provider:model` name; OpenAI-compatible servers (vLLM, llama.cpp) first of all.

All calls run in one thread's event loop: one deadline cancels a call, connection and all, whatever its server sends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from threading import Lock, Thread
from typing import Any

from assistant.core.config import GeneratorSection
from assistant.core.errors import ConfigError, EndpointFailed
from assistant.core.records import ModelInfo, Turn
from assistant.models.language_model import Heard, ignore

BUSY = (408, 409, 425, 429)  # HTTP statuses of a server that may answer later
MAX_WRITTEN = 8_000  # characters of a reply that are read; an endpoint may pay no heed to the tokens that it may write
MAX_BYTES = 8 * 2**20  # of a response: each piece of a reply comes in an object of some 300
OPENAI = "openai:"


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
            if settings.model.startswith(OPENAI):
                options["http_async_client"] = _limited_client()
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
        self._settings = settings
        self._first_wait = first_wait_seconds
        self._turns = asyncio.Semaphore(settings.at_once)
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self, messages: Sequence[Turn], max_tokens: int, heard: Heard = ignore) -> Future[str]:
        """Begin a call in its turn; the time starts when that comes."""
        turns = [(turn.role, turn.content) for turn in messages]
        return asyncio.run_coroutine_threadsafe(self._call(turns, max_tokens, heard), self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                Thread(target=self._loop.run_forever, name="generator", daemon=True).start()
            return self._loop

    async def _call(self, turns: Sequence[tuple[str, str]], max_tokens: int, heard: Heard) -> str:
        """Return a reply. Raises EndpointFailed once it has failed as often, or as long, as it may."""
        seconds = self._settings.timeout_seconds
        async with self._turns:
            try:
                async with asyncio.timeout(seconds) as limit:
                    return await self._reply(turns, max_tokens, heard)
            except Exception as error:  # each provider has errors of its own
                told = f"it took longer than {seconds:g} s" if limit.expired() else _told(error)
                hint = "Check generator.base_url and that the server runs."
                raise EndpointFailed(f"the generator {self.info.id} does not answer: {told}.", hint) from error

    async def _reply(self, turns: Sequence[tuple[str, str]], max_tokens: int, heard: Heard) -> str:
        """Ask until an answer begins: until then nothing was heard, and it may be asked again."""
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

        text = ""

        async def written() -> str:
            nonlocal text
            async with aclosing(self._pieces(turns, max_tokens)) as pieces:
                async for piece in pieces:
                    text += piece
                    heard(text)
                    if len(text) > MAX_WRITTEN:
                        break
            return text

        again = AsyncRetrying(
            retry=retry_if_exception(lambda error: not text and _may_pass(error)),
            stop=stop_after_attempt(1 + self._settings.retries),
            wait=wait_exponential_jitter(self._first_wait, self._settings.timeout_seconds, jitter=self._first_wait),
            reraise=True,
        )
        return str(await again(written))

    async def _pieces(self, turns: Sequence[tuple[str, str]], max_tokens: int) -> AsyncGenerator[str, None]:
        ended = not self.info.id.startswith(OPENAI)  # only of these servers it is known how a whole reply ends
        async for chunk in self._model.astream(turns, max_tokens=max_tokens):
            ended = ended or "finish_reason" in chunk.response_metadata
            yield chunk.text
        if not ended:
            raise ConnectionError("its reply breaks off")


def _limited_client() -> Any:
    """Return the client that openai's package makes, which reads no more than MAX_BYTES of a response."""
    from openai import DefaultAsyncHttpxClient

    headers = {"Accept-Encoding": "identity"}  # a few bytes may unpack to gigabytes
    return DefaultAsyncHttpxClient(headers=headers, event_hooks={"response": [_limit]})


async def _limit(response: Any) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ConnectionError("it sends packed responses, which were not asked for")
    package = sys.modules[type(response).__module__.partition(".")[0]]  # httpx, or what has followed it

    class Limited(package.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for piece in self._stream:
                read += len(piece)
                if read > MAX_BYTES:
                    raise ConnectionError("its response is too long")
                yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()

    response.stream = Limited(response.stream)


def _told(error: Exception) -> str:
    """Say what an error is, and not in its words: a server may repeat what it was sent, documents and questions."""
    status = getattr(error, "status_code", None)
    return type(error).__name__ + (f", status {status}" if status else "")


def _may_pass(error: BaseException) -> bool:
    """Say whether asking again may help: not when the server understood and refused."""
    status = getattr(error, "status_code", None)
    return isinstance(error, Exception) and (not isinstance(status, int) or status >= 500 or status in BUSY)
