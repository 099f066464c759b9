"""An address -> a folder with what lies there: only what changed is fetched, and nothing goes by mistake."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from assistant.core.config import Config
from assistant.core.errors import AssistantError, DocumentRejected, NotWritable, UsageError
from assistant.core.parallel import in_order
from assistant.core.records import Progress, Rejection, no_progress
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.index.publish import writer_lock
from ingest.remote.kept import Copy, Task, lock_name
from ingest.remote.names import sort_names
from ingest.remote.s3 import S3, Listed, Sink, check_address, why
from ingest.rights import RightsChanged
from ingest.sources import says_rights, shown

SECONDS, FIRST_WAIT = 60.0, 0.5  # of waiting for an answer, and before asking again
MORE_SECONDS = 10  # times the wait for an answer that a whole file, or listing, may take
AT_ONCE, TRIES = 4, 3

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The folder that is ingested for an address, and what could not be fetched."""

    address: str
    folder: Path
    unfetched: tuple[Rejection, ...]


@contextmanager
def mirror(
    address: str,
    config: Config,
    *,
    most_gone: float,
    progress: Progress = no_progress,
    seconds: float = SECONDS,
    first_wait: float = FIRST_WAIT,
) -> Iterator[Mirror]:
    """Make the copy of an address what lies there now; what cannot be fetched stays as it was, and is told.

    Nobody else changes the copy until the block ends. The index is not locked.

    Raises UsageError, with nothing removed, for an address that is wrong or cannot be listed, for one where more than
    the share `most_gone` of the files is gone, and for a manifest that cannot be fetched; RightsChanged where one
    changes meanwhile, IndexLocked while another ingest has the copy, NotWritable for a full disk.
    """
    address = check_address(address)
    copy = Copy(address, config.data / MIRRORS / _folder_name(address))
    with writer_lock(config.data, config.index.lock_seconds, lock_name(copy.folder)):
        with _writing(config.data), closing(S3(address, seconds)) as place:
            limit = int(config.ingest.max_file_mb * 2**20)
            _fetch(copy, Fetching(address, place, limit, seconds, first_wait), most_gone, progress)
        yield Mirror(address, copy.folder, tuple(copy.refused))


class Fetching:
    """What lies at an address, each answer of which may take so many seconds."""

    def __init__(self, address: str, place: S3, limit: int, seconds: float, first_wait: float) -> None:
        self._address, self._place, self._limit = address, place, limit
        self._seconds, self._first_wait = seconds, first_wait
        self._stopped = threading.Event()

    def listing(self) -> Sequence[Listed]:
        """Return every file; raises UsageError if that cannot be told, or not in time."""
        late = threading.Timer(self._seconds * MORE_SECONDS, self.stop)
        late.daemon = True
        late.start()
        try:
            return self._again(self._place.listing)
        except FileNotFoundError as error:
            cause = f"there is nothing at {self._address}."
            raise UsageError(cause, "Nothing was changed. Check the address.") from error
        except AssistantError:
            raise
        except Exception as error:  # s3fs, botocore and aiohttp have errors of their own
            hint = "Nothing was changed. Check the address, the network, and who you are there."
            reason = why(TimeoutError() if self._stopped.is_set() else error)
            raise UsageError(f"{self._address} cannot be listed: {reason}.", hint) from error
        finally:
            late.cancel()

    def file(self, task: Task) -> int | DocumentRejected:
        """Fetch a file to where it waits; return its size, or why it is missing."""
        said = task.file.size
        ends = time.monotonic() + self._seconds * MORE_SECONDS  # of all tries: one that drips would be tried thrice

        def fetch() -> int:
            with task.aside.open("wb", buffering=0) as opened:
                sink = Sink(opened, self._limit)
                self._place.fetch(task.file, sink, ends - time.monotonic())
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
        except Exception as error:  # s3fs, botocore and aiohttp have errors of their own
            return DocumentRejected("unreadable", f"It could not be fetched: {why(error)}.")

    def stop(self) -> None:
        """End what is being fetched, in whatever thread: nothing more is waited for."""
        self._stopped.set()
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


def _fetch(copy: Copy, fetching: Fetching, most_gone: float, progress: Progress) -> None:
    had = copy.look()
    listed = fetching.listing()
    files, refused = sort_names(listed, had)
    _check_gone(copy.address, had, files, most_gone)

    def fetch(task: Task) -> tuple[Task, int | DocumentRejected]:
        return task, fetching.file(task)

    def keep(done: tuple[Task, int | DocumentRejected]) -> None:
        task, found = done
        if isinstance(found, DocumentRejected):
            copy.leave(task.file.name, found)
        else:
            copy.put(task, found)
        progress("fetching", next(number), len(tasks))

    with copy.changing(files, refused) as tasks:
        number = count(1)
        for first in (True, False):  # rights before what they are about
            some = [task for task in tasks if says_rights(task.file.name) == first]
            in_order(fetch, some, AT_ONCE, keep, fetching.stop)
    if tasks:  # what came may be what a rule is about that came after the listing
        _check_rights(listed, fetching.listing())


def _check_rights(before: Sequence[Listed], after: Sequence[Listed]) -> None:
    """Raise RightsChanged where what says who may see files is not what it was before they were fetched."""
    stood, stands = (
        {(file.address, file.stamp) for file in listed if says_rights(file.name)} for listed in (before, after)
    )
    for address, _ in sorted(stood ^ stands):
        raise RightsChanged(shown(address))


def name_addresses(error: AssistantError, mirrors: Sequence[Mirror]) -> None:
    """Let an error name addresses where it names the folders that were ingested for them."""
    for each in mirrors:
        error.cause, error.hint = (text.replace(str(each.folder), each.address) for text in (error.cause, error.hint))


def _folder_name(address: str) -> str:
    """Return a name that people recognise and no other address has."""
    readable = re.sub(r"[^a-z0-9]+", "-", address.lower()).strip("-")[:60]
    return f"{readable}-{hashlib.sha256(address.encode(errors='surrogateescape')).hexdigest()[:8]}"


@contextmanager
def _writing(data: Path) -> Iterator[None]:
    """Turn what the disk says into NotWritable."""
    try:
        yield
    except OSError as error:
        cause = f"the index folder {data} cannot be written: {error.strerror or error}."
        raise NotWritable(cause, "Make room, or choose another with --data or index.data.") from error


def _check_gone(address: str, had: Collection[str], files: Mapping[str, Listed], most: float) -> None:
    """Raise UsageError where there is nothing, or where too much is gone at once: it may be out of reach."""
    if not files and not had:
        raise UsageError(f"{address} has no documents.", "Check the address.")
    if len(gone := had - files.keys()) > most * len(had):
        cause = f"{len(gone)} of {len(had)} files at {address} are gone."
        raise UsageError(cause, "Nothing was changed. If they are to go: assistant ingest --prune")
