"""What rules have in common: named patterns over the views of a text, each with what it means in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that says by itself that something is wrong, and what."""

    name: str
    pattern: re.Pattern[str]
    reason: str


def rule(name: str, reason: str, *patterns: str) -> Rule:
    """Make a rule of alternatives; white space in a pattern stands for any white space or sign."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return Rule(name, re.compile(joined, re.IGNORECASE), reason)


def matches(rules: Sequence[Rule], views: Sequence[str]) -> Iterator[tuple[Rule, int, re.Match[str]]]:
    """Yield each rule that holds with the number of the view and the place, the first one a rule."""
    for each in rules:
        for number, view in enumerate(views):
            if match := each.pattern.search(view):
                yield each, number, match
                break


def cues(patterns: Mapping[str, re.Pattern[str]], text: str) -> dict[str, float]:
    """Return 1.0 for each pattern that occurs in the text, else 0.0."""
    return {name: float(bool(pattern.search(text))) for name, pattern in patterns.items()}
