"""Nothing is fetched: the whole path runs in a process in which every door to the network is a trap."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GUARD = """
import os, socket, sys

attempts = []

def trap(name):
    def refuse(*args, **kwargs):
        attempts.append(name)
        raise OSError(f"{name} was called: {args[:3]!r}")
    return refuse

real = socket.socket
class Trapped(real):
    connect = trap("connect")
    connect_ex = trap("connect_ex")
    sendto = trap("sendto")
socket.socket = Trapped
for name in ("create_connection", "getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    setattr(socket, name, trap(name))

def audit(event, args):  # what reaches the C functions by any other way, e.g. _socket
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"):
        attempts.append(f"{event} {args[1:]!r}")
        raise OSError(event)
sys.addaudithook(audit)

class Telemetry:  # PostHog's sender, should anything import it
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("posthog", "sentry_sdk", "analytics", "huggingface_hub"):
            attempts.append(f"import of {name}")
        return None
sys.meta_path.insert(0, Telemetry())

def report():
    import json
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "ANONYMIZED_TELEMETRY"):
        assert name not in os.environ, "the test must not help"
    print("ATTEMPTS", json.dumps(attempts), file=sys.stderr, flush=True)
"""
RUN = """
import atexit
atexit.register(report)
from assistant.cli import main
for line in sys.argv[1].splitlines():
    sys.argv[1:] = line.split("\\t")
    try:
        main()
    except SystemExit as end:
        assert not end.code, line
"""
DOCS = {
    "leave.md": "# Leave Policy\n\n## Carry-over\n\nEmployees may carry over at most 5 days of annual leave.\n",
    "page.html": "<h1>Gifts</h1><p>Gifts above 50 euros are declared.</p><img src='http://example.com/pixel.png'>",
    "list.csv": "Role,Limit\nManager,500\nDirector,5000\n",
    "remote.md": "# Links\n\nSee ![pixel](http://example.com/a.png) and [this](https://example.com/policy.md).\n",
}
CARRY = "How many days of annual leave can I carry over?"

Cli = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name, text in DOCS.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    """Return an environment without a cache, a proxy, or a switch that turns the network off."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not re.match(r"(?i)(hf_|transformers_|anonymized_|ort_|ci$|github_|.*_proxy$|do_not)", k)
    }
    return {**kept, "HOME": str(place / "home"), "XDG_CACHE_HOME": str(place / "home" / "cache")}


def tracer(log: Path) -> list[str]:
    """Return how to run a command under strace, or nothing where that is not possible."""
    command = ["strace", "-f", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(log)]
    usable = shutil.which("strace") and not subprocess.run([*command, "true"], capture_output=True).returncode
    return command if usable else []


@pytest.fixture
def cli(place: Path) -> Cli:
    """Run commands, one after the other in a process with the network trapped; fail if anything went for it.

    Native code (Chroma's is Rust) opens its sockets without asking Python, so strace watches too, where it can.
    """
    log = place / "strace.txt"
    traced = tracer(log)

    def run(*commands: tuple[str, ...]) -> list[Any]:
        done = subprocess.run(
            [*traced, sys.executable, "-c", GUARD + RUN, "\n".join("\t".join((*line, "--json")) for line in commands)],
            cwd=place,
            env=environment(place),
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        (attempts,) = re.findall(r"^ATTEMPTS (.*)$", done.stderr, re.MULTILINE)
        assert json.loads(attempts) == []
        if traced:
            assert not re.findall(r"^.*AF_INET.*$", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_the_trap_works(place: Path) -> None:
    code = """
import contextlib, urllib.request
for url in ("http://127.0.0.1:9/", "http://localhost:9/"):
    with contextlib.suppress(OSError):
        urllib.request.urlopen(url)
import _socket
with contextlib.suppress(OSError):
    _socket.socket().connect(("127.0.0.1", 9))
report()
"""
    done = subprocess.run([sys.executable, "-c", GUARD + code], env=environment(place), capture_output=True, text=True)
    assert len(json.loads(done.stderr.removeprefix("ATTEMPTS "))) == 3, done.stderr


@pytest.mark.models
def test_ingest_search_and_ask_go_nowhere(cli: Cli, models_dir: Path, place: Path) -> None:
    (place / "home").mkdir()
    for runtime in ("none", "onnx"):
        sections = f'[index]\ndata = "index"\n[models]\ndir = "{models_dir}"\n[generator]\nruntime = "{runtime}"\n'
        (place / f"{runtime}.toml").write_text(sections, encoding="utf-8")
    report, found, *answers = cli(
        ("ingest", "docs", "--config", "none.toml"),
        ("search", "carry over leave", "--config", "none.toml"),
        *(("ask", CARRY, "--config", f"{runtime}.toml") for runtime in ("none", "onnx")),
    )
    assert sorted(report["added"]) == sorted(DOCS) and not report["rejected"]
    assert found["hits"][0]["source"] == "leave.md" and found["hits"][0]["methods"][0] == "dense"
    assert [answer["model"]["runtime"] for answer in answers] == ["none", "onnx"]
    assert [answer["status"] for answer in answers] == ["answered", "answered"]
    assert "5 days" in answers[0]["citations"][0]["quote"]
    # A library that reports to its maker keeps an identifier and what it is to send, and sends it after a while.
    assert not [path for path in (place / "home").rglob("*") if "policy-assistant" not in path.parts]
