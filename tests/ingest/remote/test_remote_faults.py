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
from ingest.remote.files import Sink
from ingest.remote.mirror import mirror
from ingest.watch import changes
from tests.commands import Run
from tests.ingest.remote.places import FILES, LEAVE, TRAVEL, Take, names, pipe, put, write
from tests.ingest.remote.servers import S3, Sftp


def test_an_interruption_ends_what_is_being_fetched(sftp: Sftp, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    write(sftp.root / "policies", FILES)

    def interrupt() -> None:
        ends = time.monotonic() + 5
        while not sftp.reads and time.monotonic() < ends:
            time.sleep(0.02)
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    sftp.hangs = "read"
    threading.Thread(target=interrupt).start()
    began, before = time.monotonic(), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        take(f"sftp://127.0.0.1:{sftp.port}/policies", seconds=30.0)
    assert time.monotonic() - began < 4
    left = [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
    assert not [thread for thread in left if thread.name.startswith("ThreadPool")]


@pytest.mark.parametrize(
    ("size", "seconds", "is_stopped", "error"),
    [(11, 60.0, False, DocumentRejected), (10, -1.0, False, TimeoutError), (10, 60.0, True, TimeoutError)],
)
def test_a_file_is_given_up_that_is_too_large_or_takes_too_long(
    size: int, seconds: float, is_stopped: bool, error: type[Exception]
) -> None:
    stopped = threading.Event()
    taken = io.BytesIO()
    sink = Sink(taken, 10, seconds, stopped)
    if is_stopped:
        stopped.set()
    with pytest.raises(error):
        sink.write(b"x" * size)
    assert not taken.getvalue()


def test_a_folder_that_is_listed_without_end_is_given_up(
    sftp: Sftp, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"sftp://127.0.0.1:{sftp.port}/policies"
    write(sftp.root / "policies", FILES)
    found = take(address)
    monkeypatch.setattr("ingest.remote.mirror.MORE_SECONDS", 2)
    sftp.endless = True
    began = time.monotonic()
    with pytest.raises(UsageError, match="cannot be listed: it did not answer in time"):
        take(address, seconds=1.0)
    assert time.monotonic() - began < 15 and names(found) == sorted(FILES)


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
    with mirror("memory://docs", config, most_gone=0.5) as found:
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
        memory.pipe("/docs/travel.md", TRAVEL.encode())
        write(tmp_path / "local", {"new.md": "# New\n\nThe canteen closes at 3.\n"})
        yield False

    monkeypatch.setattr("ingest.watch.changes", look)
    done = run("ingest", "memory://docs", "local", "--watch", "--data", config.data, "--json")
    assert [sorted(report["added"]) for report in done.lines] == [["here.md", "leave.md"], ["new.md"]]


def test_a_watch_tells_changes_here_from_looks_elsewhere(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    threading.Timer(0.5, lambda: (docs / "new.md").write_text("# New\n")).start()
    assert next(changes([docs], tmp_path / "index", 60.0)) is False


def test_pruning_stops_at_the_first_look_of_a_watch_too(
    memory: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service is started anew just as the address is out of reach."""
    monkeypatch.setattr("ingest.watch.changes", lambda *_: iter(()))
    pipe(memory, FILES)
    base = ("ingest", "memory://docs", "--prune", "--data", config.data)
    assert run(*base).code == 0
    memory.rm("/docs/leave.md")
    memory.rm("/docs/travel.md")
    done = run(*base, "--watch")
    assert done.code == 2 and "2 of 3 files at memory://docs are gone" in done.err
    assert run(*base).code == 0  # whoever looks on may say so


def test_a_name_in_another_encoding_is_told_and_the_rest_is_read(sftp: Sftp, take: Take) -> None:
    policies = sftp.root / "policies"
    write(policies, FILES)
    (policies / "caf\udce9.md").write_text("# Coffee\n")
    (policies / "th\udce9").mkdir()
    found = take(f"sftp://127.0.0.1:{sftp.port}/policies")
    assert names(found) == sorted(FILES)
    assert sorted(each.source for each in found.unfetched) == ["caf\ufffd.md", "th\ufffd"]
    assert all("not valid UTF-8" in each.detail for each in found.unfetched)


def test_the_root_of_a_host_is_a_folder(sftp: Sftp, take: Take) -> None:
    write(sftp.root, FILES)
    found = take(f"sftp://127.0.0.1:{sftp.port}/")
    assert names(found) == sorted(FILES)


def test_what_was_fetched_aside_is_deleted_though_the_disk_is_full(
    memory: Any, take: Take, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(memory, FILES)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_atomic", full)
    with pytest.raises(NotWritable, match="No space left"):
        take("memory://docs")
    assert not [path for path in (config.data / MIRRORS).iterdir() if path.suffix == ".new"]


def test_an_address_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    quote = Quote(1, "A quote.", "leave.md", "Leave", (), None, 0, 8, "hash")
    with (tmp_path / "out").open("w+", encoding="utf-8") as out:
        console = Console(file=out, force_terminal=True, color_system="truecolor", legacy_windows=False)
        console.print(sources_view([quote], {("leave.md", "hash"): "http://h/?\x9b2J"}))
        out.seek(0)
        shown = out.read()
    assert "http://h/?" in shown and "\x9b" not in shown
