"""What a sentence counts, dates and names is looked for in passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.proof.agreement import Stated, disagreement

NAMED = (
    "Travel > Hotels\nThe limit is £180 a night, and £1,250.00 a week. Claims go in within 5 working days of "
    "31 March 2026, at 17:00. The Head of People approves two weeks; ask travel@firm.example. Form HR-12, 75%.\n"
    "| Grade | Days |\n|---|---|\n| A | 20 |"
)
OTHER = "The CISO and the finance director decide within 90 minutes."
TODAY = "2026-12-03"


def check(sentence: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = disagreement(sentence, Stated.of([NAMED]), Stated.of([NAMED, OTHER, TODAY]))
    return found.invented, found.elsewhere


@pytest.mark.parametrize(
    "sentence",
    [
        "The limit is £180 a night.",
        "The limit is 1250 pounds a week.",
        "Claims go in within five working days.",
        "The Head of People approves 14 days.",
        "The Head of People approves two weeks.",
        "Ask travel@firm.example for form HR-12.",
        "Claims go in at 5 pm on 31 March.",
        "Grade A has 20 days.",
        "One of them is enough to claim a week.",
        "First, ask travel@firm.example.",
        "Five are 5 x £180 = £900.",
        "The limit is £180 + £1,250 - £180 = £1250.",
        "The limit is 75 percent.",
    ],
)
def test_what_stands_there_agrees(sentence: str) -> None:
    assert check(sentence) == ((), ())


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("The limit is £190 a night.", "£190 a night"),
        ("The limit is £180 a night for 3 people.", "3"),
        ("Claims go in within 6 working days.", "6 working days"),
        ("The limit a week is 5 hours.", "5 hours"),
        ("Claims go in at 18:00.", "18:00"),
        ("Claims go to Dana in finance.", "Dana"),
        ("Dana Whitfield decides claims.", "Dana"),
        ("Ask claims@evil.example for the limit.", "claims@evil.example"),
        ("The limit is in claims/evil.md of the week.", "claims/evil.md"),
        ("Form HR-13 is for claims.", "HR-13"),
        ("Zurich approves two weeks.", "Zurich"),
        ("2 nights are 2 x £180 = £400, the limit.", "£400"),
    ],
)
def test_what_stands_nowhere_is_invented(sentence: str, said: str) -> None:
    assert said in check(sentence)[0]


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("The CISO approves the limit a night.", "CISO"),
        ("The limit a night is for 90 minutes.", "90 minutes"),
        ("Claims go to the finance director within 5 working days.", "finance director"),
    ],
)
def test_what_stands_elsewhere_is_told_apart(sentence: str, said: str) -> None:
    invented, elsewhere = check(sentence)
    assert not invented and said in elsewhere


@given(st.text(max_size=200))
def test_every_text_agrees_with_itself(text: str) -> None:
    stated = Stated.of([text])
    assert disagreement(text, stated, stated).invented == ()
