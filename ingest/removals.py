"""Which files of the index are no longer there: moved, deleted, or nothing that can be read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from assistant.index.schema import SourceRow
from ingest.rights import Survey
from ingest.sources import is_walked


@dataclass(slots=True)
class Removals:
    """What becomes of the rows of files that were not found.

    A row of `unreadable` is dropped, one `missing` stays; `hidden` are those of the missing ones that nobody sees from
    now on.
    """

    moved: list[SourceRow] = field(default_factory=list)
    pruned: list[SourceRow] = field(default_factory=list)
    unreadable: list[SourceRow] = field(default_factory=list)
    missing: list[SourceRow] = field(default_factory=list)
    hidden: list[SourceRow] = field(default_factory=list)

    @property
    def dropped(self) -> list[SourceRow]:
        """The rows that go."""
        return [*self.moved, *self.pruned, *self.unreadable]


def find_removals(found: Survey, known: Mapping[str, SourceRow], rows: Sequence[SourceRow], prune: bool) -> Removals:
    """Sort the rows that are known and whose files were not found; `rows` are those of this ingest.

    A file is moved, whichever folder it was in, where one with its bytes is found. Below a manifest one that is missing
    is hidden until it is back: no rule can name it, and it may have been edited as it was moved to where fewer may see
    it. What is still there and was not found as a document is unreadable: nothing tells who may see it now.
    """
    removals = Removals()
    seen = {str(file.path) for file in (*found.files, *found.others)}
    arrived = {row.sha256 for row in rows if row.path not in known}
    hashes = {row.sha256 for row in (*rows, *known.values()) if row.path in seen}
    for path, row in known.items():
        if path in seen:
            continue
        given = [top for top, _ in found.roots if Path(path).is_relative_to(top)]
        governed = [root for root in found.governed if Path(path).is_relative_to(root)]
        if not _is_gone(path):
            if any(is_walked(Path(path), top) for top in (*given, *governed)):
                removals.unreadable.append(row)
        elif row.sha256 in arrived:
            removals.moved.append(row)
        elif given and prune:
            removals.pruned.append(row)
        elif row.sha256 in hashes:
            removals.moved.append(row)
        elif given or governed:
            removals.missing.append(row)
            if governed and row.meta.audience != ():
                removals.hidden.append(replace(row, meta=replace(row.meta, audience=())))
    return removals


def _is_gone(path: str) -> bool:
    """Tell a deleted file from one in a folder that cannot be entered now."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
