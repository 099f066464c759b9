"""The time that is left of a whole ingest, whose two parts go on in turns."""

from __future__ import annotations

import io
import re

from rich.console import Console

from assistant.terminal.progress import IngestShare, progress_lines, show_progress


def test_an_ingest_is_done_when_all_files_are_read_and_all_passages_embedded() -> None:
    whole = IngestShare()
    assert whole.update("reading", 0, 100) == 0
    assert whole.update("reading", 50, 100) == 0.5
    assert whole.update("embedding", 0, 1_000) == 0
    assert whole.update("embedding", 500, 1_000) == 0.25  # half of what half of the files hold
    assert whole.update("reading", 100, 100) == 0.5
    assert whole.update("embedding", 2_000, 2_000) == 1
    assert IngestShare().update("reading", 0, 0) == 1


def test_the_time_left_is_that_of_the_whole() -> None:
    out = io.StringIO()
    with show_progress(Console(file=out, force_terminal=True, width=120)) as progress:
        progress("reading", 1, 4)
        progress("embedding", 10, 20)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    last = {name: [line for line in shown.splitlines() if name in line][-1] for name in ("reading", "in all")}
    assert "1/4" in last["reading"] and "0:0" not in last["reading"]
    assert "125/1000" in last["in all"] and re.search(r"about \d+:\d\d:\d\d", last["in all"])


def test_a_log_is_told_of_long_work_now_and_then() -> None:
    seconds, lines = iter((0, 0, 5, 12, 20, 42, 50, 72, 132)), list[str]()
    update = progress_lines(lines.append, lambda: next(seconds))
    update("dataset", 0, 40)
    update("dataset", 40, 40)
    assert lines == []  # short work
    for done in (0, 10, 30, 40, 60, 120):
        update("training", done, 120)
    told = ["training ...", "training: 30 of 120, about 0:01:30 left", "training: 60 of 120, about 0:01:00 left"]
    assert lines == told


def test_short_work_says_nothing_in_a_log() -> None:
    out = io.StringIO()
    with show_progress(Console(file=out)) as progress:
        progress("reading", 0, 4)
        progress("reading", 4, 4)
    assert out.getvalue() == ""
