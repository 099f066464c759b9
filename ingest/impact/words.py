"""The words in which two texts differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ingest.impact.records import Side, Words

MOST = 400  # words that are compared between what two texts begin and end with alike; comparing takes a square of time

Edit = tuple[bool, int, int, int, int]  # whether old[a:b] and new[c:d] are alike, and a, b, c, d


def edits(old: Sequence[str], new: Sequence[str]) -> Iterator[Edit]:
    """Yield how one list of words becomes the other: stretches that are alike, and those that are not."""
    shorter = min(len(old), len(new))
    first = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    last = next((at for at in range(shorter - first) if old[-1 - at] != new[-1 - at]), shorter - first)
    stop, end = len(old) - last, len(new) - last
    if first:
        yield True, 0, first, 0, first
    yield from _between(old, new, first, stop, end)
    if last:
        yield True, stop, len(old), end, len(new)


def _between(old: Sequence[str], new: Sequence[str], first: int, stop: int, end: int) -> Iterator[Edit]:
    """Yield the edits of what differs; a longer stretch is another one whole."""
    if max(stop, end) - first > MOST:
        yield False, first, stop, first, end
        return
    compared = SequenceMatcher(None, old[first:stop], new[first:end], autojunk=False)
    for tag, a, b, c, d in compared.get_opcodes():
        yield tag == "equal", first + a, first + b, first + c, first + d


def differing(old: str, new: str) -> tuple[Words, ...]:
    """Return the words of two texts in order: those that both have, and those of one of them."""
    before, after = old.split(), new.split()
    found: list[Words] = []
    for alike, a, b, c, d in edits(before, after):
        told: tuple[tuple[Side, Sequence[str]], ...] = (("old", before[a:b]), ("new", after[c:d]))
        if alike:
            told = (("both", after[c:d]),)
        found += [Words(side, " ".join(words)) for side, words in told if words]
    return tuple(found)
