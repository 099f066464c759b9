"""What a statement provides: its figures, what it allows or forbids, and for whom.

For whom is said by the people that it names, or that what it stands under does; where none does it is for everybody.
Figures of different people do not clash: 60 days for employees, and 30 for contractors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

from assistant.text.canonical import cells, heading_path, named_cells
from assistant.text.quantities import Quantity, duties, quantities
from assistant.text.units import Unit
from assistant.text.words import STOP_WORDS, WORD, content, stem
from ingest.lint.corpus import Policy

Effect = Literal["permits", "requires", "forbids", "exempts", ""]

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
CONDITION = re.compile(r"\b(?:if|unless|when|where|whether|until)\b[^,;:.]*", re.IGNORECASE)
AUXILIARIES = frozenset("not be been only also have".split())  # between a modal and what is to be done
EVERYBODY = frozenset(
    map(stem, "employee staff everybody everyone anybody anyone people person colleague worker you".split())
)
# Who is not on the staff, or on other terms. A new starter is, and a host is asked what a guest is given.
OTHERS = {
    stem(word): word
    for word in """apprentice applicant candidate carer casual child client consultant contractor customer fellow
    freelancer graduate intern parent partner patient pensioner pupil student subcontractor supplier temp tenant trainee
    trustee vendor visitor volunteer""".split()
}
# Before "employee": some of them.
SOME = {
    stem(word): word
    for word in "new part-time full-time fixed-term temporary permanent former remote senior junior".split()
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity with what it counts in the smallest unit; `asked` is the question's words in its place."""

    value: str
    unit: str
    bound: str  # "least", "most" or empty
    asked: str
    start: int
    end: int
    per: str = ""

    def comparable(self, other: Figure) -> bool:
        """Say whether two figures may be of the same thing."""
        opposed = {self.bound, other.bound} == {"least", "most"}
        rated = self.per != other.per and self.per and other.per  # "a week", "a month"
        return self.unit == other.unit and not opposed and not rated


def figures(text: str) -> list[Figure]:
    """Return the quantities of a text that count something, and its days of the year."""
    bounds = {duty.end + 1: BOUNDS.get(duty.modality, "") for duty in duties(text)}
    found = []
    for one in quantities(text):
        value, unit = one.measured
        unit, asked = _counted(text, one, unit)
        if unit:
            found.append(Figure(value, unit, bounds.get(one.start, ""), asked, one.start, one.end, one.per))
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


def effect(text: str) -> tuple[Effect, str]:
    """Say what a provision does, and what is to be done: the first that fits of the effects.

    A condition does nothing: "if you cannot find it".
    """
    text = CONDITION.sub("", text)
    found = duties(text)
    for name, (modalities, *_) in EFFECTS.items():
        if duty := next((duty for duty in found if duty.modality in modalities), None):
            after = (match.group().casefold() for match in WORD.finditer(text, duty.end))
            return name, stem(next((word for word in after if word not in AUXILIARIES), ""))
    return "", ""


def named(text: str) -> frozenset[str] | None:
    """Return the people that a text names, empty for everybody; None where it names nobody."""
    words = [stem(match.group()) for match in WORD.finditer(text)]
    some = {SOME[one] for one, after in pairwise(words) if one in SOME and after in EVERYBODY}
    found = some | {OTHERS[word] for word in words if word in OTHERS}
    return frozenset(found) if found or EVERYBODY & {*words} else None


def nearest(texts: Iterable[str]) -> frozenset[str]:
    """Return the people of the first text that names some; everybody where none does."""
    return next((found for text in texts if (found := named(text)) is not None), frozenset())


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
    def done(self) -> tuple[Effect, str]:
        return effect(self.text)

    @property
    def effect(self) -> Effect:
        return self.done[0]

    @cached_property
    def people(self) -> frozenset[str]:
        """Whom it is for; empty for everybody."""
        return nearest((self.own, self.above, *reversed(self.section[1:]), self.policy.document.title))

    def is_for_those_of(self, other: Provision) -> bool:
        """Tell whether two are for the same people, and some role may read both."""
        mine, theirs = self.policy.meta.audience, other.policy.meta.audience
        apart = mine is not None and theirs is not None and set(mine).isdisjoint(theirs)
        return self.people == other.people and not apart

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


def _line(text: str) -> str:
    return " ".join(text.split())
