"""An ingest tried out in an index of its own, which is gone afterwards; of another checkout of the documents, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.core.config import Config
from assistant.core.records import IngestReport, Progress, no_progress
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from ingest.build import ingest
from ingest.embedding import Embedder
from ingest.sources import find_roots

UNKNOWN = -1  # a time that no file has
Place = tuple[Path, Path]  # a file's path, and the root that its source is named from
HELD = 0.5  # share of a root's documents that a folder has at least which takes the root's place


@contextmanager
def scratch_index(
    paths: Sequence[Path],
    config: Config,
    encoder: Embedder | None = None,
    *,
    empty: bool = False,
    prune: bool = False,
    moved: Mapping[str, Place] | None = None,
    progress: Progress = no_progress,
) -> Iterator[tuple[Config, IngestReport]]:
    """Ingest into a copy of the index, or into an `empty` one; yields its settings and what the ingest did.

    Vectors are of the configured encoder if none is given. Files that `moved` names lie at their new places in the copy
    (see `relocated`). The index itself is only read, and nothing is logged. The copy is a folder even where vectors are
    on a server: they are made from the catalog. Raises IndexMissing without an index to copy, and what `ingest` raises.
    """
    governed_by: Mapping[Path, Path] = {}
    with TemporaryDirectory(prefix="policy-assistant-") as folder:  # for the owner alone
        scratch = replace(
            config,
            index=replace(config.index, data=folder, chroma_url=""),
            audit=replace(config.audit, enabled=False),
        )
        if not empty:
            with closing(Catalog.open(config.data)) as catalog:
                catalog.copy_to(scratch.data)
            governed_by = _relocate(scratch.data, moved or {})
        yield scratch, ingest(paths, scratch, encoder, prune=prune, governed_by=governed_by, progress=progress)


def _relocate(data: Path, moved: Mapping[str, Place]) -> dict[Path, Path]:
    """Say in a copy that files lie at other places, where they are to be read whatever their time stamps say.

    Returns the root that each new one stands for.
    """
    roots = {}
    with closing(Catalog.open(data, create=True)) as catalog, catalog.transaction():
        for path, row in catalog.sources().items():
            if path in moved:
                catalog.drop_source(path)
                new, root = moved[path]
                roots[root] = Path(row.root)
                catalog.put_source(replace(row, path=str(new), root=str(root), mtime_ns=UNKNOWN))
    return roots


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
