"""Publishing: a new state of the catalog becomes visible with a generation of vectors made for exactly that state."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Set, Sized
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from assistant.core.errors import AssistantError, IndexLocked, UsageError
from assistant.core.files import PRIVATE_FILE, PRIVATE_FOLDER
from assistant.core.records import Progress
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from assistant.index.vectors import VectorStore


@contextmanager
def writer_lock(data: Path, seconds: float, name: str = "ingest.lock") -> Iterator[None]:
    """Write alone until the block ends what a lock of that name is for: the index, or a copy in its folder.

    Raises IndexLocked after so many seconds, UsageError for an unusable folder.
    """
    lock = filelock.FileLock(data / name, mode=PRIVATE_FILE)
    try:
        str(data).encode()
        data.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        (data / name).parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        lock.acquire(timeout=seconds)
    except filelock.Timeout:
        cause = f"another ingest is writing to {data}, and was still at it after {seconds:g} s."
        raise IndexLocked(cause, "Wait for it to finish, then run this again.") from None
    except UnicodeEncodeError:
        cause = f"the index folder {data} has a name that is not UTF-8, which Chroma cannot open."
        raise UsageError(cause, "Choose another with --data or index.data.") from None
    except OSError as error:
        cause = f"the index folder {data} cannot be written: {error.strerror}."
        raise UsageError(cause, "Choose another with --data or index.data.") from error
    try:
        yield
    finally:
        lock.release()


def is_being_written(data: Path) -> bool:
    """Tell whether an ingest is running; nothing is made where there is no lock yet."""
    path = data / "ingest.lock"
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, timeout=0, mode=PRIVATE_FILE):
            return False
    except (filelock.Timeout, OSError):
        return True


def publish(
    catalog: Catalog,
    store: VectorStore,
    rows: Sequence[SourceRow],
    drops: Sequence[str],
    encoder_sha: str,
    rebuild_share: float,
    progress: Progress,
) -> None:
    """Write rows, drop those of some paths, and make the new state visible in one transaction.

    Vectors are built anew where more than `rebuild_share` of them changed. The generation before stays, since a
    question may read it.
    """
    current = catalog.meta("generation")
    if current and not store.has(current):  # deleted, damaged, or on another server: the catalog can make it again
        current = None
    if not current or rows or drops:
        progress("indexing", 0, 1)
        _commit(catalog, store, current, rows, drops, encoder_sha, rebuild_share)
        progress("indexing", 1, 1)
    else:
        with catalog.transaction():  # read by a run that died, and gone from disk since: its text must not stay
            catalog.drop_unused()
    catalog.purge_if_due()
    catalog.set_meta("ingested", str(int(time.time())))  # for whoever watches its age
    store.keep_only([catalog.meta("generation") or "", catalog.meta("previous") or ""])


def withdraw(catalog: Catalog, store: VectorStore, drops: Sequence[str], rebuild_share: float) -> None:
    """Drop rows, every generation that holds their vectors, and what is remembered of files that were refused."""
    catalog.keep_refusals({})
    _commit(catalog, store, catalog.meta("generation"), (), drops, catalog.meta("encoder") or "", rebuild_share)
    store.keep_only([catalog.meta("generation") or ""])


def _commit(
    catalog: Catalog,
    store: VectorStore,
    current: str | None,
    rows: Sequence[SourceRow],
    drops: Sequence[str],
    encoder_sha: str,
    rebuild_share: float,
) -> None:
    before = catalog.generation_rows()
    with catalog.transaction(durable=True):
        for path in drops:
            catalog.drop_source(path)
        for row in rows:
            catalog.put_source(row)
        after = catalog.generation_rows()
        if before != after or not current:
            catalog.set_meta("generation", _generation(catalog, store, current, before, after, rebuild_share))
            catalog.set_meta("previous", current or "")
        catalog.set_meta("encoder", encoder_sha)
        catalog.drop_unused()
        catalog.note_masks()


def _generation(
    catalog: Catalog,
    store: VectorStore,
    current: str | None,
    before: Set[int],
    after: Set[int],
    rebuild_share: float,
) -> str:
    stale, fresh = before - after, after - before
    if current and len(stale) + len(fresh) <= rebuild_share * max(1, len(before)):
        with suppress(AssistantError):
            copied = store.copy_with_changes(current, sorted(stale), catalog.vector_rows(fresh))
            if copied and store.count(copied) == len(after):
                return copied
    return rebuilt(catalog, store, after)  # much has changed, or the parent was not what it should be


def rebuilt(catalog: Catalog, store: VectorStore, rows: Sized) -> str:
    """Build a generation of all that the catalog has; raises AssistantError unless it holds as many `rows`."""
    generation = store.build(catalog.vector_rows())
    held = store.count(generation)
    if held != len(rows):
        cause = f"Chroma kept {held} of {len(rows)} vectors."
        raise AssistantError(cause, "Nothing has changed; run `assistant ingest` again.")
    return generation
