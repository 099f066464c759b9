"""The rules are data: few, each with a reason and an example that it finds, and none that it does not need."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.core.errors import ModelDamaged
from assistant.guards.normalise import views
from assistant.guards.rules import PatternRule, first_match, load_rules

RULES = load_rules()


def test_there_are_few() -> None:
    assert len(RULES) <= 40 and len({rule.pattern.pattern for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_finds_its_example(rule: PatternRule) -> None:
    assert first_match((rule,), views(rule.example)) is not None
    assert rule.reason.startswith("it ") and not rule.reason.endswith(".")


@pytest.mark.parametrize("text", ["", "patterns = 1", '[[patterns]]\nname = "x"', "[["])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "patterns.toml"
    path.write_text(text)
    with pytest.raises(ModelDamaged, match=r"patterns\.toml"):
        load_rules(path)
