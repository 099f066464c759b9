"""BM25 over what somebody may see. FTS5's own counts every passage, and so would tell of hidden ones by the weights."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing

from assistant.core.records import Access
from assistant.index.visible import SEEN, visible_to

TOKENIZE = "porter unicode61 remove_diacritics 2"
MOST_TOKENS = 64  # of a question; those of one word, "the-of-to-and", count alike
K1, B = 1.2, 0.75  # Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), and FTS5

# Where each token of the word index stands; of the connection, not of the file.
PLACES = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.word_places USING fts5vocab(main, words, instance)"


def search_words(
    db: sqlite3.Connection, words: Sequence[str], limit: int, access: Access
) -> tuple[list[tuple[int, float]], float]:
    """Return (passage id, BM25), best first, and the BM25 that a passage full of every word comes near.

    A word of several tokens ("self-service") is one where they stand side by side. Lengths are the text's characters.
    """
    lengths: dict[int, int] = dict(
        db.execute(f'SELECT id, "end" - "start" FROM passages WHERE document_id IN ({SEEN})', visible_to(access))
    )
    mean = sum(lengths.values()) / max(1, len(lengths))
    scores: dict[int, float] = defaultdict(float)
    most = 0.0
    for tokens in tokenized(words):
        found = {row: times for row, times in _occurrences(db, tokens).items() if row in lengths}
        idf = max(math.log((len(lengths) - len(found) + 0.5) / (len(found) + 0.5)), 1e-6)
        most += idf * (K1 + 1)
        for row, times in found.items():
            scores[row] += idf * times * (K1 + 1) / (times + K1 * (1 - B + B * lengths[row] / mean))
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit], most


def _occurrences(db: sqlite3.Connection, tokens: Sequence[str]) -> dict[int, int]:
    """Return how often the tokens stand side by side, by passage."""
    first, *rest = tokens
    if not rest:
        return dict(db.execute("SELECT doc, COUNT(*) FROM word_places WHERE term = ? GROUP BY doc", (first,)))
    places = set(_places(db, first))
    for distance, token in enumerate(rest, 1):
        if places:
            places &= {(row, column, at - distance) for row, column, at in _places(db, token)}
    return Counter(row for row, _, _ in places)


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
