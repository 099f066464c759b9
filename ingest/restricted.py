"""What not everyone may see is remembered by its words, so that a rule for its own path opens it and no accident does.

A document leaves its path in many ways: moved, edited, damaged, linked to, pruned, its rule corrected, in one ingest or
over several. None of them is looked for. What is asked is whether a file that is new, or says something new, says what
a restricted one ever said, that neither stands in its place now nor in what its readers see elsewhere. What is
remembered is read off the index when an ingest begins, so a run that dies forgets nothing; only `forget` does.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Access, Audience, make_access
from assistant.index.catalog import Catalog
from assistant.index.schema import Restricted, SourceRow
from ingest.rights import Survey
from ingest.sources import read_regular

RUN_WORDS = 3  # that follow one another and are a mark together
MOST_MARKS = 1_000  # that are kept of what one path said to one audience
LEAST_MARKS = 4  # that a file shares, since three words may stand anywhere
MOST_ALIKE, MOST_SOUGHT = 5, 40  # documents that readers see already, and words by which they are found
MOST_NAMED = 10  # documents that a refusal names

Marks = NDArray[np.uint64]  # hashes of runs of words, sorted, each once


def marks_of(text: str) -> Marks:
    """Return the marks of a text: of letters and digits alone, since a format brings the signs between them."""
    return np.sort(np.array([*_runs(text)], np.uint64))


def _runs(text: str) -> dict[int, str]:
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    runs = {" ".join(words[at : at + RUN_WORDS]) for at in range(max(1, len(words) - RUN_WORDS + 1))} - {""}
    return {int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest(), "little"): run for run in runs}


def remember(catalog: Catalog, known: Mapping[str, SourceRow]) -> None:
    """Keep what restricted paths said, each to one audience: what is indexed and was not counted in yet.

    What more may see at its path, since a rule opened it, is forgotten; what was cut from it before that is not.
    """
    have: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
    for at, told, document_id in catalog.restricted_documents():
        have[at][told] = document_id
    with catalog.transaction():
        for path, row in known.items():
            audience, counted = row.meta.audience, have.get(path, {})
            is_new = audience is not None and counted.get(audience) != row.document_id
            if row.size >= 0 and (is_new or any(_is_wider(audience, old) for old in counted)):
                _count_in(row, catalog)


def _count_in(row: SourceRow, catalog: Catalog) -> None:
    said = marks_of(catalog.text_of(row.document_id))
    kept = {one.audience: one for one in catalog.restricted(row.path)}
    for one in kept.values():
        if _is_wider(row.meta.audience, one.audience):
            catalog.drop_restricted(row.path, one.audience)
            left = np.setdiff1d(_marks(one), said)
            if len(left) >= LEAST_MARKS:
                catalog.put_restricted(replace(one, document_id=row.document_id, is_older=True, marks=left.tobytes()))
    if row.meta.audience is not None:
        made = Restricted(row.path, row.source, row.meta.audience, row.document_id, _fewest(said), is_older=False)
        catalog.put_restricted(_both(made, kept.get(made.audience)))


def _both(new: Restricted, old: Restricted | None) -> Restricted:
    """Return one record with the marks of another, too."""
    older = np.setdiff1d(_marks(old), _marks(new)) if old else marks_of("")
    if not len(older):
        return new
    return replace(new, marks=_fewest(np.union1d(_marks(new), older)), is_older=True)


def _fewest(marks: Marks) -> bytes:
    """Return as many marks as are kept: they are hashes, so the smallest are a sample, the same of each text."""
    return marks[:MOST_MARKS].tobytes()


@dataclass(frozen=True, slots=True)
class _State:
    """What an ingest finds: what was indexed, what is on disk, and what new files say, by their paths."""

    known: Mapping[str, SourceRow]
    said: Mapping[str, Marks]
    seen: frozenset[tuple[str, int, int]]
    catalog: Catalog
    standing: dict[str, Marks] = field(default_factory=dict)
    places: dict[str, SourceRow | None] = field(default_factory=dict)

    def stands(self, path: str) -> Marks:
        """Return what a file says at its path now: nothing if it is no longer there."""
        if path not in self.standing:
            row = self.unchanged(path)
            text = self.catalog.text_of(row.document_id) if row else ""
            self.standing[path] = self.said[path] if path in self.said else marks_of(text)
        return self.standing[path]

    def unchanged(self, path: str) -> SourceRow | None:
        """Return the row of a file that is in its place as it was indexed."""
        if path not in self.places:
            row = self.known.get(path)
            is_there = row and path not in self.said and ((path, row.size, row.mtime_ns) in self.seen or _is_there(row))
            self.places[path] = row if is_there else None
        return self.places[path]


def check_opened(
    found: Survey,
    known: Mapping[str, SourceRow],
    rows: Sequence[SourceRow],
    catalog: Catalog,
) -> list[tuple[Restricted, SourceRow]]:
    """Raise UsageError where more may see, in another file, what a restricted one said and does not say in its place.

    Returns what is gone and stands, with all that was remembered of it, where no more may see it. What a new file's
    readers see already, in the documents that are most like it, does not count: templates, and what was always open.
    """
    new = {row.path: row for row in rows if row.path not in known or row.sha256 != known[row.path].sha256}
    if not new or not (kept := catalog.restricted()):
        return []
    said = {path: marks_of(catalog.text_of(row.document_id)) for path, row in new.items()}
    seen = frozenset((str(file.path), file.size, file.mtime_ns) for file in (*found.files, *found.others))
    state, index = _State(known, said, seen, catalog), _Index(kept)
    opened: list[tuple[Restricted, SourceRow]] = []
    moved: list[tuple[Restricted, SourceRow]] = []
    for path, row in new.items():
        for at in np.flatnonzero(index.count(said[path]) >= LEAST_MARKS):
            one = kept[int(at)]
            if one.path == path or (not one.is_older and state.unchanged(one.path)):
                continue  # what is in its place, and never said more, is not gone
            free = state.stands(one.path)
            if _is_much(one, said[path], free):
                if not _is_wider(row.meta.audience, one.audience):
                    moved += [(one, row)] if not len(free) else []
                elif _is_much(one, said[path], np.union1d(free, _seen_already(one, row, catalog))):
                    opened.append((one, row))
    if opened:
        raise _refusal(opened)
    return moved


def carry(moved: Sequence[tuple[Restricted, SourceRow]], catalog: Catalog) -> None:
    """Remember at its new path what was said at an old one."""
    with catalog.transaction():
        for one, row in moved:
            catalog.drop_restricted(one.path, one.audience)
            there = next((kept for kept in catalog.restricted(row.path) if kept.audience == one.audience), None)
            here = replace(one, path=row.path, source=row.source, document_id="", is_older=True)
            catalog.put_restricted(_both(here, there))


def _refusal(opened: Sequence[tuple[Restricted, SourceRow]]) -> UsageError:
    named = {one.path: (one, row) for one, row in opened}
    first = [*named.values()][:MOST_NAMED]
    told = ", ".join(f"{row.source} says what {one.source} did" for one, row in first)
    more = f", and {len(named) - len(first)} more are alike" if len(named) > len(first) else ""
    cause = f"{told}{more}: not everyone may see that, and more may see it there."
    names = shlex.join(one.source if one.source != row.source else one.path for one, row in first)
    hint = f"Add a rule for it to access.toml. If it should open: assistant forget {names}"
    return UsageError(cause, f"Nothing was changed. {hint}")


class _Index:
    """Counts of each restricted document how many of its marks are among others."""

    def __init__(self, kept: Sequence[Restricted]) -> None:
        marks = [_marks(one) for one in kept]
        self._count = len(kept)
        together, owners = np.concatenate(marks), np.repeat(np.arange(len(kept)), [len(own) for own in marks])
        order = np.argsort(together, kind="stable")
        self._marks, self._owners = together[order], owners[order]

    def count(self, marks: Marks) -> NDArray[np.int64]:
        """Return how many of the marks [n] each document has [documents]."""
        first, last = (np.searchsorted(self._marks, marks, side) for side in ("left", "right"))
        met = [self._owners[begin:end] for begin, end in zip(first, last, strict=True) if begin < end]
        return np.bincount(np.concatenate(met) if met else self._owners[:0], minlength=self._count)


def _marks(one: Restricted) -> Marks:
    return np.frombuffer(one.marks, np.uint64)


def _is_much(one: Restricted, said: Marks, free: Marks) -> bool:
    """Tell whether half of what is remembered, or half of a file, is the other's; what is `free` counts for neither."""
    own = _marks(one)
    whole = len(own) < MOST_MARKS
    left = np.setdiff1d(own, free)
    others = np.setdiff1d(said if whole else said[said <= own[-1]], free)  # the same sample of both
    shared = len(np.intersect1d(left, others))
    return shared >= LEAST_MARKS and 2 * shared >= min(len(left), len(others))


