"""Which files of the index are no longer there: moved, deleted, or nothing that can be read."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from assistant.core.records import Meta
from assistant.index.catalog import Catalog, SourceRow
from ingest.beside import is_walked
from ingest.metadata import no_wider


@dataclass(slots=True)
class Retired:
    """What becomes of the rows of files that were not found: a row of `unreadable` is dropped, one `missing` stays."""

    moved: list[SourceRow] = field(default_factory=list)
    pruned: list[SourceRow] = field(default_factory=list)
    unreadable: list[SourceRow] = field(default_factory=list)
    missing: list[SourceRow] = field(default_factory=list)


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
        if not is_gone(path):
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
        self._metas: dict[str, list[Meta]] = defaultdict(list)  # by document
        self._named: dict[str, list[Meta]] = defaultdict(list)
        self._holders: dict[str, set[str]] = defaultdict(set)  # the documents that have a passage
        for row in rows:
            if not no_wider(Meta(), row.meta):
                self._named[_name(row)].append(row.meta)
                self._metas[row.document_id].append(row.meta)
        for document_id in self._metas:
            for passage in catalog.passages_of(document_id):
                self._holders[passage.text].add(document_id)

    def narrow(self, gone: SourceRow) -> bool:
        """Tell whether one that fewer may see has the name of a file that is gone, or half of its passages."""
        metas = list(self._named.get(_name(gone), ()))
        if self._holders:
            passages = self._catalog.passages_of(gone.document_id)
            shared = Counter(holder for passage in passages for holder in self._holders.get(passage.text, ()))
            metas += [meta for holder, n in shared.items() if 2 * n >= len(passages) for meta in self._metas[holder]]
        return any(not no_wider(gone.meta, meta) for meta in metas)


def _name(row: SourceRow) -> str:
    return Path(row.path).name.casefold()


def is_gone(path: str) -> bool:
    """Tell a deleted file from one in a folder that cannot be entered now."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
