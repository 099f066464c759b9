"""Another checkout of the same documents: which of its files are which of the indexed ones, wherever those lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.index.schema import SourceRow
from ingest.sources import find_roots

Place = tuple[Path, Path]  # a file's path, and the root that its source is named from
HELD = 0.5  # share of a root's documents that a folder has at least which takes the root's place


@dataclass(frozen=True, slots=True)
class _Match:
    """The rows of a root that lie below `path` if `base` is the new root, and those whose files are there."""

    base: Path
    path: Path
    rows: Sequence[SourceRow]
    found: Sequence[SourceRow]

    def places(self) -> dict[str, Place]:
        """Return the new places: of all rows where the folder holds most of them, else of what was found."""
        whole = self.path.is_dir() and len(self.found) >= HELD * len(self.rows)
        return {row.path: (self.base / row.source, self.base) for row in (self.rows if whole else self.found)}


def relocated(paths: Sequence[Path], known: Mapping[str, SourceRow]) -> dict[str, Place]:
    """Return the new places of the indexed files, by path, that stand at `paths` under the same source names.

    A folder that holds most documents of a root takes the place of that root: those that it lacks have a new place,
    too, at which nothing lies. Files in a known root stay where they are. Raises UsageError for a missing path.
    """
    roots = _by_root(known)
    moved: dict[str, Place] = {}
    for path, root in find_roots(paths, {path: row.root for path, row in known.items()}):
        if str(root) not in roots:
            matches = [_match(base, path, rows) for rows in roots.values() for base in (path, *path.parents)]
            moved |= max(matches, key=lambda match: len(match.found)).places() if matches else {}
    return moved


def _by_root(known: Mapping[str, SourceRow]) -> dict[str, list[SourceRow]]:
    """Return the rows of each root, that of the root that was read last first: of two checkouts, it counts."""
    rows: dict[str, list[SourceRow]] = {}
    for row in sorted(known.values(), key=lambda row: -row.seen_ns):
        rows.setdefault(row.root, []).append(row)
    return rows


def _match(base: Path, path: Path, rows: Sequence[SourceRow]) -> _Match:
    within = path.relative_to(base).as_posix()
    inside = [row for row in rows if within in (".", row.source) or row.source.startswith(f"{within}/")]
    return _Match(base, path, inside, [row for row in inside if (base / row.source).is_file()])
