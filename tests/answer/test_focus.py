"""Of a quote that holds more, what it was picked for is pointed out, and `verify` knows what that may be."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, dumps, saved_answer
from assistant.core.records import Answer
from assistant.serve.page.render import PageQuestion, answered
from assistant.terminal.views import answer_text
from tests.serve.stub import ANSWER, CITATION

FIRST, SECOND = "Reviews are held once a year.", "They are led by the line manager."
REVIEWS = f"# Performance reviews\n\n{FIRST} {SECOND} Forms are kept for three years.\n"
POINTED = replace(
    ANSWER, text=f"{FIRST} {SECOND} [1]", citations=(replace(CITATION, claim=f"{FIRST} {SECOND}", focus=SECOND),)
)


def problems(assistant: Assistant, raw: dict[str, Any]) -> list[str]:
    return [c.problem for c in verify_answer(saved_answer(raw), assistant.catalog, assistant.access) if c.problem]


def test_a_sentence_is_pointed_out_among_those_beside_it(make_assistant: Callable[..., Assistant]) -> None:
    assistant = make_assistant({"reviews.md": REVIEWS})
    answer = assistant.answer("Who leads performance reviews?")
    (citation,) = answer.citations
    assert citation.focus == SECOND and FIRST in citation.quote
    raw = json.loads(dumps(answer_json(answer)))
    assert problems(assistant, raw) == []
    for focus in ("led by the line manager.", "They are led by the", "Reviews are held twice a year."):
        forged = {**raw, "citations": [{**raw["citations"][0], "focus": focus}]}
        assert problems(assistant, forged) == ["what it points out is no part of its quote"]


def test_a_sentence_alone_is_not_pointed_out(make_assistant: Callable[..., Assistant]) -> None:
    answer = make_assistant({"reviews.md": f"# Performance reviews\n\n{FIRST}\n"}).answer("When are reviews held?")
    assert [citation.focus for citation in answer.citations] == [""]


def shown(answer: Answer) -> str:
    return bytes(answered(answer, PageQuestion(question="?"), "").body).decode()


def test_it_is_bold_in_a_terminal_and_on_the_page() -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True).print(answer_text(POINTED))
    assert f"{FIRST} \x1b[1m{SECOND}\x1b[0m" in out.getvalue()
    assert f"{FIRST} <strong>{SECOND}</strong>" in shown(POINTED)


@pytest.mark.parametrize("text", ["", "Other words. [1]"])
def test_what_an_answer_does_not_say_is_not_pointed_out(text: str) -> None:
    assert "<strong>" not in shown(replace(POINTED, text=text))
