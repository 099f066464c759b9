"""A model's questions are kept where what it copied is the passage's own, and nothing masked is sent to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.records import Turn
from assistant.evaluate.questions import read_questions
from tests import fakes
from tests.commands import Run
from tune.written_questions import Cost, drawn, row_of, write_questions

RULE = "Visitors park in bay 7 for at most three hours."
FILES = {
    "parking.md": f"# Parking\n\n{RULE} Staff park in the garage below the hall, all day and all night.\n",
    "fees.md": "# Fees\n\nFor a lost badge you pay:\n\n- 5 euros for the first one that you lose in a year\n"
    "- 20 euros for each one after that, whatever the reason for it is\n",
    "door.md": "# Door\n\nThe password of the side door is Pelican42Harbour, and nobody may tell it to any visitor.\n",
}
REPLIES = {
    "parking": f"Question: How long can my guest leave the car?\nSentence: {RULE}",
    "fees": "**Question:** What does the second badge cost me?\n"
    "**Sentence:** 20 euros for each one after that, whatever the reason for it is",
}


def replying(replies: dict[str, str]) -> Callable[[Sequence[Turn]], str]:
    return lambda messages: replies[messages[-1].content.split()[0].casefold()]


@pytest.fixture
def assistant(
    make_config: Callable[..., Config], write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> Iterator[Assistant]:
    config = make_config()
    run_ingest(config, write_files(FILES))
    with closing(Assistant(config)) as found:
        yield found


def written(assistant: Assistant, replies: dict[str, str]) -> tuple[list[dict[str, Any]], fakes.ScriptedModel, Cost]:
    model, cost = fakes.ScriptedModel(replying(replies)), Cost()
    found = write_questions(assistant, model, 10, 7, cost, lambda *_: None)
    return [row_of(question) for question in found], model, cost


def test_the_evidence_is_the_passage_s_own_words(assistant: Assistant, tmp_path: Path) -> None:
    rows, _, cost = written(assistant, REPLIES)
    assert {(row["question"], row["docs"][0]) for row in rows} == {
        ("How long can my guest leave the car?", "parking.md"),
        ("What does the second badge cost me?", "fees.md"),
    }
    texts = {assistant.catalog.queries.document(row["docs"][0], assistant.access): row for row in rows}
    assert all(document and row["evidence"][0] in document.text for document, row in texts.items())
    assert cost.replies == 2 and cost.sent > cost.received > 0
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert [question.answerable for question in read_questions(path)] == [True, True]


@pytest.mark.parametrize(
    "reply",
    [
        "Question: How long can my guest leave the car?\nSentence: Visitors park in bay 8 for at most three hours.",
        f"Question: How long can my guest leave the car\nSentence: {RULE}",
        f"Sentence: {RULE}",
        "NOT FOUND",
        "",
    ],
)
def test_any_other_reply_is_left_out(assistant: Assistant, reply: str) -> None:
    rows, _, cost = written(assistant, {**REPLIES, "parking": reply})
    assert [row["docs"][0] for row in rows] == ["fees.md"]
    assert cost.replies == 2


def test_a_passage_that_would_be_masked_is_not_sent(assistant: Assistant) -> None:
    _, model, _ = written(assistant, REPLIES)
    told = "".join(turn.content for messages in model.told for turn in messages)
    assert "Pelican42Harbour" not in told and "side door" not in told


def test_documents_come_in_turn_and_alike_for_a_seed(assistant: Assistant) -> None:
    first = drawn(assistant, 2, seed=1)
    assert len({hit.source for hit in first}) == len(first)
    assert drawn(assistant, 2, seed=1) == first


def test_the_command_wants_an_endpoint_and_a_new_file(assistant: Assistant, run: Run, tmp_path: Path) -> None:
    path, data = tmp_path / "questions.jsonl", ["--data", str(assistant.config.data)]
    missing = run("tune", "examples", str(path), *data)
    assert missing.code == 2 and "no endpoint" in missing.err and not path.exists()
    settings = tmp_path / "endpoint.toml"
    settings.write_text(
        '[generator]\nruntime = "langchain"\nmodel = "openai:any"\nbase_url = "http://127.0.0.1:1/v1"\n'
    )
    path.write_text("mine\n", encoding="utf-8")
    taken = run("tune", "examples", str(path), *data, "--config", str(settings))
    assert taken.code == 2 and "is there already" in taken.err and path.read_text(encoding="utf-8") == "mine\n"
