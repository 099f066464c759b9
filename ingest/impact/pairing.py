"""Which piece of a document became which: what is the same wherever it stands, what changed, what is new or gone."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import eq
from typing import Literal

from assistant.text.words import STOP_WORDS, WORD, stem
from ingest.impact.pieces import Piece, Pieces, first_cell, fold

MIN_LIKENESS = 0.5  # of two pieces that are one, changed (tests/ingest/impact/test_sweep.py, as the weights below)
WEIGHTS = {"neighbour": 0.2, "heading": 0.1, "first cell": 0.6}  # what speaks for it beside their words
MIN_SHARED = 0.6  # of the words of a sentence that was parted from another, or joined to it
MAX_CANDIDATES = 20  # pieces that one is compared with; a word of twice as many tells none of them
PROSE = {"sentence", "item"}

Side = Literal["old", "new"]
OTHER: dict[Side, Side] = {"old": "new", "new": "old"}

Words = Counter[str]
Places = dict[Side, list[int]]  # the pieces of each side that are one


@dataclass(frozen=True, slots=True)
class Pair:
    """A piece before and after; one of them alone is new, or gone."""

    old: Piece | None
    new: Piece | None

    @property
    def piece(self) -> Piece:
        """The new piece, or the old one where that is gone."""
        piece = self.new or self.old
        if piece is None:
            raise ValueError("a pair has one side at least")
        return piece

    @property
    def texts(self) -> tuple[str, str]:
        """The old and the new text, empty without one; of a piece that moved to another list, with its lead-in."""
        old, new = (piece.text if piece else "" for piece in (self.old, self.new))
        if self.old and self.new and _says_the_same(self.old, self.new):
            return f"{self.old.lead} {old}", f"{self.new.lead} {new}"
        return old, new


def _says_the_same(old: Piece, new: Piece) -> bool:
    return fold(old.text) == fold(new.text)


def pairs(old: Pieces, new: Pieces) -> list[Pair]:
    """Return the pieces that changed: each with what it was, or alone.

    A piece that merely moved is none of them, unless it is an item that stands in another list now.
    """
    anchors = _same(old.all, new.all)
    olds, news = set(anchors), set(anchors.values())
    left = _Left(
        {at: piece for at, piece in enumerate(old.all) if at not in olds},
        {at: piece for at, piece in enumerate(new.all) if at not in news},
        anchors,
    )
    changed = [pair for pair in left.paired() if not (pair.old and pair.new and _says_the_same(pair.old, pair.new))]
    return sorted([*changed, *_relisted(old, new, anchors)], key=lambda pair: pair.piece.start)


def _same(old: Sequence[Piece], new: Sequence[Piece]) -> dict[int, int]:
    """Return which new piece says what an old one did: under the same words first, then under any."""
    anchors: dict[int, int] = {}
    for with_lead in (True, False):
        waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
        taken = set(anchors.values())
        for at in range(len(new) - 1, -1, -1):
            if at not in taken:
                waiting[_key(new[at], with_lead)].append(at)
        for at, piece in enumerate(old):
            if at not in anchors and (places := waiting.get(_key(piece, with_lead))):
                anchors[at] = places.pop()
    return anchors


def _key(piece: Piece, with_lead: bool) -> tuple[str, ...]:
    kind = "prose" if piece.kind in PROSE else piece.kind
    return (kind, fold(piece.text), fold(piece.lead)) if with_lead else (kind, fold(piece.text))


def _relisted(old: Pieces, new: Pieces, anchors: Mapping[int, int]) -> Iterator[Pair]:
    """Yield items and rows under another lead-in or header, where that is not the old one in other words."""
    before, after = ({fold(piece.lead) for piece in pieces.all} for pieces in (old, new))
    for one, other in anchors.items():
        was, now = old.all[one], new.all[other]
        leads = fold(was.lead), fold(now.lead)
        listed = was.kind == now.kind in ("item", "row") and all(leads) and leads[0] != leads[1]
        if listed and (leads[0] in after or leads[1] in before):
            yield Pair(was, now)


@dataclass(frozen=True, slots=True)
class _Candidate:
    likeness: float
    old: int
    new: int


class _Left:
    """The pieces that are in one version alone, by their places in it, between the `anchors` that are in both."""

    def __init__(self, old: dict[int, Piece], new: dict[int, Piece], anchors: dict[int, int]) -> None:
        self._pieces: dict[Side, dict[int, Piece]] = {"old": old, "new": new}
        self._words = {(side, at): words_of(piece) for side, own in self._pieces.items() for at, piece in own.items()}
        back = {there: here for here, there in anchors.items()}
        olds, news = sorted(anchors), sorted(back)
        self._beside: dict[tuple[Side, int], tuple[int, ...]] = {("old", at): _neighbours(at, olds) for at in old}
        for at in new:
            self._beside["new", at] = tuple(back.get(i, -1) for i in _neighbours(at, news))

    def paired(self) -> list[Pair]:
        """Return each piece that is left with the one that is most like it, or alone."""
        partners: dict[int, int] = {}
        taken: set[int] = set()
        for candidate in sorted(self._candidates(), key=lambda c: (-c.likeness, abs(c.old - c.new), c.new)):
            if candidate.old not in partners and candidate.new not in taken:
                partners[candidate.old] = candidate.new
                taken.add(candidate.new)
        pairs: list[Places] = [{"old": [old], "new": [new]} for old, new in partners.items()]
        come = self._join("new", {pair["new"][0]: pair for pair in pairs})
        gone = self._join("old", {pair["old"][0]: pair for pair in pairs})
        old, new = self._pieces["old"], self._pieces["new"]
        both = [Pair(_one([old[i] for i in pair["old"]]), _one([new[i] for i in pair["new"]])) for pair in pairs]
        return [*both, *(Pair(old[at], None) for at in gone), *(Pair(None, new[at]) for at in come)]

    def _candidates(self) -> Iterator[_Candidate]:
        places: dict[str, list[int]] = defaultdict(list)
        for at in self._pieces["old"]:
            for word in self._words["old", at]:
                places[word].append(at)
        for at in self._pieces["new"]:
            shared = Counter(
                i for word in self._words["new", at] if len(places[word]) <= 2 * MAX_CANDIDATES for i in places[word]
            )
            for old, _ in shared.most_common(MAX_CANDIDATES):
                if (likeness := self._likeness(old, at)) >= MIN_LIKENESS:
                    yield _Candidate(likeness, old, at)

    def _likeness(self, old: int, new: int) -> float:
        one, other = self._pieces["old"][old], self._pieces["new"][new]
        if one.kind != other.kind and not {one.kind, other.kind} <= PROSE:
            return 0.0
        if one.term and one.term.casefold() == other.term.casefold():
            return 2.0
        likeness = _dice(self._words["old", old], self._words["new", new])
        likeness += WEIGHTS["neighbour"] * any(map(eq, self._beside["old", old], self._beside["new", new]))
        likeness += WEIGHTS["heading"] * (one.headings[-1:] == other.headings[-1:])
        same_key = one.kind == "row" and fold(first_cell(one)) == fold(first_cell(other))
        return likeness + WEIGHTS["first cell"] * same_key

    def _join(self, side: Side, joined: dict[int, Places]) -> list[int]:
        """Add each piece that is left of a side to the pair beside it that it was parted from; return the others."""
        left = sorted(self._pieces[side].keys() - joined.keys())
        for step, places in ((-1, left), (1, left[::-1])):  # of several in a row, each hangs on the one beside it
            for at in places:
                pair = joined.get(at + step)
                if at not in joined and pair and self._belongs(side, at, pair):
                    pair[side].append(at)
                    joined[at] = pair
        return [at for at in left if at not in joined]

    def _belongs(self, side: Side, at: int, pair: Places) -> bool:
        """Tell whether a pair of sentences is more alike with one that the other side says most of."""
        own, other = (self._said(one, pair[one]) for one in (side, OTHER[side]))
        words = self._words[side, at]
        kinds = {self._pieces[side][at].kind, *(self._pieces[one][i].kind for one, own in pair.items() for i in own)}
        shares = (words & other).total() >= MIN_SHARED * words.total()
        return kinds <= PROSE and shares and _dice(own + words, other) > _dice(own, other)

    def _said(self, side: Side, places: Sequence[int]) -> Words:
        return sum((self._words[side, at] for at in places), Counter())


def _one(pieces: Sequence[Piece]) -> Piece:
    """Return pieces that stand together as one."""
    parts = sorted(pieces, key=lambda piece: piece.start)
    return replace(parts[0], end=parts[-1].end, text=" ".join(piece.text for piece in parts))


def words_of(piece: Piece) -> Words:
    """Return the words of a piece by which it is likened to others, little ones only where it has no others."""
    words = [match.group().casefold() for match in WORD.finditer(piece.text)]
    return Counter(map(stem, [word for word in words if word not in STOP_WORDS] or words))


def _dice(one: Words, other: Words) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _neighbours(at: int, places: Sequence[int]) -> tuple[int, int]:
    """Return the nearest of the places on either side, -1 without one."""
    here = bisect.bisect_left(places, at)
    return (places[here - 1] if here else -1), (places[here] if here < len(places) else -1)
