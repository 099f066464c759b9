"""Forget documents: no byte of their text stays in the index."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import closing

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.index.catalog import Catalog
from assistant.index.publish import withdraw, writer_lock
from assistant.index.schema import SourceRow, translate_sqlite_errors
from assistant.index.vectors import open_store

MOST_NAMED = 3  # documents that a refusal names


def forget(names: Sequence[str], config: Config) -> list[str]:
    """Delete the documents that are called so, by source or by path, from the index; return their sources.

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
        gone = {_path(name, known) for name in names}
        with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
            withdraw(catalog, store, sorted(gone))
        catalog.purge()
    return sorted({known[path].source for path in gone})


def _path(name: str, known: Mapping[str, SourceRow]) -> str:
    """Return the path of the document of that name, which is its path or its source; raises UsageError."""
    if name in known:
        return name
    paths = sorted(path for path, row in known.items() if row.source == name)
    if len(paths) > 1:
        shown = ", ".join(map(repr, paths[:MOST_NAMED])) + (", ..." if len(paths) > MOST_NAMED else "")
        raise UsageError(f"{len(paths)} documents are called {name!r}: {shown}.", "Name one by its path.")
    if not paths:
        near = difflib.get_close_matches(name, {row.source for row in known.values()}, n=MOST_NAMED, cutoff=0.6)
        hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
        raise UsageError(f"the index holds no {name!r}{hint}.", "Name a source as answers do, or its path.")
    return paths[0]
