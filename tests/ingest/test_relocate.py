"""Another checkout of indexed documents: its files take the places of those of the same source names."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from ingest.scratch import relocated, scratch_index


def row(root: Path, source: str, seen: int = 1) -> SourceRow:
    return SourceRow(str(root / source), str(root), source, "d", 1, 1, seen, "0" * 64, Meta())


def rows(*found: SourceRow) -> dict[str, SourceRow]:
    return {row.path: row for row in found}


def files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n\nThis is {name}.\n", encoding="utf-8")
    return root


def test_a_folder_takes_the_place_of_the_root_whose_documents_it_holds(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", files(tmp_path / "clone", "hr/a.md", "b.md", "new.md")
    known = rows(row(home, "hr/a.md"), row(home, "b.md"), row(home, "gone.md"), row(tmp_path / "other", "x.md"))
    assert relocated([clone], known) == {
        str(home / name): (clone / name, clone) for name in ("hr/a.md", "b.md", "gone.md")
    }


def test_a_folder_that_happens_to_have_a_file_of_that_name_removes_nothing(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", files(tmp_path / "clone", "readme.md", "x.md")
    known = rows(*(row(home, name) for name in ("readme.md", "a.md", "b.md")))
    assert relocated([clone], known) == {str(home / "readme.md"): (clone / "readme.md", clone)}


def test_a_part_of_a_checkout_replaces_that_part(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", files(tmp_path / "clone", "hr/a.md", "it/b.md")
    known = rows(row(home, "hr/a.md"), row(home, "hr/gone.md"), row(home, "it/b.md"))
    assert relocated([clone / "hr"], known) == {
        str(home / name): (clone / name, clone) for name in ("hr/a.md", "hr/gone.md")
    }
    assert relocated([clone / "it" / "b.md"], known) == {str(home / "it/b.md"): (clone / "it/b.md", clone)}


def test_files_that_lie_where_they_are_indexed_stay_there(tmp_path: Path) -> None:
    home = files(tmp_path / "home", "hr/a.md", "b.md")
    known = rows(row(home, "hr/a.md"), row(home, "b.md"))
    assert relocated([home], known) == relocated([home / "hr"], known) == relocated([home / "b.md"], known) == {}
    assert relocated([home], {}) == {}


def test_of_two_checkouts_the_one_that_was_read_last_is_replaced(tmp_path: Path) -> None:
    clone = files(tmp_path / "clone", "a.md")
    known = rows(row(tmp_path / "first", "a.md", 1), row(tmp_path / "second", "a.md", 2))
    assert relocated([clone], known) == {str(tmp_path / "second" / "a.md"): (clone / "a.md", clone)}


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing at"):
        relocated([tmp_path / "none"], {})


def test_a_trial_reads_the_other_checkout_and_parses_only_what_changed(
    tmp_path: Path, make_config: Callable[..., Config], run_ingest: Callable[..., Any]
) -> None:
    config, home = make_config(), files(tmp_path / "docs", "hr/a.md", "b.md", "gone.md")
    run_ingest(config, home)
    clone = tmp_path / "clone"
    shutil.copytree(home, clone)  # with the same time stamps
    (clone / "gone.md").unlink()
    (clone / "b.md").write_text((home / "b.md").read_text().replace("This", "That"))
    with closing(Catalog.open(config.data)) as catalog:
        moved = relocated([clone], catalog.sources())
    with scratch_index([clone], config, prune=True, moved=moved) as (trial, report):
        assert (report.updated, report.unchanged, report.removed, report.added) == (("b.md",), 1, ("gone.md",), ())
        assert report.embedded == 1
        with closing(Catalog.open(trial.data)) as catalog:
            assert {row.root for row in catalog.sources().values()} == {str(clone)}
