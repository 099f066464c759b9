"""Two sentences -> the facts in which they differ.

A sentence's words may change, and move, without a change of fact: only what `tokens.py` knows as one counts, and what
takes another word back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from assistant.text.words import stem
from ingest.impact.lexicon import CONTRARY, NEGATING
from ingest.impact.records import FactKind
from ingest.impact.scan import Token
from ingest.impact.sentence import Sentence
from ingest.impact.spelling import Usage
from ingest.impact.tokens import COUNTED
from ingest.impact.words import edits

ORDER: tuple[FactKind, ...] = ("obligation", "negation", "who", "limit", "unit", "name")
TITLED: tuple[FactKind, ...] = ("obligation", "negation", "limit")  # in a title a capital letter makes no name
NOTHING_KNOWN = Usage()


@dataclass(frozen=True, slots=True)
class Moved:
    """A fact that moved, in the words of the two sentences; `subject` is what it is about."""

    kind: FactKind
    subject: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where two sentences differ: old tokens [a, b), new tokens [c, d)."""

    a: int
    b: int
    c: int
    d: int


class Compared:
    """Two sentences side by side."""

    def __init__(self, was: str, now: str, usage: Usage = NOTHING_KNOWN, *, titled: bool = False) -> None:
        """Read both; `titled` are headings, whose capital letters make no names."""
        self.old, self.new = (Sentence.of(text, usage.names) for text in usage.respelt(was, now))
        told = edits([token.same for token in self.old.tokens], [token.same for token in self.new.tokens])
        self._stretches = [Stretch(*places) for alike, *places in told if not alike]
        self._kinds = TITLED if titled else ORDER
        self._elsewhere = self._moved()

    def facts(self) -> Iterator[Moved]:
        """Yield the facts in which they differ."""
        for at in self._stretches:
            about = self.new.subject(at.c, at.d) if at.c < at.d else self.old.subject(at.a, at.b)
            numbers = list(self._numbers(at))
            for kind, old, new in (*numbers, *self._others(at, bool(numbers))):
                yield Moved(kind, about, old, new)

    def reworded(self) -> tuple[str, str] | None:
        """Return the stretch with other words; None where words are but inflected, or little ones differ."""
        told = [at for at in self._stretches if self.old.plain(at.a, at.b) or self.new.plain(at.c, at.d)]
        if not told:
            return None
        return self.old.shown(told[0].a, told[-1].b), self.new.shown(told[0].c, told[-1].d)

    def _numbers(self, at: Stretch) -> Iterator[tuple[FactKind, str, str]]:
        """Yield the numbers and dates that differ, in their order; where one came from words, with those."""
        old, new = ([token for token in side if token.kind in COUNTED] for side in self._sides(at))
        same = Counter(token.same for token in old) & Counter(token.same for token in new)
        gone, come = _without(old, same), _without(new, same)
        words = ("", "") if len(gone) + len(come) > 1 else (self.old.shown(at.a, at.b), self.new.shown(at.c, at.d))
        for was, now in zip_longest(gone, come):
            kind = now.kind if now else was.kind
            shown = self.old.text[was.start : was.stop] if was else words[0]
            yield kind or "number", shown, self.new.text[now.start : now.stop] if now else words[1]

    def _others(self, at: Stretch, counted: bool) -> Iterator[tuple[FactKind, str, str]]:
        """Yield the one other thing that a stretch is about: must or may, not, who, at most, a unit or a name."""
        old, new = (Counter((t.kind, t.same) for t in side if t.kind in self._kinds) for side in self._sides(at))
        differing = {kind for kind, _ in (old - new) + (new - old)}
        if not differing and not counted and self._takes_back(at):
            differing = {"negation"}
        elif not differing and not counted and self._is_role(at):
            at, differing = Stretch(at.a, at.b + 1, at.c, at.d + 1), {"who"}
        if kind := next((kind for kind in self._kinds if kind in differing), None):
            shown = self._around(at) if kind == "negation" else at
            yield kind, self.old.shown(shown.a, shown.b), self.new.shown(shown.c, shown.d)

    def _sides(self, at: Stretch) -> tuple[list[Token], list[Token]]:
        """Return the tokens of a stretch that stand nowhere else in the other sentence."""
        old = [token for token in self.old.tokens[at.a : at.b] if ("old", token.start) not in self._elsewhere]
        new = [token for token in self.new.tokens[at.c : at.d] if ("new", token.start) not in self._elsewhere]
        return old, new

    def _moved(self) -> set[tuple[str, int]]:
        """Return (side, place) of what stands elsewhere, beside the same word: "within 5 days, staff ...".

        What another of its kind came in the place of did not move: two numbers may have changed places.
        """
        gone, come = self._alone()
        moved: set[tuple[str, int]] = set()
        for one in gone:
            for other in come:
                there = "new", self.new.tokens[other].start
                same = self.old.tokens[one].same == self.new.tokens[other].same
                if same and there not in moved and _beside(self.old.tokens, one) & _beside(self.new.tokens, other):
                    moved |= {("old", self.old.tokens[one].start), there}
                    break
        return moved

    def _alone(self) -> tuple[list[int], list[int]]:
        """Return the places of facts, old and new, that have none of their kind on the other side of their stretch."""
        gone: list[int] = []
        come: list[int] = []
        for at in self._stretches:
            was = {token.kind for token in self.old.tokens[at.a : at.b]}
            now = {token.kind for token in self.new.tokens[at.c : at.d]}
            gone += [i for i in range(at.a, at.b) if (kind := self.old.tokens[i].kind) and kind not in now]
            come += [i for i in range(at.c, at.d) if (kind := self.new.tokens[i].kind) and kind not in was]
        return gone, come

    def _is_role(self, at: Stretch) -> bool:
        """Tell whether what differs stands right before the same person or body: "line manager", "senior manager".

        Of "asks managers" it is a verb: before what says which person it is, there is an article or the like.
        """
        return all(
            sentence.plain(*places) and sentence.says_who(*places)
            for sentence, places in ((self.old, (at.a, at.b)), (self.new, (at.c, at.d)))
        )

    def _takes_back(self, at: Stretch) -> bool:
        """Tell whether a word became its contrary: "paid" and "unpaid", "include" and "exclude"."""
        old, new = self.old.words(at.a, at.b), self.new.words(at.c, at.d)
        was, now = set(map(stem, old)), set(map(stem, new))
        sides = any((one & was and other & now) or (one & now and other & was) for one, other in CONTRARY)
        return sides or any(_negates(one, other) or _negates(other, one) for one in old for other in new)

    def _around(self, at: Stretch) -> Stretch:
        """Return a stretch, with the words on either side of one that is on one side alone: they are denied, or not."""
        if at.a < at.b and at.c < at.d:
            return at
        before = min(at.a, at.c, 1)
        after = min(len(self.old.tokens) - at.b, len(self.new.tokens) - at.d, 1)
        return Stretch(at.a - before, at.b + after, at.c - before, at.d + after)


def _negates(one: str, other: str) -> bool:
    return any(one == prefix + other for prefix in NEGATING)


def _without(tokens: Sequence[Token], same: Counter[str]) -> list[Token]:
    """Return the tokens without those that the other side has too."""
    left = Counter(same)
    found = []
    for token in tokens:
        left[token.same] -= 1
        if left[token.same] < 0:
            found.append(token)
    return found


def _beside(tokens: Sequence[Token], at: int) -> set[tuple[int, str]]:
    """Return the words right before and right behind one, each with its side."""
    return {(side, tokens[at + side].same) for side in (-1, 1) if 0 <= at + side < len(tokens)}
