"""The log's files: what is changed shows, what a crash or a full disk leaves heals, and a key cannot be got around."""

from __future__ import annotations

import hashlib
import json
import multiprocessing as mp
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.audit import ledger as ledgers
from assistant.audit.ledger import BEFORE, FILE_NAME, HEAD, LOCK, Ledger
from assistant.core.errors import GateFailed, NotWritable

KEY = b"a secret of more than 16 bytes"
TIMEOUT_SECONDS = 60.0
NEVER_FULL = 1.0
KILLS = 25  # each time


def ledger(folder: Path, key: bytes | None = None, max_mb: float = NEVER_FULL) -> Ledger:
    return Ledger(folder, max_mb, key, {"said": str})


def say(log: Ledger, *words: str) -> None:
    for word in words:
        log.append({"said": word}, lambda told: {"said": f"note: {told}"})


def said(log: Ledger) -> list[str]:
    return [entry.raw["said"] for entry in log.lines()]


def lines_of(folder: Path) -> list[bytes]:
    return (folder / FILE_NAME).read_bytes().splitlines(keepends=True)


Tamper = Callable[[Path, list[bytes]], Any]


def rewrite(folder: Path, lines: list[bytes]) -> None:
    (folder / FILE_NAME).write_bytes(b"".join(lines))


def forge(folder: Path, words: list[str]) -> None:
    """Make log and head anew, as whoever can write the folder and knows this code can."""
    for name in (FILE_NAME, HEAD, LOCK):
        (folder / name).unlink()
    say(ledger(folder), *words)


def forge_end(folder: Path, lines: list[bytes]) -> None:
    """Cut the last line off, and say in the head that the log ends there."""
    head, last = json.loads((folder / HEAD).read_bytes()), json.loads(lines[-1])
    head["now"] |= {"number": last["number"] - 1, "sha256": last["previous"]}
    (folder / HEAD).write_text(json.dumps(head))
    rewrite(folder, lines[:-1])


def forge_line(folder: Path, lines: list[bytes]) -> None:
    """Add a line that follows the last one, and say in the head that it is the last."""
    head = json.loads((folder / HEAD).read_bytes())
    added = json.dumps({"number": 6, "said": "forged", "previous": head["now"]["sha256"]}).encode()
    head["now"] |= {"number": 6, "sha256": hashlib.sha256(added).hexdigest()}
    (folder / HEAD).write_text(json.dumps(head))
    rewrite(folder, [*lines, added + b"\n"])


NOTICED: dict[str, Tamper] = {
    "the first lines are removed": lambda folder, lines: rewrite(folder, lines[2:]),
    "a line is removed": lambda folder, lines: rewrite(folder, [*lines[:2], *lines[3:]]),
    "the last line is removed": lambda folder, lines: rewrite(folder, lines[:-1]),
    "all lines are removed": lambda folder, lines: rewrite(folder, []),
    "a line is changed": lambda folder, lines: rewrite(folder, [lines[0].replace(b"one", b"eno"), *lines[1:]]),
    "the last line is changed": lambda folder, lines: rewrite(
        folder, [*lines[:-1], lines[-1].replace(b"five", b"live")]
    ),
    "lines are swapped": lambda folder, lines: rewrite(folder, [lines[1], lines[0], *lines[2:]]),
    "the last line is there twice": lambda folder, lines: rewrite(folder, [*lines, lines[-1]]),
    "half a line is added": lambda folder, lines: rewrite(folder, [*lines, b"half a line"]),
    "the last line lacks its end": lambda folder, lines: rewrite(folder, [*lines[:-1], lines[-1][:-5]]),
    "the log is deleted": lambda folder, lines: (folder / FILE_NAME).unlink(),
    "the head is deleted": lambda folder, lines: (folder / HEAD).unlink(),
    "the head is empty": lambda folder, lines: (folder / HEAD).write_bytes(b""),
    "log and head are deleted": lambda folder, lines: [(folder / name).unlink() for name in (FILE_NAME, HEAD)],
    "the first lines are removed, and the head with them": lambda folder, lines: (
        rewrite(folder, lines[2:]),
        (folder / HEAD).unlink(),
    ),
}
FORGED: dict[str, Tamper] = {
    "log and head are made anew": lambda folder, lines: forge(folder, ["one", "two", "something else"]),
    "the end is cut off and the head changed": forge_end,
    "a line is added and the head changed": forge_line,
}


