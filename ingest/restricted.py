"""What not everyone may see is remembered by its words, so that a rule for its own path opens it and no accident does.

A document leaves its path in many ways: moved, edited, damaged, linked to, pruned, its rule corrected, in one ingest or
over several. None of them is looked for. What is asked is whether a file that is new, or says something new, says what
a restricted one ever said, that neither stands in its place now nor in what its readers see elsewhere. What has left
its place is read off the index before anything is published, so a run that dies forgets nothing; only `forget` does.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
MOST_MARKS = 200_000  # that are kept of what one path said to one audience: a word has eight bytes
LEAST_MARKS = 4  # that are shared with a text that says more, since three words may stand anywhere
MOST_ALIKE, MOST_SOUGHT, MOST_SEARCHES = 5, 40, 6  # what readers see already: passages, by how many words, how often
MOST_NAMED = 10  # documents that a refusal names

Marks = NDArray[np.int64]  # hashes of runs of words, sorted, each once


def marks_of(text: str) -> Marks:
    """Return the marks of a text: of letters and digits alone, since a format brings the signs between them."""
    return np.sort(np.array([*_runs(text)], np.int64))


def _runs(text: str) -> dict[int, str]:
    """Return the runs of words of each line, by their hashes: rows may be sorted, and paragraphs put together anew."""
    found: set[str] = set()
    for line in text.casefold().splitlines():
        words = "".join(c if c.isalnum() else " " for c in line).split()
        if words:
            found.update(" ".join(words[at : at + RUN_WORDS]) for at in range(max(1, len(words) - RUN_WORDS + 1)))
    return {int.from_bytes(hashlib.blake2b(run.encode(), digest_size=7).digest(), "little"): run for run in found}


@dataclass(frozen=True, slots=True)
class _State:
    """What an ingest finds, by paths: what was indexed, what is on disk, and what is new."""

    known: Mapping[str, SourceRow]
    new: Mapping[str, SourceRow]
    stamps: Counter[tuple[int, int]]  # size and time of what was indexed or found: what several have tells none of them
    catalog: Catalog
    places: dict[str, SourceRow | None] = field(default_factory=dict)
    texts: dict[str, Marks] = field(default_factory=dict)

    def stands(self, path: str) -> Marks:
        """Return what a file says at its path now: nothing if it is no longer there."""
        row = self.new.get(path) or self.unchanged(path)
        return self.of(row.document_id) if row else marks_of("")

    def unchanged(self, path: str) -> SourceRow | None:
        """Return the row of a file that is in its place as it was indexed."""
        if path not in self.places:
            row = self.known.get(path)
            self.places[path] = row if row and path not in self.new and self._is_there(row) else None
        return self.places[path]

    def _is_there(self, row: SourceRow) -> bool:
        """Tell whether a file still holds, without a link on the way, the bytes of its row."""
        stamp = (row.size, row.mtime_ns)
        try:
            info = os.lstat(row.path)  # now: it may have been moved since it was listed, and been read elsewhere
            if self.stamps[stamp] == 1 and stat.S_ISREG(info.st_mode) and (info.st_size, info.st_mtime_ns) == stamp:
                return os.path.realpath(row.path) == row.path
            return hashlib.sha256(read_regular(Path(row.path), max(0, row.size))).hexdigest() == row.sha256
        except (OSError, DocumentRejected):
            return False

    def is_moved(self, one: Restricted, said: Marks) -> bool:
        """Tell whether a document is gone from its path, and another file says all that was remembered of it."""
        return not len(self.stands(one.path)) and not len(np.setdiff1d(_marks(one), said))

    def of(self, document_id: str) -> Marks:
        """Return the marks of a document."""
        if document_id not in self.texts:
            self.texts[document_id] = marks_of(self.catalog.text_of(document_id))
        return self.texts[document_id]


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
    stamped = {(path, row.size, row.mtime_ns) for path, row in known.items()}
    stamped |= {(str(file.path), file.size, file.mtime_ns) for file in (*found.files, *found.others)}
    state = _State(known, new, Counter((size, time) for _, size, time in stamped), catalog)
    _remember(state)
    if not new or not (kept := catalog.restricted()):
        return []
    index = _Index(kept)
    opened: list[tuple[Restricted, SourceRow]] = []
    moved: list[tuple[Restricted, SourceRow]] = []
    for path, row in new.items():
        said = state.of(row.document_id)
        met = (kept[int(at)] for at in np.flatnonzero(index.count(said)) if kept[int(at)].path != path)
        like = [one for one in met if _is_much(_marks(one), said, state.stands(one.path))]
        wider = [one for one in like if is_wider(row.meta.audience, one.audience)]
        kin = (one for one in like if not is_wider(row.meta.audience, one.audience))
        moved += [(one, row) for one in kin if state.is_moved(one, said)]
        if wider:
            free = _seen_already(wider, row, state)
            ours = (one for one in wider if _is_much(_marks(one), said, np.union1d(free, state.stands(one.path))))
            opened += [(one, row) for one in ours]
    if opened:
        raise _refusal(opened)
    return moved


def _remember(state: _State) -> None:
    """Keep what restricted files said that say it no longer, and drop of it what a rule has opened at its path."""
    catalog = state.catalog
    have = {(path, audience): document_id for path, _, audience, document_id in catalog.restricted_documents()}
    known = {path: row for path, row in state.known.items() if row.size >= 0}  # what is hidden was remembered before
    with catalog.transaction():
        for path, row in known.items():
            audience = row.meta.audience
            if audience is None or have.get((path, audience)) == row.document_id or state.unchanged(path):
                continue
            marks = state.of(row.document_id).tobytes()
            _add(Restricted(path, row.source, audience, row.document_id, marks), catalog)
        for path, audience in have:
            if path in known and is_wider(known[path].meta.audience, audience):
                _drop_opened(known[path], state)


def _drop_opened(row: SourceRow, state: _State) -> None:
    for one in state.catalog.restricted(row.path):
        left = np.setdiff1d(_marks(one), state.of(row.document_id))
        if is_wider(row.meta.audience, one.audience) and left.nbytes < len(one.marks):
            state.catalog.drop_restricted(row.path, one.audience)
            if len(left):
                state.catalog.put_restricted(replace(one, document_id="", marks=left.tobytes()))


def _add(new: Restricted, catalog: Catalog) -> None:
    """Keep marks beside those that are kept of the same path and audience."""
    kept = [_marks(one) for one in catalog.restricted(new.path) if one.audience == new.audience]
    both = np.union1d(_marks(new), kept[0]) if kept else _marks(new)
    catalog.put_restricted(replace(new, marks=both[:MOST_MARKS].tobytes()))  # hashes, so the smallest are any


def carry(moved: Iterable[tuple[Restricted, SourceRow]], catalog: Catalog) -> None:
    """Remember at its new path what was said at an old one."""
    with catalog.transaction():
        for one, row in moved:
            catalog.drop_restricted(one.path, one.audience)
            _add(replace(one, path=row.path, source=row.source, document_id=""), catalog)


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
    return np.frombuffer(one.marks, np.int64)


def _is_much(own: Marks, said: Marks, free: Marks) -> bool:
    """Tell whether half of what is remembered, or half of a file, is the other's; what is `free` counts for neither.

    A few marks are that only where they are half of both.
    """
    left, others = np.setdiff1d(own, free), np.setdiff1d(said, free)
    shared = len(np.intersect1d(left, others))
    sizes = sorted((len(left), len(others)))
    return shared > 0 and 2 * shared >= sizes[0 if shared >= LEAST_MARKS else 1]


def _seen_already(near: Sequence[Restricted], row: SourceRow, state: _State) -> Marks:
    """Return the marks of what all readers of a row see already, of the documents most like what it shares."""
    own = np.unique(np.concatenate([_marks(one) for one in near]))
    runs = _runs(state.catalog.text_of(row.document_id))
    sought = np.intersect1d(own, np.array([*runs], np.int64))
    free = marks_of("")
    for _ in range(MOST_SEARCHES):
        words = dict.fromkeys(word for mark in sought.tolist() for word in runs[mark].split())
        longest = sorted(words, key=len, reverse=True)[:MOST_SOUGHT]
        texts = [_like(longest, access, state.catalog) for access in _readers(row.meta.audience)]
        met = [state.of(document) for document in set(texts[0]).intersection(*texts[1:])] if texts and words else []
        free = np.unique(np.concatenate([free, *met]))
        if len(left := np.setdiff1d(sought, free)) in (0, len(sought)):
            break
        sought = left
    return free


def _readers(audience: Audience) -> list[Access]:
    return [make_access()] if audience is None else [make_access([role]) for role in audience]


def _like(words: Sequence[str], access: Access, catalog: Catalog) -> list[str]:
    """Return the documents that somebody sees and that have most of the words."""
    found, _ = catalog.queries.search_words(words, MOST_ALIKE, access)
    hits = catalog.queries.hits([(passage, score, ("lexical",)) for passage, score in found], access)
    return [hit.passage.document_id for hit in hits]


def is_wider(new: Audience, old: Audience) -> bool:
    """Tell whether anybody is of the new audience who is not of the old one."""
    return old is not None and (new is None or not set(new) <= set(old))
