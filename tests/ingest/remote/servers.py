"""Servers on the loopback, each at a port that the system chose: S3 (moto) and SFTP (paramiko)."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import paramiko
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


class Sftp:
    """An SFTP server of a folder, with a password.

    `reads` counts the files that were opened; so many `cuts` end the connection in the middle of one. What `hangs`,
    "list" or "read", is answered after five seconds; a folder that is `endless` is listed without an end.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.reads, self.cuts = root, 0, 0
        self.hangs, self.endless = "", False
        self.key = paramiko.ECDSAKey.generate()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def alive(self) -> int:
        """The connections that are open."""
        return sum(transport.is_active() for transport in self._open)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                transport = paramiko.Transport(client)
                transport.add_server_key(self.key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, self)
                self._open.append(transport)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=_Door())

    def cut(self) -> None:
        """End every connection."""
        for transport in self._open:
            transport.close()

    def stop(self) -> None:
        self._listener.close()
        self.cut()


class _Door(paramiko.ServerInterface):  # type: ignore[misc]
    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == ("reader", "s3cret-word")
        return int(paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED)

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)


class _Handle(paramiko.SFTPHandle):  # type: ignore[misc]
    def __init__(self, server: Sftp, path: Path) -> None:
        super().__init__(os.O_RDONLY)
        self._server, self.readfile = server, path.open("rb")

    def read(self, offset: int, length: int) -> Any:
        if self._server.hangs == "read":
            time.sleep(5)
        if offset and self._server.cuts:
            self._server.cuts -= 1
            self._server.cut()
        return super().read(offset, length)

    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Endless(list[Any]):
    """Names of which a part is all of them, however many were taken."""

    def __getitem__(self, part: Any) -> Any:
        time.sleep(0.02)
        return self


class _Folder(paramiko.SFTPServerInterface):  # type: ignore[misc]
    def __init__(self, door: _Door, server: Sftp) -> None:
        super().__init__(door)
        self._server = server

    def _at(self, path: str) -> Path:
        return self._server.root / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        if self._server.hangs == "list":
            time.sleep(5)
        try:
            names = os.listdir(self._at(path))  # noqa: PTH208
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        found = [paramiko.SFTPAttributes.from_stat((self._at(path) / name).lstat()) for name in names]
        for attributes, name in zip(found, names, strict=True):
            attributes.filename = os.fsencode(name)  # as it is, in whatever encoding
        return _Endless(found[:1]) if self._server.endless else found

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def lstat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).lstat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def open(self, path: str, flags: int, attributes: Any) -> Any:
        self._server.reads += 1
        try:
            return _Handle(self._server, self._at(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)


@contextmanager
def stopped(server: S3 | Sftp) -> Iterator[Any]:
    """End a server after a test."""
    try:
        yield server
    finally:
        server.stop()
