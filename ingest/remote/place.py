"""What fetching deals with: what is listed at an address, and what takes bytes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import IO

from assistant.core.errors import DocumentRejected, NotWritable, first_line

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


def why(error: BaseException) -> str:
    """Say what went wrong, without what is not to be shown."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "".join(c for c in first_line(error) if c.isprintable())
