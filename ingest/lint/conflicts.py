"""Two places in force that say different things of the same people and the same thing.

Candidates are sentences, items and rows that are near each other with their figures left out, and for the same people.
Each is then asked for by the other, its figure turned into a question: only what the reader takes for an answer, on
average of both ways, is of the same.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

import numpy as np
from numpy.typing import NDArray

from assistant.text.words import content
from ingest.lint.corpus import Corpus, Fault, Policy, Read
from ingest.lint.provisions import EFFECTS, Figure, Provision


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on two provisions clash; tests/ingest/lint/test_planted.py measures them together."""

    cosine: float = 0.4  # of two provisions that may be of the same thing
    words: float = 0.3  # share of the shorter one's words that the other must have; of two duties:
    duty_words: float = 0.75
    log_odds: float = 2.2  # that each answers what the other is asked, on average; of two duties:
    duty_log_odds: float = 1.0
    compared: int = 500  # nearest provisions whose words are compared, for each
    asked: int = 12  # of those that are asked
    series_headings: int = 2  # below their titles that documents of a series share at least, and their share of all
    series_share: float = 0.5
    figures: int = 2  # of one unit, at most, in a provision that is compared
    min_words: int = 4  # of a provision
    max_characters: int = 600


AT = Thresholds()
BLOCK_ROWS = 1_024  # provisions that are compared with all others at once
CLASHES = ({"permits", "forbids"}, {"requires", "exempts"}, {"requires", "forbids"})


def conflicts(corpus: Corpus) -> Iterator[Fault]:
    """Yield each pair of statements that clash, once."""
    stated = [s for policy in corpus.in_force for s in _statements(policy) if s.figures or s.effect]
    for one, other in _near(stated, corpus):
        if message := _clash(one, other, corpus.read):
            span = other.unit.start, other.unit.end
            place = (one.policy, one.unit.start, one.unit.end)
            yield Fault(f"{message} in {one.policy.source}.", other.policy, *span, place)


def _statements(policy: Policy) -> Iterator[Provision]:
    """Yield what a document states; what a term means is another rule's."""
    starts = [term.start for term in policy.terms]  # in their order
    reach = [0, *accumulate((term.end for term in policy.terms), max)]  # how far the first of them go
    for unit in policy.units:
        if reach[bisect.bisect_left(starts, unit.end)] > unit.start:
            continue
        text = policy.text[unit.start : unit.end]
        if (
            unit.kind != "code"
            and len(text) <= AT.max_characters
            and len(text.split()) >= AT.min_words
            and text[-1] not in "?:"
        ):
            yield Provision(policy, unit)


def _near(stated: Sequence[Provision], corpus: Corpus) -> Iterator[tuple[Provision, Provision]]:
    """Yield pairs of near statements that differ in a figure or a duty."""
    corpus.progress("comparing statements", 0, len(stated))
    vectors = corpus.encode([statement.without_figures("some") for statement in stated])
    for at in range(0, len(stated), BLOCK_ROWS):
        close: NDArray[np.float32] = vectors[at : at + BLOCK_ROWS] @ vectors.T
        for row, one in enumerate(stated[at : at + BLOCK_ROWS]):
            later = close[row, at + row + 1 :]
            nearest = (stated[at + row + 1 + i] for i in np.argsort(-later)[: AT.compared] if later[i] >= AT.cosine)
            yield from islice(((one, other) for other in nearest if _may_clash(one, other)), AT.asked)
        corpus.progress("comparing statements", min(at + BLOCK_ROWS, len(stated)), len(stated))


def _may_clash(one: Provision, other: Provision) -> bool:
    return _same_subject(one, other) and bool(_pairs(one, other) or _opposed(one, other))


def _same_subject(one: Provision, other: Provision) -> bool:
    """Tell what may be of the same: a section's own sentences go on with each other, a table's rows differ.

    So do the sections of a document, and the documents of a series, whose headings are the same: what tells them apart
    is what they are of.
    """
    if one.section == other.section or not one.is_for_those_of(other):
        return False
    if one.policy is other.policy:
        mine, theirs = (content(" ".join(s.section[1:])) for s in (one, other))
        apart = not (mine - theirs <= other.around and theirs - mine <= one.around)
    else:
        apart = one.is_deictic or other.is_deictic or _are_series(one.policy, other.policy)
    return not apart and one.key <= other.around and other.key <= one.around


def _are_series(one: Policy, other: Policy) -> bool:
    """Tell documents that are made alike: of each role, each office, each product."""
    mine, theirs = ({text.casefold() for _, level, text in policy.headings if level > 1} for policy in (one, other))
    return len(mine & theirs) >= max(AT.series_headings, AT.series_share * max(len(mine), len(theirs)))


def _opposed(one: Provision, other: Provision) -> bool:
    """Tell what allows from what forbids the same; here the words must be the same, or nearly all."""
    same = one.done[1] == other.done[1]
    return same and {one.effect, other.effect} in CLASHES and _alike(one, other) >= AT.duty_words


def _pairs(one: Provision, other: Provision) -> list[tuple[Figure, Figure]]:
    """Return figures of the same unit that differ, where both statements have as many of that unit, two at most."""
    found: list[tuple[Figure, Figure]] = []
    if _alike(one, other) < AT.words:
        return found
    for unit in dict.fromkeys(figure.unit for figure in one.figures):
        mine = [f for f in one.figures if f.unit == unit]
        theirs = [f for f in other.figures if f.comparable(mine[0])]
        if len(mine) == len(theirs) <= AT.figures and not {f.value for f in mine} & {f.value for f in theirs}:
            found += list(zip(mine, theirs, strict=True))[:1]
    return found


def _alike(one: Provision, other: Provision) -> float:
    """Return the share of the shorter one's words that the other has too."""
    shorter = min(len(one.words), len(other.words))
    return len(one.words & other.words) / shorter if shorter else 0.0


def _clash(one: Provision, other: Provision, read: Read) -> str:
    """Say how two statements clash, empty if they do not."""
    for mine, theirs in _pairs(one, other):
        if (_answers(one.asked(mine), other, read) + _answers(other.asked(theirs), one, read)) / 2 >= AT.log_odds:
            said, told = (s.text[f.start :].split()[:2] for s, f in ((other, theirs), (one, mine)))
            return f"Possible conflict, {_whom(one)}: {' '.join(said)} here, {' '.join(told)}"
    if _opposed(one, other):
        score = (_answers(one.text, other, read) + _answers(other.text, one, read)) / 2
        if score >= AT.duty_log_odds:
            (_, here, _), (_, _, there) = EFFECTS[other.effect], EFFECTS[one.effect]
            return f"Possible conflict, {_whom(one)}: it {here} here, and is {there}"
    return ""


def _whom(provision: Provision) -> str:
    return f"for {' and '.join(sorted(provision.people)) or 'everybody'}"


def _answers(question: str, statement: Provision, read: Read) -> float:
    """Return the log-odds that a statement answers a question."""
    return float(read(question, statement.header, [statement.text])[0])
