"""A trial ingest leaves the index as it is, and what it makes is gone afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.errors import IndexMissing
from ingest.scratch import scratch_index

QUESTION = "Where do visitors park?"


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal")))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def docs(write_files: Callable[[dict[str, str]], Path]) -> Path:
    return write_files(
        {
            "parking.md": "# Parking\n\nVisitors park in bay 7 for at most three hours.\n",
            "keys.md": "# Keys\n\nThe porter keeps two spare keys.\n",
        }
    )


def test_it_answers_from_the_new_files_and_touches_nothing(
    docs: Path, make_config: Callable[..., Config], run_ingest: Callable[..., Any]
) -> None:
    config = make_config()
    run_ingest(config, docs)
    before = contents(config.data)
    (docs / "parking.md").write_text("# Parking\n\nVisitors park in bay 12.\n", encoding="utf-8")
    with scratch_index([docs], config) as (trial, report):
        assert report.updated == ("parking.md",) and report.unchanged == 1 and report.embedded == 1
        with closing(Assistant(trial)) as assistant:
            assert "bay 12" in assistant.answer(QUESTION).text
            assert "two spare keys" in assistant.answer("How many spare keys does the porter keep?").text
    assert not trial.data.exists()
    assert contents(config.data) == before
    with closing(Assistant(config)) as assistant:
        assert "bay 7" in assistant.answer(QUESTION).text


def test_an_empty_one_needs_no_index(docs: Path, make_config: Callable[..., Config]) -> None:
    config = make_config()
    with pytest.raises(IndexMissing), scratch_index([docs], config):
        pass
    with scratch_index([docs], config, empty=True) as (_, report):
        assert set(report.added) == {"keys.md", "parking.md"}
    assert not config.data.exists()
