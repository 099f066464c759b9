"""Serves the application on a socket until a signal, then finishes what runs."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.answer.assistant import Assistant
from assistant.serve.app import make_app
from assistant.serve.errors import Notify
from assistant.serve.identity import Door
from assistant.serve.middleware import Log
from assistant.serve.queue import RequestQueue

Lifespan = Literal["on", "off"]  # whether an application has something to start and to end

MAX_CONNECTIONS = 500  # a process has 1,024 files in many places
FIRST_QUESTION = "What is in these documents?"  # it loads the models


def serve(
    assistant: Assistant,
    door: Door,
    listener: socket.socket,
    ready: Callable[[], None],
    notify: Notify,
    log: Log | None = None,
) -> None:
    """Serve on a bound socket until SIGINT or SIGTERM, then finish what runs and return; a second SIGINT cancels it.

    Calls `ready` once the models are loaded, `notify` with what whoever runs the server must fix, and `log` after each
    request. Raises NotReady if an answer cannot even be read for, and ConfigError without the generator.
    """
    assistant.read(FIRST_QUESTION)
    assistant.open_generator()
    gc.freeze()  # a body of 80,000 lists starts collections, which would go through all that was loaded
    queue = RequestQueue(assistant.config.serve)
    run_until_signal(make_app(assistant, door, queue, notify, log), listener, ready)
    queue.close()


def run_until_signal(
    app: object, listener: socket.socket, ready: Callable[[], None], lifespan: Lifespan = "off"
) -> None:
    """Run an application on a bound socket until SIGINT or SIGTERM, which only it gets; `ready` is called before."""
    server = uvicorn.Server(uvicorn_settings(app, lifespan))
    with _ended_by(server.handle_exit):
        ready()
        server.run(sockets=[listener])


def uvicorn_settings(app: object, lifespan: Lifespan = "off") -> uvicorn.Config:
    """Return settings that log nothing, read nothing that a proxy claims, and name no software."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=ChunklessProtocol,
        loop="asyncio",
        ws="none",
        lifespan=lifespan,
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        workers=1,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=15,  # seconds without a request
        timeout_graceful_shutdown=30,  # seconds for what runs
    )


class ChunklessProtocol(H11Protocol):
    """Speaks HTTP by h11, which installs with uvicorn everywhere and so behaves alike, and reads no body in chunks."""

    def __init__(self, *settings: Any, **more: Any) -> None:
        super().__init__(*settings, **more)
        self.conn = ChunklessConnection(h11.SERVER)


class ChunklessConnection(h11.Connection):
    """Stops behind the head of a request whose body comes in chunks.

    `CommonHeadersMiddleware` refuses such a request, but uvicorn would first take apart all that has come: tens of
    thousands of chunks of a byte each, which take a second in which nobody else is answered.
    """

    _chunked = False

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what comes next; behind such a head nothing more is read until the connection is closed."""
        if self._chunked:
            return h11.PAUSED
        event = super().next_event()
        self._chunked = isinstance(event, h11.Request) and b"transfer-encoding" in dict(event.headers)
        return event


@contextmanager
def _ended_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have signals end the server, and it alone: when it has ended it sends them again, to whoever was there before."""
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
