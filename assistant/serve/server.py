"""Serves the application on a socket until a signal, then finishes what runs."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from assistant.answer.assistant import Assistant
from assistant.serve.app import make_app
from assistant.serve.errors import Notify
from assistant.serve.identity import Door
from assistant.serve.middleware import Log
from assistant.serve.queue import RequestQueue

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
    request. Raises NotReady if an answer cannot even be read for.
    """
    assistant.read(FIRST_QUESTION)
    queue = RequestQueue(assistant.config.serve)
    server = uvicorn.Server(uvicorn_settings(make_app(assistant, door, queue, notify, log)))
    with _ended_by(server.handle_exit):
        ready()
        server.run(sockets=[listener])
        queue.close()


def uvicorn_settings(app: object) -> uvicorn.Config:
    """Return settings that log nothing, read nothing that a proxy claims, and name no software."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11",  # which installs with uvicorn everywhere, and so behaves alike
        loop="asyncio",
        ws="none",
        lifespan="off",
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


@contextmanager
def _ended_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have signals end the server, and it alone: when it has ended it sends them again, to whoever was there before."""
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
