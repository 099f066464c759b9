"""A question's own words, its halves, its spelling, and what was asked before it."""

from __future__ import annotations

import pytest

from assistant.answer.question import (
    MOST_BEFORE,
    halves,
    own_words,
    questions_before,
    recent,
    respelt,
)
from assistant.core.records import Turn


@pytest.mark.parametrize(
    ("question", "own"),
    [
        ("How do we name channels?", ["name", "channels"]),
        ("How many days do I get?", []),
        ("how many working days are there", ["working", "days"]),
        ("How much vacation do I get?", ["vacation"]),
        ("how many holidays do we get", ["holidays"]),
        ("How much is it?", []),
        ("how many?", []),
        ("until when", []),
        ("How much?", []),
    ],
)
def test_a_unit_that_is_asked_for_is_no_word_of_a_question(question: str, own: list[str]) -> None:
    assert own_words(question) == own


@pytest.mark.parametrize("count", [*range(1, 8)])
def test_the_last_questions_are_the_ones_before(count: int) -> None:
    history = [Turn("user", f" And in town {n}?") for n in range(count)]
    before = questions_before([*history, Turn("assistant", "x"), Turn("user", " ")])
    assert before == [turn.content.strip() for turn in history][-MOST_BEFORE:]


def test_what_nothing_can_encode_is_taken_out_of_a_history() -> None:
    assert recent([Turn("user", "a\ud800 \0b")]) == [Turn("user", "a?  b")]


def test_only_words_that_are_none_are_respelt_and_the_first_few() -> None:
    looked_up: list[str] = []

    def written(word: str) -> str:
        looked_up.append(word)
        return {"londn": "London", "anual": "annual"}.get(word, "")

    known = {"hotel", "in", "leave", "annual"}
    question = "hotel in londn, anual leave in LONDN or londn2 or Bello's? " + " ".join(
        f"word{'x' * n}" for n in range(20)
    )
    said = respelt(question, lambda word: word in known, written)
    assert said == question.replace("londn,", "London,").replace("anual", "annual")
    assert looked_up == ["londn", "anual", "wordx", "wordxx", "wordxxx", "wordxxxx", "wordxxxxx", "wordxxxxxx"]
    assert respelt("hotel in leave", lambda word: word in known, written) == "hotel in leave"


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "I am pregnant. Can I leave the rota, and does anybody check my lab work?",
            ("I am pregnant. Can I leave the rota?", "does anybody check my lab work?"),
        ),
        (
            "what is the hotel limit in London and who approves flights",
            ("what is the hotel limit in London?", "who approves flights"),
        ),
        ("How many days may I carry over, and until when?", None),
        ("what does CISO mean and who is it", None),
        ("Who approves travel and expenses?", None),
        ("Research and development: may I publish?", None),
        (
            "How long is sick pay paid in full? Does the shift money go on?",
            ("How long is sick pay paid in full?", "Does the shift money go on?"),
        ),
    ],
)
def test_two_questions_in_one_are_told_apart(question: str, parts: tuple[str, str] | None) -> None:
    assert halves(question) == parts
