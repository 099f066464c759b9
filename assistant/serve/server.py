"""Serves the application on a socket until a signal: connections have limits, too, and what runs is finished."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from math import ceil
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.answer.assistant import Assistant
from assistant.core.records import Access
from assistant.serve.app import MOST_HEAD_BYTES, Tell, make_app
from assistant.serve.desk import Desk
from assistant.serve.door import Door
from assistant.serve.refused import Refused, busy, error_json

CONNECTIONS = 500  # at once; a process has 1,024 files in many places
MOST_BYTES_AHEAD = 65_536  # of requests that come before the answer to the one before them
HEAD_SECONDS = 15.0  # for a request's head to arrive, from when the connection is free for it
TAKE_SECONDS = 15.0  # for an answer to be taken
FLUSH_SECONDS = 2.0  # for a last sentence to leave
DRAIN_SECONDS = 30.0  # for what runs when the end is asked for
FIRST = "What is in these documents?"  # it loads the models


def serve(
    assistant: Assistant,
    access: Callable[[], Access],
    door: Door,
    listener: socket.socket,
    ready: Callable[[], None],
    tell: Tell,
) -> None:
    """Serve on a bound socket until SIGINT or SIGTERM, then finish what runs and return.

    Calls `ready` once the models are loaded, and `tell` with what whoever runs the server must mend. Raises NotReady
    if an answer cannot even be read for.
    """
    assistant.read(FIRST)
    desk = Desk(assistant.config.serve)
    server = uvicorn.Server(_settings(make_app(assistant, access, door, desk, tell)))
    with _ended_by(server.handle_exit):
        ready()
        server.run(sockets=[listener])
    desk.close()


def _settings(app: object) -> uvicorn.Config:
    """Return settings by which nothing is logged, nothing is believed of a proxy, and nothing is told of us."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        workers=1,
        timeout_keep_alive=ceil(HEAD_SECONDS),
        timeout_graceful_shutdown=ceil(DRAIN_SECONDS),
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
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


class Connection(H11Protocol):
    """A connection that is told in JSON what is wrong with it, and that nobody holds by saying nothing, or little."""

    _patience: asyncio.TimerHandle | None = None
    _flushing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            self._end_with(busy("too many connections are open; come again in a moment."))
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if len(self.conn.trailing_data[0]) > MOST_BYTES_AHEAD:  # which the library reads on and on
            self.transport.abort()

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        self._await_head()  # first: the next request may be here already
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            message = f"this is not HTTP, or its head has more than {MOST_HEAD_BYTES:,} bytes."
            self._end_with(Refused(HTTPStatus.BAD_REQUEST, "not_http", message))
        else:  # in the middle of a response, or after one
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._flushing = self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._flushing:
            self._flushing.cancel()
        super().resume_writing()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()

    def _give_up(self) -> None:
        if self.conn.trailing_data[0]:
            message = f"the request did not arrive within {HEAD_SECONDS:g} seconds."
            self._end_with(Refused(HTTPStatus.REQUEST_TIMEOUT, "timeout", message))
        else:
            self.transport.abort()

    def _end_with(self, refused: Refused) -> None:
        """Say a last sentence, by hand: the library's state does not allow one everywhere."""
        body = f"{json.dumps(error_json(refused))}\n"
        fields = {"Content-Type": "application/json", "Content-Length": len(body), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**fields, **refused.headers}.items())
        status = HTTPStatus(refused.status)
        self.transport.write(f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n{body}".encode())
        self.transport.close()
        self.loop.call_later(FLUSH_SECONDS, self.transport.abort)
