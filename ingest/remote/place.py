"""What lies at an address, through fsspec: checked before it is opened, listed as a whole, and read in blocks."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from assistant.core.errors import DocumentRejected, NotWritable, UsageError, first_line
from assistant.core.package import need

LOCAL = {"data", "dir", "file", "git", "libarchive", "local", "memory", "reference", "tar", "zip"}  # read this machine
LOCAL |= {"asyncwrapper", "blockcache", "cached", "filecache", "generic", "simplecache"}  # and these, what they name
STAMPS = {"ETag", "etag", "content_md5", "md5Hash", "VersionId", "generation"}  # filesystems' names for a version
STAMPS |= {"created", "last_modified", "LastModified", "modified", "mtime", "updated"}  # and a time
BLOCK = 2**20
MOST_LISTED = 1_000_000
MORE_SECONDS = 10  # times the wait for an answer that a whole file may take
LINK = "It is a link, and none is followed at an address."
CONFIGURE = "Credentials belong into fsspec's configuration (FSSPEC_... or ~/.config/fsspec), or AWS's own."


@dataclass(frozen=True, slots=True)
class Listed:
    """A file at an address: its path below it, and where it is read; `refused` is why it is not.

    `stamp` is another where the file is another; empty where only asking for it can tell.
    """

    name: str
    at: str
    size: int | None = None
    stamp: str = ""
    refused: str = ""


class Sink:
    """What takes a file's bytes; raises DocumentRejected for more than `limit`, TimeoutError after so many seconds."""

    def __init__(self, file: IO[bytes], limit: int, seconds: float) -> None:
        self._file = file
        self._limit = limit
        self._ends = time.monotonic() + seconds
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes, whatever was said of how many there are."""
        self.size += len(data)
        if self.size > self._limit:
            raise DocumentRejected("too_large", f"The file is larger than the limit of {self._limit / 2**20:,.2g} MB.")
        if time.monotonic() > self._ends:
            raise TimeoutError
        try:
            self._file.write(data)
        except OSError as error:  # the disk's, and not the place's
            raise NotWritable(f"what is fetched cannot be written: {error.strerror}.", "Make room.") from error


class Origin(Protocol):
    """What can be listed and read; both raise what their libraries do, and DocumentRejected or UsageError for good."""

    def listing(self) -> Sequence[Listed]:
        """Return every file; a listing that ends early raises."""

    def fetch(self, file: Listed, known: str, sink: Sink) -> str | None:
        """Write a file's bytes and return its stamp; None, with nothing written, if it is still that of `known`."""

    def close(self) -> None:
        """End every connection."""


def check_address(address: str) -> tuple[str, str]:
    """Return an address as it is kept, and its protocol.

    Raises UsageError for one that reads this machine, holds a password, or needs a package that is not installed.
    """
    protocol, _, rest = address.partition("://")
    protocol = protocol.lower()
    web = protocol in ("http", "https")
    if re.match(r"[^/]*:.*@", rest) or (web and ("@" in rest.split("/")[0] or "?" in rest)):
        raise UsageError(f"the {protocol}:// address holds a password, a key or a query.", CONFIGURE)
    if protocol in LOCAL or "::" in protocol:
        raise UsageError(f"{protocol}:// reads files of this machine.", "Give their path, without a protocol.")
    if not rest.strip("/"):
        raise UsageError(f"{protocol}:// names no place.", "For example s3://bucket/policies.")
    need("remote", "an address")
    return f"{protocol}://{rest if web else rest.rstrip('/')}", protocol


