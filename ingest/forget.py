"""Forget documents: no byte of their text stays in the index."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from assistant.core.catalog import Catalog, naming_damage
from assistant.core.config import Config, nearest
from assistant.core.errors import UsageError
from assistant.core.vectors import open_store
from ingest.build import checked_generation, writer_lock


def forget(names: Sequence[str], config: Config) -> list[str]:
    """Delete the documents that are called so, by source or by path, from the index; return their sources.

    The files themselves stay, and come back with the next ingest of their folder. The vectors are built anew, since a
    copy of the old ones could hold scraps; a document that another source has too stays for that one. Raises
    UsageError, with nothing changed, for a name that the index does not know; IndexLocked while an ingest writes.
    """
    Catalog.open(config.data).close()  # says so if there is no index, before the lock makes a folder for one
    with (
        writer_lock(config.data, config.index.lock_seconds), naming_damage(config.data),
        closing(Catalog.open(config.data, create=True)) as catalog,
    ):  # fmt: skip
        known = catalog.sources()
        sources = sorted({row.source for row in known.values()})
        for name in names:
            if name not in sources and name not in known:
                raise UsageError(f"the index holds no {name!r}{nearest(name, sources)}.", "See `assistant status`.")
        gone = [path for path, row in known.items() if row.source in names or path in names]
        with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
            with catalog.transaction(durable=True):
                for path in gone:
                    catalog.drop_source(path)
                catalog.drop_unused()
                generation = checked_generation(store, store.build(catalog.vector_rows()), catalog.generation_rows())
                catalog.set_meta("generation", generation)
                catalog.set_meta("previous", "")
            store.keep_only([generation])
        catalog.purge()
    return sorted({known[path].source for path in gone})
