"""Rules as data: the wordings of `packaged/guards/patterns.toml`, read in the views of a text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from assistant.core.errors import ModelDamaged
from assistant.core.files import PACKAGED
from assistant.guards.normalise import fold, plain_words

PATTERNS = PACKAGED / "guards" / "patterns.toml"


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A pattern that says by itself that something is wrong, what that is, and an example in which it is found.

    `raw`: it is read in a text as it stands, not in its words alone.
    """

    name: str
    reason: str
    example: str
    pattern: re.Pattern[str]
    raw: bool


@cache
def load_rules(path: Path = PATTERNS) -> tuple[PatternRule, ...]:
    """Load the rules of a file; raises ModelDamaged."""
    try:
        return tuple(_rule(row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["patterns"])
    except (OSError, ValueError, KeyError, TypeError, re.error) as error:
        raise ModelDamaged(f"{path} cannot be read: {error}.", "Reinstall the assistant.") from error


def _rule(row: dict[str, str]) -> PatternRule:
    pattern = re.compile(fold(row["pattern"]), re.IGNORECASE)  # as the texts are that it is sought in
    return PatternRule(row["name"], row["reason"], row["example"], pattern, bool(row.get("raw", False)))


def first_match(rules: Sequence[PatternRule], views: Sequence[str]) -> tuple[PatternRule, int, re.Match[str]] | None:
    """Return the first rule that holds, the number of the view and the place.

    The place is one in the view's words where the rule does not hold of the view as it stands.
    """
    words = [plain_words(view) for view in views]
    for rule in rules:
        for number, read in enumerate(views if rule.raw else words):
            if match := rule.pattern.search(read):
                return rule, number, rule.pattern.search(views[number]) or match
    return None
