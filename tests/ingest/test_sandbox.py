"""A parser that hangs, crashes or eats memory costs one file, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.core.config import Config, IngestSection
from assistant.core.errors import AssistantError, DocumentRejected
from assistant.core.records import Access, IngestReport
from assistant.index.catalog import Catalog
from ingest import sandbox
from ingest.sandbox import ParserProcess
from tests.ingest.bad_files import MB, office

GOOD = "# Parking\n\nVisitors leave their cars in bay {} behind the canteen.\n"
QUICK = IngestSection(max_seconds=3.0, max_parser_mb=1024)

Run = Callable[..., IngestReport]
Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def bad_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "WORKER", "bad_worker")


@pytest.fixture
def parser() -> Iterator[ParserProcess]:
    with closing(ParserProcess(QUICK)) as parser:
        yield parser


def pid(parser: ParserProcess) -> int:
    return int(parser.read(b"x", "pid.md").text)


def is_alive(number: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def refused(parser: ParserProcess, name: str, data: bytes = b"x") -> DocumentRejected:
    with pytest.raises(DocumentRejected) as caught:
        parser.read(data, name)
    assert caught.value.detail.endswith(".")
    return caught.value


# --- one file is rejected, the rest is indexed -----------------------------------------------------------------------


@pytest.mark.usefixtures("bad_worker")
def test_whatever_a_parser_does_the_other_files_are_indexed(
    make_config: Callable[..., Config], write_files: Write, run_ingest: Run
) -> None:
    bad = {"abort.md": "crashed", "eat.md": "too_large", "hang.md": "too_slow", "kill.md": "crashed"}
    bad |= {"lack.md": "crashed", "lie.md": "crashed"}
    files = {f"{name}{at}.md": GOOD.format(at) for at, name in enumerate(("aa", "ac", "f", "j", "z"))}
    config = make_config(ingest=QUICK)
    docs = write_files({**dict.fromkeys(bad, "x"), **files})
    report = run_ingest(config, docs)
    assert {r.source: r.reason for r in report.rejected} == bad
    assert sorted(report.added) == sorted(files) and report.passages == len(files)
    with closing(Catalog.open(config.data)) as catalog:
        text = "".join(passage.text for passage, _ in catalog.queries.passages(Access()))
    assert all(f"bay {at}" in text for at in range(len(files)))


def test_real_parsers_meet_the_limits_too() -> None:
    page = b"<p>" + b"a word and <b>another</b> " * MB
    with closing(ParserProcess(replace(QUICK, max_seconds=10, max_parser_mb=300))) as parser:
        assert refused(parser, "a.html", page).reason == "too_large"
        assert refused(parser, "a.txt", page * 12).reason == "too_large"  # does not even fit in
        assert "bay 7" in parser.read(GOOD.format(7).encode(), "a.md").text
    with closing(ParserProcess(replace(QUICK, max_seconds=0.2))) as parser:
        assert refused(parser, "a.html", page).reason == "too_slow"


def test_what_the_parsers_return_and_refuse_comes_through(parser: ParserProcess) -> None:
    parsed = parser.read(b"---\neffective: 2026-01-01\n---\n# **A** title\n\nNul \x00.\n", "a.md")
    assert (parsed.title, parsed.emphases, [reason for reason, _ in parsed.flags]) == (
        "A title",
        ((2, 3),),
        ["control"],
    )
    assert str(parsed.front_matter["effective"]) == "2026-01-01"
    assert refused(parser, "a.md", b"").reason == "empty"
    assert refused(parser, "a.docx", b"PK").reason == "damaged"
    for kind in ("docx", "pptx", "xlsx"):
        assert "gifts below fifty" in parser.read(office(kind), f"a.{kind}").text


def test_the_limit_of_a_files_size_is_the_settings() -> None:
    with closing(ParserProcess(replace(QUICK, max_file_mb=0.001))) as parser:
        assert refused(parser, "a.txt", b"x" * 2000).reason == "too_large"


@pytest.mark.usefixtures("bad_worker")
def test_scanned_pages_have_seconds_of_their_own_up_to_a_number_of_pages() -> None:
    with closing(ParserProcess(replace(QUICK, max_seconds=1.5, ocr_seconds=2, ocr_pages=3))) as parser:
        pid(parser)
        assert parser.read(GOOD.encode(), "scan.md").title == "Parking"
    with closing(ParserProcess(replace(QUICK, max_seconds=1.5, ocr_seconds=0.1, ocr_pages=3))) as parser:
        pid(parser)
        error = refused(parser, "scan.md")
        assert error.reason == "too_slow" and "longer than 1.7 s" in error.detail
    with closing(ParserProcess(replace(QUICK, max_seconds=1, ocr_seconds=0.5, ocr_pages=3))) as parser:
        pid(parser)
        assert refused(parser, "endless.md").reason == "crashed"  # it says more pages than there may be


# --- the process -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bad_worker")
def test_one_process_serves_until_it_dies(parser: ParserProcess) -> None:
    first = pid(parser)
    assert pid(parser) == first
    assert parser.read(GOOD.encode(), "print.md").title == "Parking"
    refused(parser, "a.md", b"")
    assert pid(parser) == first
    assert refused(parser, "abort.md").reason == "crashed"
    second = pid(parser)
    assert second != first and pid(parser) == second
    parser.close()
    assert not is_alive(second)


@pytest.mark.usefixtures("bad_worker")
def test_what_an_earlier_document_left_behind_is_not_blamed_on_a_later_one() -> None:
    with closing(ParserProcess(replace(QUICK, max_parser_mb=550))) as parser:
        for _ in range(3):
            assert parser.read(GOOD.encode(), "leave.md").title == "Parking"
        os.kill(pid(parser), signal.SIGKILL)
        assert parser.read(GOOD.encode(), "a.md").title == "Parking"


def test_nothing_changed_starts_no_process(
    make_config: Callable[..., Config], write_files: Write, run_ingest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, docs = make_config(), write_files({"a.md": GOOD})
    os.utime(docs / "a.md", ns=(10**18, 10**18))
    run_ingest(config, docs)
    monkeypatch.setattr(ParserProcess, "_start", lambda self: pytest.fail("started"))
    assert run_ingest(config, docs).unchanged == 1
    os.utime(docs / "a.md")
    assert run_ingest(config, docs).unchanged == 1  # read by its hash alone


def test_too_little_memory_to_start_is_said_and_rejects_nothing() -> None:
    with closing(ParserProcess(replace(QUICK, max_parser_mb=1))) as parser:
        with pytest.raises(AssistantError, match="max_parser_mb") as caught:
            parser.read(b"x", "a.md")
        assert not isinstance(caught.value, DocumentRejected)


# --- no orphans ------------------------------------------------------------------------------------------------------

READING = """
import sys, time
from contextlib import closing
from assistant.core.config import IngestSection
from ingest import sandbox
sandbox.WORKER = "bad_worker"
with closing(sandbox.ParserProcess(IngestSection(max_seconds=float(sys.argv[2])))) as parser:
    print(parser.read(b"x", "pid.md").text, flush=True)
    if sys.argv[1] != "idle":
        parser.read(b"x", sys.argv[1] + ".md")
    time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="tells the living by /proc")
