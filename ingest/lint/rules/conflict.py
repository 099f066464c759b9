"""Two places in force that say different things of the same people and the same thing.

Candidates are sentences, items and rows that are near each other with their figures left out. Each is then asked for
by the other, its figure turned into a question: only what the reader takes for an answer, both ways, is of the same.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, islice

import numpy as np
from numpy.typing import NDArray

from assistant.text.canonical import cells, heading_path
from assistant.text.facts import fold_signs
from assistant.text.units import Unit
from assistant.text.words import content
from ingest.lint.corpus import Corpus, Fault, Policy, Read
from ingest.lint.figures import Duty, Figure, clash, duty, figures

CODE = "conflict"
NEAR = 0.4  # cosine of two sentences that may be of the same thing
ALIKE, ALIKE_DUTY = 0.3, 0.75  # of the content words of the shorter one that the other must have
SAME, SAME_DUTY = 2.0, 1.0  # log-odds that one answers what the other is asked: both, and on average
LIKENED, ASKED = 500, 12  # nearest statements whose words are compared, and that are asked, for each
ROWS = 1_024  # sentences that are compared with all others at once
MOST = 2  # figures of one unit in a statement that is compared
FEWEST, LONGEST = 4, 600  # words, and characters, of a statement
DOCUMENT = (
    "policy|procedure|standard|plan|document|handbook|guide|section|schedule|version|agreement|contract|terms|notice"
    "|statement|code|program(?:me)?|addendum"
)
# Of what its own document, or the sentence before, is about: what that is cannot be told from elsewhere.
DEICTIC = re.compile(
    rf"\bthis (?:\w+ )?(?:{DOCUMENT})\b|^(?:the (?:{DOCUMENT})|it|they|these|this|that|those)\b",
    re.IGNORECASE,
)
SAYS: dict[Duty, str] = {
    "permits": "may be done",
    "requires": "must be done",
    "forbids": "must not be done",
    "exempts": "need not be done",
}
TOLD: dict[Duty, str] = {
    "permits": "allowed",
    "requires": "demanded",
    "forbids": "forbidden",
    "exempts": "not demanded",
}
NAMED = re.compile(r"(?:^|; )[^:;\n]{1,60}: ([^;\n]+)")  # of a sheet's "Place: Leeds; Rooms: 4"


@dataclass(frozen=True)
class Statement:
    """A sentence, item or row with what it stands under."""

    policy: Policy
    unit: Unit

    @cached_property
    def above(self) -> str:
        """What it stands under, and a space."""
        spans = [span for span in (self.unit.lead, *self.unit.also) if span]
        return "".join(f"{fold_signs(self.policy.text[start:end])} " for start, end in spans)

    @cached_property
    def own(self) -> str:
        return fold_signs(self.policy.text[self.unit.start : self.unit.end])

    @property
    def text(self) -> str:
        return self.above + self.own

    @cached_property
    def figures(self) -> list[Figure]:
        """Its own figures, placed in `text`; those above it are of all that stands there."""
        by = len(self.above)
        return [replace(f, start=f.start + by, end=f.end + by) for f in figures(self.own)]

    @cached_property
    def duty(self) -> Duty:
        return duty(self.text)

    @cached_property
    def header(self) -> str:
        return heading_path(self.policy.document.title, self.section[1:])

    @cached_property
    def section(self) -> tuple[str, ...]:
        return (self.policy.source, *self.policy.headings_above(self.unit.start))

    @cached_property
    def key(self) -> set[str]:
        """What a row is about: the words of its first cell; of another statement none."""
        text = self.policy.text[self.unit.start : self.unit.end]
        if self.unit.kind == "row":
            return content(next(filter(None, cells(text)), ""))
        named = NAMED.match(text) if text.count("; ") > 1 else None
        return content(named[1]) if named else set()

    @cached_property
    def around(self) -> set[str]:
        """The words of what it says and of what it stands under."""
        return content(f"{self.header} {self.text}")

    @cached_property
    def words(self) -> set[str]:
        """The content words, without the numbers and what they count."""
        return content(self.without_figures("")) - {figure.unit for figure in self.figures}

    @cached_property
    def is_deictic(self) -> bool:
        return self.policy.is_contract or DEICTIC.search(self.text) is not None

    def without_figures(self, put: str) -> str:
        text = self.text
        for figure in reversed(self.figures):
            text = text[: figure.start] + put + text[figure.end :]
        return text

    def asked(self, figure: Figure) -> str:
        """Return the question to which a figure is the answer."""
        return f"{self.text[: figure.start]}how many{self.text[figure.end :]}".rstrip(" .;") + "?"


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield each pair of statements that clash, once."""
    stated = [s for policy in corpus.in_force for s in _statements(policy) if s.figures or s.duty]
    for one, other in _near(stated, corpus):
        if message := _clash(one, other, corpus.read):
            span = other.unit.start, other.unit.end
            place = (one.policy, one.unit.start, one.unit.end)
            yield Fault(f"{message} in {one.policy.source}.", other.policy, *span, place)


