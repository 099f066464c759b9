"""A folder at an address, through a filesystem of fsspec: listed as a whole, and read in blocks."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from assistant.core.errors import UsageError
from ingest.remote.place import CREDENTIALS, MOST_LISTED, Listed, Sink, why
from ingest.sources import MANIFEST

BLOCK, PART = 2**20, 2**16  # bytes that are asked for, and that are taken at once
LINK = "It is a link, and none is followed at an address."
UNLISTED = "It is a folder whose name is not valid UTF-8."


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


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