@pytest.mark.parametrize(
    ("end", "does", "max_seconds"),
    [
        (signal.SIGKILL, "idle", 600),
        (signal.SIGKILL, "hang", 600),
        (signal.SIGKILL, "stuck", 0.5),  # which only the system can end, once its time is over
        (signal.SIGINT, "idle", 600),
        (signal.SIGINT, "hang", 600),
        (signal.SIGINT, "stuck", 600),
    ],
)
def test_no_process_outlives_its_parent(end: signal.Signals, does: str, max_seconds: float) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    parent = subprocess.Popen(
        [sys.executable, "-c", READING, does, str(max_seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    assert is_alive(child)
    parent.send_signal(end)
    parent.communicate(timeout=20)
    assert wait_until(lambda: not is_alive(child))


def test_nothing_is_imported_from_the_working_folder(
    parser: ParserProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "importlib", "lxml", "markdown_it"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert parser.read(GOOD.encode(), "a.md").title == "Parking"


def test_a_ctrl_c_for_the_whole_group_rejects_no_file(parser: ParserProcess) -> None:
    parser.read(b"x", "a.md")
    assert parser._process is not None
    parser._process.send_signal(signal.SIGINT)
    assert parser.read(GOOD.encode(), "a.md").title == "Parking"


def test_two_at_once_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: list[str] = []

    def read(word: str) -> None:
        with closing(ParserProcess(QUICK)) as parser:
            wrong.extend(text for _ in range(20) if (text := parser.read(word.encode(), "a.md").text) != word)

    threads = [threading.Thread(target=read, args=(word,)) for word in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