def _statements(policy: Policy) -> Iterator[Statement]:
    """Yield what a document states; what a term means is another rule's."""
    starts = [term.start for term in policy.terms]  # in their order
    reach = [0, *accumulate((term.end for term in policy.terms), max)]  # how far the first of them go
    for unit in policy.units:
        if reach[bisect.bisect_left(starts, unit.end)] > unit.start:
            continue
        text = policy.text[unit.start : unit.end]
        if unit.kind != "code" and len(text) <= LONGEST and len(text.split()) >= FEWEST and text[-1] not in "?:":
            yield Statement(policy, unit)


def _near(stated: Sequence[Statement], corpus: Corpus) -> Iterator[tuple[Statement, Statement]]:
    """Yield pairs of near statements that differ in a figure or a duty."""
    corpus.progress("comparing statements", 0, len(stated))
    vectors = corpus.encode([statement.without_figures("some") for statement in stated])
    for at in range(0, len(stated), ROWS):
        close: NDArray[np.float32] = vectors[at : at + ROWS] @ vectors.T
        for row, one in enumerate(stated[at : at + ROWS]):
            later = close[row, at + row + 1 :]
            nearest = (stated[at + row + 1 + i] for i in np.argsort(-later)[:LIKENED] if later[i] >= NEAR)
            yield from islice(((one, other) for other in nearest if _may_clash(one, other)), ASKED)
        corpus.progress("comparing statements", min(at + ROWS, len(stated)), len(stated))


def _may_clash(one: Statement, other: Statement) -> bool:
    return _same_subject(one, other) and bool(_pairs(one, other) or _opposed(one, other))


def _same_subject(one: Statement, other: Statement) -> bool:
    """Tell what may be of the same: a section's own sentences go on with each other, a table's rows differ."""
    return (
        one.section != other.section
        and one.key <= other.around
        and other.key <= one.around
        and (one.policy is other.policy or not (one.is_deictic or other.is_deictic))
    )


def _opposed(one: Statement, other: Statement) -> bool:
    """Tell what allows from what forbids the same; here the words must be the same, or nearly all."""
    return clash(one.duty, other.duty) and _alike(one, other) >= ALIKE_DUTY


def _pairs(one: Statement, other: Statement) -> list[tuple[Figure, Figure]]:
    """Return figures of the same unit that differ, where both statements have as many of that unit, two at most."""
    found: list[tuple[Figure, Figure]] = []
    if _alike(one, other) < ALIKE:
        return found
    for unit in dict.fromkeys(figure.unit for figure in one.figures):
        mine = [f for f in one.figures if f.unit == unit]
        theirs = [f for f in other.figures if f.comparable(mine[0])]
        if len(mine) == len(theirs) <= MOST and not {f.value for f in mine} & {f.value for f in theirs}:
            found += list(zip(mine, theirs, strict=True))[:1]
    return found


def _alike(one: Statement, other: Statement) -> float:
    """Return the share of the shorter one's words that the other has too."""
    shorter = min(len(one.words), len(other.words))
    return len(one.words & other.words) / shorter if shorter else 0.0


def _clash(one: Statement, other: Statement, read: Read) -> str:
    """Say how two statements clash, empty if they do not."""
    for mine, theirs in _pairs(one, other):
        if min(_answers(one.asked(mine), other, read), _answers(other.asked(theirs), one, read)) >= SAME:
            said, told = (s.text[f.start :].split()[:2] for s, f in ((other, theirs), (one, mine)))
            return f"Possible conflict: {' '.join(said)} here, {' '.join(told)}"
    if _opposed(one, other):
        score = (_answers(one.text, other, read) + _answers(other.text, one, read)) / 2
        if score >= SAME_DUTY:
            return f"Possible conflict: it {SAYS[other.duty]} here, and is {TOLD[one.duty]}"
    return ""


def _answers(question: str, statement: Statement, read: Read) -> float:
    """Return the log-odds that a statement answers a question."""
    return float(read(question, statement.header, [statement.text])[0])
