"""A folder at an address, through a filesystem of fsspec: listed as a whole, each file read in blocks into a sink."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, ClassVar

from assistant.core.errors import DocumentRejected, NotWritable, UsageError, first_line
from ingest.sources import MANIFEST

BLOCK, PART = 2**20, 2**16  # bytes that are asked for, and that are taken at once
MOST_LISTED = 1_000_000
CREDENTIALS = "Credentials belong into fsspec's configuration (FSSPEC_... or ~/.config/fsspec), or AWS's own."
LINK = "It is a link, and none is followed at an address."
UNLISTED = "It is a folder whose name is not valid UTF-8."


@dataclass(frozen=True, slots=True)
class Listed:
    """A file at an address: its path below it, where it is read, and its own `address`; `refused` is why it is not.

    `stamp` is another where the file is another; empty where only asking for it can tell.
    """

    name: str
    at: str
    size: int | None = None
    stamp: str = ""
    refused: str = ""
    address: str = ""


class Sink:
    """What takes a file's bytes, until it is told to stop."""

    def __init__(self, file: IO[bytes], limit: int, seconds: float, stopped: threading.Event) -> None:
        self._file = file
        self._limit = limit
        self._ends = time.monotonic() + seconds
        self._stopped = stopped
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes, whatever was said of how many there are.

        Raises DocumentRejected for more than the limit, TimeoutError after so many seconds or once stopped, NotWritable
        for a full disk.
        """
        self.size += len(data)
        if self.size > self._limit:
            raise DocumentRejected("too_large", f"The file is larger than the limit of {self._limit / 2**20:,.2g} MB.")
        if time.monotonic() > self._ends or self._stopped.is_set():
            raise TimeoutError
        try:
            self._file.write(data)
        except OSError as error:  # the disk's, and not the place's
            raise NotWritable(f"what is fetched cannot be written: {error.strerror}.", "Make room.") from error


class Files(ABC):
    """A folder, or a file, of a filesystem."""

    stamps: ClassVar[Sequence[str]]  # what the filesystem calls a file's version, hash or time

    def __init__(self, address: str, seconds: float) -> None:
        """Connect to it; raises UsageError if that cannot be done."""
        self._address, self._seconds = address, seconds
        self._top = self._path_of(address)
        self._own = threading.local()
        self._opened: list[Any] = []
        try:
            self._fs = self._mine()
        except UsageError:
            raise
        except Exception as error:  # each filesystem has errors of its own
            raise UsageError(f"{address} cannot be opened: {why(error)}.", CREDENTIALS) from error

    def listing(self) -> Sequence[Listed]:
        """Return every file; what is no plain file is refused, since where a link leads cannot be told.

        Raises UsageError where a manifest above it says who may see them, or may do so.
        """
        found = []
        for info in self._infos():
            path = str(info["name"])
            name = path[len(self._top) + 1 :] if path != self._top else path.rpartition("/")[2]
            stamp = " ".join(f"{key}={info[key]}" for key in self.stamps if info.get(key) is not None)
            stamp = f"{stamp} size={info.get('size')}" if stamp else ""
            where = self._address.removesuffix(self._top) + path
            found.append(Listed(name, path, info.get("size"), stamp, self._fault(info), where))
            if len(found) > MOST_LISTED:
                raise UsageError(f"{self._address} has more than {MOST_LISTED:,} files.", "Give a folder of it.")
        self._check_above({file.name for file in found})
        self._fs.invalidate_cache()  # what is opened is then looked at anew
        return found

    def fetch(self, file: Listed, sink: Sink) -> None:
        """Write a file's bytes; raises what the filesystem does."""
        try:
            with self._mine().open(file.at, "rb", block_size=BLOCK) as remote:
                while part := remote.read(PART):
                    sink.write(part)
        except Exception:
            self._own.fs = None  # a connection that broke is not used again
            raise

    def close(self) -> None:
        """End the connections, whoever waits for them."""
        for fs in self._opened:
            with suppress(Exception):  # of one that was not made whole, or is gone
                self._disconnect(fs)

    @staticmethod
    def _path_of(address: str) -> str:
        """Return the path of an address as the filesystem writes it, without a slash at its end."""
        return address.partition("://")[2]

    @abstractmethod
    def _connect(self) -> Any:
        """Open the filesystem."""

    @abstractmethod
    def _disconnect(self, fs: Any) -> None:
        """End its connections."""

    @abstractmethod
    def _exists(self, path: str) -> bool:
        """Tell whether there is anything at a path, a link that leads nowhere included; raises if that is not told."""

    def _mine(self) -> Any:
        """Return the filesystem; most that wait for their answers cannot be used by two threads at once."""
        if getattr(self._own, "fs", None) is None:
            self._own.fs = self._connect()
            self._opened.append(self._own.fs)
        return self._own.fs

    def _fault(self, info: Mapping[str, Any]) -> str:
        """Say why what was listed is not read; empty for a file."""
        return {"file": "", "directory": UNLISTED}.get(info["type"], LINK)

    def _infos(self) -> Iterator[Mapping[str, Any]]:
        """Yield what is there; fsspec's own `find` would pass over a folder that cannot be listed."""
        start = self._fs.info(self._top or "/")
        folders, seen = [start], {start["name"]}
        while folders:
            if (info := folders.pop())["type"] != "directory" or not _is_utf8(info["name"]):
                yield info
                continue
            for each in self._fs.ls(info["name"], detail=True):
                if each["name"] not in seen:
                    seen.add(each["name"])
                    folders.append(each)
            if len(seen) > MOST_LISTED:
                raise UsageError(f"{self._address} has more than {MOST_LISTED:,} files.", "Give a folder of it.")

    def _check_above(self, names: Collection[str]) -> None:
        """Raise UsageError where a folder above has a manifest: of a folder of this machine it would be obeyed.

        Who may read the address alone is not told what lies above: then its own manifest says that it is a root.
        """
        base, parts = self._address.removesuffix(self._top), self._top.split("/")
        about = f"who may see what is at {self._address}"
        for depth in range(len(parts) - 1, 0, -1):
            folder = "/".join(parts[:depth])
            manifest = f"{folder}/{MANIFEST}"
            try:
                there = self._exists(manifest)
            except PermissionError as error:
                if MANIFEST not in names:
                    cause = f"whether there is {base}{manifest}, which would say {about}, cannot be told: {why(error)}."
                    hint = (
                        f"Nothing was changed. Have {MANIFEST} put at {self._address}, or the right to read that one."
                    )
                    raise UsageError(cause, hint) from error
                continue
            if there:
                cause = f"{base}{manifest} says {about}, and would not be read."
                raise UsageError(cause, f"Give {base}{folder}, of which it speaks.")


def why(error: BaseException) -> str:
    """Say what went wrong, without what is not to be shown."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "".join(c for c in first_line(error) if c.isprintable())


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
