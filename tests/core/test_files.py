"""Files are their owner's alone, whatever the umask, and settings that others may write are not obeyed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config, load_config
from assistant.core.errors import ConfigError
from assistant.core.files import is_exposed, keep_private, open_private, write_atomic
from assistant.index.catalog import Catalog
from assistant.index.schema import FILE_NAME
from assistant.index.vectors import FOLDER

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
NOBODY = 65_534
AS_ROOT = pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="only root gives files away")
OFF = '[guards]\ninjection = "off"\n[audit]\nenabled = false\n'


@pytest.fixture
def careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_that_cannot_be_written_leaves_nothing_beside_it(tmp_path: Path) -> None:
    kept = tmp_path / "rows.jsonl"
    kept.mkdir()  # so that nothing can take its place
    with pytest.raises(OSError, match="directory"):
        write_atomic(kept, "a row")
    assert [*tmp_path.iterdir()] == [kept]


def test_a_new_index_is_its_owners_alone(
    make_config: Callable[..., Config], run_ingest: Callable[..., Any], tmp_path: Path, careless: None
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Pay\n\nThe pay of an engineer is 71,000 euros.\n")
    for name in ("made", "there"):
        config = make_config(f"deep/{name}")
        if name == "there":
            config.data.mkdir(parents=True)
        run_ingest(config, tmp_path / "docs")
        assert mode(config.data) == (0o700 if name == "made" else 0o777), "a folder that is there stays as it is"
        assert [path.name for path in config.data.iterdir() if is_exposed(path)] == []
        assert mode(config.data / FILE_NAME) == 0o600
        assert {mode(path) for path in (config.data / FOLDER, *(config.data / FOLDER).iterdir())} == {0o700}


def test_what_was_open_is_closed_by_the_next_ingest(
    make_config: Callable[..., Config], run_ingest: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Pay\n\nThe pay of an engineer is 71,000 euros.\n")
    config = make_config()
    run_ingest(config, tmp_path / "docs")
    for path in (config.data, *config.data.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (tmp_path / "docs" / "b.md").write_text("# Pay\n\nThe pay of a clerk is 51,000 euros.\n")
    run_ingest(config, tmp_path / "docs")
    assert mode(config.data / FILE_NAME) == 0o600 and mode(config.data / FOLDER) == 0o700


def test_the_files_beside_an_open_catalog_are_as_private(tmp_path: Path, careless: None) -> None:
    catalog = Catalog.open(tmp_path / "index", create=True)
    try:
        assert {mode(path) for path in (tmp_path / "index").iterdir()} == {0o600}
        assert len(list((tmp_path / "index").iterdir())) == 3, "the catalog, its log and its shared memory"
    finally:
        catalog.close()


def test_rights_are_taken_from_others_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    path.chmod(0o4755)
    keep_private(path)
    assert mode(path) == 0o4700
    keep_private(tmp_path / "nothing")
    os.close(open_private(path, os.O_RDONLY))
    assert path.read_text() == "x"


# --- whose settings are obeyed ---------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir(mode=0o755)
    (folder / "config.toml").write_text(OFF)
    (folder / "config.toml").chmod(0o644)
    monkeypatch.chdir(folder)
    return folder


def refused(told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        load_config()
    assert "--config config.toml" in error.value.hint
    assert not load_config(Path("config.toml")).audit.enabled, "who names it knows it"


def test_ones_own_file_is_obeyed_and_told(here: Path) -> None:
    config = load_config()
    assert not config.audit.enabled and config.file == here / "config.toml"
    (here / "config.toml").unlink()
    assert load_config().file is None and load_config().audit.enabled


@pytest.mark.parametrize("rights", [0o646, 0o666, 0o602])
def test_a_file_that_others_may_write_is_not_obeyed(here: Path, rights: int) -> None:
    (here / "config.toml").chmod(rights)
    refused(f"config.toml may be changed by other accounts .mode {rights:o}")


def test_a_file_where_others_may_put_one_is_not_obeyed(here: Path) -> None:
    here.chmod(0o757)
    refused("here may be changed by other accounts")
    here.chmod(0o1777)  # as /tmp: others may put files there, and not take this one away
    assert not load_config().audit.enabled


def test_a_link_is_as_good_as_what_it_leads_to(here: Path, tmp_path: Path) -> None:
    (here / "config.toml").rename(tmp_path / "real.toml")
    (here / "config.toml").symlink_to(tmp_path / "real.toml")
    assert not load_config().audit.enabled
    (tmp_path / "real.toml").chmod(0o666)
    refused("may be changed by other accounts")


@AS_ROOT
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_belongs_to_somebody_else_is_not_obeyed(here: Path, tmp_path: Path, what: str) -> None:
    if what == "link":
        (here / "config.toml").rename(tmp_path / "real.toml")
        (here / "config.toml").symlink_to(tmp_path / "real.toml")
    os.chown(here if what == "folder" else here / "config.toml", NOBODY, NOBODY, follow_symlinks=False)
    refused(f"belongs to another account .user {NOBODY}")


@AS_ROOT
def test_a_group_may_write_only_if_it_is_the_users_own(here: Path) -> None:
    (here / "config.toml").chmod(0o664)
    assert not load_config().audit.enabled, "a umask of 002 goes with groups of one"
    os.chown(here / "config.toml", -1, NOBODY)
    refused("mode 664")
