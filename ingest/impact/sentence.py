"""A sentence and its tokens: how some of them are shown, and what the words around them say that they are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.text.words import STOP_WORDS
from ingest.impact.lexicon import DETERMINERS
from ingest.impact.scan import Token
from ingest.impact.tokens import COUNTED, tokenise

FIRST, BEFORE, AFTER = 2, 3, 2  # words of a subject: of the sentence's beginning, before what changed and behind it
LONGEST = 12  # words of a stretch that is shown whole
GAP = " … "


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence; places are those of its tokens."""

    text: str
    tokens: Sequence[Token]

    @classmethod
    def of(cls, text: str, names: Collection[str] = ()) -> Sentence:
        """Read a sentence; `names` are words that are names elsewhere in its document."""
        return cls(text, tokenise(text, names))

    def words(self, first: int, last: int) -> list[str]:
        """Return the words of a stretch, in small letters, and those of compounds one by one."""
        told = (self.text[token.start : token.end].casefold() for token in self.tokens[first:last])
        return [word for words in told for word in words.split("-")]

    def plain(self, first: int, last: int) -> bool:
        """Tell whether a stretch has any but little words."""
        return any(token.same not in STOP_WORDS for token in self.tokens[first:last])

    def says_who(self, first: int, last: int) -> bool:
        """Tell whether a stretch belongs to the person right behind it: "the [line] manager"."""
        if last >= len(self.tokens) or self.tokens[last].kind != "who":
            return False
        apart = any(self.text[one.end : other.start] != " " for one, other in pairwise(self.tokens[first : last + 1]))
        return not apart and (not first or self.words(first - 1, first)[0] in DETERMINERS)

    def shown(self, first: int, last: int) -> str:
        """Return the text of a stretch; of a long one, what is a fact of it."""
        tokens = self.tokens[first:last]
        if len(tokens) > LONGEST:
            return GAP.join(self.text[token.start : token.stop] for token in tokens if token.kind)
        return self.text[tokens[0].start : max(token.stop for token in tokens)] if tokens else ""

    def subject(self, first: int, last: int) -> str:
        """Return the words around a stretch, of one token at least, that say what is counted, allowed or done."""
        stretch, said = self.tokens[first:last], self._subjects()
        stop = max(token.stop for token in stretch)
        before = [token for token in said if token.end <= stretch[0].start]
        after = [token for token in said if token.start >= stop]
        enough = all(token.kind in COUNTED for token in stretch) and len(before) >= FIRST
        behind = 0 if enough else AFTER if before else FIRST + AFTER
        begins = [before] if len(before) <= FIRST + BEFORE else [before[:FIRST], before[-BEFORE:]]
        groups = (*begins, after[:behind])
        return self._joined([(group[0].start, group[-1].end) for group in groups if group])

    def _subjects(self) -> list[Token]:
        """Return the tokens that may name a subject: no little words, and none that is shown with a number."""
        counted = [token for token in self.tokens if token.kind in COUNTED]
        return [
            token
            for token in self.tokens
            if token.kind in (None, "who", "name", "unit")
            and token.same not in STOP_WORDS
            and not any(number.start <= token.start < number.stop for number in counted)
        ]

    def _joined(self, spans: Sequence[tuple[int, int]]) -> str:
        """Return spans of the text as one, with a mark where words between them are left out."""
        told: list[tuple[int, int]] = []
        for start, end in spans:
            if told and start <= told[-1][1] + 1:
                told[-1] = told[-1][0], max(told[-1][1], end)
            else:
                told.append((start, end))
        return GAP.join(self.text[start:end] for start, end in told)