def why(error: BaseException) -> str:
    """Say what went wrong, without what is not to be shown."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "".join(c for c in first_line(error) if c.isprintable())


class Files:
    """A folder, or a file, of any filesystem that fsspec knows."""

    def __init__(self, address: str, protocol: str, seconds: float) -> None:
        """Connect to it; raises UsageError if that cannot be done."""
        self._address, self._protocol, self._seconds = address, protocol, seconds
        self._own = threading.local()
        self._opened: list[Any] = []
        try:
            self._fs = self._open()
        except UsageError:
            raise
        except Exception as error:  # each filesystem has errors of its own
            raise UsageError(f"{address} cannot be opened: {why(error)}.", CONFIGURE) from error

    def listing(self) -> Sequence[Listed]:
        """Return every file; a link is refused, since where it leads cannot be told."""
        top = str(self._fs._strip_protocol(self._address)).strip("/")
        found = []
        for info in self._infos(top):
            name = str(info["name"]).removeprefix("/")
            below = name[len(top) + 1 :] if top and name != top else name.rpartition("/")[2] if top else name
            size = info.get("size")
            stamp = " ".join(f"{key}={info[key]}" for key in sorted(STAMPS & info.keys()) if info[key] is not None)
            refused = "" if info["type"] == "file" else LINK
            found.append(Listed(below, info["name"], size, f"{stamp} size={size}" if stamp else "", refused))
            if len(found) > MOST_LISTED:
                raise UsageError(f"{self._address} has more than {MOST_LISTED:,} files.", "Give a folder of it.")
        self._fs.invalidate_cache()  # what is opened is then looked at anew
        return found

    def _infos(self, top: str) -> Iterator[Mapping[str, Any]]:
        """Yield what is there; fsspec's own `find` would pass over a folder that cannot be listed."""
        fs = self._fs
        find = getattr(type(fs), "_find", type(fs).find)
        if not find.__module__.startswith("fsspec."):  # an object store's, which lists a thousand at once
            yield from (info for info in fs.find(self._address, detail=True).values() if info["type"] != "directory")
            return
        start = fs.info(fs._strip_protocol(self._address))
        folders, seen = [start], {start["name"]}
        while folders:
            if (info := folders.pop())["type"] != "directory":
                yield info
                continue
            for each in fs.ls(info["name"], detail=True):
                if each["name"] not in seen:
                    seen.add(each["name"])
                    folders.append(each)
            if len(seen) > MOST_LISTED:
                raise UsageError(f"{self._address} has more than {MOST_LISTED:,} files.", "Give a folder of it.")

    def fetch(self, file: Listed, known: str, sink: Sink) -> str | None:
        """Write a file's bytes and return its stamp, as it was listed."""
        try:
            with self._mine().open(file.at, "rb", block_size=BLOCK) as remote:
                while block := remote.read(BLOCK):
                    sink.write(block)
        except Exception:
            self._own.fs = None  # a connection that broke is not used again
            raise
        return file.stamp

    def close(self) -> None:
        """End the connections of those that would keep them; the others' end by themselves."""
        for fs in self._opened:
            if callable(close := getattr(fs, "close", None)):
                close()

    def _mine(self) -> Any:
        """Return the filesystem; most that wait for their answers cannot be used by two threads at once."""
        if self._fs.async_impl:
            return self._fs
        if getattr(self._own, "fs", None) is None:
            self._own.fs = self._open()
        return self._own.fs

    def _open(self) -> Any:
        fs = self._connect()
        self._opened.append(fs)
        return fs

    def _connect(self) -> Any:
        import fsspec

        options: dict[str, Any] = {"skip_instance_cache": True}
        try:
            kind = fsspec.get_filesystem_class(self._protocol)
        except (ImportError, ValueError) as error:
            raise UsageError(f"{self._protocol}:// cannot be read: {why(error)}.", "Install what reads it.") from error
        if issubclass(kind, fsspec.get_filesystem_class("file")):
            raise UsageError(f"{self._protocol}:// reads files of this machine.", "Give their path.")
        if self._protocol in ("sftp", "ssh"):
            from ingest.remote.sftp import KnownHost

            return KnownHost(**kind._get_kwargs_from_urls(self._address), seconds=self._seconds, **options)
        if self._protocol in ("s3", "s3a"):
            configured = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
            waits = {"connect_timeout": self._seconds, "read_timeout": self._seconds}
            options["config_kwargs"] = {**waits, **configured}
        return kind(**{**kind._get_kwargs_from_urls(self._address), **options})
