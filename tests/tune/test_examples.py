"""Examples hold what the reader finds, and targets that are their quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import UNCALIBRATED
from assistant.core.config import Config
from assistant.core.records import Turn
from assistant.evaluate.questions import Question
from tune.examples import (
    Example,
    distinct,
    examples,
    heading_questions,
    part_of,
    read_examples,
    term_questions,
    with_validation,
    write_examples,
)

PARKING = """\
# Parking

Visitors park in bay 7 for at most three hours. Staff park in the garage. **Bay** means a marked space.

# Bicycles

Bicycles stand in the yard. The yard is locked at 22:00 by the guard on duty.
"""
RULE = "Visitors park in bay 7 for at most three hours."
ASKED = [
    Question(
        "short", "Where do bicycles stand?", True, ("in the yard",), ("Bicycles stand in the yard.",), ("parking.md",)
    ),
    Question("unproved", "May visitors stay all day?", True, ("no",), (RULE,), ("parking.md",)),
    Question("elsewhere", "Who owns the helicopter?", True, ("the board",), ("The board owns it.",), ("q.md",)),
    Question("none", "How fast is a swallow?", False),
]


@pytest.fixture
def assistant(
    make_config: Callable[..., Config], write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> Iterator[Assistant]:
    config = make_config()
    run_ingest(config, write_files({"parking.md": PARKING}))
    with closing(Assistant(config, confidence=UNCALIBRATED)) as found:
        yield found


def quiet(stage: str, done: float, total: float) -> None:
    pass


def test_a_target_is_the_quote_not_a_gold_that_leaves_some_of_it_out(assistant: Assistant, tmp_path: Path) -> None:
    made = {e.id: e for e in examples(assistant, ASKED, "set", quiet)}
    assert list(made) == ["set:short", "set:unproved"], "what is not found cannot be answered"
    assert "Bicycles stand in the yard." in made["set:short"].target
    assert RULE in made["set:unproved"].target
    for example, question in zip(made.values(), ASKED, strict=False):
        assert example.messages[-1].content.endswith(f"Question: {question.question}")
        text, _, key = example.target.rpartition(" [")
        shown = example.messages[-1].content.split(f"[{key.rstrip(']')}] ")[1]
        assert text in shown, "it is taught to say what stands in the passage whose key it names"
    write_examples(tmp_path / "e.jsonl", made.values())
    assert read_examples(tmp_path / "e.jsonl") == list(made.values())


def test_terms_are_asked_for(assistant: Assistant) -> None:
    assert [q.question for q in term_questions(assistant)] == ["What does Bay mean?"]


def test_headings_are_asked_for(assistant: Assistant) -> None:
    asked = list(heading_questions(assistant))
    assert [q.question for q in asked] == ["What are the rules on Parking?", "What are the rules on Bicycles?"]
    made = list(examples(assistant, asked, "headings", quiet))
    assert [e.target for e in made if "Bicycles" in e.question], "what retrieval finds again is kept"


def test_the_same_prompt_is_taught_once_and_documents_are_not_parted() -> None:
    asked = ["Why?", "why? ", "When?"]
    found = [Example(f"{n}", (Turn("user", text),), "So. [1]", "d.md", "set", "train") for n, text in enumerate(asked)]
    assert [e.id for e in distinct(found)] == ["0", "2"]
    few = with_validation([replace(e, document=f"{n}.md") for n, e in enumerate(found)])
    assert [e.part for e in few].count("validation") == 1
    parts = [part_of(f"{n}.md") for n in range(1_000)]
    assert 60 < parts.count("validation") < 140
