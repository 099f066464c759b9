"""An answer is stale when a quote of it no longer stands anywhere in its document, and not before."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.audit.trail import Audit
from assistant.core.config import Config
from assistant.core.records import IngestReport, make_access
from assistant.evaluate.stale import CHANGED, GONE, UNKNOWN, find_stale
from assistant.index.catalog import Catalog
from tests.manifests import access_toml

HOTELS = "## Hotels\n\nThe limit for a hotel night is 100 euros."
TRAVEL = f"# Travel Policy\n\n{HOTELS}\n\n## Trains\n\nTrains are second class.\n"
HOTEL = "What is the limit for a hotel night?"

Run = Callable[..., IngestReport]


@pytest.fixture
def config(make_config: Callable[..., Config]) -> Config:
    return make_config()


@pytest.fixture
def docs(write_files: Callable[[dict[str, str]], Path], config: Config, run_ingest: Run) -> Path:
    root = write_files({"travel.md": TRAVEL, "hr/pay.md": "# Pay\n\nThe pay of directors is said in Annex 4.\n"})
    (root / "access.toml").write_text(access_toml({"hr/**": ("hr",)}), encoding="utf-8")
    run_ingest(config, root)
    with closing(Assistant(config, access=make_access(["hr"]), audit=True)) as assistant:
        assert assistant.answer(HOTEL).status == "answered"
    return root


def reasons(config: Config, since: str = "") -> dict[str, str]:
    with closing(Catalog.open(config.data)) as catalog:
        found = list(find_stale(Audit(config).entries(), catalog.queries, since))
    return {lost.source: lost.reason for answer in found for lost in answer.lost}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Trains are second class.", "Trains are first class.", ""),
        ("## Hotels", "## Lodging\n\nBook early.\n\n## Hotels", ""),
        ("100 euros", "110 euros", CHANGED),
        ("is 100", "is  100", ""),
        ("# Travel Policy", "---\nexpires: 2020-01-01\n---\n# Travel Policy", GONE),
    ],
)
def test_an_edit_touches_the_answers_that_quote_it(
    config: Config, docs: Path, run_ingest: Run, old: str, new: str, reason: str
) -> None:
    assert reasons(config) == {}
    (docs / "travel.md").write_text(TRAVEL.replace(old, new), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == ({"travel.md": reason} if reason else {})
    assert reasons(config, since="2999-01-01") == {}


def test_what_whoever_asked_may_no_longer_see_is_gone(config: Config, docs: Path, run_ingest: Run) -> None:
    with closing(Assistant(config, access=make_access(["hr"]), audit=True)) as assistant:
        answer = assistant.answer("Where is the pay of directors said?")
        assert {citation.source for citation in answer.citations} == {"hr/pay.md"}, answer.text
    (docs / "access.toml").write_text(access_toml({"hr/**": ("board",)}), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == {"hr/pay.md": GONE}


def test_a_line_of_before_tells_that_its_document_changed(config: Config, docs: Path, run_ingest: Run) -> None:
    entries = list(Audit(config).entries())
    for source in entries[0].raw["sources"]:
        del source["quote_sha256"]
    (docs / "travel.md").write_text(f"{TRAVEL}\nMore.\n", encoding="utf-8")
    run_ingest(config, docs)
    with closing(Catalog.open(config.data)) as catalog:
        (answer,) = find_stale(entries, catalog.queries)
    assert [lost.reason for lost in answer.lost] == [UNKNOWN]


def test_the_log_holds_no_text_of_a_quote(config: Config, docs: Path) -> None:
    assert "100 euros" not in (config.data / "audit.jsonl").read_text(encoding="utf-8")


def test_the_command_exits_with_7(config: Config, docs: Path, run_ingest: Run, run: Callable[..., Any]) -> None:
    done = run("stale", "--data", config.data)
    assert done.code == 0 and "still holds" in done.out
    (docs / "travel.md").write_text(TRAVEL.replace("100", "120"), encoding="utf-8")
    run_ingest(config, docs)
    done = run("stale", "--data", config.data, "--json")
    (answer,) = json.loads(done.out)
    assert done.code == 7 and answer["question"] == HOTEL and answer["lost"][0]["reason"] == CHANGED
    assert "travel.md" in run("stale", "--data", config.data).out
