"""A change in a watched folder is told within seconds, a burst once, and what nobody indexes is not."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import IngestReport
from ingest import watch
from ingest.sources import MANIFEST
from ingest.watch import changes
from tests.manifests import access_toml

MOST_SECONDS = 8.0  # of the ten in which a change is to be answered from
OPEN = access_toml({})


class Told:
    """What a watch told, in a thread of its own, since it listens."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def waits(self) -> bool:
        """Wait until something new is told, and all that belongs to it."""
        ends, had = time.monotonic() + MOST_SECONDS, len(self.times)
        while len(self.times) == had and time.monotonic() < ends:
            time.sleep(0.02)
        is_told = len(self.times) > had
        time.sleep(4 * watch.QUIET_MS / 1000)
        return is_told


@contextmanager
def watching(top: Path, *paths: Path, data: Path | None = None) -> Iterator[Told]:
    told, ended, bell = Told(), threading.Event(), top / "bell"

    def follow() -> None:
        with closing(changes([*paths, bell], data or top / "index")) as watched:
            for _ in watched:
                if ended.is_set():
                    return
                told.times.append(time.monotonic())

    bell.mkdir()
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        assert told.waits()
        told.times.clear()
        yield told
    finally:
        ended.set()
        (bell / "end.md").touch()
        thread.join(MOST_SECONDS)
    assert not thread.is_alive()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second for each second."""
    monkeypatch.setattr(watch, "QUIET_MS", 100)


def test_a_burst_of_changes_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET_MS", 500)
    docs, data = tmp_path / "docs", tmp_path / "docs" / "index"
    for folder in (docs, data, docs / ".git"):
        folder.mkdir()
    with watching(tmp_path, docs, data=data) as told:
        for quiet in (data / "catalog.sqlite3", docs / ".git" / "HEAD", docs / ".hidden.md"):
            quiet.write_text("x")
        time.sleep(1.5)
        assert not told.times
        for n in range(20):
            (docs / f"{n}.md").write_text("# A page\n")
            time.sleep(0.02)
        assert told.waits() and len(told.times) == 1
        (docs / "0.md").unlink()
        assert told.waits() and len(told.times) == 2


def test_the_manifest_above_a_watched_folder_is_watched(tmp_path: Path, quick: None) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / MANIFEST).write_text(OPEN)
    with watching(tmp_path, tmp_path / "open") as told:
        (tmp_path / MANIFEST).write_text(access_toml({}, "nobody"))
        assert told.waits() and len(told.times) == 1


def switch(docs: Path, new: Path) -> None:
    docs.unlink()
    docs.symlink_to(new)


def rename(docs: Path, new: Path) -> None:
    docs.rename(docs.with_name("old"))
    new.rename(docs)


def make_again(docs: Path, new: Path) -> None:
    """Copy it to where the system may give it the number of the one that was there."""
    shutil.rmtree(docs)
    shutil.copytree(new, docs)


def make_again_later(docs: Path, new: Path) -> None:
    shutil.rmtree(docs)
    time.sleep(0.5)
    shutil.copytree(new, docs)


@pytest.mark.parametrize(
    ("replace", "given"),
    [
        (switch, "docs"),
        (rename, "docs"),
        (make_again, "docs"),
        (make_again_later, "docs"),
        (rename, "docs/hr"),
        (make_again, "docs/hr/pay.md"),
    ],
)
def test_what_takes_the_place_of_a_watched_folder_is_watched(
    tmp_path: Path, quick: None, replace: Callable[[Path, Path], None], given: str
) -> None:
    docs, new = tmp_path / "docs", tmp_path / "new"
    for folder in (tmp_path / "first", new):
        (folder / "hr").mkdir(parents=True)
        (folder / "hr" / "pay.md").write_text("# Pay\n")
        (folder / MANIFEST).write_text(OPEN)
    docs.symlink_to("first") if replace is switch else (tmp_path / "first").rename(docs)
    with watching(tmp_path, tmp_path / given) as told:
        replace(docs, new)
        assert told.waits()
        (docs / MANIFEST).write_text(access_toml({"hr/**": ["hr"]}))
        assert told.waits()
        (docs / "hr" / "pay.md").write_text("# Pay\n\nIt is reviewed in April.\n")
        assert told.waits()


def test_a_manifest_that_is_put_above_a_watched_folder_or_taken_away_is_told(tmp_path: Path, quick: None) -> None:
    docs = tmp_path / "docs"
    (docs / "hr").mkdir(parents=True)
    with watching(tmp_path, docs / "hr") as told:
        (docs / MANIFEST).write_text(OPEN)
        assert told.waits()
        (docs / MANIFEST).write_text(access_toml({}, "nobody"))
        assert told.waits()
        (tmp_path / MANIFEST).write_text(OPEN)  # an error of two manifests, which is for the ingest to tell
        assert told.waits()
        (docs / MANIFEST).unlink()
        assert told.waits()


def test_what_changes_while_something_is_ingested_is_told_next(tmp_path: Path, quick: None) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    with closing(changes([docs], tmp_path / "index")) as watched:
        assert next(watched) is None
        (tmp_path / MANIFEST).write_text(OPEN)
        assert next(watched) is None
        (docs / "new.md").write_text("# New\n")
        assert next(watched) is None
        shutil.rmtree(docs)
        assert next(watched) is None
        docs.mkdir()
        assert next(watched) is None


def test_noise_keeps_no_change_from_being_told(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log in the index folder, say, below the documents."""
    monkeypatch.setattr(watch, "MOST_WAITED_MS", 500)
    docs, data = tmp_path / "all" / "docs", tmp_path / "all" / "docs" / "index"
    data.mkdir(parents=True)
    ended = threading.Event()

    def make_noise() -> None:
        while not ended.wait(0.01):
            (data / f"{time.monotonic()}").touch()

    with watching(tmp_path, docs, data=data) as told:
        thread = threading.Thread(target=make_noise)
        thread.start()
        try:
            (tmp_path / "all" / MANIFEST).write_text(OPEN)
            assert told.waits()
        finally:
            ended.set()
            thread.join()


def test_documents_that_are_suddenly_gone_stop_it(
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
) -> None:
    config = make_config()
    docs = write_files({f"{n}.md": f"# Page {n}\n\nRule {n} holds.\n" for n in range(4)})
    run_ingest(config, docs)
    (docs / "0.md").unlink()
    kept = run_ingest(config, docs, prune=True, most_removed=0.5)
    assert kept.removed == ("0.md",)
    for n in (1, 2):
        (docs / f"{n}.md").unlink()
    with pytest.raises(UsageError, match="the files of 2 of 3 documents are gone"):
        run_ingest(config, docs, prune=True, most_removed=0.5)
    assert len(run_ingest(config, docs, prune=True).removed) == 2
