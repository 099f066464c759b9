"""Rules as data: orders to the assistant, personal data and secrets, by how they are worded or written.

`packaged/guards/` holds them: `patterns.toml` for the injection guard, `personal.toml` and `secrets.toml` for what is
masked. Each has an example in which it is found.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from assistant.core.errors import ModelDamaged
from assistant.core.files import PACKAGED
from assistant.guards import Span
from assistant.guards.normalise import fold, plain_words

PATTERNS = PACKAGED / "guards" / "patterns.toml"
PERSONAL = PACKAGED / "guards" / "personal.toml"
SECRETS = PACKAGED / "guards" / "secrets.toml"
NEAR_CHARACTERS = 48  # before a value, in which the word that says what it is may stand

Row = TypeVar("Row")
Pattern = re.Pattern[str]
Check = Callable[[str], int]  # of what a pattern matched: how many of its characters are the value, 0 for none


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A pattern that says by itself that something is wrong, what that is, and an example in which it is found.

    `raw`: it is read in a text as it stands, not in its words alone.
    """

    name: str
    reason: str
    example: str
    pattern: Pattern
    raw: bool


@dataclass(frozen=True, slots=True)
class ValueRule:
    """How a kind of value is written that is to be masked: the group `value` of the pattern, or all that it matches.

    `check` names what makes sure of it, empty for nothing. `near` must be found shortly before, `unless` must not. In
    what is no value another one may begin, unless it is taken as a `whole`. `label` is what names it, `listed` how a
    list goes on behind one.
    """

    kind: str
    example: str
    pattern: Pattern
    check: str
    near: Pattern | None
    unless: Pattern | None
    whole: bool
    listed: Pattern | None = None
    label: Pattern | None = None

    def spans(self, text: str, check: Check = len) -> Iterator[Span]:
        """Yield the values in a folded text."""
        group = "value" if "value" in self.pattern.groupindex else 0
        at = 0
        while match := self.pattern.search(text, at):
            near = self._is_near(text, match.start())
            for item in self._list(text, match):
                start, said = item.start(group), item[group]
                size = check(said) if near and said else 0
                at = start + size if size else item.end() if self.whole else _onward(item)
                if size:
                    yield Span(start, at, self.kind)

    def _list(self, text: str, match: re.Match[str] | None) -> Iterator[re.Match[str]]:
        """Yield a match and what the list goes on with: the label before the first one says what all are."""
        while match:
            yield match
            match = self.listed.match(text, match.end()) if self.listed else None

    def _is_near(self, text: str, start: int) -> bool:
        window = max(0, start - NEAR_CHARACTERS)
        missed = self.near is not None and not self.near.search(text, window, start)
        return not missed and not (self.unless and self.unless.search(text, window, start))


def _onward(match: re.Match[str]) -> int:
    """Return where to look on: a value may begin inside what is none, as in "2 cards: 12 4111 1111 1111 1111"."""
    said = match.group()
    gap = next((at for at, char in enumerate(said) if not (char.isalnum() or char == "_")), len(said) - 1)
    return match.start() + gap + 1


@cache
def load_rules(path: Path = PATTERNS) -> tuple[PatternRule, ...]:
    """Load the wordings of orders; raises ModelDamaged."""
    return _read(path, "patterns", _pattern_rule)


@cache
def load_values(path: Path) -> tuple[ValueRule, ...]:
    """Load how values are written that are to be masked; raises ModelDamaged."""
    return _read(path, "values", _value_rule)


@cache
def load_names(path: Path = SECRETS) -> tuple[tuple[str, Pattern], ...]:
    """Load the kinds of secrets that a text names, and how it does; raises ModelDamaged."""
    return _read(path, "names", lambda row, parts: (row["kind"], _compiled(row["pattern"], parts)))


def names_value(text: str) -> bool:
    """Tell whether a text names what is masked, as "door code" or "passport" do; raises ModelDamaged."""
    said = fold(text)
    return any(pattern.search(said) for pattern in _load_labels())


@cache
def _load_labels() -> tuple[Pattern, ...]:
    values = (rule.label for rule in load_values(PERSONAL) if rule.label)
    return (*(names for _, names in load_names()), *values)


def _read(path: Path, key: str, make: Callable[[dict[str, Any], Mapping[str, str]], Row]) -> tuple[Row, ...]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(make(row, raw.get("parts", {})) for row in raw[key])
    except (OSError, ValueError, KeyError, TypeError, re.error) as error:
        raise ModelDamaged(f"{path} cannot be read: {error}.", "Reinstall the assistant.") from error


def _compiled(pattern: str, parts: Mapping[str, str]) -> Pattern:
    """Compile a pattern, folded as the texts are that it is sought in; `{name}` stands for one of the parts."""
    for name, part in reversed([*parts.items()]):  # the later ones are made of those before
        pattern = pattern.replace(f"{{{name}}}", part)
    return re.compile(fold(pattern), re.IGNORECASE)


def _pattern_rule(row: dict[str, Any], parts: Mapping[str, str]) -> PatternRule:
    pattern = _compiled(row["pattern"], parts)
    return PatternRule(row["name"], row["reason"], row["example"], pattern, bool(row.get("raw", False)))


def _value_rule(row: dict[str, Any], parts: Mapping[str, str]) -> ValueRule:
    near, unless = (_compiled(row[key], parts) if key in row else None for key in ("near", "unless"))
    if "label" in row:
        pattern, listed = (_labelled(row, parts[shape], parts) for shape in ("labelled", "listed"))
        label: Pattern | None = _compiled(row["label"], parts)
        check, whole = row.get("check", "" if "value" in row else "account"), True
    else:
        pattern, listed, label = _compiled(row["pattern"], parts), None, near
        check, whole = row.get("check", ""), bool(row.get("whole", False))
    return ValueRule(row["kind"], row["example"], pattern, check, near, unless, whole, listed, label)


def _labelled(row: Mapping[str, str], shape: str, parts: Mapping[str, str]) -> Pattern:
    """Compile a shape that all labels share, of a row's label and value."""
    return _compiled(shape.replace("{label}", row["label"]).replace("{value}", row.get("value", "{number}")), parts)


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
