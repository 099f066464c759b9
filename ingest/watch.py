"""Keep an index like its folders: whatever changes in them is ingested within seconds, a burst of changes once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.sources import governing_root

QUIET_MS, MOST_WAITED_MS = 1_000, 5_000  # without a change, before one is told; from the first one on
LOOK_SECONDS = 60.0  # after which an address is looked at again: nothing tells of changes there


def changes(paths: Sequence[Path], data: Path, look_seconds: float = 0.0) -> Iterator[bool]:
    """Yield False for each burst of changes below the paths, or the roots that govern them, until Ctrl-C.

    What is hidden, or in `data`, does not count: an ingest walks past it, too. With `look_seconds`, yield True as
    often, since nothing tells of changes elsewhere.
    """
    from watchfiles import Change, watch

    roots = [governing_root(path.resolve()) or path.resolve() for path in paths]  # whose manifest and names count
    due = time.monotonic() + look_seconds

    def counts(name: str) -> bool:
        path = Path(name)
        root = next((root for root in roots if path.is_relative_to(root)), None)
        hidden = root is not None and any(part.startswith(".") for part in path.relative_to(root).parts)
        return not hidden and not path.is_relative_to(data)

    def is_late() -> bool:  # changes that do not count must not put it off
        return look_seconds > 0 and time.monotonic() >= due

    def wakes(_: Change, name: str) -> bool:
        return is_late() or counts(name)

    while not roots:
        time.sleep(look_seconds)
        yield True
    for found in watch(
        *roots,
        watch_filter=wakes,
        debounce=MOST_WAITED_MS,
        step=QUIET_MS,
        rust_timeout=int(look_seconds * 1000) or MOST_WAITED_MS,
        yield_on_timeout=look_seconds > 0,
        recursive=True,
    ):
        if any(counts(name) for _, name in found):
            yield False
        if not found or is_late():
            yield True
            due = time.monotonic() + look_seconds
