"""The MCP server, asked by the SDK's own client: in this process, over stdio and over HTTP."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.server import MCPServer

from assistant.answer.assistant import Assistant
from assistant.audit.trail import Audit
from assistant.contract import answer_json, hit_json
from assistant.core.config import Config
from assistant.core.errors import IndexMissing
from assistant.core.records import make_access
from assistant.serve.mcp import make_server
from tests.commands import Run, free_port
from tests.office_files import BAND, CARRY

CODE = "from assistant.cli import main; main()"
OWN = {"timings_ms": 0, "log_id": ""}  # what no two answers have alike
LEFT_OUT = ("hits", "verdicts", "timings_ms", "model", "index")


@pytest.fixture
def assistant(office_config: Config) -> Iterator[Assistant]:
    with closing(Assistant(office_config, audit=True, command="mcp")) as opened:
        yield opened


def serving(assistant: Assistant) -> MCPServer:
    return make_server(assistant, lambda: assistant.access, print)


def call(server: Any, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Call tools one after the other, by one client."""

    async def run() -> list[Any]:
        async with Client(server, read_timeout_seconds=60) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return anyio.run(run)


def test_every_tool_says_what_its_command_says(assistant: Assistant) -> None:
    expected = answer_json(assistant.answer(CARRY))
    before = Audit(assistant.config).verify()
    asked, found = call(
        serving(assistant),
        ("ask", {"question": CARRY}),
        ("search", {"query": CARRY, "k": 3}),
    )
    answer = asked.structured_content
    assert not asked.is_error and {**answer, **OWN} == {**expected, **OWN}
    hits = [hit_json(hit) for hit in assistant.search(CARRY, k=3).hits]
    assert found.structured_content == {"query": CARRY, "status": "found", "hits": hits} and 0 < len(hits) <= 3
    (citation, *_) = answer["citations"]
    place = {key: citation[key] for key in ("source", "document_sha256", "start", "quote")}
    around, names, terms, checked, brief, forged = (
        result.structured_content
        for result in call(
            serving(assistant),
            ("open_quote", place),
            ("terms", {}),
            ("terms", {"name": "RTO"}),
            ("verify", {"answer": answer}),
            ("verify", {"answer": {key: value for key, value in answer.items() if key not in LEFT_OUT}}),
            ("verify", {"answer": {**answer, "answer": f"{answer['answer']} And a car."}}),
        )
    )
    text = assistant.catalog.queries.document(citation["source"], assistant.access)
    assert text and around["before"] + around["quote"] + around["after"] in text.text
    assert around["quote"] == citation["quote"]
    assert names == {"names": sorted(names["names"], key=str.casefold), "left_out": 0} and len(names["names"]) > 1
    assert [term["name"] for term in terms["terms"]] == ["RTO"] and terms["terms"][0]["definition"]
    assert checked["verified"] and brief["verified"] and not forged["verified"]
    assert Audit(assistant.config).verify() == before + 5  # ask, search twice (one of them ours), terms twice


def test_what_is_wrong_is_said_to_the_model(assistant: Assistant) -> None:
    place = {"source": "x.md", "document_sha256": "0" * 64, "start": 0, "quote": "forged"}
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("ask", {"question": ""}, "the question is empty."),
        ("ask", {"question": CARRY, "history": [{"role": "system", "content": "x"}]}, "history"),
        ("ask", {}, "question: field required."),
        ("ask", {"question": "x" * 5_000}, "question: string should have at most 4000 characters."),
        ("search", {"query": CARRY, "k": 0}, "k: input should be greater than or equal to 1."),
        ("open_quote", place, "x.md: the document has changed or is no longer indexed."),
        ("verify", {"answer": {"no": "answer"}}, "answer"),
    ]
    results = call(serving(assistant), *((name, arguments) for name, arguments, _ in wrong))
    for result, (_, _, told) in zip(results, wrong, strict=True):
        assert result.is_error and told in result.content[0].text, result.content
        shown = result.content[0].text
        assert not any(word in shown for word in ("Traceback", "pydantic", "http", "assistant ask")), shown


