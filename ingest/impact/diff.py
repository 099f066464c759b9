"""Two texts -> a typed word diff: how one becomes the other, and what sort of thing each span is that changed.

Numbers, dates and duties are one token each, so that "ten days" and "10 days", "has to" and "must" differ in wording
alone. All of a text is told; the types say what of it a reader must not miss.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, pairwise

from assistant.text.quantities import MEASURES, duties, quantities
from assistant.text.words import STOP_WORDS, WORD, stem
from ingest.impact.pieces import SPELLINGS
from ingest.impact.records import ChangeSeverity, ChangeType, Edit, Operation

MAJOR: tuple[ChangeType, ...] = ("duty", "amount", "percent", "duration", "frequency", "date", "time", "number")
MODERATE: tuple[ChangeType, ...] = ("audience", "term")
RANKS: tuple[ChangeType, ...] = (*MAJOR, *MODERATE, "text")  # of several types in a span the first is told
BINDS = ("must", "must not", "may", "should", "should not", "need not")  # duties of somebody
NEGATING = ("un", "in", "im", "il", "ir", "non", "dis")  # of "unpaid", which denies "paid"
MAX_COMPARED = 400  # tokens between what two texts begin and end with alike; comparing takes a square of time
NAME = re.compile(r"(?<=[a-z,;&] )[A-Z][\w’'-]*")  # with a capital letter where no sentence begins
BEFORE = re.compile(r"([^\W\d_]{1,40})\s$")

Alignment = tuple[bool, int, int, int, int]  # whether old[a:b] and new[c:d] are alike, and a, b, c, d


@dataclass(frozen=True, slots=True)
class WordUses:
    """What the words of a document are, by how both versions use them: names, and stems of those whom a duty binds."""

    names: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *texts: str) -> WordUses:
        """Read the versions of a document."""
        names = {name for text in texts for name in NAME.findall(text)}
        bound = {who for text in texts for who in _bound(text)}
        return cls(frozenset(names), frozenset(bound - STOP_WORDS))


@dataclass(frozen=True, slots=True)
class Token:
    """What is compared as one, by its `key`; `text` is how it is written, with the marks beside it."""

    key: str
    type: ChangeType
    text: str


def word_diff(old: str, new: str, vocabulary: WordUses, *, defines: bool = False) -> tuple[Edit, ...]:
    """Return how one text becomes the other, in order; in a definition every word is a term's."""
    before, after = tokens(old, vocabulary), tokens(new, vocabulary)
    aligned = list(align([token.key for token in before], [token.key for token in after]))
    moved = _moved(before, after, aligned)
    found: list[Edit] = []
    for alike, a, b, c, d in aligned:
        parts = _rewritten(before[a:b], after[c:d]) if alike else _parted(before[a:b], after[c:d])
        for same, was, now in parts:
            told: ChangeType = "text" if alike else _type(was, now, moved)
            told = "term" if defines and told == "text" and not same else told
            found.append(Edit(_operation(same, was, now), told, _written(was), _written(now)))
    return tuple(found)


def severity(edits: Sequence[Edit], *, listed: bool = False) -> ChangeSeverity:
    """Say how much of what a rule says has changed; `listed` is an item or a row that is new or gone."""
    types = {edit.type for edit in edits if edit.op != "equal"}
    if types.intersection(MAJOR):
        return "major"
    return "moderate" if listed or types.intersection(MODERATE) else "minor"


def tokens(text: str, vocabulary: WordUses) -> list[Token]:
    """Return the tokens of a text, in order, which together have all of it."""
    spans = sorted(_spans(text, vocabulary), key=lambda span: (span[0], -span[1]))
    apart: list[tuple[int, int, str, ChangeType]] = []
    for span in spans:
        if not apart or apart[-1][1] <= span[0]:
            apart.append(span)
    if not apart:
        return [Token(text, "text", text)] if text else []
    ends = [0, *(span[1] for span in apart[:-1])]
    begins = [max(end, text.rfind(" ", end, span[0]) + 1) for end, span in zip(ends, apart, strict=True)]
    written = (text[one:other].strip() for one, other in pairwise((0, *begins[1:], len(text))))
    return [Token(key, kind, shown) for (_, _, key, kind), shown in zip(apart, written, strict=True)]


def align(old: Sequence[str], new: Sequence[str]) -> Iterator[Alignment]:
    """Yield how one list of keys becomes the other: stretches that are alike, and those that are not."""
    shorter = min(len(old), len(new))
    first = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    last = next((at for at in range(shorter - first) if old[-1 - at] != new[-1 - at]), shorter - first)
    stop, end = len(old) - last, len(new) - last
    if first:
        yield True, 0, first, 0, first
    if max(stop, end) - first > MAX_COMPARED:  # a longer stretch is another one whole
        yield False, first, stop, first, end
    else:
        for tag, a, b, c, d in SequenceMatcher(None, old[first:stop], new[first:end], autojunk=False).get_opcodes():
            yield tag == "equal", first + a, first + b, first + c, first + d
    if last:
        yield True, stop, len(old), end, len(new)


