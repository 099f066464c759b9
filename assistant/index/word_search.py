"""BM25 over what somebody may see. FTS5's own counts every passage, and so would tell of hidden ones by the weights."""

from __future__ import annotations

import math
import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import Access
from assistant.index.visible import SEEN, visible_to

TOKENIZE = "porter unicode61 remove_diacritics 2"
MOST_TOKENS = 64  # of a question; those of one word, "the-of-to-and", count alike
COLUMNS, PLACES_IN_COLUMN = 3, 1 << 24  # of the word index; more tokens than any column has
K1, B = 1.2, 0.75  # Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), and FTS5

MAX_KEPT, WORTH_KEEPING = 250_000, 1_000  # passages of all words that are kept, 2 MB, and of one that takes long
Occurrences = tuple[NDArray[np.int32], NDArray[np.int32]]

# Where each token of the word index stands; of the connection, not of the file.
PLACES = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.word_places USING fts5vocab(main, words, instance)"


@dataclass(frozen=True, slots=True)
class Seen:
    """The passages that somebody may see: their ids, rising, how long each is, in characters, and who has which words.

    Common words are what is asked for again and again, and takes long to look up: they alone are kept, for a while.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    kept: OrderedDict[tuple[str, ...], Occurrences] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, db: sqlite3.Connection, access: Access) -> Seen:
        query = f'SELECT id, "end" - "start" FROM passages WHERE document_id IN ({SEEN}) ORDER BY id'
        rows = np.array(db.execute(query, visible_to(access)).fetchall(), np.int64).reshape(-1, 2)
        return cls(rows[:, 0].copy(), rows[:, 1].copy())

    def having(self, db: sqlite3.Connection, tokens: Sequence[str]) -> Occurrences:
        """Return where in `ids` the passages are in which the tokens stand side by side, and how often they do."""
        key = tuple(tokens)
        found = self.kept.pop(key, None) or self._looked_up(db, tokens)
        if len(found[0]) >= WORTH_KEEPING:
            self.kept[key] = found
            while sum(len(at) for at, _ in self.kept.values()) > MAX_KEPT:
                self.kept.popitem(last=False)
        return found

    def _looked_up(self, db: sqlite3.Connection, tokens: Sequence[str]) -> Occurrences:
        passages, times = _occurrences(db, tokens)
        mine = is_among(passages, self.ids)
        return np.searchsorted(self.ids, passages[mine]).astype(np.int32), times[mine].astype(np.int32)


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
        at, times = seen.having(db, tokens)
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
        passages = _numbers(db, "SELECT group_concat(doc) FROM word_places WHERE term = ?", first)
        return _counted(passages)
    places = _places(db, first)
    for distance, token in enumerate(rest, 1):
        places = places[is_among(places + distance, _places(db, token))]
    return _counted(places // (COLUMNS * PLACES_IN_COLUMN))


def _counted(rising: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the different numbers, and how often each stands there."""
    firsts = np.flatnonzero(np.diff(rising, prepend=-1))
    return rising[firsts], np.diff(firsts, append=len(rising))


def is_among(some: NDArray[np.int64], rising: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each number whether it is one of the others, which rise."""
    if not len(rising):
        return np.zeros(len(some), np.bool_)
    return np.asarray(np.take(rising, np.searchsorted(rising, some), mode="clip") == some)


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


def _places(db: sqlite3.Connection, token: str) -> NDArray[np.int64]:
    """Return where a token stands, rising: passage, column and place in it as one number."""
    query = f"""SELECT group_concat((doc * {COLUMNS} + CASE col WHEN 'title' THEN 0 WHEN 'headings' THEN 1 ELSE 2 END)
                                    * {PLACES_IN_COLUMN} + "offset") FROM word_places WHERE term = ?"""
    return _numbers(db, query, token)


def _numbers(db: sqlite3.Connection, query: str, token: str) -> NDArray[np.int64]:
    """Return numbers that a query lists as one text: as rows they would take several times as long."""
    (listed,) = db.execute(query, (token,)).fetchone()
    return np.fromstring(listed or "", np.int64, sep=",")
