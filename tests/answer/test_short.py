"""A question that wants a yes or a no is told what its quotes come to, at every door, where the judge is sure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.answer.short import SAYS, ShortAnswers, parts_of
from assistant.contract import answer_json, dumps, saved_answer
from assistant.core.errors import UsageError
from assistant.core.records import Answer, ShortAnswer, make_access
from assistant.models.cross_encoder import Floats
from assistant.serve.completions import content_of
from assistant.serve.page.render import PageQuestion, answered
from assistant.terminal.render import Renderer
from assistant.terminal.transcript import markdown
from tests.serve.stub import ANSWER

DOGS = (
    "# Dogs\n\nEmployees may bring their dog to the office on Fridays.\n\nDogs are never allowed in the laboratory.\n"
)
NO = replace(ANSWER, short=ShortAnswer("No.", 0.97))


@pytest.fixture
def kennel(make_assistant: Callable[..., Assistant]) -> Assistant:
    return make_assistant({"dogs.md": DOGS})


def saved(answer: Answer) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(dumps(answer_json(answer)))
    return raw


def problems(assistant: Assistant, raw: dict[str, Any]) -> list[str]:
    checks = verify_answer(saved_answer(raw), assistant.catalog, assistant.access, assistant.short_answer)
    return [check.problem for check in checks if check.problem]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("May employees bring their dog to the office on Fridays?", "Yes."),
        ("Are dogs allowed in the laboratory?", "No."),
    ],
)
def test_a_yes_or_no_opens_the_answer_and_can_be_checked(kennel: Assistant, question: str, told: str) -> None:
    answer = kennel.answer(question)
    assert answer.short and answer.short.text == told and answer.text.endswith("[1]")
    assert problems(kennel, saved(answer)) == []


def test_another_word_than_the_judges_is_refused(kennel: Assistant) -> None:
    raw = saved(kennel.answer("Are dogs allowed in the laboratory?"))
    for change in ({"text": "Yes."}, {"text": "No. Cats are."}, {"probability": 0.5}):
        forged = {**raw, "short": {**raw["short"], **change}}
        assert [problem.split(",")[0] for problem in problems(kennel, forged)] == [
            f"it opens with {forged['short']['text']!r}"
        ]
    for short in ("No.", {"text": "No."}, {**raw["short"], "probability": 2.0}, {**raw["short"], "more": 1}):
        with pytest.raises(UsageError, match="short answer"):
            saved_answer({**raw, "short": short})


def test_a_question_for_a_fact_wants_no_yes(kennel: Assistant) -> None:
    answer = kennel.answer("On which day may employees bring their dog to the office?")
    assert answer.status == "answered" and answer.short is None


def test_it_can_be_switched_off(kennel: Assistant) -> None:
    config = replace(kennel.config, answer=replace(kennel.config.answer, short=False))
    assistant = Assistant(config)
    assert assistant.answer("Are dogs allowed in the laboratory?").short is None
    assistant.close()


@pytest.mark.parametrize(
    ("odds", "told"),
    [((5.0, 0.0, 0.0), "Yes."), ((0.0, 5.0, 0.0), "No."), ((0.0, 0.0, 5.0), "It depends."), ((2.0, 1.5, 0.0), None)],
)
def test_only_what_is_sure_is_told(odds: tuple[float, ...], told: str | None) -> None:
    def read(question: str, header: str, units: Sequence[str]) -> Floats:
        assert tuple(units[: len(SAYS)]) == SAYS and len(units) > len(SAYS)
        return np.array([*odds, *([9.0] * (len(units) - len(SAYS)))], np.float32)

    found = ShortAnswers(read, (0.9, 0.9, 0.9)).of("May I?", ANSWER.citations)
    assert (found.text if found else None) == told


@given(st.lists(st.text()))
def test_parts_are_all_that_is_said(statements: list[str]) -> None:
    assert "".join("".join(parts_of(statements)).split()) == "".join("".join(statements).split())


def of_terminal(answer: Answer, capsys: pytest.CaptureFixture[str]) -> str:
    Renderer().answer(answer)
    return capsys.readouterr().out


def of_page(answer: Answer, _: pytest.CaptureFixture[str]) -> str:
    return answered(answer, PageQuestion(question="May I?")).body.decode()


def of_completions(answer: Answer, _: pytest.CaptureFixture[str]) -> str:
    return content_of(answer)


def of_transcript(answer: Answer, _: pytest.CaptureFixture[str]) -> str:
    return markdown([answer], make_access())


@pytest.mark.parametrize("door", [of_terminal, of_page, of_completions, of_transcript])
def test_it_stands_above_the_quotes_at_every_door(
    door: Callable[[Answer, pytest.CaptureFixture[str]], str], capsys: pytest.CaptureFixture[str]
) -> None:
    shown, without = door(NO, capsys), door(ANSWER, capsys)
    assert shown.index("No.") < shown.rindex(ANSWER.citations[0].claim) and "No." not in without
