"""Buckets of S3, and of what speaks like it: all threads share one client, which lists a thousand objects at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import fsspec

from assistant.core.errors import UsageError
from ingest.remote.files import Files

VERSIONED = "Its key would be read as that of another object's version."


class S3(Files):
    """A bucket, what lies below a prefix, or an object."""

    stamps = "ETag", "LastModified", "VersionId"
    _found: Future[Mapping[str, Mapping[str, Any]]] | None = None

    def _connect(self) -> Any:
        configured = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
        waits = {"connect_timeout": self._seconds, "read_timeout": self._seconds}
        fs = fsspec.filesystem("s3", skip_instance_cache=True, config_kwargs={**waits, **configured})
        if not _is_own_key(fs, self._top):
            raise UsageError(f"{self._address} names a version.", "Give the address of what is there now.")
        return fs

    def _disconnect(self, fs: Any) -> None:
        if self._found:
            self._found.cancel()  # it would go on over a new connection
        fs.close_session(fs.loop, fs._s3creator)

    def _mine(self) -> Any:
        if not self._opened:
            self._opened.append(self._connect())
        return self._opened[0]

    def _infos(self) -> Iterator[Mapping[str, Any]]:
        self._found = asyncio.run_coroutine_threadsafe(self._fs._find(self._top, detail=True), self._fs.loop)
        yield from (info for info in self._found.result().values() if info["type"] != "directory")

    def _fault(self, info: Mapping[str, Any]) -> str:
        return super()._fault(info) or ("" if _is_own_key(self._fs, info["name"]) else VERSIONED)

    def _exists(self, path: str) -> bool:
        try:
            self._fs.info(path)
        except FileNotFoundError:
            return False
        return True


def _is_own_key(fs: Any, path: str) -> bool:
    """Tell whether asking for a path asks for that very object: s3fs cuts a version off a key that looks like one."""
    bucket, key, _ = fs.split_path(path)
    return f"{bucket}/{key}".rstrip("/") == path.rstrip("/")
