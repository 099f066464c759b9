"""The words of what somebody may see: BM25 over them, and how they are written that were misspelt.

FTS5's own BM25 counts every passage, and so would tell of hidden ones by the weights.
"""

from __future__ import annotations

import math
import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import Access
from assistant.index.schema import SEEN, TOKENIZE, visible_to
from assistant.text.words import STOP_WORDS, WORD

Occurrences = tuple[NDArray[np.int32], NDArray[np.int32]]

# Where each token of the word index stands, and each token once; of the connection, not of the file.
PLACES = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.word_places USING fts5vocab(main, words, instance)"
VOCABULARY = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, row)"
ENDING = 3  # letters of an ending, which tokens lack: another letter there makes another word
REPLACED = 7  # letters of a word in which one may stand for another: shorter words have neighbours that mean otherwise
SLIPPED = 2  # letters that the tokens of a word and of its misspelling have not in common
LOOKED_AT = 20  # passages in which a token's words are looked up


@dataclass(frozen=True, slots=True)
class VisiblePassages:
    """The passages that somebody may see: their ids, rising, how long each is, in characters, and who has which words.

    Common words are what is asked for again and again, and takes long to look up: they alone are kept, for a while.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    kept: OrderedDict[tuple[str, ...], Occurrences] = field(default_factory=OrderedDict)
    worth_keeping: int = 1_000  # passages of a word
    most_kept: int = 250_000  # passages of all words that are kept: 2 MB

    @classmethod
    def of(cls, db: sqlite3.Connection, access: Access) -> VisiblePassages:
        query = f'SELECT id, "end" - "start" FROM passages WHERE document_id IN ({SEEN}) ORDER BY id'
        rows = np.array(db.execute(query, visible_to(access)).fetchall(), np.int64).reshape(-1, 2)
        return cls(rows[:, 0].copy(), rows[:, 1].copy())

    def having(self, db: sqlite3.Connection, word: str, tokens: Sequence[str]) -> Occurrences:
        """Return where in `ids` the passages are in which a word's tokens stand side by side, and how often they do."""
        key = tuple(tokens)
        found = self.kept.pop(key, None) or self._looked_up(db, word, tokens)
        if len(found[0]) >= self.worth_keeping:
            self.kept[key] = found
            while sum(len(at) for at, _ in self.kept.values()) > self.most_kept:
                self.kept.popitem(last=False)
        return found

    def _looked_up(self, db: sqlite3.Connection, word: str, tokens: Sequence[str]) -> Occurrences:
        passages, times = _occurrences(db, word, tokens)
        mine = is_among(passages, self.ids)
        return np.searchsorted(self.ids, passages[mine]).astype(np.int32), times[mine].astype(np.int32)


def search_words(
    db: sqlite3.Connection,
    words: Sequence[str],
    limit: int,
    seen: VisiblePassages,
    k1: float = 1.2,
    b: float = 0.75,
) -> tuple[list[tuple[int, float]], float]:
    """Return (passage id, BM25), best first, and the BM25 that a passage full of every word comes near.

    A word of several tokens ("self-service") is one where they stand side by side, and counts once in a passage.
    `k1` and `b` are FTS5's, after Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009).
    """
    count, scores = len(seen.ids), np.zeros(len(seen.ids))
    longer = k1 * (1 - b + b * seen.lengths / (seen.lengths.sum() / max(1, count)))
    most = 0.0
    for word, tokens in tokenized(words):
        at, times = seen.having(db, word, tokens)
        idf = max(math.log((count - len(at) + 0.5) / (len(at) + 0.5)), 1e-6)
        most += idf * (k1 + 1)
        scores[at] += idf * times * (k1 + 1) / (times + longer[at])
    found = np.flatnonzero(scores)
    if len(found) > limit:
        found = found[scores[found] >= np.partition(scores[found], -limit)[-limit]]
    best = found[np.lexsort((found, -scores[found]))][:limit]
    return list(zip(seen.ids[best].tolist(), scores[best].tolist(), strict=True)), most


