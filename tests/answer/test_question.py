"""A question of a conversation is asked alone, with the one before it, or first the one and then the other."""

from __future__ import annotations

import pytest

from assistant.answer.question import (
    MOST_BEFORE,
    Phrasing,
    halves,
    phrasings,
    questions_before,
    recent,
    repeats_last_answer,
    respelt,
    subject_of,
)
from assistant.core.records import MAX_QUESTION, Turn

BEFORE = "How do I report harassment?"
HISTORY = [Turn("user", BEFORE), Turn("assistant", "1. Tell your manager.\n2. Write it down. [1]")]


@pytest.mark.parametrize(
    "question",
    [
        "Is there a limit for hotel rooms in London?",
        "what's the password policy here",
        "Can my manager read my email?",
        "What if the government asks for my files?",
        "Can I share one login with my team?",
    ],
)
def test_a_question_that_says_what_it_is_about_is_asked_alone(question: str) -> None:
    assert phrasings(question, HISTORY) == (Phrasing(question),)
    assert phrasings(question, ()) == (Phrasing(question),)


@pytest.mark.parametrize(
    "question",
    [
        "And for contractors?",
        "What about my partner?",
        "Who approves it?",
        "For contractors?",
        "in the Utrecht office",
        "Who decides?",
        "How long?",
        "How many days do I get?",
        "What if they refuse?",
    ],
)
def test_a_question_that_means_nothing_alone_is_asked_with_the_one_before(question: str) -> None:
    assert phrasings(question, HISTORY) == (Phrasing(f"{BEFORE} {question}", joined=True),)


@pytest.mark.parametrize(
    "question",
    [
        "When do I get my bonus?",
        "dress code",
        "Is it allowed to bring my dog to work?",
        "Which holidays are paid this year in Utrecht?",
        "Who is the DPO?",
        "Is approval required?",
        "What if I lose my laptop?",
        "If I lose my key, what does it cost?",
        "Can I swap a holiday if I don't need it?",
        "What happens to a parking space when its owner leaves?",
    ],
)
def test_a_few_words_or_a_whole_question_that_says_it_are_asked_alone_first(question: str) -> None:
    assert phrasings(question, HISTORY) == (Phrasing(question), Phrasing(f"{BEFORE} {question}", joined=True))


def test_a_follow_up_of_a_follow_up_keeps_the_subject() -> None:
    history = [*HISTORY, Turn("user", "And in Utrecht?"), Turn("assistant", "The same.")]
    assert phrasings("Who decides?", history)[0].text == f"{BEFORE} And in Utrecht? Who decides?"


@pytest.mark.parametrize("count", [*range(1, 8)])
def test_a_phrasing_is_made_of_the_questions_before_it_that_the_log_holds(count: int) -> None:
    history = [Turn("user", f"And in town {n}?") for n in range(count)]
    before = questions_before([*history, Turn("assistant", "x"), Turn("user", " ")])
    assert before == [turn.content for turn in history][-MOST_BEFORE:]
    alone = phrasings("And who?", [Turn("user", text) for text in before])
    assert phrasings("And who?", history) == alone and all(text in alone[0].text for text in before)
    long = [Turn("user", "And " + "x" * 2 * MAX_QUESTION)]
    assert phrasings("And who?", long) == phrasings("And who?", [Turn("user", long[0].content[:MAX_QUESTION])])


def test_a_follow_up_with_words_of_its_own_is_asked_alone_too() -> None:
    question = "What about a bottle of wine worth 40 pounds?"
    assert phrasings(question, HISTORY) == (Phrasing(f"{BEFORE} {question}", joined=True), Phrasing(question))


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("How do we name channels?", {"name", "channel"}),
        ("What does SOC2 mean for us?", {"soc2"}),
        ("What is the limit?", {"limit"}),
        ("Is our dog allowed there?", set()),
        ("Is there a dress code?", {"dress", "code"}),
        ("Is there one?", set()),
        ("What do I do if I lose one?", set()),
        ("theatre staff", set()),
        ("And for dinner?", set()),
    ],
)
def test_a_clause_that_does_not_refer_back_has_a_subject_of_its_own(question: str, about: set[str]) -> None:
    assert subject_of(question) == about


def test_what_the_last_answer_said_is_no_answer_to_who_asks_on() -> None:
    assert repeats_last_answer("1. Tell your manager.\n 2. Write it down.", "thanks, that was helpful", HISTORY)
    assert not repeats_last_answer("1. Tell your manager.\n 2. Write it down.", "Who?", HISTORY)
    assert not repeats_last_answer("Write to the board.", "And the board?", HISTORY)
    assert not repeats_last_answer("Tell", "And who?", ())


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