def _seen_already(one: Restricted, row: SourceRow, catalog: Catalog) -> Marks:
    """Return the marks of the documents most like what is shared that all readers of a row see already."""
    runs, own = _runs(catalog.text_of(row.document_id)), set(_marks(one).tolist())
    shared = " ".join(run for mark, run in runs.items() if mark in own).split()
    words = [*dict.fromkeys(sorted(shared, key=len, reverse=True))][:MOST_SOUGHT]
    texts = [_like(words, access, catalog) for access in _readers(row.meta.audience)]
    common = set(texts[0]).intersection(*texts[1:]) if texts else set[str]()
    return np.unique(np.concatenate([marks_of(catalog.text_of(document)) for document in common] or [marks_of("")]))


def _readers(audience: Audience) -> list[Access]:
    return [make_access()] if audience is None else [make_access([role]) for role in audience]


def _like(words: Sequence[str], access: Access, catalog: Catalog) -> list[str]:
    """Return the documents that somebody sees and that have most of the words."""
    found, _ = catalog.queries.search_words(words, MOST_ALIKE, access)
    hits = catalog.queries.hits([(passage, score, ("lexical",)) for passage, score in found], access)
    return [hit.passage.document_id for hit in hits]


def _is_wider(new: Audience, old: Audience) -> bool:
    return old is not None and (new is None or not set(new) <= set(old))


def _is_there(row: SourceRow) -> bool:
    """Tell whether a file still holds, without a link on the way, the bytes of its row."""
    try:
        info = os.lstat(row.path)
        if stat.S_ISREG(info.st_mode) and (info.st_size, info.st_mtime_ns) == (row.size, row.mtime_ns):
            return os.path.realpath(row.path) == row.path
        return hashlib.sha256(read_regular(Path(row.path), max(0, row.size))).hexdigest() == row.sha256
    except (OSError, DocumentRejected):
        return False
