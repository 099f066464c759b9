"""How words are used in both versions of a document: which are names, and which are but another one misspelt."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from ingest.impact.scan import WORD, proper_names
from ingest.impact.tokens import tokenise
from ingest.impact.words import edits

ALIKE = 0.8  # similarity of a word to its own misspelling
SLIP, LEAST = 2, 5  # letters by which a misspelling is longer or shorter, and letters of a word that may have one
ROLES = re.compile(r"(?:ee|er|or)s?$")  # of employee and employer, lessee and lessor: who does it, and to whom


@dataclass(frozen=True, slots=True)
class Usage:
    """The words that are `names`, and those that both versions together have `once`."""

    names: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()

    @classmethod
    def of(cls, old: str, new: str) -> Usage:
        """Read both versions."""
        counts = Counter(match.group().casefold() for text in (old, new) for match in WORD.finditer(text))
        once = frozenset(word for word, count in counts.items() if count == 1)
        return cls(frozenset(proper_names(old) | proper_names(new)), once)

    def respelt(self, was: str, now: str) -> tuple[str, str]:
        """Return two texts with a word of one in the spelling of the other, where that is all that differs in it.

        A word that is used elsewhere too is no misspelling, and neither are two that each make a fact.
        """
        old, new = list(WORD.finditer(was)), list(WORD.finditer(now))
        told = edits([match.group().casefold() for match in old], [match.group().casefold() for match in new])
        for alike, a, b, c, d in reversed(list(told)):
            if not alike and b - a == d - c:
                for one, other in reversed(list(zip(old[a:b], new[c:d], strict=True))):
                    if self._misspelt(one.group(), other.group()):
                        now = f"{now[: other.start()]}{one.group()}{now[other.end() :]}"
                    elif self._misspelt(other.group(), one.group()):
                        was = f"{was[: one.start()]}{other.group()}{was[one.end() :]}"
        return was, now

    def _misspelt(self, word: str, slip: str) -> bool:
        """Tell whether one word is the other with a letter or two wrong."""
        if self.names.intersection((word, slip)):
            return False
        word, slip = word.casefold(), slip.casefold()
        near = word[:1] == slip[:1] and min(len(word), len(slip)) >= LEAST and abs(len(word) - len(slip)) <= SLIP
        if not near or slip not in self.once or any(token.kind for token in tokenise(slip)):
            return False
        ends = ROLES.search(word), ROLES.search(slip)
        roles = ends[0] and ends[1] and ends[0][0] != ends[1][0]
        return not roles and SequenceMatcher(None, word, slip, autojunk=False).ratio() >= ALIKE
