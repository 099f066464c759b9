"""What all responses have in common, whatever answers: headers, and an end for requests that are not read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
CLOSE = (b"connection", b"close")
LENGTHS = (b"content-length", b"transfer-encoding")  # one of which a request has that has a body
LINGER_SECONDS = 3.0  # in which a body that is refused is read away

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Manners:
    """Adds what every response says, and ends the connection of a request whose body was not read to its end.

    Such a body is read away for a moment first: who is still sending sees no answer when the connection just breaks.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        unread = any(name in LENGTHS and value != b"0" for name, value in scope["headers"])

        async def read() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and bool(message.get("more_body"))
            return message

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS, *([CLOSE] if unread else ())]
            elif unread and not message.get("more_body"):
                await send({**message, "more_body": True})
                await _read_away(read)
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, read, write)


async def _read_away(read: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await read()).get("more_body"):
                pass
