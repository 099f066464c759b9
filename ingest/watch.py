"""Keep an index like its folders: whatever changes in them is ingested within seconds, a burst of changes once."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.sources import governing_folders

if TYPE_CHECKING:
    from watchfiles.main import FileChange

QUIET_MS, MOST_WAITED_MS = 1_000, 5_000  # without a change, before one is told; from the first one on

Places = Mapping[Path, tuple[int, int]]  # a folder or file -> which one of that name it is


def changes(paths: Sequence[Path], data: Path) -> Generator[None, None, None]:
    """Yield once it listens, then for each burst of changes below the paths, or what governs them, until Ctrl-C.

    What is hidden, or in `data`, does not count: an ingest walks past it, too. What a path leads to is looked at each
    second: it may be another folder than the one that is listened to, or be governed by one further up.
    """
    while True:
        places = _places(paths)
        listens = False
        with closing(_listen(places)) as bursts:
            for found in bursts:
                names = [Path(name) for _, name in found]
                # A folder that is made again may have the number of the one before: that the latter went is told.
                is_stale = _places(paths) != places or not places.keys().isdisjoint(names)
                if not listens or (not is_stale and any(_counts(name, places, data) for name in names)):
                    yield
                listens = True
                if is_stale:
                    break


def _places(paths: Sequence[Path]) -> Places:
    """Return what there is of the paths, links followed, and of the folders with a manifest at or above them."""
    found: dict[Path, tuple[int, int]] = {}
    for path in (Path(os.path.realpath(path)) for path in paths):
        for place in (path, *governing_folders(path)):
            try:
                info = place.stat()
            except OSError:  # it is gone, and may come back
                continue
            found[place] = info.st_dev, info.st_ino
    return found


def _listen(places: Places) -> Generator[Collection[FileChange], None, None]:
    """Yield what changed at and below the places, and nothing after each second without a change."""
    from watchfiles import watch

    while not places:
        yield ()
        time.sleep(QUIET_MS / 1000)
    try:
        yield from watch(
            *(place for place in places if places.keys().isdisjoint(place.parents)),
            watch_filter=None,
            debounce=MOST_WAITED_MS,
            step=QUIET_MS,
            rust_timeout=QUIET_MS,
            yield_on_timeout=True,
            recursive=True,
        )
    except FileNotFoundError:  # one went just now: they are looked at again
        time.sleep(QUIET_MS / 1000)


def _counts(path: Path, places: Places, data: Path) -> bool:
    """Tell whether an ingest would look at a path."""
    within = [path.relative_to(place) for place in places if path.is_relative_to(place)]
    shown = any(not any(part.startswith(".") for part in name.parts) for name in within)
    return shown and not path.is_relative_to(data)
