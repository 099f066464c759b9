"""Servers that speak S3 on the loopback, each at a port that the system chose: moto, and one that drips."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

from moto.server import ThreadedMotoServer


class S3:
    """A moto server that notes what was asked of it; `spoil` may answer first."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.asked: list[str] = []
        self.spoil: Callable[[str], bytes | None] = lambda line: None
        inner = self._server._server.app

        def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}"
            self.asked.append(line)
            if (body := self.spoil(line)) is not None:
                status = "400 Bad Request" if b"<Error>" in body else "200 OK"
                start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
                return [body]
            found: Iterable[bytes] = inner(environ, start)
            return found

        self._server._server.app = app

    def fetched(self) -> list[str]:
        """Return the objects that were read since the last call."""
        reads = (line.split("?")[0] for line in self.asked if line.startswith("GET") and "list-type" not in line)
        found = sorted({line.removeprefix("GET ") for line in reads})
        self.asked.clear()
        return found

    def reset(self) -> None:
        """Forget every bucket."""
        self.spoil = lambda line: None
        urlopen(f"{self.url}/moto-api/reset", data=b"").close()
        self.asked.clear()

    def stop(self) -> None:
        self._server.stop()


NOTHING = b"<ListBucketResult><Name>corp</Name></ListBucketResult>"
LISTED = b"<ListBucketResult><Name>corp</Name><Contents><Key>policies/a.md</Key><Size>2000</Size></Contents>"
LISTED += b"</ListBucketResult>"


class Dripping:
    """A bucket of one object, `policies/a.md`, that comes a byte each tenth of a second."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Drip)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Drip(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._begin(404, 0)

    def do_GET(self) -> None:
        is_listing = "list-type" in self.path
        answer = LISTED if "prefix=policies" in self.path else NOTHING
        self._begin(200, len(answer) if is_listing else 2000)
        with suppress(OSError):  # whoever asked is gone
            if is_listing:
                self.wfile.write(answer)
                return
            for _ in range(2000):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        pass

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(length))
        self.end_headers()


@contextmanager
def stopped(server: S3 | Dripping) -> Iterator[Any]:
    """End a server after a test."""
    try:
        yield server
    finally:
        server.stop()
