"""Which parts of a passage carry a sentence of a generator: those that have its words and figures, the rare ones first.

The sentence is close to what it was made of, so that its own words find that; how often the reader agrees is in
docs/log/experiments.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set

from assistant.answer.evidence import MAX_REACH, alone, plain, reach
from assistant.answer.read import evidence_in
from assistant.answer.select import with_neighbours
from assistant.core.records import Evidence, Hit
from assistant.text.quantities import numbers
from assistant.text.words import content

MOST_PARTS = 2  # of one passage, for one sentence
LEAST_MORE = 1.5  # of what the first part leaves open: less needs no second part


def carrying(sentence: str, hits: Sequence[Hit]) -> list[Evidence]:
    """Return the parts of each passage that a sentence rests on, in the document's order; none where it has no word."""
    return [part for hit in hits for part in _carrying(_telling(sentence), evidence_in(hit))]


def _carrying(wanted: Set[str], parts: Sequence[Evidence]) -> list[Evidence]:
    said = [_telling(plain(part)) & wanted for part in parts]
    frequency = Counter(word for words in said for word in words)
    found: list[int] = []
    left = set(wanted)
    while len(found) < MOST_PARTS:
        best = max(range(len(parts)), key=lambda at: _weight(said[at] & left, frequency), default=None)
        if best is None or _weight(said[best] & left, frequency) < (LEAST_MORE if found else 1e-9):
            break
        found.append(best)
        left -= said[best]
    return [_quoted(parts[at], parts) for at in sorted(found)]


def _weight(words: Set[str], frequency: Mapping[str, int]) -> float:
    """Weigh words by how few parts of the passage have them; a figure as two words."""
    return sum((1 + word[0].isdigit()) / math.sqrt(frequency[word]) for word in words)


def _telling(text: str) -> frozenset[str]:
    return frozenset(content(text)) | numbers(text)


def _quoted(part: Evidence, parts: Sequence[Evidence]) -> Evidence:
    whole = with_neighbours(part, parts)
    return whole if reach(whole) <= MAX_REACH else alone(part)
