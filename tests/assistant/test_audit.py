"""The log says what was asked and answered, masked; it shows tampering, and a line can be asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from office_files import FILES

from assistant.audit import Audit, differences, history_of
from assistant.core.config import AuditSection, Config
from assistant.core.errors import AssistantError, GateFailed, UsageError
from assistant.core.types import Turn
from assistant.ledger import BEFORE, FILE_NAME, HEAD
from assistant.pipeline import Assistant

CARRY = "How much annual leave may employees carry over?"
CARD = "4111 1111 1111 1111"


@pytest.fixture
def logged(
    make_config: Callable[..., Config], write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> Assistant:
    config = make_config()
    run_ingest(config, write_files(FILES))
    return Assistant(config, audit=True)


def test_every_answer_is_a_line_and_masked(logged: Assistant) -> None:
    logged.answer(CARRY)
    logged.answer(f"May I pay with my card {CARD}, or ask jane.doe@example.com?")
    logged.answer("And for contractors?", [Turn("user", f"{CARRY} My card is {CARD}."), Turn("assistant", "No.")])
    audit = Audit(logged.config)
    entries = list(audit.entries())
    assert [entry.raw["question"] for entry in entries][::2] == [CARRY, "And for contractors?"]
    assert entries[0].raw["status"] == "answered" and entries[0].raw["sources"][0]["source"] == "hr/leave.md"
    text = (logged.config.data / FILE_NAME).read_text(encoding="utf-8")
    assert CARD not in text and "jane.doe" not in text and CARRY in text
    assert audit.verify() == 3


@pytest.mark.parametrize("change", ["edit", "drop", "cut", "add", "swap"])
def test_tampering_shows(logged: Assistant, change: str) -> None:
    for question in (CARRY, "What does RTO mean?", "Which hamsters live on Jupiter's moons?"):
        logged.answer(question)
    path = logged.config.data / FILE_NAME
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = {
        "edit": [lines[0].replace("annual", "weekly"), *lines[1:]], "drop": [lines[0], lines[2]], "cut": lines[:2],
        "add": [*lines, lines[-1]], "swap": [lines[1], lines[0], lines[2]],
    }[change]  # fmt: skip
    path.write_text("".join(line + "\n" for line in changed), encoding="utf-8")
    with pytest.raises(GateFailed):
        Audit(logged.config).verify()


def test_a_line_is_asked_again_and_says_what_changed(
    logged: Assistant, write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> None:
    history = [Turn("user", CARRY)]
    logged.answer("And when do they expire?", history)
    audit = Audit(logged.config)
    [entry] = audit.entries()
    assert audit.find(entry.id[:6]).raw == entry.raw
    again = Assistant(logged.config)
    assert differences(entry, again.answer(entry.raw["question"], history_of(entry)), logged.config) == []
    leave = FILES["hr/leave.md"].replace("31 March", "30 June")
    run_ingest(logged.config, write_files({**FILES, "hr/leave.md": leave}))
    changed = differences(entry, again.answer(entry.raw["question"], history_of(entry)), logged.config)
    assert changed and all(text.startswith("generation was") for text in changed)
    with pytest.raises(UsageError, match="0 lines"):
        audit.find("ffffffffffff0")


def test_a_full_log_is_moved_and_goes_on(logged: Assistant) -> None:
    config = replace(logged.config, audit=AuditSection(max_mb=0.0))
    assistant = Assistant(config, audit=True)
    for _ in range(3):
        assistant.answer(CARRY)
    assert {FILE_NAME, BEFORE, HEAD} <= {path.name for path in config.data.iterdir()}
    assert Audit(config).verify() == 2, "the log and the one before it are kept"


def test_nothing_is_answered_that_cannot_be_logged(logged: Assistant) -> None:
    (logged.config.data / FILE_NAME).mkdir()
    with pytest.raises(AssistantError, match=r"audit\.jsonl.* cannot be written"):
        logged.answer(CARRY)


def test_it_can_be_switched_off(logged: Assistant) -> None:
    assistant = Assistant(replace(logged.config, audit=AuditSection(enabled=False)), audit=True)
    assistant.answer(CARRY)
    assert not (logged.config.data / FILE_NAME).exists()
    assert Audit(logged.config).verify() == 0


def test_a_line_that_is_not_json_is_named(logged: Assistant) -> None:
    logged.answer(CARRY)
    with (logged.config.data / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps({})[:-1] + "\n")
    with pytest.raises(GateFailed, match="line 2 is no line of the log: Expecting"):
        Audit(logged.config).verify()
