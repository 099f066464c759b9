"""Keep an index like its folders: whatever changes in them is ingested within seconds, a burst of changes once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

QUIET_MS, MOST_WAITED_MS = 1_000, 5_000  # without a change, before one is told; from the first one on
LOOK_SECONDS = 60.0  # after which an address is looked at again: nothing tells of changes there


def changes(paths: Sequence[Path], data: Path, look_seconds: float = 0.0) -> Iterator[None]:
    """Yield once for each burst of changes below the paths, until Ctrl-C; what is hidden, or in `data`, does not count.

    An ingest walks past hidden files and folders, too. With `look_seconds`, yield as often at the latest.
    """
    from watchfiles import Change, watch

    roots = [path.resolve() for path in paths]
    due = time.monotonic() + look_seconds

    def counts(_: Change, name: str) -> bool:
        path = Path(name)
        root = next((root for root in roots if path.is_relative_to(root)), None)
        hidden = root is not None and any(part.startswith(".") for part in path.relative_to(root).parts)
        late = look_seconds > 0 and time.monotonic() >= due  # changes that do not count must not put it off
        return late or (not hidden and not path.is_relative_to(data))

    while not roots:
        time.sleep(look_seconds)
        yield
    for _ in watch(
        *roots,
        watch_filter=counts,
        debounce=MOST_WAITED_MS,
        step=QUIET_MS,
        rust_timeout=int(look_seconds * 1000) or MOST_WAITED_MS,
        yield_on_timeout=look_seconds > 0,
        recursive=True,
    ):
        yield
        due = time.monotonic() + look_seconds