def _occurrences(
    db: sqlite3.Connection, word: str, tokens: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the passages that hold a word, rising, and how often; once where it is of several tokens."""
    if len(tokens) > 1:
        phrase = '"{}"'.format(word[:256].replace('"', '""'))  # longer ones take long, and stand nowhere
        rows = db.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (phrase,))
        passages = np.array([passage for (passage,) in rows], np.int64)
        return passages, np.ones_like(passages)
    # As one text: as rows they would take several times as long.
    (listed,) = db.execute("SELECT group_concat(doc) FROM word_places WHERE term = ?", tuple(tokens)).fetchone()
    every = np.fromstring(listed or "", np.int64, sep=",")
    firsts = np.flatnonzero(np.diff(every, prepend=-1))
    return every[firsts], np.diff(firsts, append=len(every))


def is_among(some: NDArray[np.int64], rising: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each number whether it is one of the others, which rise."""
    if not len(rising):
        return np.zeros(len(some), np.bool_)
    return np.asarray(np.take(rising, np.searchsorted(rising, some), mode="clip") == some)


def tokenized(words: Sequence[str], most: int = 64) -> list[tuple[str, list[str]]]:
    """Return the words that the word index makes tokens of, each with its own; the first `most` tokens of all."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = '{TOKENIZE}')")
        db.execute("CREATE VIRTUAL TABLE word_places USING fts5vocab(words, instance)")
        db.executemany("INSERT INTO words (rowid, body) VALUES (?, ?)", enumerate(words))
        tokens: dict[int, list[str]] = defaultdict(list)
        found = db.execute('SELECT doc, term FROM word_places ORDER BY doc, "offset" LIMIT ?', (most,))
        for row, token in found:
            tokens[row].append(token)
    return [(words[row], listed) for row, listed in tokens.items()]


def written(db: sqlite3.Connection, word: str, seen: VisiblePassages) -> str:
    """Return how the visible passages write a misspelt word; "" where they have it, or none that is one slip away.

    Of several the most frequent one; a first letter is seldom wrong.
    """
    tokens = next((tokens for _, tokens in tokenized([word])), [])
    if len(tokens) != 1 or len(seen.having(db, word, tokens)[0]):
        return ""
    (token,) = tokens
    # As one range of the vocabulary, which is kept in order.
    like = "SELECT term FROM vocabulary WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?"
    rows = db.execute(like, (token[0], chr(ord(token[0]) + 1), len(token) - SLIPPED, len(token) + SLIPPED))
    near = [row[0] for row in rows if max(len(token), len(row[0])) - sum(_alike(token, row[0])) <= SLIPPED]
    found = {other: at for other in near if len(at := seen.having(db, other, [other])[0])}
    for other in sorted(found, key=lambda other: (-len(found[other]), other)):
        for one in _words_of(db, other, seen.ids[found[other][:LOOKED_AT]].tolist()):
            if is_slip(word.casefold(), one.casefold()):
                return one
    return ""


def is_slip(typed: str, meant: str) -> bool:
    """Tell whether a letter too many or too few, two swapped or one replaced make one word of another.

    None where one begins as the other: the longer one is its inflection.
    """
    head, tail = _alike(typed, meant)
    if head in (0, len(typed), len(meant)) or meant in STOP_WORDS:
        return False
    a, b = typed[head : len(typed) - tail], meant[head : len(meant) - tail]
    replaced = len(a) == len(b) == 1 and len(meant) >= REPLACED and tail >= ENDING
    return replaced or len(a) + len(b) == 1 or (len(a) == 2 and a == b[::-1])


def _alike(a: str, b: str) -> tuple[int, int]:
    """Return how many letters two words have in common at their begin, and how many of the rest at their end."""
    head = len(list(takewhile(bool, map(eq, a, b))))
    return head, len(list(takewhile(bool, map(eq, reversed(a[head:]), reversed(b[head:])))))


def _words_of(db: sqlite3.Connection, token: str, passages: Sequence[int]) -> list[str]:
    """Return the words of these passages that the word index makes this token of, in small letters first."""
    marks = ", ".join("?" * len(passages))
    rows = db.execute(f"SELECT title, headings, body FROM words WHERE rowid IN ({marks})", list(passages))
    words = sorted({word for row in rows for part in row for word in WORD.findall(part)}, key=str.swapcase)
    words = [word for word in words if word[0].casefold() == token[0]]
    return [word for word, tokens in tokenized(words, 4 * len(words)) if tokens == [token]]
