"""Every regular expression of the package is attacked with what it is made of: none needs a square of the time."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from re import _constants as kinds
from re import _parser as parser
from typing import Any

import pytest

from assistant.guards.rules import PERSONAL, SECRETS, load_names, load_rules, load_values
from assistant.text.quantities import read_duties

ROOT = Path(__file__).parent.parent
# Attacked by tests of their own: what they are given is bounded, or made of many patterns that take turns.
OWN_TESTS = ("ingest/formats/",)
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for room in ("assistant", "ingest")
    for path in sorted((ROOT / room).rglob("*.py"))
}
LENGTH = 12_000
SECONDS = 0.04  # a square takes a tenth of a second or more, a line mostly a millisecond or so
SLOWEST = 0.4
GROWTH = 5  # three times the text takes a line three times as long, a square nine times
CATEGORIES = {
    kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_DIGIT: "1",
    kinds.CATEGORY_WORD: "a",
    kinds.CATEGORY_NOT_SPACE: "a",
    kinds.CATEGORY_NOT_DIGIT: "a",
    kinds.CATEGORY_NOT_WORD: ".",
}
MOST_LETTERS = 12
SEARCHES = {"match", "fullmatch", "search", "finditer", "findall", "sub", "split"}
STARTS = {"ITEM"}  # is taken off a line only where it starts it


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the patterns that modules hold, in tuples too, by the names that they have there."""
    for name, source in SOURCES.items():
        if "re.compile" in source and not name.startswith(OWN_TESTS):
            module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
            for attribute, value in vars(module).items():
                for at, found in enumerate(flat(value)):
                    if re.search(rf"^{attribute}\b", source, re.MULTILINE):  # not one that is imported
                        yield f"{name}:{attribute}:{at}", found
    for at, rule in enumerate(load_rules()):
        yield f"assistant/guards/rules.py:rule {rule.name}:{at}", rule.pattern
    for path in (PERSONAL, SECRETS):
        for at, value in enumerate(load_values(path)):
            for part, pattern in (
                ("", value.pattern),
                (" near", value.near),
                (" unless", value.unless),
                (" listed", value.listed),
            ):
                if pattern:
                    yield f"assistant/guards/rules.py:{path.stem} {value.kind}{part}:{at}", pattern
    yield "assistant/text/quantities.py:duties:0", read_duties()[0]
    yield from ((f"assistant/guards/rules.py:names of a {kind}:0", pattern) for kind, pattern in load_names())


def flat(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from flat(part)


def methods(name: str, attribute: str) -> set[str]:
    """Return the searches that are done with a module's pattern, in it or where it is imported."""
    module = name.removesuffix(".py").replace("/", ".")
    return {
        node.attr
        for path, source in SOURCES.items()
        if path == name or re.search(rf"^from {module} import (?:\([^)]*|.*)\b{attribute}\b", source, re.MULTILINE)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == attribute
    } & SEARCHES


def letters(parsed: Any) -> Iterator[str]:
    """Yield the characters that a pattern names, and one of each kind that it names."""
    for operator, value in parsed:
        match operator:
            case kinds.LITERAL | kinds.NOT_LITERAL:
                yield chr(value)
            case kinds.IN:
                yield from letters(value)
            case kinds.RANGE:
                yield chr(value[0])
            case kinds.CATEGORY:
                yield CATEGORIES.get(value, "a")
            case kinds.ANY:
                yield "a"
            case kinds.BRANCH:
                for branch in value[1]:
                    yield from letters(branch)
            case kinds.SUBPATTERN | kinds.MAX_REPEAT | kinds.MIN_REPEAT | kinds.POSSESSIVE_REPEAT:
                yield from letters(value[-1])
            case kinds.ASSERT | kinds.ASSERT_NOT:
                yield from letters(value[1])
            case kinds.ATOMIC_GROUP:
                yield from letters(value)


def shortest(parsed: Any) -> str:
    """Return about what a pattern matches, as short as can be but for one turn of each repetition."""
    said = ""
    for operator, value in parsed:
        match operator:
            case kinds.BRANCH:
                said += shortest(value[1][0])
            case kinds.SUBPATTERN | kinds.MAX_REPEAT | kinds.MIN_REPEAT | kinds.POSSESSIVE_REPEAT:
                said += shortest(value[-1])
            case kinds.ATOMIC_GROUP:
                said += shortest(value)
            case kinds.ASSERT | kinds.ASSERT_NOT | kinds.AT | kinds.GROUPREF:
                pass
            case _:
                said += next((c for c in letters([(operator, value)]) if operator is not kinds.NOT_LITERAL), "a")
    return said


def attacks(pattern: re.Pattern[str], length: int = LENGTH) -> Iterator[str]:
    parsed = parser.parse(pattern.pattern, pattern.flags)
    punctuation_first = sorted(dict.fromkeys(letters(parsed)), key=lambda c: (c.isalnum(), c))
    alphabet = [*punctuation_first[:MOST_LETTERS], " ", "a"]
    sample = shortest(parsed)
    starts = ("", sample, *(sample[:at] for at in range(1, min(len(sample), 8))))
    for one, other in product(dict.fromkeys(alphabet), repeat=2):
        yield (one + other) * (length // 2)
        yield one * (length // 2) + other * (length // 2)
        yield one + other * length + "\0"
    for start, one in product(starts, dict.fromkeys(alphabet)):
        yield start + one * length + "\0"
        yield (start + one) * (length // (len(start) + 1))


FOUND = dict(patterns())


@pytest.mark.slow  # together a third of the default run; a pattern rarely changes
@pytest.mark.parametrize("name", FOUND)
def test_a_pattern_takes_time_that_grows_as_the_text_does(name: str) -> None:
    pattern = FOUND[name]
    path, attribute, _ = name.split(":")
    called = {"match"} if attribute in STARTS else methods(path, attribute)
    anchored = bool(called) and called <= {"match", "fullmatch"}
    for text, third in zip(attacks(pattern), attacks(pattern, LENGTH // 3), strict=True):
        if seconds(pattern, text, anchored, called) > SECONDS:  # or the machine was busy, or is slow
            least, before = (min(seconds(pattern, t, anchored, called) for _ in range(5)) for t in (text, third))
            slow = f"{before:.2f} s, three times of it {least:.2f} s: {text[:30]!r} ... {text[-30:]!r}"
            assert least < SECONDS or least < min(SLOWEST, GROWTH * before), slow


def seconds(pattern: re.Pattern[str], text: str, anchored: bool, called: set[str]) -> float:
    began = time.thread_time()
    if not anchored:
        for _ in pattern.finditer(text):
            pass
    else:
        for method in called:
            getattr(pattern, method)(text)
    return time.thread_time() - began


def test_the_attack_finds_a_square() -> None:
    for bad in (r"""[.!?…]+["'”’)\]]*\s+(?=["'“‘(\[]*[^\W_])""", r"\{%.*?%\}", r"a\s*,?\s+means", r".*\?\W*$", r"\s+$"):
        pattern = re.compile(bad)
        pairs = zip(attacks(pattern), attacks(pattern, LENGTH // 3), strict=True)
        assert any(
            (spent := seconds(pattern, text, False, set())) > SECONDS
            and spent > min(SLOWEST, GROWTH * seconds(pattern, third, False, set()))
            for text, third in pairs
        ), bad
