"""The rules are data: few, each with an example that it finds, and none that it does not need."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.core.errors import ModelDamaged
from assistant.guards.normalise import views
from assistant.guards.personal import personal_spans
from assistant.guards.rules import (
    PERSONAL,
    SECRETS,
    PatternRule,
    ValueRule,
    first_match,
    load_rules,
    load_values,
)
from assistant.guards.secrets import secret_spans

RULES = load_rules()


def test_there_are_few() -> None:
    assert len(RULES) <= 40 and len({rule.pattern.pattern for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_finds_its_example(rule: PatternRule) -> None:
    assert first_match((rule,), views(rule.example)) is not None
    assert rule.reason.startswith("it ") and not rule.reason.endswith(".")


@pytest.mark.parametrize("value", load_values(PERSONAL), ids=lambda value: value.kind)
def test_personal_data_is_found_in_its_example(value: ValueRule) -> None:
    assert [span.kind for span in personal_spans(f"({value.example})")] == [value.kind]


@pytest.mark.parametrize("value", load_values(SECRETS), ids=lambda value: value.kind)
def test_a_secret_is_found_in_its_example(value: ValueRule) -> None:
    assert value.pattern.search(value.example)
    assert value.kind in [span.kind for span in secret_spans(value.example)]


@pytest.mark.parametrize("text", ["", "patterns = 1", '[[patterns]]\nname = "x"', "[["])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "patterns.toml"
    path.write_text(text)
    with pytest.raises(ModelDamaged, match=r"patterns\.toml"):
        load_rules(path)
