"""Token F1 and recall as SQuAD counts them, and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluate.score import (
    best_f1,
    holds,
    normalise,
    number_scores,
    token_f1,
    token_recall,
)

TEXTS = st.lists(st.sampled_from("the days 5 of leave Leave, a (may) employee".split())).map(" ".join)


def test_normalise_leaves_out_capitals_punctuation_and_articles() -> None:
    assert normalise("The £1,250.00 _fee_ — isn't due, a “rule”!") == ["125000", "fee", "isnt", "due", "rule"]


def test_f1_by_hand() -> None:
    # 3 tokens said, 4 wanted, 2 in common: precision 2/3, recall 2/4.
    assert token_f1("five days only", "At most five days") == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert token_recall("five days only", "At most five days") == 0.5
    assert best_f1("No.", ["yes", "no"]) == 1.0
    assert best_f1("anything", []) == 0.0


def test_a_token_counts_as_often_as_both_have_it() -> None:
    assert token_recall("days days", "days days days") == pytest.approx(2 / 3)


@given(TEXTS, TEXTS)
def test_f1_is_symmetric_bounded_and_one_for_the_same_tokens(one: str, other: str) -> None:
    assert token_f1(one, other) == token_f1(other, one)
    assert 0.0 <= token_f1(one, other) <= 1.0
    assert token_f1(one, one) == 1.0
    assert (token_f1(one, other) == 1.0) == (sorted(normalise(one)) == sorted(normalise(other)))


@given(TEXTS, TEXTS)
def test_f1_lies_between_recall_and_precision(one: str, other: str) -> None:
    recall, precision = token_recall(one, other), token_recall(other, one)
    if normalise(one) and normalise(other):
        assert min(recall, precision) - 1e-9 <= token_f1(one, other) <= max(recall, precision) + 1e-9


@pytest.mark.parametrize(
    ("text", "golds", "held"),
    [
        ("You may carry over 5 days at most.", ["At most 5 days"], True),
        ("You may carry over 6 days at most.", ["At most 5 days"], False),  # most of its tokens, another number
        ("You may carry over at most five days.", ["At most 5 days"], True),
        ("Yes, 12% of it.", ["Yes", "12%"], False),  # one token tells nothing
        ("Ask the head of it.", ["The department head", "Ask the head of HR"], True),
        ("Ask.", [], False),
    ],
)
def test_a_text_holds_a_gold_with_most_of_its_tokens_and_all_its_numbers(
    text: str, golds: list[str], held: bool
) -> None:
    assert holds(text, golds) is held


@pytest.mark.parametrize(
    ("text", "exact", "found"),
    [
        ("It costs £1,250, due within five days.", 1.0, 1.0),
        ("It costs 1250 pounds, due within 5 days or 6.", 0.0, 1.0),
        ("It costs £1,250.", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_numbers_of_the_gold_and_no_others(text: str, exact: float, found: float) -> None:
    golds = ["The fee.", "£1,250.00 in 5 days"]
    assert number_scores(text, golds) == {"numbers_exact": exact, "numbers_found": found}


def test_without_numbers_in_a_gold_there_is_nothing_to_score() -> None:
    assert number_scores("5", ["the manager"]) == {}
