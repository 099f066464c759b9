"""A change in a watched folder is told within seconds, a burst once, and what nobody indexes is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import IngestReport
from ingest.sources import MANIFEST
from ingest.watch import changes

MOST_SECONDS = 8.0  # of the ten in which a change is to be answered from


def test_a_burst_of_changes_is_told_once(tmp_path: Path) -> None:
    docs, data = tmp_path / "docs", tmp_path / "docs" / "index"
    for folder in (docs, data, docs / ".git"):
        folder.mkdir()
    seen: list[float] = []
    watched = changes([docs], data)

    def follow() -> None:
        for _ in watched:
            seen.append(time.monotonic())
            if len(seen) == 2:
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    time.sleep(1.0)  # until it listens
    for quiet in (data / "catalog.sqlite3", docs / ".git" / "HEAD", docs / ".hidden.md"):
        quiet.write_text("x")
    time.sleep(2.5)
    assert not seen
    began = time.monotonic()
    for n in range(20):
        (docs / f"{n}.md").write_text("# A page\n")
        time.sleep(0.02)
    while not seen and time.monotonic() < began + MOST_SECONDS:
        time.sleep(0.05)
    time.sleep(2.5)
    assert len(seen) == 1
    (docs / "0.md").unlink()
    thread.join(MOST_SECONDS)
    assert len(seen) == 2


def test_the_manifest_above_a_watched_folder_is_watched(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / MANIFEST).write_text('default = "everyone"\n')
    watched = changes([tmp_path / "open"], tmp_path / "index")
    later = threading.Timer(1.0, (tmp_path / MANIFEST).write_text, ['default = "nobody"\n'])
    later.start()
    assert next(watched) is False


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
