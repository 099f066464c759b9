"""A question of a conversation is asked alone, with the one before it, or first the one and then the other.

A follow-up may be answered by what the last answer said, where that answers it by itself, and not else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.follow_up import SURE, FollowUps, Phrasing, load_follow_ups
from assistant.answer.understand import about_it, beyond_last_answer, last_evidence
from assistant.core.records import MAX_QUESTION, Turn
from assistant.models.encoder import Encoder

UNSEEN = Path(__file__).parents[2] / "tune" / "factory" / "examples" / "follow_ups_unseen.jsonl"
BEFORE = "How do I report harassment?"
HISTORY = [Turn("user", BEFORE), Turn("assistant", "1. Tell your manager.\n2. Write it down. [1]")]

FILES = {
    "leave.md": "# Annual Leave Policy\n\n## Carrying leave over\n\nAn employee may carry over at most 5 leave days,"
    " which must be taken by 31 March of the next year.\n\n## Sickness\n\nWho falls ill on leave gets the days back.\n",
    "travel.md": "# Travel Policy\n\n## Hotels\n\nThe limit for a hotel night is 140 euros.\n\n## Trains\n\nTrains are"
    " second class.\n\n## Meals\n\nDinner on a business trip is reimbursed up to 35 euros.\n",
}
CARRY, HOTEL = "How many days of leave can I carry over?", "What is the limit for a hotel night?"


@pytest.fixture(scope="session")
def follow_ups(guard_encoder: Encoder) -> FollowUps:
    return load_follow_ups(guard_encoder.encode)


@pytest.mark.parametrize(
    "question",
    [
        "Is there a limit for hotel rooms in London?",
        "what's the password policy here",
        "How much vacation do I get?",
        "how many holidays do we get",
        "do they pay for my commute",
        "on call pay",
        "When do I get my bonus?",
        "Is it allowed to bring my dog to work?",
        "What if I lose my laptop?",
        "If I lose my key, what does it cost?",
        "and who pays for the parking?",
    ],
)
def test_a_question_that_says_what_it_is_about_is_asked_alone(follow_ups: FollowUps, question: str) -> None:
    assert follow_ups.phrasings(question, HISTORY) == (Phrasing(question),)
    assert follow_ups.phrasings(question, ()) == (Phrasing(question),)


@pytest.mark.parametrize(
    "question",
    [
        "And for contractors?",
        "What about my partner?",
        "Who approves it?",
        "in the Utrecht office",
        "How long?",
        "What if they refuse?",
        "but I only work three days",
        "Can I take that in two parts?",
    ],
)
def test_a_question_that_means_nothing_alone_is_asked_with_the_one_before_first(
    follow_ups: FollowUps, question: str
) -> None:
    joined = Phrasing(f"{BEFORE} {question}", joined=True)
    assert follow_ups.phrasings(question, HISTORY) == (joined, Phrasing(question))
    assert follow_ups.phrasings(question, ()) == (Phrasing(question),)


@pytest.mark.parametrize(
    "question", ["dress code", "By when must the days be taken?", "How many days do I get?", "Who decides?"]
)
def test_what_may_be_either_is_asked_alone_first(follow_ups: FollowUps, question: str) -> None:
    alone, joined = Phrasing(question), Phrasing(f"{BEFORE} {question}", joined=True)
    assert 1 - SURE < follow_ups.probability(question) < SURE
    assert follow_ups.phrasings(question, HISTORY) == (alone, joined)


def test_a_follow_up_of_a_follow_up_keeps_the_subject(follow_ups: FollowUps) -> None:
    history = [*HISTORY, Turn("user", "And in Utrecht?"), Turn("assistant", "The same.")]
    assert (
        follow_ups.phrasings("And who decides it?", history)[0].text == f"{BEFORE} And in Utrecht? And who decides it?"
    )


def test_a_phrasing_is_made_of_as_much_as_a_question_may_have(follow_ups: FollowUps) -> None:
    long = [Turn("user", "And " + "x" * 2 * MAX_QUESTION)]
    cut = [Turn("user", long[0].content[:MAX_QUESTION])]
    assert follow_ups.phrasings("And who?", long) == follow_ups.phrasings("And who?", cut)


def test_lines_of_an_author_that_it_did_not_learn_from_are_told_apart(follow_ups: FollowUps) -> None:
    lines = [json.loads(line) for line in UNSEEN.read_text(encoding="utf-8").splitlines()]
    whole, others = list[float](), list[float]()
    for line in lines:
        (whole if line["kind"] == "whole" else others).append(follow_ups.probability(line["question"]))
    assert max(whole) < SURE  # each is asked alone, first or second
    assert sum(p >= 0.5 for p in whole) <= 0.06 * len(whole)
    assert sum(p < 0.5 for p in others) <= 0.2 * len(others)
    assert sum(p <= 1 - SURE for p in others) <= 0.1 * len(others)


@pytest.mark.parametrize(
    ("first", "then", "answered", "shown"),
    [
        (CARRY, "By when must the days be taken?", True, "31 March"),
        (CARRY, "And by when must I take them?", False, "31 March"),
        (HOTEL, "And in Paris?", False, ""),
        (HOTEL, "And for dinner?", True, "35"),
        (HOTEL, "And for breakfast?", False, ""),
        (HOTEL, "what about breakfast", False, ""),
        (CARRY, "and the hotel limit?", True, "140"),
        (HOTEL, "Can I take that in second class, in two parts?", False, ""),
        (CARRY, "until when", True, "31 March"),
        (HOTEL, "and who pays for the parking?", False, ""),
        (HOTEL, "What does SOC2 mean for us?", False, ""),
        ("Which class are trains?", "How do we class risks?", False, ""),
        (HOTEL, "Is that the limit?", True, "140"),
    ],
)
def test_it_is_said_again_where_it_answers(
    make_assistant: Callable[..., Assistant], first: str, then: str, answered: bool, shown: str
) -> None:
    assistant = make_assistant(FILES)
    answer = assistant.answer(first)
    assert answer.status == "answered"
    after = assistant.answer(then, [Turn("user", first), Turn("assistant", answer.text)])
    logged = assistant.answer(then, [Turn("user", first)])  # which holds the questions alone
    assert (logged.status, logged.text, logged.confidence) == (after.status, after.text, after.confidence)
    assert (after.status == "answered") == answered
    assert shown in "\n".join(source.quote for source in after.sources)


def test_beside_what_is_new_the_last_answer_is_not_said_again(make_assistant: Callable[..., Assistant]) -> None:
    assistant = make_assistant(FILES)
    engine, said = assistant._engine, assistant.answer(CARRY)
    carry, ill = assistant.read(CARRY), assistant.read("What does somebody get who falls ill on leave?")
    both = replace(ill, evidence=(*ill.evidence, *carry.evidence))
    assert said.status == "answered"
    history = [Turn("user", CARRY)]
    with engine.snapshot():
        inquiry = assistant._inquiry("and when I fall ill?", history, assistant.access)
        assert beyond_last_answer(both, inquiry, engine).evidence == ill.evidence
        assert beyond_last_answer(both, replace(inquiry, history=()), engine) == both


def test_the_first_half_of_a_question_was_not_answered_yet(make_assistant: Callable[..., Assistant]) -> None:
    assistant = make_assistant(FILES)
    engine, history = assistant._engine, [Turn("user", CARRY)]
    with engine.snapshot():
        inquiry = assistant._inquiry("by when must the days be taken", history, assistant.access)
        assert last_evidence(inquiry, engine) == assistant.read(CARRY).evidence
        assert last_evidence(replace(inquiry, is_second_half=True), engine) == ()


def test_a_clause_on_another_subject_is_not_answered_with_the_one_before(
    make_assistant: Callable[..., Assistant],
) -> None:
    reading = make_assistant(FILES).read(HOTEL)
    assert reading.evidence and reading.probability > 0
    for follow_up in ("What is the limit?", "How much is a hotel night?", "Is that the limit for a night?"):
        assert about_it(reading, follow_up) == reading
    for other in ("What does SOC2 mean for us?", "How do we name channels?"):
        found = about_it(reading, other)
        assert found.evidence == () and found.probability == 0


def test_a_table_that_was_shown_whole_is_asked_of_row_by_row(make_assistant: Callable[..., Assistant]) -> None:
    rows = ("By | Charge", "---|---", "Collection | Free", "Post in Portugal | 12 euros", "Post abroad | 28 euros")
    table = "\n".join(f"| {row} |" for row in rows)
    assistant = make_assistant({"lost.md": f"# Lost property\n\n## What a returned item costs\n\n{table}\n"})
    first = "What does it cost to have a lost item returned by post in Portugal?"
    answer = assistant.answer(first)
    assert "12 euros" in answer.text and "28 euros" in answer.text
    for then in ("And abroad?", "and to France?", "to another country?"):
        assert "28 euros" in assistant.answer(then, [Turn("user", first), Turn("assistant", answer.text)]).text, then
    for then in ("who signs it?", "Is there a form for it?", "and for dinner?"):
        assert assistant.answer(then, [Turn("user", first), Turn("assistant", answer.text)]).status == "abstained", then
