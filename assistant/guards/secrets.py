"""Secrets: private keys, addresses with a login, recovery phrases, what keys look like, what a text calls secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from assistant.core.records import Stage
from assistant.guards import Context, Finding, Span
from assistant.guards.folded import Folded, fold_digits
from assistant.guards.keys import key_spans
from assistant.guards.passwords import password_spans
from assistant.guards.spans import merged

_BEGIN = re.compile(r"-{2,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{2,5}|PuTTY-User-Key-File-\d")
_END = re.compile(r"-{2,5} ?END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{2,5}|Private-MAC: *\w+")
# A port and a path behind it are no login, an @ in them or not.
_LOGIN = re.compile(r"(?<=://)([^\s/@:\"'<>]{0,128}:(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>]{1,200})@(?=[\w\[])")
_SHORT_WORDS = re.compile(r"(?<![\w'-])[a-z]{3,8}(?:[\s,;.)\d]{1,6}[a-z]{3,8}){11,}(?![\w'-])")
_WORD = re.compile(r"[a-z]+")
SEED_WORDS = 12  # the fewest of a wallet's recovery phrase (BIP-39)


def secret_spans(text: str) -> tuple[Span, ...]:
    """Return the secrets of a text, left to right, none inside another."""
    folded = fold_digits(text)
    return merged(folded.span(span.start, span.end, span.kind) for span in _found(folded))


def _found(folded: Folded) -> Iterator[Span]:
    text, lower = folded.text, folded.lower()
    yield from _private_keys(text)
    yield from (Span(*match.span(1), "login") for match in _LOGIN.finditer(text))
    yield from key_spans(text)
    yield from password_spans(text, lower)
    yield from _recovery_phrases(lower)


def _private_keys(text: str) -> Iterator[Span]:
    """Yield from where a key begins to where it ends, or to the end of the text, which may have been cut."""
    at = 0
    while begin := _BEGIN.search(text, at):
        end = _END.search(text, begin.end())
        at = end.end() if end else len(text)
        yield Span(begin.start(), at, "private key")


def _recovery_phrases(lower: str) -> Iterator[Span]:
    """Yield runs of words that all stand in BIP-39's list, as no prose of that length does."""
    for run in _SHORT_WORDS.finditer(lower):
        for listed, words in groupby(_WORD.finditer(lower, *run.span()), _is_listed):
            phrase = list(words)
            if listed and len(phrase) >= SEED_WORDS and len({word[0] for word in phrase}) * 2 > len(phrase):
                yield Span(phrase[0].start(), phrase[-1].end(), "recovery phrase")


def _is_listed(word: re.Match[str]) -> bool:
    return word.group() in _listed_words()


@cache
def _listed_words() -> frozenset[str]:
    from mnemonic import Mnemonic

    return frozenset(Mnemonic("english").wordlist)


class Secrets:
    """Finds keys, tokens and passwords."""

    name = "secrets"
    stages: frozenset[Stage] = frozenset({"input", "document", "output"})
    refusal = "This holds a key or a password. Please ask again without it, and have it changed if others saw it."

    def check(self, context: Context) -> Finding | None:
        """Return the secrets of the text."""
        spans = secret_spans(context.text)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Finding(f"It holds a secret: {kinds}.", 1.0, spans)
