"""Which parts of a text are encoded: windows of a question, and the sentences of a document that address someone."""

from __future__ import annotations

import re
from itertools import islice

WINDOW = 100  # words that the encoder surely takes whole
MAX_WINDOWS = 8
MAX_SENTENCES = 24  # of one passage

_WORD = re.compile(r"\S+")
_SAID = re.compile(r"[^\W\d_]{2,}")
MIN_SAID = 2  # words of letters: one, or none, tells the model nothing
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
# Who plants an instruction speaks to a machine, of what it was told, or of what it is to say. A policy's "you" is no
# cue: each sentence is encoded, and these are one in fifty.
_CUE = re.compile(
    r"\b(?:ai|a\.i\.|assistants?|chat-?bots?|bots?|(?:language )models?|llms?|gpt|ignore|disregard|forget|override|"
    r"instructions?|prompts?|instead|respond|reply|replies|output|reveal|pretend|summar(?:y|ise|ize|ies))\b",
    re.IGNORECASE,
)


def windows(text: str) -> tuple[str, ...]:
    """Cut a text into windows of WINDOW words; of a very long one take windows spread evenly."""
    if len(list(islice(_SAID.finditer(text), MIN_SAID))) < MIN_SAID:
        return ()
    words = [match.span() for match in _WORD.finditer(text)]
    if len(words) <= WINDOW:
        return (text,)
    starts = list(range(0, len(words), WINDOW))
    if len(starts) > MAX_WINDOWS:
        starts = [starts[round(i * (len(starts) - 1) / (MAX_WINDOWS - 1))] for i in range(MAX_WINDOWS)]
    return tuple(text[words[at][0] : words[min(at + WINDOW, len(words)) - 1][1]] for at in starts)


def cued_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences that may be meant for an assistant, the first MAX_SENTENCES of them."""
    found = (match.group().strip() for match in _SENTENCE.finditer(text))
    return tuple(islice((sentence for sentence in found if _CUE.search(sentence)), MAX_SENTENCES))
