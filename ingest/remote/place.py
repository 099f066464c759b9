"""What fetching deals with: what is listed at an address, what takes bytes, and what can be listed and read."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from assistant.core.errors import DocumentRejected, NotWritable, UsageError, first_line

MOST_LISTED = 1_000_000
CREDENTIALS = "Credentials belong into fsspec's configuration (FSSPEC_... or ~/.config/fsspec), or AWS's own."
MORE_SECONDS = 10  # times the wait for an answer that a whole file may take


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

    def __init__(self, file: IO[bytes], limit: int, seconds: float, stopped: threading.Event | None = None) -> None:
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
        if time.monotonic() > self._ends or (self._stopped is not None and self._stopped.is_set()):
            raise TimeoutError
        try:
            self._file.write(data)
        except OSError as error:  # the disk's, and not the place's
            raise NotWritable(f"what is fetched cannot be written: {error.strerror}.", "Make room.") from error


class Origin(Protocol):
    """What can be listed and read; both raise what their libraries do, and DocumentRejected or UsageError for good."""

    def listing(self) -> Sequence[Listed]:
        """Return every file; a listing that ends early raises, and so does one that a manifest above may govern."""

    def fetch(self, file: Listed, known: str, sink: Sink) -> str | None:
        """Write a file's bytes and return its stamp; None, with nothing written, if it is still that of `known`."""

    def close(self) -> None:
        """End every connection, whoever waits for it."""


def governed(address: str, manifest: str, instead: str) -> UsageError:
    """Return the error for an address below a manifest, or beside one that says more: it would not be obeyed."""
    return UsageError(f"{manifest} says who may see what is at {address}, and would not be read.", instead)


def untold(address: str, manifest: str, detail: str, instead: str) -> UsageError:
    """Return the error for an address where nothing tells whether there is a manifest."""
    cause = f"whether there is {manifest}, which would say who may see what is at {address}, cannot be told: {detail}"
    return UsageError(cause, f"Nothing was changed. {instead}")


def why(error: BaseException) -> str:
    """Say what went wrong, without what is not to be shown."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "".join(c for c in first_line(error) if c.isprintable())
