"""Files that are no longer where they were: moved ones, those that are gone, and those that somebody forgets."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.index.catalog import Catalog
from assistant.index.publish import withdraw, writer_lock
from assistant.index.schema import SourceRow, translate_sqlite_errors
from assistant.index.vectors import open_store
from ingest.access_manifest import matches
from ingest.rights import Survey
from ingest.sources import is_walked

MOST_NAMED = 3  # documents that a refusal names

Pair = tuple[str, str]  # two words that follow one another


@dataclass(slots=True)
class Removals:
    """What becomes of the rows of files that were not found.

    A row of `unreadable` is dropped, one `missing` stays; `hidden` are those of the missing ones that nobody sees from
    now on.
    """

    moved: list[SourceRow] = field(default_factory=list)
    pruned: list[SourceRow] = field(default_factory=list)
    unreadable: list[SourceRow] = field(default_factory=list)
    missing: list[SourceRow] = field(default_factory=list)
    hidden: list[SourceRow] = field(default_factory=list)

    @property
    def dropped(self) -> list[SourceRow]:
        """The rows that go."""
        return [*self.moved, *self.pruned, *self.unreadable]


def find_removals(found: Survey, known: Mapping[str, SourceRow], rows: Sequence[SourceRow], prune: bool) -> Removals:
    """Sort the rows that are known and whose files were not found; `rows` are those of this ingest.

    A file is moved, whichever folder it was in, where one with its bytes is found. Below a manifest one that is missing
    is hidden until it is back: no rule can name it, and it may have been edited as it was moved to where fewer may see
    it. What is still there and was not found as a document is unreadable: nothing tells who may see it now. Below a
    manifest that goes for what no walk looks at, too.
    """
    removals = Removals()
    seen = {str(file.path) for file in (*found.files, *found.others)}
    arrived = {row.sha256 for row in rows if row.path not in known}
    hashes = {row.sha256 for row in (*rows, *known.values()) if row.path in seen}
    for path, row in known.items():
        if path in seen:
            continue
        given = [top for top, _ in found.roots if Path(path).is_relative_to(top)]
        governed = [root for root in found.governed if Path(path).is_relative_to(root)]
        if not _is_gone(path):
            if governed or any(is_walked(Path(path), top) for top in given):
                removals.unreadable.append(row)
        elif row.sha256 in arrived:
            removals.moved.append(row)
        elif given and prune:
            removals.pruned.append(row)
        elif row.sha256 in hashes:
            removals.moved.append(row)
        elif given or governed:
            removals.missing.append(row)
            if governed and row.meta.audience != ():
                # No file has that size, so it is read when it is back, and nobody takes it for a rule's doing.
                removals.hidden.append(replace(row, size=-1, meta=replace(row.meta, audience=())))
    return removals


def check_share(removals: Removals, known: int, most: float) -> None:
    """Raise UsageError where more than this share of the documents would be removed: a source may be out of reach."""
    if len(removals.pruned) > most * known:
        cause = f"the files of {len(removals.pruned)} of {known} documents are gone."
        raise UsageError(cause, "Nothing was changed. If they are to go: assistant ingest --prune")


def _is_gone(path: str) -> bool:
    """Tell a deleted file from one in a folder that cannot be entered now."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def forget(names: Sequence[str], config: Config) -> list[str]:
    """Delete the documents that are called so, by source, glob of sources or path; return their sources.

    The files themselves stay, and come back with the next ingest of their folder. A document that another source has
    too stays for that one.

    Raises UsageError, with nothing changed, for a name that the index does not know, or knows in several roots;
    IndexLocked while an ingest writes.
    """
    Catalog.open(config.data).close()  # says so if there is no index, before the lock makes a folder for one
    with (
        writer_lock(config.data, config.index.lock_seconds),
        translate_sqlite_errors(config.data),
        closing(Catalog.open(config.data, create=True)) as catalog,
    ):
        known = catalog.sources()
        sources = {path: row.source for path, row in known.items()}
        gone = {path for name in names for path in _paths_of(name, sources)}
        with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
            withdraw(catalog, store, sorted(gone), config.ingest.rebuild_share)
        catalog.purge()
    return sorted({sources[path] for path in gone})


def _paths_of(name: str, known: Mapping[str, str]) -> list[str]:
    """Return the path of the document of that name, its path or its source, or those of a glob's; raises UsageError."""
    if name in known:
        return [name]
    paths = sorted(path for path, source in known.items() if source == name)
    if not paths and "*" in name:
        paths = sorted(path for path, source in known.items() if matches(name, source))
        if len({path.removesuffix(known[path]) for path in paths}) == 1:
            return paths
    if len(paths) > 1:
        shown = ", ".join(map(repr, paths[:MOST_NAMED])) + (", ..." if len(paths) > MOST_NAMED else "")
        raise UsageError(f"{len(paths)} documents are called {name!r}: {shown}.", "Name one by its path.")
    if not paths:
        near = difflib.get_close_matches(name, set(known.values()), n=MOST_NAMED, cutoff=0.6)
        hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
        raise UsageError(f"the index holds no {name!r}{hint}.", "Name a source as answers do, or its path.")
    return paths
