"""What rules have in common: named patterns over the views of a text, each with what it means in words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.guards.normalise import flat

START = 5  # letters of a word that say whether a rule can hold


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that says by itself that something is wrong, and what.

    `signs`: it is read in texts as they are, not in their words alone. `needs` are words, one of them in it; one of
    START letters stands for all that begin so.
    """

    name: str
    pattern: re.Pattern[str]
    reason: str
    signs: bool = False
    needs: frozenset[str] = frozenset()


def rule(name: str, reason: str, *patterns: str, signs: bool = False, needs: str = "") -> Rule:
    """Make a rule of alternatives; without `signs`, white space in a pattern stands for any white space or sign.

    A text without any of the words that `needs` lists is not searched.
    """
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return Rule(name, re.compile(joined, re.IGNORECASE), reason, signs, frozenset(needs.split()))


def hash_rules(rules: Sequence[Rule]) -> str:
    """Return a hash of what rules match."""
    return hashlib.sha256("\n".join(rule.pattern.pattern for rule in rules).encode()).hexdigest()


def matches(rules: Sequence[Rule], views: Sequence[str]) -> Iterator[tuple[Rule, int, re.Match[str]]]:
    """Yield each rule that holds with the number of the view and the place, the first one a rule.

    The place is one in the view's words where the rule does not hold of the view as it stands.
    """
    words = [flat(view) for view in views]
    starts = [_starts(said) for said in words]
    for each in rules:
        for number, read in enumerate(views if each.signs else words):
            if each.needs and each.needs.isdisjoint(starts[number]):
                continue
            if match := each.pattern.search(read):
                yield each, number, each.pattern.search(views[number]) or match
                break


def _starts(words: str) -> set[str]:
    found = set(words.lower().replace(".", "").split())
    return found | {word[:START] for word in found}


def cues(patterns: Mapping[str, re.Pattern[str]], text: str) -> dict[str, float]:
    """Return 1.0 for each pattern that occurs in the text, else 0.0."""
    return {name: float(bool(pattern.search(text))) for name, pattern in patterns.items()}
