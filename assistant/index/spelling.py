"""How the documents write a word that is misspelt; of what somebody may see, as everything that is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import takewhile
from operator import eq

from assistant.index.word_search import VisiblePassages, tokenized
from assistant.text.words import STOP_WORDS, WORD

# Each token of the word index, once; of the connection, not of the file.
VOCABULARY = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, row)"
ENDING = 3  # letters of an ending, which tokens lack: another letter there makes another word
REPLACED = 7  # letters of a word in which one may stand for another: shorter words have neighbours that mean otherwise
SLIPPED = 2  # letters that the tokens of a word and of its misspelling have not in common
LOOKED_AT = 20  # passages in which a token's words are looked up


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
