"""An address -> a folder with what lies there: only what changed is fetched, and nothing goes by mistake."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from ingest.remote.kept import Copy, Task
from ingest.remote.names import sort_names
from ingest.remote.place import MORE_SECONDS, Files, Listed, Origin, Sink, check_address, why
from ingest.sources import says_rights

SECONDS, FIRST_WAIT = 60.0, 0.5  # of waiting for an answer, and before asking again
TRIES, AT_ONCE = 3, 4

_Fetched = tuple[str, int] | DocumentRejected | None
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The folder that is ingested for an address, and what could not be fetched."""

    address: str
    folder: Path
    unfetched: tuple[Rejection, ...]


def is_address(argument: str) -> bool:
    """Tell an address from a path."""
    return "://" in argument


def mirror(
    address: str,
    config: Config,
    *,
    most_gone: float,
    progress: Progress = no_progress,
    seconds: float = SECONDS,
    first_wait: float = FIRST_WAIT,
) -> Mirror:
    """Make the copy of an address what lies there now; what cannot be fetched stays as it was, and is told.

    Raises UsageError, with nothing removed, for an address that is wrong or cannot be listed, for one where more than
    the share `most_gone` of the files is gone, and for a manifest that cannot be fetched; IndexLocked while an ingest
    writes, NotWritable for a full disk.
    """
    address, protocol = check_address(address)
    copy = Copy(address, config.data / MIRRORS / _folder_name(address))
    with (
        writer_lock(config.data, config.index.lock_seconds),
        _writing(config.data),
        closing(_open(address, protocol, seconds)) as place,
    ):
        files, refused = sort_names(_listed(address, place, first_wait))
        _check_gone(address, {name for name, _ in copy.walk()}, files, most_gone)
        limit = int(config.ingest.max_file_mb * 2**20)

        def fetch(task: Task) -> tuple[Task, _Fetched]:
            return task, _fetch(place, task, limit, seconds, first_wait)

        def keep(done: tuple[Task, _Fetched]) -> None:
            task, found = done
            if isinstance(found, DocumentRejected):
                refused.append(copy.left_out(task.file.name, found))
            elif found:
                copy.put(task, *found)
            progress("fetching", next(number), len(tasks))

        with copy.changing(files) as tasks:
            number = count(1)
            for first in (True, False):  # rights before what they are about
                in_order(fetch, [task for task in tasks if says_rights(task.file.name) == first], AT_ONCE, keep)
    return Mirror(address, copy.folder, tuple(refused))


def name_addresses(error: AssistantError, mirrors: Sequence[Mirror]) -> None:
    """Let an error name addresses where it names the folders that were ingested for them."""
    for each in mirrors:
        error.cause, error.hint = (text.replace(str(each.folder), each.address) for text in (error.cause, error.hint))


def _open(address: str, protocol: str, seconds: float) -> Origin:
    """Open an address whose every answer may take so long; raises UsageError if that cannot be done."""
    if protocol in ("http", "https"):
        from ingest.remote.site import Site

        return Site(address, seconds)
    return Files(address, protocol, seconds)


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


def _again(work: Callable[[], Found], first_wait: float) -> Found:
    """Do what may fail because of a connection, up to three times."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

    final = AssistantError, FileNotFoundError, PermissionError, NotImplementedError
    again = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and not isinstance(error, final)),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(first_wait, max=30 * first_wait, jitter=first_wait),
        reraise=True,
    )
    return again(work)


def _listed(address: str, place: Origin, first_wait: float) -> Sequence[Listed]:
    try:
        return _again(place.listing, first_wait)
    except FileNotFoundError as error:
        raise UsageError(f"there is nothing at {address}.", "Nothing was changed. Check the address.") from error
    except DocumentRejected as error:
        raise UsageError(f"{address} cannot be listed. {error.detail}", "Nothing was changed.") from error
    except AssistantError:
        raise
    except Exception as error:  # each filesystem has errors of its own
        hint = "Nothing was changed. Check the address, the network, and who you are there."
        raise UsageError(f"{address} cannot be listed: {why(error)}.", hint) from error


def _check_gone(address: str, had: set[str], files: Mapping[str, Listed], most: float) -> None:
    """Raise UsageError where there is nothing, or where too much is gone at once: it may be out of reach."""
    if not files and not had:
        raise UsageError(f"{address} has no documents.", "Check the address.")
    if len(gone := had - files.keys()) > most * len(had):
        cause = f"{len(gone)} of {len(had)} files at {address} are gone."
        raise UsageError(cause, "Nothing was changed. If they are to go: assistant ingest --prune")


def _fetch(place: Origin, task: Task, limit: int, seconds: float, first_wait: float) -> _Fetched:
    """Fetch a file to where it waits; return its stamp and size, None if it has not changed, or why it did not come."""
    said = task.file.size

    def fetch() -> tuple[str, int] | None:
        with task.aside.open("wb", buffering=0) as opened:
            sink = Sink(opened, limit, seconds * MORE_SECONDS)
            stamp = place.fetch(task.file, task.known, sink)
        if stamp is not None and said is not None and sink.size != said:
            raise ValueError(f"{sink.size:,} bytes came, and {said:,} were listed")
        return None if stamp is None else (stamp, sink.size)

    try:
        if said is not None and said > limit:
            raise DocumentRejected("too_large", f"It has {said:,} bytes; the limit is {limit / 2**20:,.2g} MB.")
        return _again(fetch, first_wait)
    except DocumentRejected as error:
        return error
    except AssistantError:
        raise
    except Exception as error:  # each filesystem has errors of its own
        return DocumentRejected("unreadable", f"It could not be fetched: {why(error)}.")
