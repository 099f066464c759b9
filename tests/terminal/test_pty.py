"""What only a terminal shows: links, a pager, completion and colours, seen through a pseudo-terminal."""

from __future__ import annotations

import io
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from assistant.core.config import Config
from assistant.terminal.views import answer_text
from tests.office_files import CARRY
from tests.serve.stub import ANSWER

pty = pytest.importorskip("pty", reason="a system without pseudo-terminals")
CODE = "from assistant.cli import main; main()"
ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x1b\x07]*(?:\x1b\\|\x07)|[=>])")


def on_terminal(config: Config, *arguments: str, typed: str = "", **environment: str) -> str:
    """Run a command on a terminal of 80 by 24, type into it once it asks, and return what it showed."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=config.base,
        env={
            **os.environ,
            "TERM": "xterm-256color",
            "COLUMNS": "80",
            "LINES": "24",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            **environment,
        },
        start_new_session=True,
    )
    os.close(its)
    shown, deadline = b"", time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # the other side is closed
                break
            shown += piece
        elif process.poll() is not None:
            break
        if typed and ">" in plain(shown.decode(errors="replace")).partition("/help.")[2]:
            os.write(ours, typed.encode())
            typed = ""
    process.kill()
    process.wait()
    os.close(ours)
    return shown.decode(errors="replace")


def plain(shown: str) -> str:
    return ESCAPE.sub("", shown)


@pytest.fixture(scope="module")
def asked(office_config: Config) -> str:
    """What a terminal shows of an answer."""
    return on_terminal(office_config, "ask", CARRY)


def test_sources_are_links_to_their_files(asked: str, office_docs: Path) -> None:
    assert f";{(office_docs / 'hr' / 'leave.md').as_uri()}\x1b\\" in asked
    assert "1.5 weeks" in plain(asked)


def test_colours_are_the_terminal_s_own(asked: str, office_config: Config) -> None:
    """A colour by number may be unreadable on the other background; what the user chose for a name is not."""
    codes = {code for codes in re.findall(r"\x1b\[([0-9;]+)m", asked) for code in codes.split(";")}
    assert {"1", "36"} <= codes and not codes & {"38", "48", "30", "37", "40", "47", "97"}
    assert "\x1b[" not in on_terminal(office_config, "terms", "RTO", NO_COLOR="1", TERM="dumb")


def test_long_output_goes_through_the_pager(office_config: Config, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED\ncat\n", encoding="utf-8")
    pager.chmod(0o755)
    shown = plain(on_terminal(office_config, "terms", PAGER=str(pager)))
    assert shown.index("PAGED") < shown.index("RTO")


def test_colours_may_be_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    Console(file=out, force_terminal=True).print(answer_text(ANSWER))
    assert "\x1b[1m" in out.getvalue() and not re.search(r"\x1b\[[0-9;]*3[0-7]", out.getvalue())


@pytest.mark.parametrize("shell", ["bash", *(pytest.param(name, marks=pytest.mark.slow) for name in ("zsh", "fish"))])
def test_shells_are_told_what_completes_a_command(shell: str, tmp_path: Path) -> None:
    asked = {
        "_TYPER_COMPLETE_ARGS": "assistant ver",
        "_ASSISTANT_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "assistant ver",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    code = "import sys; sys.argv[0] = 'assistant'; from assistant.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, cwd=tmp_path
    )
    assert "verify" in done.stdout and "ingest" not in done.stdout


def test_chat_says_why(office_config: Config) -> None:
    shown = plain(on_terminal(office_config, "chat", typed=f"{CARRY}\r/why\r/quit\r"))
    assert "found and read" in shown and "Estimated chance" in shown
    assert "It is in the documents' own words." in shown