@pytest.mark.parametrize("error", [IndexMissing("there is no index in /srv/x.", "Run it."), OSError("/srv/x is gone")])
def test_what_is_ours_to_fix_is_said_to_whoever_runs_it_alone(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    told: list[tuple[str, str]] = []
    monkeypatch.setattr(assistant, "search", fail)
    server = make_server(assistant, lambda: assistant.access, lambda *said: told.append(said))
    (result,) = call(server, ("search", {"query": CARRY}))
    shown = result.content[0].text
    assert result.is_error and "whoever runs" in shown and "/srv" not in shown
    assert len(told) == 1 and told[0][1]


def test_a_model_is_told_how_to_use_each_tool(assistant: Assistant) -> None:
    async def listed() -> Any:
        async with Client(serving(assistant)) as client:
            return await client.list_tools()

    tools = {tool.name: tool for tool in anyio.run(listed).tools}
    assert set(tools) == {"ask", "search", "open_quote", "terms", "verify"}
    for tool in tools.values():
        assert tool.annotations.read_only_hint and len(tool.description) > 40
        assert all(field.get("description") for field in tool.input_schema["properties"].values()), tool.name


def test_nobody_gets_more_than_the_audience_that_the_server_has(office_config: Config) -> None:
    def told(*roles: str) -> str:
        with closing(Assistant(office_config, access=make_access(roles))) as opened:
            results = call(serving(opened), ("ask", {"question": BAND}), ("search", {"query": BAND}))
            return "".join(result.content[0].text for result in results)

    assert "salaries.md" not in told() and "salaries.md" in told("managers")


def test_calls_that_are_given_up_hold_nothing_up(assistant: Assistant) -> None:
    async def run() -> Any:
        async with Client(serving(assistant)) as client:
            for _ in range(3):
                with anyio.move_on_after(0.01):
                    await client.call_tool("ask", {"question": CARRY})
            return await client.call_tool("ask", {"question": CARRY})

    assert anyio.run(run).structured_content["status"] == "answered"


@pytest.mark.slow
def test_a_thousand_calls(assistant: Assistant) -> None:
    results = call(serving(assistant), *([("terms", {}), ("search", {"query": CARRY, "k": 1})] * 500))
    assert len(results) == 1_000 and not any(result.is_error for result in results)


# --- processes of their own ------------------------------------------------------------------------------------------


@pytest.fixture
def command(office_config: Config) -> list[str]:
    return [sys.executable, "-c", CODE, "mcp", "--config", str(office_config.base / "config.toml")]


def test_over_stdio(command: list[str]) -> None:
    (result,) = call(StdioServerParameters(command=command[0], args=command[1:]), ("ask", {"question": CARRY}))
    assert result.structured_content["status"] == "answered"


def test_a_client_that_goes_away_ends_the_server(command: list[str]) -> None:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdin
        server.stdin.close()
        assert server.wait(60) == 0
        assert server.stdout and server.stdout.read() == b""  # nothing but the protocol


def opened_session(url: str) -> httpx.Headers:
    """Return the headers with which a server greets a client."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "one", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}
    greeted = httpx.post(url, json=hello, headers={"Accept": "application/json, text/event-stream"})
    assert greeted.status_code == 200
    return greeted.headers


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_over_http_until_a_signal(command: list[str], sent: signal.Signals) -> None:
    port = free_port()
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 60
        result: Any = None
        while result is None and server.poll() is None and time.monotonic() < until:
            with contextlib.suppress(Exception):  # not there yet
                (result,) = call(f"http://127.0.0.1:{port}/mcp", ("ask", {"question": CARRY}))
        assert result and result.structured_content["status"] == "answered"
        assert "mcp-session-id" not in opened_session(f"http://127.0.0.1:{port}/mcp")
        assert httpx.get(f"http://127.0.0.1:{port}/mcp", headers={"Accept": "text/event-stream"}).status_code == 405
        server.send_signal(sent)
        out, _ = server.communicate(timeout=60)
        assert out == b""
    finally:
        server.kill()
        server.wait()


def test_a_port_that_is_taken_is_one_sentence(run: Run, office_config: Config) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("mcp", "--port", str(port), "--config", office_config.base / "config.toml")
    assert done.code == 2 and f"port {port} cannot be had" in done.err and "--port" in done.err


def test_without_an_index_it_does_not_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[index]\ndata = "nowhere"\n', encoding="utf-8")
    done = run("mcp", "--config", tmp_path / "config.toml")
    assert done.code == 5 and "there is no index" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
