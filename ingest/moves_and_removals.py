"""Files that are no longer where they were: moved ones, those that are gone, and those that somebody forgets."""

from __future__ import annotations

import difflib
import hashlib
import os
import shlex
import stat
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Audience
from assistant.index.catalog import Catalog
from assistant.index.publish import withdraw, writer_lock
from assistant.index.schema import SourceRow, translate_sqlite_errors
from assistant.index.vectors import open_store
from ingest.remote.kept import drop_copies
from ingest.rights import Survey
from ingest.sources import is_below, is_walked, read_regular

MOST_NAMED = 3  # documents that a refusal names

Pair = tuple[str, str]  # two words that follow one another


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
    it. What is still there and was not found as a document is unreadable: nothing tells who may see it now. Below a
    manifest that goes for what no walk looks at, too.
    """
    removals = Removals()
    seen = {str(file.path) for file in (*found.files, *found.others)}
    arrived = {row.sha256 for row in rows if row.path not in known}
    hashes = {row.sha256 for row in (*rows, *known.values()) if row.path in seen}
    for path, row in known.items():
        if path in seen:
            continue
        given = [top for top, _ in found.roots if is_below(Path(path), top)]
        governed = [root for root in found.governed if is_below(Path(path), root)]
        if not _is_gone(path):
            if governed or any(is_walked(Path(path), top) for top in given):
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


def check_moves(
    found: Survey, known: Mapping[str, SourceRow], removals: Removals, rows: Sequence[SourceRow], catalog: Catalog
) -> None:
    """Raise UsageError where more may see now, by another file, what a file said: no rule followed it.

    It was moved or renamed, edited or not, and whatever stands in its place. A copy is no move, while the original is
    there, and neither is an edit.
    """
    changed = {row.path: row for row in rows if row.path not in known or row.sha256 != known[row.path].sha256}
    if not changed:
        return
    lost = {*changed, *(row.path for row in (*removals.dropped, *removals.missing))}
    seen = {(str(file.path), file.size, file.mtime_ns) for file in (*found.files, *found.others)}
    gone = [
        (row, allowed)
        for path, row in known.items()
        if path in lost or (path, row.size, row.mtime_ns) not in seen
        if (allowed := found.rights.of_gone(row)) is not None
        if path in lost or not _is_there(row)
    ]
    by_hash: dict[str, list[SourceRow]] = defaultdict(list)
    for row in changed.values():
        by_hash[row.sha256].append(row)
    alike = _alike([pair for pair in gone if pair[0].sha256 not in by_hash], changed, known, catalog)
    for old, allowed in gone:
        same = by_hash[old.sha256] or alike.get(old.path, [])
        if new := next((row for row in same if _is_wider(row.meta.audience, allowed)), None):
            verb = "was moved to" if new.sha256 == old.sha256 else "is gone, and much the same stands in"
            cause = f"{old.source}, which not everyone may see, {verb} {new.source}, which more may see."
            hint = f"Add a rule for it to access.toml. If it should open: assistant forget {shlex.quote(old.source)}"
            raise UsageError(cause, f"Nothing was changed. {hint}")


def check_share(removals: Removals, known: int, most: float) -> None:
    """Raise UsageError where more than this share of the documents would be removed: a source may be out of reach."""
    if len(removals.pruned) > most * known:
        cause = f"the files of {len(removals.pruned)} of {known} documents are gone."
        raise UsageError(cause, "Nothing was changed. If they are to go: assistant ingest --prune")


def _is_there(row: SourceRow) -> bool:
    """Tell whether a file still holds, without a link on the way, the bytes of its row."""
    try:
        info = os.lstat(row.path)
        if stat.S_ISREG(info.st_mode) and (info.st_size, info.st_mtime_ns) == (row.size, row.mtime_ns):
            return os.path.realpath(row.path) == row.path
        return hashlib.sha256(read_regular(Path(row.path), row.size)).hexdigest() == row.sha256
    except (OSError, DocumentRejected):
        return False


def _alike(
    gone: Sequence[tuple[SourceRow, Audience]],
    changed: Mapping[str, SourceRow],
    known: Mapping[str, SourceRow],
    catalog: Catalog,
) -> dict[str, list[SourceRow]]:
    """Return for each row that is gone, by path, those that share most of their pairs of words with it now.

    None for a file that was edited, and still shares them itself; and none that shared them before.
    """
    audiences = {allowed for _, allowed in gone}
    rows = [row for row in changed.values() if any(_is_wider(row.meta.audience, allowed) for allowed in audiences)]
    having: dict[Pair, list[int]] = defaultdict(list)
    pairs = [_word_pairs(catalog, row) for row in rows]
    for at, own in enumerate(pairs):
        for pair in own:
            having[pair].append(at)
    found: dict[str, list[SourceRow]] = {}
    for old, _ in gone if rows else ():
        own = _word_pairs(catalog, old)
        shared = Counter(at for pair in own for at in having.get(pair, ()))
        near = [rows[at] for at, count in shared.items() if _share_most(count, own, pairs[at])]
        before = (known.get(row.path) for row in near)
        new = [row for row, was in zip(near, before, strict=True) if not (was and _are_alike(own, was, catalog))]
        if new and not (old.path in changed and _are_alike(own, changed[old.path], catalog)):
            found[old.path] = new
    return found


def _are_alike(pairs: set[Pair], row: SourceRow, catalog: Catalog) -> bool:
    others = _word_pairs(catalog, row)
    return _share_most(len(pairs & others), pairs, others)


def _share_most(shared: int, pairs: set[Pair], others: set[Pair]) -> bool:
    return 4 * shared >= len(pairs) + len(others)


def _word_pairs(catalog: Catalog, row: SourceRow) -> set[Pair]:
    return set(pairwise(catalog.text_of(row.document_id).casefold().split()))


def _is_wider(new: Audience, old: Audience) -> bool:
    return old is not None and (new is None or not set(new) <= set(old))


def _is_gone(path: str) -> bool:
    """Tell a deleted file from one in a folder that cannot be entered now."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def forget(names: Sequence[str], config: Config) -> list[str]:
    """Delete the documents that are called so, by source or by path, from the index; return their sources.

    The files themselves stay, but for copies of what lies at an address, and come back with the next ingest of their
    folder. A document that another source has too stays for that one.

    Raises UsageError, with nothing changed, for a name that the index does not know, or knows in several roots;
    IndexLocked while an ingest writes.
    """
    Catalog.open(config.data).close()  # says so if there is no index, before the lock makes a folder for one
    with (
        writer_lock(config.data, config.index.lock_seconds),
        translate_sqlite_errors(config.data),
        closing(Catalog.open(config.data, create=True)) as catalog,
    ):
        known = catalog.sources()
        gone = {_path_of(name, known) for name in names}
        with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
            withdraw(catalog, store, sorted(gone), config.ingest.rebuild_share)
        catalog.purge()
        drop_copies(gone, config.data)
    return sorted({known[path].source for path in gone})


def _path_of(name: str, known: Mapping[str, SourceRow]) -> str:
    """Return the path of the document of that name, which is its path or its source; raises UsageError."""
    if name in known:
        return name
    paths = sorted(path for path, row in known.items() if row.source == name)
    if len(paths) > 1:
        shown = ", ".join(map(repr, paths[:MOST_NAMED])) + (", ..." if len(paths) > MOST_NAMED else "")
        raise UsageError(f"{len(paths)} documents are called {name!r}: {shown}.", "Name one by its path.")
    if not paths:
        near = difflib.get_close_matches(name, {row.source for row in known.values()}, n=MOST_NAMED, cutoff=0.6)
        hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
        raise UsageError(f"the index holds no {name!r}{hint}.", "Name a source as answers do, or its path.")
    return paths[0]
