"""An address -> a folder with what lies there: only what changed is fetched, and nothing goes by mistake."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import AssistantError, DocumentRejected, NotWritable, UsageError
from assistant.core.parallel import in_order
from assistant.core.records import Progress, Rejection, no_progress
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.index.publish import writer_lock
from ingest.remote.fetching import Fetching
from ingest.remote.kept import Copy, Task, lock_name
from ingest.remote.names import sort_names
from ingest.remote.place import Listed
from ingest.remote.protocols import check_address, open_address
from ingest.sources import says_rights

SECONDS, FIRST_WAIT = 60.0, 0.5  # of waiting for an answer, and before asking again
AT_ONCE = 4


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
    the share `most_gone` of the files is gone, and for a manifest that cannot be fetched; IndexLocked while another
    ingest has the copy, NotWritable for a full disk.
    """
    address = check_address(address)
    copy = Copy(address, config.data / MIRRORS / _folder_name(address))
    with writer_lock(config.data, config.index.lock_seconds, lock_name(copy.folder)):
        with _writing(config.data), closing(open_address(address, seconds)) as place:
            limit = int(config.ingest.max_file_mb * 2**20)
            _fetch(copy, Fetching(address, place, limit, seconds, first_wait), most_gone, progress)
        yield Mirror(address, copy.folder, tuple(copy.refused))


def _fetch(copy: Copy, fetching: Fetching, most_gone: float, progress: Progress) -> None:
    had = copy.look()
    files, refused = sort_names(fetching.listing(), had)
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
