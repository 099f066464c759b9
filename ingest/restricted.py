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
from dataclasses import dataclass, field
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


def remembered(catalog: Catalog, known: Mapping[str, SourceRow]) -> list[Restricted]:
    """Return what restricted paths said, each to one audience, with what is indexed and was not remembered yet.

    What more may see at its path, since a rule opened it, is forgotten; what was cut from it before that is not.
    """
    at: dict[str, list[Restricted]] = defaultdict(list)
    for one in catalog.restricted():
        at[one.path].append(one)
    with catalog.transaction():
        for path, row in known.items():
            audience, hidden = row.meta.audience, row.size < 0
            own = next((one for one in at.get(path, ()) if one.audience == audience), None)
            opened = [one for one in at.get(path, ()) if _is_wider(audience, one.audience)]
            is_new = audience is not None and (own is None or own.document_id != row.document_id)
            if hidden or not (opened or is_new):
                continue
            said = marks_of(catalog.text_of(row.document_id))
            for one in opened:
                left = np.setdiff1d(_marks(one), said)
                catalog.drop_restricted(path, one.audience)
                if len(left) >= LEAST_MARKS:
                    catalog.put_restricted(Restricted(path, row.source, one.audience, row.document_id, left.tobytes()))
            if audience is not None and is_new:
                marks = np.union1d(_marks(own), said) if own else said
                fewest = marks[:MOST_MARKS].tobytes()  # hashes, so the smallest are a sample, the same of each text
                catalog.put_restricted(Restricted(path, row.source, audience, row.document_id, fewest))
    return catalog.restricted()


@dataclass(frozen=True, slots=True)
class _State:
    """What an ingest finds: what was indexed, what is on disk, and what new files say."""

    known: Mapping[str, SourceRow]
    new: Mapping[str, SourceRow]
    said: Mapping[str, Marks]
    seen: frozenset[tuple[str, int, int]]
    catalog: Catalog
    standing: dict[str, Marks] = field(default_factory=dict)

    def stands(self, path: str) -> Marks:
        """Return what a file says at its path now: nothing if it is no longer there."""
        if path not in self.standing:
            row = self.known.get(path)
            there = row is not None and ((row.path, row.size, row.mtime_ns) in self.seen or _is_there(row))
            text = self.catalog.text_of(row.document_id) if row and there else ""
            self.standing[path] = self.said[path] if path in self.new else marks_of(text)
        return self.standing[path]


def check_opened(
    found: Survey,
    known: Mapping[str, SourceRow],
    rows: Sequence[SourceRow],
    kept: Sequence[Restricted],
    catalog: Catalog,
) -> list[tuple[Restricted, SourceRow]]:
    """Raise UsageError where more may see, in another file, what a restricted one said and does not say in its place.

    Returns what is gone and stands, with all that was remembered of it, where no more may see it. What a new file's
    readers see already, in the documents that are most like it, does not count: templates, and what was always open.
    """
    new = {row.path: row for row in rows if row.path not in known or row.sha256 != known[row.path].sha256}
    if not new or not kept:
        return []
    said = {path: marks_of(catalog.text_of(row.document_id)) for path, row in new.items()}
    seen = frozenset((str(file.path), file.size, file.mtime_ns) for file in (*found.files, *found.others))
    state, index = _State(known, new, said, seen, catalog), _Index(kept)
    opened: list[tuple[Restricted, SourceRow]] = []
    moved: list[tuple[Restricted, SourceRow]] = []
    for path, row in new.items():
        for at in np.flatnonzero(index.count(said[path]) >= LEAST_MARKS):
            one = kept[int(at)]
            wider, free = _is_wider(row.meta.audience, one.audience), state.stands(one.path)
            if one.path == path or not _is_much(one, said[path], free):
                continue
            if not wider:
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
            catalog.put_restricted(Restricted(row.path, row.source, one.audience, "", one.marks))


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
