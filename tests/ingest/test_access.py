"""`assistant access`: who sees what, and why, in the index and in files before an ingest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import make_access
from ingest.build import ingest
from ingest.rights import DocumentAccess, access_to_files, access_to_index
from ingest.sources import MANIFEST
from tests.commands import Run
from tests.fakes import HashingEncoder
from tests.manifests import access_toml

RULES = {"hr/**": ["hr", "board"], "**/pay*": "board", "hr/old.md": "nobody"}
FILES = {name: f"# {name}\n\nSome words.\n" for name in ("a.md", "hr/leave.md", "hr/pay.md", "hr/old.md")}
EXPECTED = [
    ("a.md", "everyone", "no rule"),
    ("hr/leave.md", "board, hr", "rule 1 (hr/**)"),
    ("hr/old.md", "nobody", "rule 1 (hr/**), rule 3 (hr/old.md)"),
    ("hr/pay.md", "board", "rule 1 (hr/**), rule 2 (**/pay*)"),
]


@pytest.fixture
def docs(write_files: Callable[[dict[str, str]], Path]) -> Path:
    return write_files({**FILES, MANIFEST: access_toml(RULES)})


@pytest.fixture
def config(make_config: Callable[..., Config], docs: Path) -> Config:
    made = make_config()
    ingest([docs], made, HashingEncoder())
    return made


def lines(entries: list[DocumentAccess]) -> list[tuple[str, str, str]]:
    return [(entry.source, entry.shown_audience, entry.why) for entry in entries]


def test_of_files_it_says_what_an_ingest_would_make(docs: Path) -> None:
    assert lines(access_to_files([docs])) == EXPECTED
    assert lines(access_to_files([docs / "hr"])) == EXPECTED[1:]


def test_of_files_it_stops_where_an_ingest_would(docs: Path) -> None:
    (docs / "hr" / "old.md").unlink()
    with pytest.raises(UsageError, match=r'"hr/old\.md" matches no document'):
        access_to_files([docs])


def test_of_the_index_it_says_what_holds_and_what_the_next_ingest_changes(config: Config, docs: Path) -> None:
    assert (lines(access_to_index(config)[0]), access_to_index(config)[1]) == (EXPECTED, "")
    (docs / MANIFEST).write_text(access_toml({"a.md": "hr", "hr/**": ["board", "hr"]}), encoding="utf-8")
    changed, _ = access_to_index(config)
    assert [(e.source, e.shown_audience, e.differs) for e in changed] == [
        ("a.md", "everyone", True),
        ("hr/leave.md", "board, hr", False),
        ("hr/old.md", "nobody", True),
        ("hr/pay.md", "board", True),
    ]


def test_of_the_index_it_says_what_holds_whatever_is_wrong_on_disk(config: Config, docs: Path) -> None:
    (docs / MANIFEST).unlink()
    entries, problem = access_to_index(config)
    assert [entry.shown_audience for entry in entries] == [audience for _, audience, _ in EXPECTED]
    assert "access.toml is gone" in problem


@pytest.mark.parametrize(
    ("roles", "seen"),
    [((), ["a.md"]), (("hr",), ["a.md", "hr/leave.md"]), (("board",), ["a.md", "hr/leave.md", "hr/pay.md"])],
)
def test_what_a_role_sees_is_what_the_index_shows_it(config: Config, roles: tuple[str, ...], seen: list[str]) -> None:
    from assistant.index.catalog import Catalog

    who = make_access(roles)
    assert [entry.source for entry in access_to_index(config)[0] if entry.seen_by(who)] == seen
    catalog = Catalog.open(config.data)
    assert sorted(row.source for row in catalog.sources(who).values()) == seen
    catalog.close()


def test_the_command_lists_files_and_index(run: Run, config: Config, docs: Path) -> None:
    done = run("access", docs, "--json")
    rows = json.loads(done.out)
    assert done.code == 0 and [row["audience"] for row in rows] == ["everyone", ["board", "hr"], "nobody", ["board"]]
    assert rows[3]["rules"] == [{"rule": 1, "path": "hr/**"}, {"rule": 2, "path": "**/pay*"}]
    done = run("access", "--as", "hr", "--data", config.data)
    assert done.code == 0 and "hr/leave.md" in done.out and "rule 1 (hr/**)" in done.out and "pay" not in done.out
    (docs / MANIFEST).write_text("default = ", encoding="utf-8")
    done = run("access", "--data", config.data)
    assert done.code == 0 and "hr/pay.md" in done.out and "The next ingest will stop" in done.err
    assert run("access", docs).code == 2
