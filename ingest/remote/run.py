"""One ingest of folders of this machine and of what lies at addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from assistant.core.config import Config
from assistant.core.errors import AssistantError
from assistant.core.records import IngestReport, Progress, no_progress
from ingest.build import ingest
from ingest.remote.mirror import Mirror, mirror, name_addresses
from ingest.rights import RightsChanged

TRIES = 3  # of an ingest whose rights change meanwhile
MOST_REMOVED = 0.5  # share of the documents that may be gone at once while nobody looks on

Tell = Callable[[AssistantError], object]


@retry(retry=retry_if_exception_type(RightsChanged), stop=stop_after_attempt(TRIES), reraise=True)
def ingest_all(
    folders: Sequence[Path],
    addresses: Sequence[str],
    config: Config,
    *,
    prune: bool = False,
    unwatched: bool = False,
    progress: Progress = no_progress,
    tell: Tell | None = None,
) -> IngestReport | None:
    """Index folders, and copies of what lies at addresses; return what is to be reported, None for nothing at all.

    Where nobody looks on (`unwatched`), pruning removes no more than half. `tell` is told of an address that fails, and
    the others are ingested; without it that is raised, as what `mirror` and `ingest` raise. Where rights change
    meanwhile all is done again: what was read and embedded is there.
    """
    most = 1.0 if prune and not unwatched else MOST_REMOVED
    with ExitStack() as held:  # a copy that changed while it is read would be read with the rights of before
        mirrors: list[Mirror] = []
        for address in sorted(set(addresses)):  # in one order, lest two ingests wait for each other
            try:
                mirrors.append(held.enter_context(mirror(address, config, most_gone=most, progress=progress)))
            except AssistantError as error:
                if tell is None:
                    raise
                tell(error)
        if not (given := [*folders, *(each.folder for each in mirrors)]):
            return None
        try:
            report = ingest(given, config, prune=prune, most_removed=most, progress=progress)
        except AssistantError as error:
            name_addresses(error, mirrors)
            raise
    unfetched = (rejection for each in mirrors for rejection in each.unfetched)
    return replace(report, rejected=(*report.rejected, *unfetched))
