"""A bucket of S3, or of what speaks like it: what an address may be, what lies there, and how its bytes come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from assistant.core.errors import DocumentRejected, NotWritable, UsageError, first_line
from assistant.core.package import need
from ingest.sources import MANIFEST

PROTOCOL = "s3://"
PART = 2**16  # bytes that are taken at once
MOST_LISTED = 1_000_000
# botocore's default asks five times with growing pauses: half a minute before a wrong address is told.
RETRIES = {"mode": "standard", "total_max_attempts": 3}
STAMPS = "ETag", "LastModified", "VersionId"
CREDENTIALS = "Credentials belong into fsspec's configuration (FSSPEC_... or ~/.config/fsspec), or AWS's own."
CHANGED = "It changed after it was listed: ingest again."
VERSIONED = "Its key would be read as that of another object's version."

Found = TypeVar("Found")


def is_address(argument: str) -> bool:
    """Tell an address from a path."""
    return "://" in argument


def check_address(address: str) -> str:
    """Return an address as it is kept.

    Raises UsageError for one that holds a password, is of another protocol, or needs a package that is not installed.
    """
    protocol, _, rest = address.partition("://")
    protocol = f"{protocol.lower()}://"
    if re.match(r"[^/]*:.*@", rest):
        raise UsageError(f"the {protocol} address holds a password or a key.", CREDENTIALS)
    if protocol != PROTOCOL:
        hint = "Let a program such as rclone, rsync or wget --mirror copy what is elsewhere, and give that folder."
        raise UsageError(f"{protocol} is not {PROTOCOL}.", hint)
    if not rest.strip("/"):
        raise UsageError(f"{protocol} names no place.", "For example s3://bucket/policies.")
    need("remote", "an address")
    return f"{protocol}{rest.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file at an address: its path below it, where it is read, and its own `address`; `refused` is why it is not.

    `stamp` is another where the file is another; empty where only asking for it can tell. Bytes come with their `etag`.
    """

    name: str
    at: str
    size: int | None = None
    stamp: str = ""
    refused: str = ""
    address: str = ""
    etag: str = ""


class Sink:
    """What takes a file's bytes."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._limit = limit
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes; raises DocumentRejected for more than the limit, NotWritable for a full disk."""
        self.size += len(data)
        if self.size > self._limit:
            raise DocumentRejected("too_large", f"The file is larger than the limit of {self._limit / 2**20:,.2g} MB.")
        try:
            self._file.write(data)
        except OSError as error:  # the disk's, and not the place's
            raise NotWritable(f"what is fetched cannot be written: {error.strerror}.", "Make room.") from error