def _spans(text: str, vocabulary: WordUses) -> Iterator[tuple[int, int, str, ChangeType]]:
    """Yield (start, end, key, type) of addresses, figures, duties and words; of those that overlap the first counts."""
    at = 0
    for chunk in text.split(" "):
        if "@" in chunk or "://" in chunk:
            yield at, at + len(chunk), chunk.casefold().strip(".,;:()"), "term"
        at += len(chunk) + 1
    for one in quantities(text):
        yield one.start, one.end, " ".join((one.kind, *one.measured, one.per)), one.kind
    for duty in duties(text):
        yield duty.start, duty.end, duty.modality, "duty"
    for match in WORD.finditer(text):
        yield *match.span(), match.group().casefold().replace("’", "'"), _word_type(match.group(), vocabulary)


def _word_type(word: str, vocabulary: WordUses) -> ChangeType:
    root = stem(word)
    if root in vocabulary.bound:
        return "audience"
    if root in MEASURES and not word.isupper():
        return MEASURES[root].kind
    code = word.isupper() and len(word) > 1  # an acronym, HR-001
    return "term" if code or (word in vocabulary.names and word.casefold() not in STOP_WORDS) else "text"


def _bound(text: str) -> Iterator[str]:
    """Yield the stems of the words right before a duty: of those whom, or what, it binds."""
    for duty in duties(text):
        if duty.modality in BINDS and (match := BEFORE.search(text, max(0, duty.start - 40), duty.start)):
            yield stem(match[1])


def _rewritten(old: Sequence[Token], new: Sequence[Token]) -> Iterator[tuple[bool, Sequence[Token], Sequence[Token]]]:
    """Part tokens that are alike into those that are written alike, and those that are not."""
    pairs = list(zip(old, new, strict=True))
    for same, run in groupby(pairs, key=lambda pair: len({one.text.translate(SPELLINGS) for one in pair}) == 1):
        was, now = zip(*run, strict=True)
        yield same, was, now


def _parted(old: Sequence[Token], new: Sequence[Token]) -> Iterator[tuple[bool, Sequence[Token], Sequence[Token]]]:
    """Part a stretch where the same sorts of figures and duties follow each other on both sides."""
    sorts = [[token.type if token.type in MAJOR else "" for token in side] for side in (old, new)]
    if sorts[0] != sorts[1]:
        yield False, old, new
        return
    for _, run in groupby(zip(sorts[0], old, new, strict=True), key=lambda each: each[0]):
        _, was, now = zip(*run, strict=True)
        yield False, was, now


def _type(old: Sequence[Token], new: Sequence[Token], moved: set[int]) -> ChangeType:
    """Return the gravest type of what is on one side alone; what only moved is text."""
    was, now = (Counter((t.key, t.type) for t in side if id(t) not in moved) for side in (old, new))
    differing = {kind for _, kind in (was - now) + (now - was)}
    words = [{token.key for token in side} for side in (old, new)]
    if any(prefix + word in there for here, there in (words, words[::-1]) for word in here for prefix in NEGATING):
        differing.add("duty")
    return next((kind for kind in RANKS if kind in differing), "text")


def _moved(old: Sequence[Token], new: Sequence[Token], aligned: Sequence[Alignment]) -> set[int]:
    """Return (by identity) the figures and duties that stand elsewhere now, beside the same word: "within 5 days, ...".

    What another of its type came in the place of did not move: two numbers may have changed places.
    """
    gone: list[int] = []
    come: list[int] = []
    for alike, a, b, c, d in aligned:
        was, now = {token.type for token in old[a:b]}, {token.type for token in new[c:d]}
        gone += [at for at in range(a, b) if not alike and old[at].type in MAJOR and old[at].type not in now]
        come += [at for at in range(c, d) if not alike and new[at].type in MAJOR and new[at].type not in was]
    moved: set[int] = set()
    for one in gone:
        for other in come:
            same = old[one].key == new[other].key and id(new[other]) not in moved
            if same and _neighbours(old, one) & _neighbours(new, other):
                moved |= {id(old[one]), id(new[other])}
                break
    return moved


def _neighbours(side: Sequence[Token], at: int) -> set[tuple[int, str]]:
    """Return the words right before and right behind a token, each with its place; of a duty what it says of what."""
    steps = (1,) if side[at].type == "duty" else (-1, 1)
    return {(step, side[at + step].key) for step in steps if 0 <= at + step < len(side)}


def _operation(same: bool, old: Sequence[Token], new: Sequence[Token]) -> Operation:
    if same:
        return "equal"
    return "replace" if old and new else "delete" if old else "insert"


def _written(side: Sequence[Token]) -> str:
    return " ".join(token.text for token in side)
