"""What not everyone may see is remembered by its words, so that only a rule for its own path opens it.

A document leaves its path in many ways: moved, edited, damaged, linked to, pruned, its rule corrected, in one ingest or
over several. None of them is looked for. What is asked is whether a file that is new, or says something new, says what
a restricted one did that is no longer in its place. Only `forget` forgets that.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Audience
from assistant.index.catalog import Catalog
from assistant.index.schema import Restricted, SourceRow
from ingest.rights import Survey
from ingest.sources import read_regular

RUN_WORDS = 3  # that follow one another and are a mark together
MOST_MARKS = 500  # that are kept of a document
MOST_NAMED = 10  # documents that a refusal names

Marks = NDArray[np.uint64]  # hashes of runs of words, sorted, each once


def marks_of(text: str) -> Marks:
    """Return the marks of a text: of letters and digits alone, since a format brings the signs between them."""
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    runs = {" ".join(words[at : at + RUN_WORDS]) for at in range(max(1, len(words) - RUN_WORDS + 1))} - {""}
    hashed = b"".join(hashlib.blake2b(run.encode(), digest_size=8).digest() for run in runs)
    return np.sort(np.frombuffer(hashed, np.uint64))


def remembered(catalog: Catalog, known: Mapping[str, SourceRow]) -> list[Restricted]:
    """Return what is remembered, after remembering what is indexed and was not: before marks were, or a run that died.

    A missing file that nobody sees is hidden, and may have been open.
    """
    kept = catalog.restricted()
    have = {(one.path, one.document_id) for one in kept}
    without = (
        row for row in known.values() if row.meta.audience is not None and (row.path, row.document_id) not in have
    )
    rows = [row for row in without if row.meta.audience or os.path.lexists(row.path)]
    if rows:
        remember(catalog, rows, kept)
        kept = catalog.restricted()
    return kept


def remember(catalog: Catalog, rows: Collection[SourceRow], kept: Sequence[Restricted]) -> None:
    """Keep the marks of rows that are restricted, and drop those of what a rule opened or an edit replaced there."""
    at: dict[str, list[Restricted]] = defaultdict(list)
    for one in kept:
        at[one.path].append(one)
    with catalog.transaction():
        for row in rows:
            if row.meta.audience is None and row.path not in at:
                continue
            marks = marks_of(catalog.text_of(row.document_id))
            for one in at[row.path]:
                if one.document_id == row.document_id or _says_most(marks, one):
                    catalog.drop_restricted(one.path, one.document_id)
            if row.meta.audience is not None:
                fewest = marks[:MOST_MARKS].tobytes()  # hashes, so the smallest are a sample, the same of each text
                catalog.put_restricted(Restricted(row.path, row.source, row.document_id, row.meta.audience, fewest))


def check_opened(
    found: Survey,
    known: Mapping[str, SourceRow],
    rows: Sequence[SourceRow],
    kept: Sequence[Restricted],
    catalog: Catalog,
) -> None:
    """Raise UsageError where more may see, in another file, what a restricted one said that is not in its place.

    While the original is there, edited or not, the other is a copy. What more could see there before does not count.
    """
    new = {row.path: row for row in rows if row.path not in known or row.sha256 != known[row.path].sha256}
    if not new or not kept:
        return
    said = {path: marks_of(catalog.text_of(row.document_id)) for path, row in new.items()}
    seen = {(str(file.path), file.size, file.mtime_ns) for file in (*found.files, *found.others)}

    def is_in_place(one: Restricted) -> bool:
        if one.path in new:
            return _says_most(said[one.path], one)
        row = known.get(one.path)
        same = row is not None and row.document_id == one.document_id
        return row is not None and same and ((row.path, row.size, row.mtime_ns) in seen or _is_there(row))

    index = _Index(kept)
    opened: list[tuple[str, str]] = []
    for path, row in new.items():
        before = _seen_before(row, known.get(path), catalog)
        shared = index.count(np.setdiff1d(said[path], before))
        for at in np.flatnonzero(2 * shared >= np.maximum(1, index.sizes - index.count(before))):
            one = kept[int(at)]
            if one.path != path and _is_wider(row.meta.audience, one.audience) and not is_in_place(one):
                opened.append((one.source if one.source != row.source else one.path, row.source))
    if opened:
        raise _refusal(opened)


def _refusal(opened: Sequence[tuple[str, str]]) -> UsageError:
    named = dict(opened[:MOST_NAMED])
    pairs = ", ".join(f"{new} says what {old} did" for old, new in named.items())
    more = f", and so do {len(opened) - len(named)} more" if len(opened) > len(named) else ""
    cause = f"{pairs}{more}: not everyone may see that, and more may see it there."
    hint = f"Add a rule for it to access.toml. If it should open: assistant forget {shlex.join(named)}"
    return UsageError(cause, f"Nothing was changed. {hint}")


class _Index:
    """Counts of each restricted document how many of its marks are among others."""

    def __init__(self, kept: Sequence[Restricted]) -> None:
        marks = [np.frombuffer(one.marks, np.uint64) for one in kept]
        self.sizes = np.array([len(own) for own in marks])
        together, owners = np.concatenate(marks), np.repeat(np.arange(len(kept)), self.sizes)
        order = np.argsort(together, kind="stable")
        self._marks, self._owners = together[order], owners[order]

    def count(self, marks: Marks) -> NDArray[np.int64]:
        """Return how many of the marks [n] each document has [documents]."""
        first, last = (np.searchsorted(self._marks, marks, side) for side in ("left", "right"))
        met = [self._owners[begin:end] for begin, end in zip(first, last, strict=True) if begin < end]
        return np.bincount(np.concatenate(met) if met else self._owners[:0], minlength=len(self.sizes))


def _says_most(marks: Marks, one: Restricted) -> bool:
    own = np.frombuffer(one.marks, np.uint64)
    return 2 * len(np.intersect1d(own, marks)) >= len(own)


def _seen_before(row: SourceRow, old: SourceRow | None, catalog: Catalog) -> Marks:
    """Return the marks of what stood at a row's path, if whoever sees the row could see that."""
    seen = old is not None and not _is_wider(row.meta.audience, old.meta.audience)
    return marks_of(catalog.text_of(old.document_id) if old and seen else "")


def _is_wider(new: Audience, old: Audience) -> bool:
    return old is not None and (new is None or not set(new) <= set(old))


def _is_there(row: SourceRow) -> bool:
    """Tell whether a file still holds, without a link on the way, the bytes of its row."""
    try:
        info = os.lstat(row.path)
        if stat.S_ISREG(info.st_mode) and (info.st_size, info.st_mtime_ns) == (row.size, row.mtime_ns):
            return os.path.realpath(row.path) == row.path
        return hashlib.sha256(read_regular(Path(row.path), row.size)).hexdigest() == row.sha256
    except (OSError, DocumentRejected):
        return False