@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
@pytest.mark.parametrize("name", NOTICED)
def test_what_is_changed_shows_and_goes_on_showing(tmp_path: Path, name: str, key: bytes | None) -> None:
    log = ledger(tmp_path, key)
    say(log, "one", "two", "three", "four", "five")
    assert log.verify() == 5
    NOTICED[name](tmp_path, lines_of(tmp_path))
    with pytest.raises(GateFailed):
        log.verify()
    say(log, "six")
    assert said(log)[-1] == "six"
    if name != "half a line is added":  # which leaves a note
        with pytest.raises(GateFailed):
            log.verify()


def test_what_is_added_behind_the_file_before_shows(tmp_path: Path) -> None:
    log = ledger(tmp_path, max_mb=1e-9)
    say(log, "one", "two")
    assert log.verify() == 2
    with (tmp_path / BEFORE).open("ab") as file:
        file.write(b'{"number": 9}')
    with pytest.raises(GateFailed):
        log.verify()


def test_a_file_that_is_moved_while_it_is_read_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ledger(tmp_path, max_mb=1e-9)
    say(log, "one", "two")
    read = ledgers._read

    def slow(path: Path) -> bytes:
        found = read(path)
        if path.name == FILE_NAME:
            monkeypatch.setattr(ledgers, "_read", read)
            say(log, "three")  # which moves the file
        return found

    monkeypatch.setattr(ledgers, "_read", slow)
    assert said(log) == ["two"]


@pytest.mark.parametrize("name", FORGED)
def test_only_with_a_key_a_forged_log_shows(tmp_path: Path, name: str) -> None:
    for folder, key in ((tmp_path / "without", None), (tmp_path / "with", KEY)):
        folder.mkdir()
        say(ledger(folder, key), "one", "two", "three", "four", "five")
        FORGED[name](folder, lines_of(folder))
    assert ledger(tmp_path / "without").verify(), "the documentation says so"
    with pytest.raises(GateFailed, match="signed"):
        ledger(tmp_path / "with", KEY).verify()
    with pytest.raises(NotWritable, match="signed"):
        say(ledger(tmp_path / "with", KEY), "six")


@pytest.mark.parametrize(
    ("begun", "given", "told"),
    [(None, KEY, "begun without the key"), (KEY, None, "names no key"), (KEY, KEY[1:], "not signed with the key")],
)
def test_a_log_goes_on_only_with_the_key_that_it_was_begun_with(
    tmp_path: Path, begun: bytes | None, given: bytes | None, told: str
) -> None:
    say(ledger(tmp_path, begun), "one")
    for use in (lambda: ledger(tmp_path, given).verify(), lambda: say(ledger(tmp_path, given), "two")):
        with pytest.raises((GateFailed, NotWritable), match=told) as error:
            use()
        assert "move audit.jsonl" in error.value.hint
    assert said(ledger(tmp_path, begun)) == ["one"]


def test_lines_are_numbered_and_chained_across_files_and_what_is_gone_is_known(tmp_path: Path) -> None:
    log = ledger(tmp_path, max_mb=0.0)
    words = [str(number) for number in range(5)]
    for count, word in enumerate(words, 1):
        say(log, word)
        assert log.verify() == min(count, 2)
    assert [entry.raw["number"] for entry in log.lines()] == [4, 5] and (tmp_path / BEFORE).exists()
    (tmp_path / BEFORE).unlink()
    with pytest.raises(GateFailed, match="line 1"):
        log.verify()


@pytest.mark.parametrize("max_mb", [NEVER_FULL, 0.0])
def test_a_log_that_goes_on_without_the_lines_before_says_so(tmp_path: Path, max_mb: float) -> None:
    log = ledger(tmp_path, max_mb=max_mb)
    say(log, "one", "two")
    for name in (FILE_NAME, HEAD):
        (tmp_path / name).unlink()
    (tmp_path / BEFORE).unlink(missing_ok=True)
    say(log, "three")
    with pytest.raises(GateFailed, match=r"lines before line 1 .* were removed"):
        log.verify()
    assert said(log)[0] == "note: audit.head was missing or damaged."


