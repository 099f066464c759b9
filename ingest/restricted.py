"""A file that leaves its rule does not open by accident: an ingest that would publish its words elsewhere stops.

Rights lie in paths, so whoever moves a file into an open folder opens it. Where one ingest sees both ends of that, what
a restricted document says no longer in its place and a new one that says it to more people, it asks before it
publishes. What left its place in an earlier ingest is not remembered.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import UsageError
from assistant.core.records import Audience
from assistant.index.schema import SourceRow

RUN_WORDS = 3  # that follow one another and are a mark together
LEAST_MARKS = 4  # that are shared with a text that says more, since three words may stand anywhere
MOST_NAMED = 10  # documents that a refusal names

Marks = NDArray[np.int64]  # hashes of runs of words, sorted, each once


def marks_of(text: str) -> Marks:
    """Return the marks of a text, of the words of each line: a format brings other signs, and rows may be sorted."""
    found: set[str] = set()
    for line in text.casefold().splitlines():
        words = "".join(c if c.isalnum() else " " for c in line).split()
        if words:
            found.update(" ".join(words[at : at + RUN_WORDS]) for at in range(max(1, len(words) - RUN_WORDS + 1)))
    hashes = {int.from_bytes(hashlib.blake2b(run.encode(), digest_size=7).digest(), "little") for run in found}
    return np.array(sorted(hashes), np.int64)


def check_opened(
    left: Iterable[SourceRow],
    rows: Mapping[str, SourceRow],
    known: Mapping[str, SourceRow],
    text_of: Callable[[str], str],
) -> None:
    """Raise UsageError where a new text says to more people what a restricted one says no longer in its place.

    `left` are the rows whose files are gone or say something else, `rows` those that this ingest writes, by path, and
    `text_of` returns the text of a document.
    """
    restricted = [row for row in left if row.meta.audience is not None and row.size >= 0]  # not hidden before
    new = [row for row in rows.values() if row.path not in known or row.document_id != known[row.path].document_id]
    if not restricted or not new:
        return
    said = {row.path: marks_of(text_of(row.document_id)) for row in new}
    fresh = {row.path: _new_in(row, said[row.path], known.get(row.path), text_of) for row in new}
    opened: list[tuple[SourceRow, SourceRow]] = []
    for old in restricted:
        gone = np.setdiff1d(marks_of(text_of(old.document_id)), said.get(old.path, marks_of("")))
        wider = (row for row in new if row.path != old.path and is_wider(row.meta.audience, old.meta.audience))
        opened += [(old, row) for row in wider if _is_much(gone, fresh[row.path])]
    if opened:
        raise _refusal(opened)


def _new_in(row: SourceRow, said: Marks, before: SourceRow | None, text_of: Callable[[str], str]) -> Marks:
    """Return the marks of a new text that its place did not show to as many before: what it did is not opened now."""
    if before is None or before.size < 0 or is_wider(row.meta.audience, before.meta.audience):
        return said
    return np.setdiff1d(said, marks_of(text_of(before.document_id)))


def _is_much(gone: Marks, said: Marks) -> bool:
    """Tell whether half of what is gone, or half of a new text, is the other's; of a few marks, half of both."""
    shared = len(np.intersect1d(gone, said))
    sizes = sorted((len(gone), len(said)))
    return shared > 0 and 2 * shared >= sizes[0 if shared >= LEAST_MARKS else 1]


def _refusal(opened: list[tuple[SourceRow, SourceRow]]) -> UsageError:
    named = {old.path: (old, row) for old, row in opened}
    first = [*named.values()][:MOST_NAMED]
    told = ", ".join(f"{row.source} says what {old.source} did" for old, row in first)
    more = f", and {len(named) - len(first)} more are alike" if len(named) > len(first) else ""
    names = shlex.join(old.source if old.source != row.source else old.path for old, row in first)
    cause = f"{told}{more}: not everyone may see that, and more may see it there."
    hint = f"Add a rule for it to access.toml. If it should open: assistant forget {names}"
    return UsageError(cause, f"Nothing was changed. {hint}")


def is_wider(new: Audience, old: Audience) -> bool:
    """Tell whether anybody is of the new audience who is not of the old one."""
    return old is not None and (new is None or not set(new) <= set(old))