class S3:
    """A bucket, what lies below a prefix, or an object; all threads share one client."""

    def __init__(self, address: str, seconds: float) -> None:
        """Make a client that waits so long for each answer; raises UsageError if that cannot be done."""
        self._address, self._seconds = address, seconds
        self._top = address.removeprefix(PROTOCOL)
        self._running: set[Future[Any]] = set()
        self._closed = False
        try:
            self._fs = self._connect()
        except Exception as error:  # of fsspec, botocore and the configuration of both
            raise UsageError(f"{address} cannot be opened: {why(error)}.", CREDENTIALS) from error
        if not self._is_own_key(self._top):
            raise UsageError(f"{address} names a version.", "Give the address of what is there now.")

    def listing(self) -> Sequence[Listed]:
        """Return every file.

        Raises UsageError where a manifest above it says who may see them, or may do so.
        """
        found = self._run(self._list())
        self._check_above({file.name for file in found})
        return found

    def fetch(self, file: Listed, sink: Sink, seconds: float) -> None:
        """Write a file's bytes.

        Raises DocumentRejected where they are no longer those that were listed, TimeoutError where they take longer,
        however they come, or what s3fs does.
        """
        self._run(self._read(file, sink, seconds))

    def close(self) -> None:
        """End all that is asked, whoever waits for it, and the connections."""
        self._closed = True
        for future in list(self._running):
            future.cancel()
        with suppress(Exception):  # of a client that was not made whole, or is gone
            self._fs.close_session(self._fs.loop, self._fs._s3creator)

    def _connect(self) -> Any:
        import fsspec

        configured = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
        waits = {"connect_timeout": self._seconds, "read_timeout": self._seconds, "retries": RETRIES}
        return fsspec.filesystem("s3", skip_instance_cache=True, config_kwargs={**waits, **configured})

    def _run(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Wait for the client's loop to do something; it can be ended there, which a thread cannot."""
        future = asyncio.run_coroutine_threadsafe(work, self._fs.loop)
        self._running.add(future)
        if self._closed:
            future.cancel()  # a new connection would be made for it
        try:
            return future.result()
        finally:
            self._running.discard(future)

    async def _list(self) -> list[Listed]:
        """Ask for a page after the other: fsspec's own `find` would count none before it has all of them."""
        from s3fs.errors import translate_boto_error

        bucket, key, _ = self._fs.split_path(self._top)
        found: list[Listed] = []
        try:
            async for info in self._fs._iterdir(bucket, delimiter="", prefix=f"{key}/" if key else ""):
                found.append(self._listed(info))
                if len(found) > MOST_LISTED:
                    raise UsageError(f"{self._address} has more than {MOST_LISTED:,} files.", "Give a folder of it.")
        except Exception as error:  # what is no answer of S3's comes back as it is
            raise translate_boto_error(error) from error
        if not found and key:
            with suppress(FileNotFoundError):
                found.append(self._listed(await self._fs._info(self._top)))
        return found

    def _listed(self, info: Mapping[str, Any]) -> Listed:
        path = str(info["name"])
        name = path[len(self._top) + 1 :] if path != self._top else path.rpartition("/")[2]
        stamp = " ".join(f"{key}={info[key]}" for key in STAMPS if info.get(key) is not None)
        stamp = f"{stamp} size={info.get('size')}" if stamp else ""
        refused = "" if self._is_own_key(path) else VERSIONED
        return Listed(name, path, info.get("size"), stamp, refused, f"{PROTOCOL}{path}", _etag(info))

    async def _read(self, file: Listed, sink: Sink, seconds: float) -> None:
        bucket, key, _ = self._fs.split_path(file.at)
        async with asyncio.timeout(seconds):
            answer = await self._fs._call_s3("get_object", Bucket=bucket, Key=key)
            body = answer["Body"]
            try:
                # Not left to If-Match: what speaks like S3 may pass over it, and would send what nobody listed.
                if file.etag and _etag(answer) not in ("", file.etag):
                    raise DocumentRejected("unreadable", CHANGED)
                while part := await body.read(PART):
                    sink.write(part)
            finally:
                body.close()

    def _exists(self, path: str) -> bool:
        try:
            self._run(self._fs._info(path))
        except FileNotFoundError:
            return False
        return True

    def _is_own_key(self, path: str) -> bool:
        """Tell whether asking for a path asks for that very object: s3fs cuts off what looks like a version."""
        bucket, key, _ = self._fs.split_path(path)
        return f"{bucket}/{key}".rstrip("/") == path.rstrip("/")

    def _check_above(self, names: Collection[str]) -> None:
        """Raise UsageError where a folder above has a manifest: of a folder of this machine it would be obeyed.

        Who may read the address alone is not told what lies above: then its own manifest says that it is a root.
        """
        parts, about = self._top.split("/"), f"who may see what is at {self._address}"
        for depth in range(len(parts) - 1, 0, -1):
            folder = "/".join(parts[:depth])
            manifest = f"{folder}/{MANIFEST}"
            try:
                there = self._exists(manifest)
            except PermissionError as error:
                if MANIFEST not in names:
                    cause = (
                        f"whether there is {PROTOCOL}{manifest}, which would say {about}, cannot be told: {why(error)}."
                    )
                    hint = (
                        f"Nothing was changed. Have {MANIFEST} put at {self._address}, or the right to read that one."
                    )
                    raise UsageError(cause, hint) from error
                continue
            if there:
                cause = f"{PROTOCOL}{manifest} says {about}, and would not be read."
                raise UsageError(cause, f"Give {PROTOCOL}{folder}, of which it speaks.")


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ETag") or "").strip('"')


def why(error: BaseException) -> str:
    """Say what went wrong, without what is not to be shown."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "".join(c for c in first_line(error) if c.isprintable())