def test_a_log_whose_first_writer_was_killed_before_it_wrote_begins(tmp_path: Path) -> None:
    (tmp_path / HEAD).touch()
    for name in (HEAD, LOCK):  # as it is left before and after the lock is taken
        (tmp_path / name).touch()
        assert ledger(tmp_path).verify() == 0
    say(ledger(tmp_path), "one")
    assert ledger(tmp_path).verify() == 1 and said(ledger(tmp_path)) == ["one"]


def test_a_log_that_never_was_is_none(tmp_path: Path) -> None:
    assert ledger(tmp_path).verify() == 0 and ledger(tmp_path / "nowhere").verify() == 0
    assert not list(tmp_path.iterdir())


# --- a full disk ---------------------------------------------------------------------------------------------------


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a full disk."""
    resource = pytest.importorskip("resource")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


LONG = "a long line " * 100


@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
@pytest.mark.parametrize("more", [0, 1, 40])
def test_what_a_full_disk_leaves_of_a_line_is_removed_and_noted(tmp_path: Path, more: int, key: bytes | None) -> None:
    log = ledger(tmp_path, key)
    say(log, LONG, LONG)
    with room_for((tmp_path / FILE_NAME).stat().st_size + more), pytest.raises(NotWritable, match="too large"):
        say(log, LONG)
    assert not lines_of(tmp_path)[-1].endswith(b"\n") or not more
    assert log.verify() == 2 and said(log) == [LONG, LONG]
    say(log, "three")
    told = f"{more} bytes of a line" if more else "nothing of it was written"
    assert said(log)[3] == "three" and told in said(log)[2] and log.verify() == 4


@pytest.mark.parametrize("ended", [False, True])
def test_a_line_that_was_written_whole_stays(tmp_path: Path, ended: bool) -> None:
    log = ledger(tmp_path)
    say(log, LONG, LONG, LONG)
    length = len(lines_of(tmp_path)[-1])
    with room_for((tmp_path / FILE_NAME).stat().st_size + length - 1), pytest.raises(NotWritable):
        say(log, LONG)
    if ended:  # killed between the line and the head
        with (tmp_path / FILE_NAME).open("ab") as file:
            file.write(b"\n")
    assert log.verify() == 3 + ended
    say(log, "five")
    assert said(log)[3:] == [LONG, "five"] and log.verify() == 5


# --- several writers, and killed ones -------------------------------------------------------------------------------


def write_on(folder: Path, key: bytes | None, max_mb: float, count: int, told: Any) -> None:
    log = ledger(folder, key, max_mb)
    for number in range(count):
        say(log, f"{os.getpid()} {number}")
        told.value += 1


@pytest.fixture(scope="module")
def context() -> Any:
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(["assistant.audit.ledger", "filelock"])
    return context


@pytest.mark.skipif(os.name == "nt", reason="forkserver")
def test_two_processes_that_write_at_once_take_turns(tmp_path: Path, context: Any) -> None:
    say(ledger(tmp_path, KEY), "the first")
    arguments = tmp_path, KEY, NEVER_FULL, 100, context.Value("i", 0, lock=False)
    writers = [context.Process(target=write_on, args=arguments) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        ledger(tmp_path, KEY).verify()  # whoever checks is not told of lines that are being written
    log = ledger(tmp_path, KEY)
    assert log.verify() == 201 and [entry.raw["number"] for entry in log.lines()] == list(range(1, 202))


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(("key", "max_mb"), [(None, NEVER_FULL), (KEY, 0.002)], ids=["one file", "signed and rotated"])
def test_a_killed_writer_leaves_a_log_that_heals(
    tmp_path: Path, context: Any, key: bytes | None, max_mb: float
) -> None:
    log, rng = ledger(tmp_path, key, max_mb), random.Random(7)
    acknowledged = 0
    for _ in range(KILLS):
        told = context.Value("i", 0, lock=False)
        writer = context.Process(target=write_on, args=(tmp_path, key, max_mb, 10**6, told))
        writer.start()
        began = time.monotonic()
        while not told.value and time.monotonic() - began < TIMEOUT_SECONDS:
            time.sleep(0.001)
        time.sleep(rng.random() / 100)
        writer.kill()
        writer.join()
        acknowledged += told.value
        log.verify()
        assert max(entry.raw["number"] for entry in log.lines()) >= acknowledged, "an answer was shown, and not logged"
    say(log, "the end")
    log.verify()
    assert said(log)[-1] == "the end"
    assert {path.name for path in tmp_path.iterdir()} <= {FILE_NAME, BEFORE, HEAD, LOCK}
