"""Try an ingest out: in an index of its own, which is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.core.config import Config
from assistant.core.records import IngestReport, Progress, no_progress
from assistant.index.catalog import Catalog
from ingest.build import ingest
from ingest.relocate import Place

UNKNOWN = -1  # a time that no file has


@contextmanager
def trial_index(
    paths: Sequence[Path],
    config: Config,
    *,
    empty: bool = False,
    prune: bool = False,
    moved: Mapping[str, Place] | None = None,
    progress: Progress = no_progress,
) -> Iterator[tuple[Config, IngestReport]]:
    """Ingest into a copy of the index, or into an `empty` one; yields its settings and what the ingest did.

    Files that `moved` names lie at their new places in the copy (see `relocate.py`). The index itself is only read, and
    nothing is logged. The copy is a folder even where vectors are on a server: they are made from the catalog. Raises
    IndexMissing without an index to copy, and what `ingest` raises.
    """
    with TemporaryDirectory(prefix="policy-assistant-") as folder:  # for the owner alone
        trial = replace(
            config,
            index=replace(config.index, data=folder, chroma_url=""),
            audit=replace(config.audit, enabled=False),
        )
        if not empty:
            with closing(Catalog.open(config.data)) as catalog:
                catalog.copy_to(trial.data)
            _relocate(trial.data, moved or {})
        yield trial, ingest(paths, trial, prune=prune, progress=progress)


def _relocate(data: Path, moved: Mapping[str, Place]) -> None:
    """Say in a copy that files lie at other places, where they are to be read whatever their time stamps say."""
    with closing(Catalog.open(data, create=True)) as catalog, catalog.transaction():
        for path, row in catalog.sources().items():
            if path in moved:
                catalog.drop_source(path)
                new, root = moved[path]
                catalog.put_source(replace(row, path=str(new), root=str(root), mtime_ns=UNKNOWN))
