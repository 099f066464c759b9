"""An answer's sentences to the page's script as each is checked, a JSON line each, and then the page's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from starlette.responses import Response, StreamingResponse

from assistant.core.records import Sentence
from assistant.serve.errors import Translate
from assistant.serve.page.render import LINES
from assistant.serve.schemas import encoded


class Told:
    """Takes the sentences of an answer in the making, in whatever thread they are checked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sentences = asyncio.Queue[Sentence]()

    def __call__(self, sentence: Sentence) -> None:
        self._loop.call_soon_threadsafe(self._sentences.put_nowait, sentence)

    async def response(self, answer: Coroutine[Any, Any, Response], translate: Translate) -> Response:
        """Return the answer itself where nothing is told before it is there; else the lines, with it at their end."""
        task = asyncio.create_task(answer)
        first = asyncio.create_task(self._sentences.get())
        await asyncio.wait((task, first), return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            first.cancel()
            return await task
        return StreamingResponse(self._lines(first.result(), task, translate), media_type=LINES)

    async def _lines(
        self, sentence: Sentence, task: asyncio.Task[Response], translate: Translate
    ) -> AsyncIterator[bytes]:
        try:
            yield encoded({"said": sentence.text})
            while not task.done():
                following = asyncio.create_task(self._sentences.get())
                await asyncio.wait((task, following), return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    yield encoded({"said": following.result().text})
                else:
                    following.cancel()
            try:
                page = (await task).body
            except Exception as error:
                yield encoded({"error": str(translate(error))})
            else:
                yield encoded({"page": bytes(page).decode()})
        finally:
            task.cancel()
