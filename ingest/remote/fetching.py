"""Asking an address, and asking again what may fail because of a connection, until somebody says stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from assistant.core.errors import AssistantError, DocumentRejected, UsageError
from ingest.remote.files import Files
from ingest.remote.kept import Task
from ingest.remote.place import MORE_SECONDS, Listed, Sink, why

TRIES = 3

Found = TypeVar("Found")


class Fetching:
    """What lies at an address, each answer of which may take so many seconds."""

    def __init__(self, address: str, place: Files, limit: int, seconds: float, first_wait: float) -> None:
        self._address, self._place, self._limit = address, place, limit
        self._seconds, self._first_wait = seconds, first_wait
        self._stopped = threading.Event()

    def listing(self) -> Sequence[Listed]:
        """Return every file; raises UsageError if that cannot be told."""
        try:
            return self._again(self._place.listing)
        except FileNotFoundError as error:
            cause = f"there is nothing at {self._address}."
            raise UsageError(cause, "Nothing was changed. Check the address.") from error
        except DocumentRejected as error:
            raise UsageError(f"{self._address} cannot be listed. {error.detail}", "Nothing was changed.") from error
        except AssistantError:
            raise
        except Exception as error:  # each filesystem has errors of its own
            hint = "Nothing was changed. Check the address, the network, and who you are there."
            raise UsageError(f"{self._address} cannot be listed: {why(error)}.", hint) from error

    def file(self, task: Task) -> int | DocumentRejected:
        """Fetch a file to where it waits; return its size, or why it is missing."""
        said = task.file.size

        def fetch() -> int:
            with task.aside.open("wb", buffering=0) as opened:
                sink = Sink(opened, self._limit, self._seconds * MORE_SECONDS, self._stopped)
                self._place.fetch(task.file, sink)
            if said is not None and sink.size != said:
                raise ValueError(f"{sink.size:,} bytes came, and {said:,} were listed")
            return sink.size

        try:
            if said is not None and said > self._limit:
                limit = f"{self._limit / 2**20:,.2g} MB"
                raise DocumentRejected("too_large", f"It has {said:,} bytes; the limit is {limit}.")
            return self._again(fetch)
        except DocumentRejected as error:
            return error
        except AssistantError:
            raise
        except Exception as error:  # each filesystem has errors of its own
            return DocumentRejected("unreadable", f"It could not be fetched: {why(error)}.")

    def stop(self) -> None:
        """End what is being fetched, in whatever thread: nothing more is waited for."""
        self._stopped.set()
        with suppress(Exception):  # each filesystem has errors of its own
            self._place.close()

    def _again(self, work: Callable[[], Found]) -> Found:
        """Do what may fail because of a connection, up to three times."""
        from tenacity import (
            Retrying,
            retry_if_exception,
            sleep_using_event,
            stop_after_attempt,
            stop_when_event_set,
            wait_exponential_jitter,
        )

        final = AssistantError, FileNotFoundError, PermissionError, NotImplementedError
        again = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, Exception) and not isinstance(error, final)),
            stop=stop_after_attempt(TRIES) | stop_when_event_set(self._stopped),
            sleep=sleep_using_event(self._stopped),
            wait=wait_exponential_jitter(self._first_wait, max=30 * self._first_wait, jitter=self._first_wait),
            reraise=True,
        )
        return again(work)
