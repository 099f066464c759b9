"""The clock of what is done with a document's text in the main process; a parser's own is in `sandbox`."""

from __future__ import annotations

import time

from ingest.formats.parsed import reject


class Deadline:
    """Begins when it is made; each step between two checks takes time that grows as its text does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise DocumentRejected, `too_slow`, once the time is over."""
        if time.monotonic() > self._end:
            raise reject("too_slow", f"Splitting and screening the file took longer than {self._seconds:g} s.")
