"""A golden file does not say who reads the report of impact."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import make_access
from ingest.impact.run import ImpactPlan, assess
from tests.manifests import access_toml

DAY = "2026-06-01"
NOBODY = make_access((), DAY)
BOARD = {"access.toml": access_toml({"plan.md": "board"}), "plan.md": "# Plan\n\nTwo hundred people leave in March.\n"}


def no_progress(stage: str, done: float, total: float) -> None: ...


def test_a_golden_file_does_not_say_who_reads_the_report(
    index_files: Callable[[Mapping[str, str]], Config], tmp_path: Path
) -> None:
    config = index_files(BOARD)
    golden = tmp_path / "golden.jsonl"
    line = {"id": "1", "question": "How many people leave?", "roles": ["board"], "expect": {"status": "answered"}}
    golden.write_text(json.dumps(line) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="asks as board"):
        assess(ImpactPlan([config.base / "docs"], golden), config, NOBODY, no_progress)
