"""Keep an index like its folders: whatever changes in them is ingested within seconds, a burst of changes once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

QUIET_MS, MOST_WAITED_MS = 1_000, 5_000  # without a change, before one is told; from the first one on


def changes(paths: Sequence[Path], data: Path) -> Iterator[None]:
    """Yield once for each burst of changes below the paths, until Ctrl-C; what is hidden, or in `data`, does not count.

    An ingest walks past hidden files and folders, too.
    """
    from watchfiles import Change, watch

    roots = [path.resolve() for path in paths]

    def counts(_: Change, name: str) -> bool:
        path = Path(name)
        root = next((root for root in roots if path.is_relative_to(root)), None)
        hidden = root is not None and any(part.startswith(".") for part in path.relative_to(root).parts)
        return not hidden and not path.is_relative_to(data)

    for _ in watch(*roots, watch_filter=counts, debounce=MOST_WAITED_MS, step=QUIET_MS, recursive=True):
        yield
