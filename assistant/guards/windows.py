"""A long text -> what a linear model reads of it: windows of a question, the sentences of a document."""

from __future__ import annotations

import re
from itertools import islice

WINDOW_WORDS = 100  # that the encoder surely takes whole
LONG_WORDS = 40  # a longer text's end is encoded by itself, too

_WORDS = re.compile(r"\S+")
_BREAK = re.compile(r"[.!?:]\s+|\n+")
_LETTERS = re.compile("(?<![^\\W\\d_])[^\\W\\d_]{2,}[^\\w]+[^\\W\\d_]{2}|[\u0e00-\u0eff\u3040-\uffef]{4}", re.DOTALL)
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:\n(?![ \t]*\n)[^.!?。！？\n]+)*[.!?。！？]*")


def windows(text: str, most: int = 8) -> tuple[str, ...]:
    """Cut a text into windows of WINDOW_WORDS, of a very long one `most` spread evenly; and its end by itself.

    A request after much else is little of a window. One word, or none, tells the model nothing.
    """
    if not _LETTERS.search(text):
        return ()
    words = [match.span() for match in _WORDS.finditer(text)]
    if len(words) <= LONG_WORDS:
        return (text,)
    starts = list(range(0, len(words), WINDOW_WORDS))
    if len(starts) > most:
        starts = [starts[round(i * (len(starts) - 1) / (most - 1))] for i in range(most)]
    cut = [text[words[at][0] : words[min(at + WINDOW_WORDS, len(words)) - 1][1]] for at in starts]
    return (*cut, _end(text[-300:]))


def _end(text: str) -> str:
    """Return the last sentence, with the one before if it is of fewer than four words; of an endless one all."""
    starts = [match.end() for match in _BREAK.finditer(text) if len(text[match.end() :].split()) >= 4]
    return text[starts[-1] :] if starts else text


def sentences(text: str, most: int = 400) -> tuple[str, ...]:
    """Return the sentences of a passage, lines that no full stop or empty line parts joined."""
    found = (" ".join(match.group().split()) for match in _SENTENCE.finditer(text))
    return tuple(islice((sentence for sentence in found if sum(map(str.isalpha, sentence)) >= 8), most))
