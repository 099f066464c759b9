"""An answer says since when it holds, and what held before where the question is about that."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, saved_answer
from assistant.core.config import Config
from assistant.core.records import make_access
from tests.manifests import access_toml

DAY = "2026-06-01"
HEAD = "---\npolicy_id: HR-001\nversion: '{version}'\n{more}---\n# Annual Leave Policy\n\n## Carry-over\n\n"
FILES = {
    "new.md": HEAD.format(version="4.0", more="effective: 2025-01-01\nsupersedes: HR-001 v3.2\n")
    + "Employees may carry over at most 5 days of annual leave into the next year.\n",
    "old.md": HEAD.format(version="3.2", more="effective: 2023-01-01\nexpires: 2024-12-31\n")
    + "Employees may carry over at most 8 days of annual leave into the next year.\n",
    "board.md": HEAD.format(version="3.1", more="expires: 2022-12-31\n")
    + "Employees may carry over at most 12 days of annual leave into the next year.\n",
    "access.toml": access_toml({"board.md": "board"}),
    "keys.md": "# Keys\n\nThe porter keeps two spare keys of every room.\n",
}


@pytest.fixture(scope="module")
def assistant(index_files: Callable[[Mapping[str, str]], Config]) -> Iterator[Assistant]:
    found = Assistant(index_files(FILES), access=make_access((), DAY))
    yield found
    found.close()


@pytest.mark.parametrize(
    "question",
    [
        "Can I carry over 8 days of annual leave?",
        "How many days of annual leave could employees carry over previously?",
    ],
)
def test_an_earlier_version_is_quoted(assistant: Assistant, question: str) -> None:
    answer = assistant.answer(question)
    assert answer.status == "answered" and "at most 5 days" in answer.text
    assert answer.citations[0].since == "2025-01-01"
    (before,) = answer.earlier
    assert (before.source, before.until) == ("old.md", "2024-12-31") and "at most 8 days" in before.quote


@pytest.mark.parametrize(
    "question",
    ["How many days of annual leave may I carry over?", "Can I carry over 5 days of annual leave?"],
)
def test_it_is_not_where_nobody_asks(assistant: Assistant, question: str) -> None:
    answer = assistant.answer(question)
    assert "at most 5 days" in answer.text and answer.earlier == ()


def test_what_one_may_not_see_stays_hidden(assistant: Assistant) -> None:
    assert assistant.answer("Can I carry over 12 days of annual leave?").earlier == ()


def test_what_supersedes_nothing_says_no_day(assistant: Assistant) -> None:
    answer = assistant.answer("How many spare keys does the porter keep?")
    assert answer.status == "answered" and answer.citations[0].since == ""


def test_a_saved_answer_is_held_to_its_days(assistant: Assistant) -> None:
    saved = json.loads(json.dumps(answer_json(assistant.answer("Can I carry over 8 days of annual leave?"))))

    def problems(raw: Any) -> list[str]:
        return [c.problem for c in verify_answer(saved_answer(raw), assistant.catalog, assistant.access) if c.problem]

    assert problems(saved) == []
    (before,) = saved["earlier"]
    assert problems({**saved, "earlier": [{**before, "until": "2025-12-31"}]})
    assert problems({**saved, "earlier": [{**before, "quote": before["quote"].replace("8", "9")}]})
    assert problems({**saved, "citations": [{**saved["citations"][0], "since": "2020-01-01"}]})
    later = dataclasses.replace(assistant.access, as_of="2024-06-01")
    assert any(c.problem for c in verify_answer(saved_answer(saved), assistant.catalog, later))
