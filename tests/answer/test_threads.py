"""One assistant serves many threads: their answers are those that one thread gets."""

from __future__ import annotations

import itertools
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.audit.trail import Audit
from assistant.contract import answer_json
from assistant.core.config import Config, ReaderSection

QUESTIONS = [
    json.loads(line)["question"]
    for line in (Path(__file__).parents[2] / "corpora" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]


def told(assistant: Assistant, question: str) -> dict[str, Any]:
    """Return an answer without its times and its line in the log."""
    return {**answer_json(assistant.answer(question)), "timings_ms": {}, "log_id": ""}


def compare(config: Config, questions: list[str], threads: int) -> int:
    """Ask by one thread and by many, of few passages each; return how many lines the log then has."""
    config = replace(config, reader=ReaderSection(passages=3))
    with closing(Assistant(config)) as alone:
        once = {question: told(alone, question) for question in dict.fromkeys(questions)}
    with closing(Assistant(config, audit=True)) as shared, ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda question: told(shared, question), questions))
    assert found == [once[question] for question in questions]
    return Audit(config).verify()


def test_it_is_closed_while_other_threads_read(office_config: Config) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            assistant = Assistant(office_config)
            closed = Event()
            reading = [pool.submit(read_until, closed, assistant) for _ in range(4)]
            time.sleep(0.02)
            assistant.close()
            closed.set()
            assert all(future.result() for future in reading)


def read_until(closed: Event, assistant: Assistant) -> int:
    """Read the catalog without a pause; return how often."""
    for count in itertools.count(1):
        assistant.catalog.queries.hits_naming(["laptop"], assistant.access)
        if closed.is_set():
            return count
    raise AssertionError


@pytest.mark.parametrize("line", range(4))
def test_it_is_closed_between_two_lines_of_the_catalogs_opening(office_config: Config, line: int) -> None:
    assistant = Assistant(office_config)
    assert assistant.catalog
    opening = type(assistant._engine).catalog.fget.__code__
    lines = itertools.count()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is opening and event == "line" and next(lines) == line:
            sys.settrace(None)
            assistant.close()
        return trace

    sys.settrace(trace)
    try:
        assert assistant.catalog
    finally:
        sys.settrace(None)


@pytest.mark.slow
def test_threads_get_the_answers_of_one(company: Config, models_dir: Path) -> None:
    config = replace(company, generator=replace(company.generator, runtime="onnx"))
    before = Audit(config).verify()
    assert compare(config, QUESTIONS[:6] * 2, 8) == before + 12


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_eight_threads_get_the_answers_of_one_400_times(company: Config) -> None:
    before = Audit(company).verify()
    assert compare(company, QUESTIONS[::10][:20] * 20, 8) == before + 400
