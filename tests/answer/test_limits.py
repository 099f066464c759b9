"""What limits a rule, by the packaged model; none of these sentences is among its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answer.limits import LimitModel, load_limits
from assistant.core.config import Config, ModelsSection
from assistant.core.errors import ModelDamaged
from assistant.models.encoder import guard_encode

pytestmark = pytest.mark.models

RULE = "Employees may rent a company bicycle for 20 euros a month."


@pytest.fixture(scope="module")
def model(models_dir: Path) -> LimitModel:
    return load_limits(guard_encode(Config(models=ModelsSection(dir=str(models_dir)))))


@pytest.mark.parametrize(
    "text",
    [
        "Section 7 is void from the first of March on.",
        "Nothing in this chapter is meant for seasonal workers.",
        "In clause 5 read 25 euros for 20.",
        "The offer of company bicycles ended in spring.",
    ],
)
def test_what_takes_a_rule_back_limits_it(model: LimitModel, text: str) -> None:
    assert model.limits([text], [False], RULE) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "Last updated: 9 November 2021",
        "The mobility team looks after this page.",
        "Write to us if you have a question on this policy.",
        "We may change this page from time to time.",
        "Welcome to our guide for new colleagues.",
        "Lock the bicycle whenever you leave it.",
    ],
)
def test_what_a_document_says_of_itself_limits_nothing(model: LimitModel, text: str) -> None:
    assert model.limits([text], [False], RULE) == [False]


def test_a_link_on_the_same_subject_limits_nothing(model: LimitModel) -> None:
    texts = ["Company bicycles: how to rent one", "From May on company bicycles are rented for 25 euros, not 20."]
    assert model.limits_one_of(texts, texts, [RULE]) == [False, True]


def test_nothing_is_asked_of_nothing(model: LimitModel) -> None:
    assert model.limits([], [], RULE) == model.limits_one_of([], [], [RULE]) == []


def test_a_damaged_model_is_named(tmp_path: Path, model: LimitModel) -> None:
    (tmp_path / "limits.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"limits\.json"):
        load_limits(model.encode, tmp_path / "limits.json")
