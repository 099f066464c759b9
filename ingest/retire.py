"""Which files of the index are no longer there: moved, deleted, or nothing that can be read."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from assistant.core.records import Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from ingest.beside import is_walked
from ingest.metadata import no_wider

RUN = 3  # words


@dataclass(slots=True)
class Retired:
    """What becomes of the rows of files that were not found: a row of `unreadable` is dropped, one `missing` stays."""

    moved: list[SourceRow] = field(default_factory=list)
    pruned: list[SourceRow] = field(default_factory=list)
    unreadable: list[SourceRow] = field(default_factory=list)
    missing: list[SourceRow] = field(default_factory=list)

    @property
    def dropped(self) -> list[SourceRow]:
        """The rows that go."""
        return [*self.moved, *self.pruned, *self.unreadable]


def retire(
    roots: Sequence[tuple[Path, Path]],
    known: Mapping[str, SourceRow],
    rows: Sequence[SourceRow],
    seen: Set[str],
    catalog: Catalog,
    prune: bool,
) -> Retired:
    """Sort the rows that are known and whose files were not `seen` in `roots`; `rows` are those of this ingest.

    A file is moved, whichever folder it was in, where one with its bytes is found, or where one that fewer may see
    arrived under its name or with most of its text: it was edited, or given front matter, as it was moved. What is
    still there and was not found as a document is unreadable: nothing tells who may see it now.
    """
    retired = Retired()
    arrivals = _Arrivals([row for row in rows if row.path not in known], catalog)
    found = {row.sha256 for row in (*rows, *known.values()) if row.path in seen}
    for path, row in known.items():
        if path in seen:
            continue
        given = [root for root, _ in roots if Path(path).is_relative_to(root)]
        if not _is_gone(path):
            if any(is_walked(Path(path), root) for root in given):
                retired.unreadable.append(row)
        elif row.sha256 in arrivals.bytes or arrivals.narrow(row):
            retired.moved.append(row)
        elif given and prune:
            retired.pruned.append(row)
        elif row.sha256 in found:
            retired.moved.append(row)
        elif given:
            retired.missing.append(row)
    return retired


class _Arrivals:
    """Knows the new files by their bytes, and those that not everybody may see by name and text."""

    def __init__(self, rows: Sequence[SourceRow], catalog: Catalog) -> None:
        self.bytes = {row.sha256 for row in rows}
        self._catalog = catalog
        self._named: dict[str, list[Meta]] = defaultdict(list)
        self._said: dict[Meta, set[str]] = defaultdict(set)
        for row in rows:
            if not no_wider(Meta(), row.meta):
                self._named[_name(row)].append(row.meta)
                self._said[row.meta] |= self._runs(row)

    def narrow(self, gone: SourceRow) -> bool:
        """Tell whether those that fewer may see than a file that is gone have its name, or half of what it said."""
        if any(not no_wider(gone.meta, meta) for meta in self._named.get(_name(gone), ())):
            return True
        told = [said for meta, said in self._said.items() if not no_wider(gone.meta, meta)]
        runs = self._runs(gone) if told else set()
        return bool(runs) and 2 * len(runs & set().union(*told)) >= len(runs)

    def _runs(self, row: SourceRow) -> set[str]:
        """Return a document's runs of words, which a number that was edited changes few of."""
        words = [word for passage in self._catalog.passages_of(row.document_id) for word in passage.text.split()]
        return {" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))} if words else set()


def _name(row: SourceRow) -> str:
    return Path(row.path).name.casefold()


def _is_gone(path: str) -> bool:
    """Tell a deleted file from one in a folder that cannot be entered now."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
