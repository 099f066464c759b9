"""What a place does wrong: what it takes of time, memory and disk is bounded, and the rest goes on."""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from assistant.core.config import Config
from assistant.core.errors import DocumentRejected, NotWritable, UsageError
from assistant.core.records import IngestReport, Quote
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.terminal.views import sources_view
from ingest.moves_and_removals import forget
from ingest.remote import kept
from ingest.remote.mirror import mirror
from ingest.remote.s3 import Sink
from ingest.watch import changes
from tests.commands import Run
from tests.ingest.remote.places import FILES, LEAVE, TRAVEL, Take, names, pipe, put, write
from tests.ingest.remote.servers import S3, Dripping


def test_an_interruption_ends_what_is_being_fetched(s3: Any, s3_server: S3, take: Take) -> None:
    put(s3, FILES)
    reads: list[str] = []

    def hang(line: str) -> None:
        if line.startswith("GET") and "list-type" not in line:
            reads.append(line)
            time.sleep(5)

    def interrupt() -> None:
        ends = time.monotonic() + 5
        while not reads and time.monotonic() < ends:
            time.sleep(0.02)
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    s3_server.spoil = hang
    threading.Thread(target=interrupt).start()
    began, before = time.monotonic(), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        take("s3://corp/policies", seconds=30.0)
    assert time.monotonic() - began < 4
    left = [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
    assert not [thread for thread in left if thread.name.startswith("ThreadPool")]


def test_a_file_that_is_too_large_is_given_up() -> None:
    taken = io.BytesIO()
    sink = Sink(taken, 10)
    sink.write(b"x" * 10)
    with pytest.raises(DocumentRejected):
        sink.write(b"x")
    assert len(taken.getvalue()) == 10


def test_an_object_that_drips_is_given_up(dripping: Dripping, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.remote.mirror.MORE_SECONDS", 2)
    began = time.monotonic()
    [late] = take("s3://corp/policies", seconds=2.0).unfetched
    assert (late.source, late.reason) == ("a.md", "unreadable") and "did not answer in time" in late.detail
    assert time.monotonic() - began < 6, "it is not tried again"


def test_a_server_that_hangs_is_given_up(s3: Any, s3_server: S3, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, FILES)
    found = take("s3://corp/policies")
    monkeypatch.setattr("ingest.remote.mirror.MORE_SECONDS", 3)
    put(s3, {"leave.md": LEAVE + "\nMore.\n"})
    s3_server.spoil = lambda line: time.sleep(6) if line.startswith("GET") and "/leave.md" in line else None
    [late] = take("s3://corp/policies", seconds=1.0).unfetched
    assert "did not answer in time" in late.detail and (found.folder / "leave.md").read_text() == LEAVE
    s3_server.spoil = lambda line: time.sleep(6)
    began = time.monotonic()
    with pytest.raises(UsageError, match="did not answer in time"):
        take("s3://corp/policies", seconds=1.0)
    assert time.monotonic() - began < 12 and names(found) == sorted(FILES)


def test_a_bucket_of_too_much_is_given_up_at_its_first_pages(
    s3: Any, s3_server: S3, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.remote.s3.MOST_LISTED", 2)
    page = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    keys = "".join(f"<Contents><Key>policies/{n}.md</Key><Size>1</Size></Contents>" for n in range(2))
    answer = f"<ListBucketResult><Name>corp</Name>{page}{keys}</ListBucketResult>".encode()
    s3_server.spoil = lambda line: answer if "list-type" in line else None
    with pytest.raises(UsageError, match="has more than 2 files"):
        take("s3://corp/policies")
    assert sum("list-type" in line for line in s3_server.asked) == 2


def test_a_bucket_that_is_listed_without_end_is_given_up(
    s3: Any, s3_server: S3, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, FILES)
    found = take("s3://corp/policies")
    monkeypatch.setattr("ingest.remote.mirror.MORE_SECONDS", 2)
    more = count()

    def one_more(line: str) -> bytes | None:
        if "list-type" not in line:
            return None
        time.sleep(0.02)
        page = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{next(more)}</NextContinuationToken>"
        key = f"<Contents><Key>policies/{next(more)}.md</Key><Size>1</Size></Contents>"
        return f"<ListBucketResult><Name>corp</Name>{page}{key}</ListBucketResult>".encode()

    s3_server.spoil = one_more
    began = time.monotonic()
    with pytest.raises(UsageError, match="cannot be listed: it did not answer in time"):
        take("s3://corp/policies", seconds=1.0)
    assert time.monotonic() - began < 15 and names(found) == sorted(FILES)
    asked = len(s3_server.asked)
    time.sleep(0.5)
    assert len(s3_server.asked) == asked, "nobody goes on listing"


def test_a_local_secret_is_forgotten_while_an_address_is_slow(
    memory: Any, config: Config, run_ingest: Callable[..., IngestReport], write_files: Callable[..., Path]
) -> None:
    run_ingest(config, write_files({"secret.md": LEAVE}))
    memory.pipe("/docs/travel.md", TRAVEL.encode())
    with mirror("s3://docs", config, most_gone=0.5) as found:
        assert forget(["secret.md"], config) == ["secret.md"]
        run_ingest(config, found.folder)
        left = found.folder.with_name(f"{found.folder.name}.new")
        left.mkdir()  # as another run would have it, at work
        assert forget(["travel.md"], config) == ["travel.md"] and left.exists()


def test_a_local_change_does_not_wait_for_an_address(
    memory: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "local", {"here.md": "# Here\n\nThe office opens at 8.\n"})
    memory.pipe("/docs/leave.md", LEAVE.encode())

    def look(*_: Any) -> Iterator[bool]:
        yield False  # it listens, and the first ingest begins
        memory.pipe("/docs/travel.md", TRAVEL.encode())
        write(tmp_path / "local", {"new.md": "# New\n\nThe canteen closes at 3.\n"})
        yield False

    monkeypatch.setattr("ingest.watch.changes", look)
    done = run("ingest", "s3://docs", "local", "--watch", "--data", config.data, "--json")
    assert [sorted(report["added"]) for report in done.lines] == [["here.md", "leave.md"], ["new.md"]]


def test_a_watch_tells_changes_here_from_looks_elsewhere(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    watched = changes([docs], tmp_path / "index", 60.0)
    assert next(watched) is False  # it listens
    (docs / "new.md").write_text("# New\n")
    assert next(watched) is False


def test_pruning_stops_at_the_first_look_of_a_watch_too(
    memory: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service is started anew just as the address is out of reach."""
    monkeypatch.setattr("ingest.watch.changes", lambda *_: iter(()))
    pipe(memory, FILES)
    base = ("ingest", "s3://docs", "--prune", "--data", config.data)
    assert run(*base).code == 0
    memory.rm("/docs/leave.md")
    memory.rm("/docs/travel.md")
    done = run(*base, "--watch")
    assert done.code == 2 and "2 of 3 files at s3://docs are gone" in done.err
    assert run(*base).code == 0  # whoever looks on may say so


def test_what_was_fetched_aside_is_deleted_though_the_disk_is_full(
    memory: Any, take: Take, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(memory, FILES)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_atomic", full)
    with pytest.raises(NotWritable, match="No space left"):
        take("s3://docs")
    assert not [path for path in (config.data / MIRRORS).iterdir() if path.suffix == ".new"]


def test_an_address_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    quote = Quote(1, "A quote.", "leave.md", "Leave", (), None, 0, 8, "hash")
    with (tmp_path / "out").open("w+", encoding="utf-8") as out:
        console = Console(file=out, force_terminal=True, color_system="truecolor", legacy_windows=False)
        console.print(sources_view([quote], {("leave.md", "hash"): "http://h/?\x9b2J"}))
        out.seek(0)
        shown = out.read()
    assert "http://h/?" in shown and "\x9b" not in shown
