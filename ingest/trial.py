"""Try an ingest out: in an index of its own, which is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.core.config import Config
from assistant.core.records import IngestReport, Progress, no_progress
from assistant.index.catalog import Catalog
from ingest.build import ingest


@contextmanager
def trial_index(
    paths: Sequence[Path], config: Config, *, empty: bool = False, prune: bool = False, progress: Progress = no_progress
) -> Iterator[tuple[Config, IngestReport]]:
    """Ingest into a copy of the index, or into an `empty` one; yields its settings and what the ingest did.

    The index itself is only read, and nothing is logged. The copy is a folder even where vectors are on a server: they
    are made from the catalog. Raises IndexMissing without an index to copy, and what `ingest` raises.
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
        yield trial, ingest(paths, trial, prune=prune, progress=progress)
