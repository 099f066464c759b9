"""Two places in force that say different things of the same people and the same thing.

Candidates are sentences, items and rows that are near each other with their figures left out. Each is then asked for
by the other, its figure turned into a question: only what the reader takes for an answer, on average of both ways,
is of the same.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assistant.text.canonical import cells, heading_path, named_cells
from assistant.text.quantities import Quantity, duties, quantities
from assistant.text.units import Unit
from assistant.text.words import STOP_WORDS, content, stem
from ingest.lint.corpus import Corpus, Fault, Policy, Read

Effect = Literal["permits", "requires", "forbids", "exempts", ""]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on two provisions clash; tests/ingest/lint/test_planted.py measures them together."""

    cosine: float = 0.4  # of two provisions that may be of the same thing
    words: float = 0.3  # share of the shorter one's words that the other must have; of two duties:
    duty_words: float = 0.75
    log_odds: float = 2.7  # that each answers what the other is asked, on average; of two duties:
    duty_log_odds: float = 1.0
    compared: int = 500  # nearest provisions whose words are compared, for each
    asked: int = 12  # of those that are asked
    figures: int = 2  # of one unit, at most, in a provision that is compared
    min_words: int = 4  # of a provision
    max_characters: int = 600


AT = Thresholds()
BLOCK_ROWS = 1_024  # provisions that are compared with all others at once
DOCUMENT = (
    "policy|procedure|standard|plan|document|handbook|guide|section|schedule|version|agreement|contract|terms|notice"
    "|statement|code|program(?:me)?|addendum"
)
# Of what its own document, or the sentence before, is about: what that is cannot be told from elsewhere.
DEICTIC = re.compile(
    rf"\bthis (?:\w+ )?(?:{DOCUMENT})\b|^(?:the (?:{DOCUMENT})|it|they|these|this|that|those)\b",
    re.IGNORECASE,
)
BOUNDS = {"at least": "least", "above": "least", "after": "least", "at most": "most", "below": "most", "within": "most"}
# Their duties, how each is said, and how of the other. The first that a provision has decides: what nobody need do is
# neither forbidden nor demanded.
EFFECTS: dict[Effect, tuple[frozenset[str], str, str]] = {
    "exempts": (frozenset(("need not", "optional")), "need not be done", "not demanded"),
    "forbids": (frozenset(("must not", "never", "forbidden", "nobody")), "must not be done", "forbidden"),
    "requires": (frozenset(("must", "required")), "must be done", "demanded"),
    "permits": (frozenset(("may", "allowed")), "may be done", "allowed"),
}
CLASHES = ({"permits", "forbids"}, {"requires", "exempts"}, {"requires", "forbids"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity with what it counts in the smallest unit; `asked` is the question's words in its place."""

    value: str
    unit: str
    bound: str  # "least", "most" or empty
    asked: str
    start: int
    end: int

    def comparable(self, other: Figure) -> bool:
        """Say whether two figures may be of the same thing."""
        opposed = {self.bound, other.bound} == {"least", "most"}
        return self.unit == other.unit and not opposed


def figures(text: str) -> list[Figure]:
    """Return the quantities of a text that count something, and its days of the year."""
    bounds = {duty.end + 1: BOUNDS.get(duty.modality, "") for duty in duties(text)}
    found = []
    for one in quantities(text):
        value, unit = one.measured
        unit, asked = _counted(text, one, unit)
        if unit:
            found.append(Figure(value, unit, bounds.get(one.start, ""), asked, one.start, one.end))
    return found


def _counted(text: str, one: Quantity, unit: str) -> tuple[str, str]:
    """Return what a quantity counts, empty where nothing is, and how it is asked for."""
    if one.kind == "date":
        return ("date" if one.value.startswith("--") and len(one.value) == len("--MM-DD") else ""), "how many"
    if one.kind in ("time", "frequency"):
        return "", ""
    per = f" per {one.per}" if one.per else ""
    if unit:
        return unit, f"how many {one.unit}{'' if one.kind == 'percent' else 's'}{per}"
    words = [word.strip(".,;:)|") for word in text[one.end : one.end + 60].split(" ")[1:4]]
    if text[one.end : one.end + 1] != " " or not words:
        return "", ""
    plural = next((word for word in words[:2] if _is_plural(word)), "")
    return stem(plural) if plural else "", f"how many{per}"


def _is_plural(word: str) -> bool:
    return len(word) > 3 and word.isalpha() and word[-1] == "s" != word[-2] and word.casefold() not in STOP_WORDS


def effect(text: str) -> Effect:
    """Say what a provision does: the first that fits of exempting, forbidding, requiring and permitting."""
    said = {duty.modality for duty in duties(text)}
    return next((name for name, (modalities, *_) in EFFECTS.items() if said & modalities), "")


@dataclass(frozen=True)
class Provision:
    """A sentence, item or row with what it stands under."""

    policy: Policy
    unit: Unit

    @cached_property
    def above(self) -> str:
        """What it stands under, and a space."""
        spans = [span for span in (self.unit.lead, *self.unit.also) if span]
        return "".join(f"{_line(self.policy.text[start:end])} " for start, end in spans)

    @cached_property
    def own(self) -> str:
        return _line(self.policy.text[self.unit.start : self.unit.end])

    @property
    def text(self) -> str:
        return self.above + self.own

    @cached_property
    def figures(self) -> list[Figure]:
        """Its own figures, placed in `text`; those above it are of all that stands there."""
        by = len(self.above)
        return [replace(f, start=f.start + by, end=f.end + by) for f in figures(self.own)]

    @cached_property
    def effect(self) -> Effect:
        return effect(self.text)

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
        name, value = named_cells(text)[0]
        return content(value) if name and text.count("; ") > 1 else set()

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
        return f"{self.text[: figure.start]}{figure.asked}{self.text[figure.end :]}".rstrip(" .;") + "?"


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
    """Tell what may be of the same: a section's own sentences go on with each other, a table's rows differ."""
    return (
        one.section != other.section
        and one.key <= other.around
        and other.key <= one.around
        and (one.policy is other.policy or not (one.is_deictic or other.is_deictic))
    )


def _opposed(one: Provision, other: Provision) -> bool:
    """Tell what allows from what forbids the same; here the words must be the same, or nearly all."""
    return {one.effect, other.effect} in CLASHES and _alike(one, other) >= AT.duty_words


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
            return f"Possible conflict: {' '.join(said)} here, {' '.join(told)}"
    if _opposed(one, other):
        score = (_answers(one.text, other, read) + _answers(other.text, one, read)) / 2
        if score >= AT.duty_log_odds:
            (_, here, _), (_, _, there) = EFFECTS[other.effect], EFFECTS[one.effect]
            return f"Possible conflict: it {here} here, and is {there}"
    return ""


def _answers(question: str, statement: Provision, read: Read) -> float:
    """Return the log-odds that a statement answers a question."""
    return float(read(question, statement.header, [statement.text])[0])


def _line(text: str) -> str:
    return " ".join(text.split())
