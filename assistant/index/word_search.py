"""BM25 over what somebody may see. FTS5's own counts every passage, and so would tell of hidden ones by the weights."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import Access
from assistant.index.visible import SEEN, visible_to

TOKENIZE = "porter unicode61 remove_diacritics 2"
MOST_TOKENS = 64  # of a question; those of one word, "the-of-to-and", count alike
K1, B = 1.2, 0.75  # Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), and FTS5

# Where each token of the word index stands; of the connection, not of the file.
PLACES = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.word_places USING fts5vocab(main, words, instance)"


@dataclass(frozen=True, slots=True)
class Seen:
    """The passages that somebody may see: their ids, rising, and how long each is, in characters."""

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, db: sqlite3.Connection, access: Access) -> Seen:
        query = f'SELECT id, "end" - "start" FROM passages WHERE document_id IN ({SEEN}) ORDER BY id'
        rows = np.array(db.execute(query, visible_to(access)).fetchall(), np.int64).reshape(-1, 2)
        return cls(rows[:, 0].copy(), rows[:, 1].copy())


def search_words(
    db: sqlite3.Connection, words: Sequence[str], limit: int, seen: Seen
) -> tuple[list[tuple[int, float]], float]:
    """Return (passage id, BM25), best first, and the BM25 that a passage full of every word comes near.

    A word of several tokens ("self-service") is one where they stand side by side.
    """
    count, scores = len(seen.ids), np.zeros(len(seen.ids))
    longer = K1 * (1 - B + B * seen.lengths / (seen.lengths.sum() / max(1, count)))
    most = 0.0
    for tokens in tokenized(words):
        passages, times = _occurrences(db, tokens)
        at = np.searchsorted(seen.ids, passages)
        known = np.flatnonzero(np.take(seen.ids, at, mode="clip") == passages) if count else at[:0]
        at, times = at[known], times[known]
        idf = max(math.log((count - len(at) + 0.5) / (len(at) + 0.5)), 1e-6)
        most += idf * (K1 + 1)
        scores[at] += idf * times * (K1 + 1) / (times + longer[at])
    found = np.flatnonzero(scores)
    if len(found) > limit:
        found = found[scores[found] >= np.partition(scores[found], -limit)[-limit]]
    best = found[np.lexsort((found, -scores[found]))][:limit]
    return list(zip(seen.ids[best].tolist(), scores[best].tolist(), strict=True)), most


def _occurrences(db: sqlite3.Connection, tokens: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the passages in which the tokens stand side by side, rising, and how often."""
    first, *rest = tokens
    if not rest:
        # One text of all numbers: as rows they would take several times as long, and common words have many.
        (listed,) = db.execute("SELECT group_concat(doc) FROM word_places WHERE term = ?", (first,)).fetchone()
        return np.unique(np.fromstring(listed or "", np.int64, sep=","), return_counts=True)
    places = set(_places(db, first))
    for distance, token in enumerate(rest, 1):
        if places:
            places &= {(row, column, at - distance) for row, column, at in _places(db, token)}
    times = sorted(Counter(row for row, _, _ in places).items())
    return np.array([row for row, _ in times], np.int64), np.array([often for _, often in times], np.int64)


def tokenized(words: Sequence[str]) -> list[list[str]]:
    """Return the first tokens that the word index makes of each word, without the words that it makes none of."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = '{TOKENIZE}')")
        db.execute("CREATE VIRTUAL TABLE word_places USING fts5vocab(words, instance)")
        db.executemany("INSERT INTO words (rowid, body) VALUES (?, ?)", enumerate(words))
        tokens: dict[int, list[str]] = defaultdict(list)
        found = db.execute('SELECT doc, term FROM word_places ORDER BY doc, "offset" LIMIT ?', (MOST_TOKENS,))
        for row, token in found:
            tokens[row].append(token)
    return list(tokens.values())


def _places(db: sqlite3.Connection, token: str) -> Iterator[tuple[int, str, int]]:
    return db.execute('SELECT doc, col, "offset" FROM word_places WHERE term = ?', (token,))
