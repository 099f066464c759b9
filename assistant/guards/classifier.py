"""A linear model of a text's words and of its vector, kept as JSON with a card: nothing to execute.

It reads windows of a question, and the sentences of a document. The words are hashed: each word, each pair of
neighbours, each pair two apart by its beginnings, and the letters of each long word in order, whatever their order, so
that no list of words stands in the code.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.core.errors import ModelDamaged
from assistant.models.logistic import probabilities, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
BUCKETS = 8192  # for hashed words
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_UNSPACED = "\u0e00"  # from here on scripts part no words: pairs of signs stand for them
_STEM = 5  # letters
WINDOW_WORDS = 100  # that the encoder surely takes whole
LONG_WORDS = 40  # a longer text's end is encoded by itself, too

_WORDS = re.compile(r"\S+")
_BREAK = re.compile(r"[.!?:]\s+|\n+")
_LETTERS = re.compile("(?<![^\\W\\d_])[^\\W\\d_]{2,}[^\\w]+[^\\W\\d_]{2}|[\u0e00-\u0eff\u3040-\uffef]{4}", re.DOTALL)
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:\n(?![ \t]*\n)[^.!?。！？\n]+)*[.!?。！？]*")


@dataclass(frozen=True)
class Linear:
    """log-odds = bias + hashed words x their weights + vector x its weights.

    At `threshold` and above something is found. A text whose words alone have less than `gate` need not be encoded.
    """

    words: tuple[float, ...]
    vector: tuple[float, ...]
    bias: float
    threshold: float
    gate: float
    card: Mapping[str, Any]

    def lexical_log_odds(self, text: str) -> float:
        """Return the log-odds of the words of a text alone."""
        hashed = hash_words(text)
        return self.bias + sum(self.words[at] for at in hashed) / math.sqrt(max(1, len(hashed)))

    def probabilities(self, lexical: Sequence[float], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return a probability a row [n] of log-odds of words [n] and vectors [n, 384]."""
        import numpy as np

        log_odds = vectors.astype(np.float64) @ self._weights + np.asarray(lexical)
        return probabilities(log_odds)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        import numpy as np

        return np.asarray(self.vector)


def hash_words(text: str) -> list[int]:
    """Return the buckets of the words of a text, each once."""
    return sorted({zlib.crc32(feature.encode()) % BUCKETS for feature in _features(text)})


def _features(text: str) -> Iterator[str]:
    tokens = list(_tokens(text))
    yield from tokens
    yield from (f"{a} {b}" for a, b in pairwise(["^", *tokens, "$"]))
    yield from (f"{a[:_STEM]}..{b[:_STEM]}" for a, b in zip(tokens, tokens[2:], strict=False))
    yield from (f"~{''.join(sorted(token))}" for token in tokens if _STEM <= len(token) <= 16)


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text.lower()):
        token = match.group()
        if token[0] >= _UNSPACED and len(token) > 1:
            yield from (token[at : at + 2] for at in range(len(token) - 1))
        else:
            yield token


def load_linear(path: Path) -> Linear:
    """Load a model of this version's features; raises ModelDamaged."""
    raw = read_json(path)
    try:
        words, vector = (tuple(map(float, raw[name])) for name in ("words", "vector"))
        numbers = [float(raw[name]) for name in ("bias", "threshold", "gate")]
        if len(words) != BUCKETS or len(vector) != DIMENSIONS or not 0 < numbers[1] < 1:
            raise ValueError(f"{len(words)} words, {len(vector)} dimensions, threshold {numbers[1]}")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} does not fit this version: {error}.", "Reinstall the assistant.") from error
    bias, threshold, gate = numbers
    return Linear(words, vector, bias, threshold, gate, dict(raw.get("card", {})))


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
