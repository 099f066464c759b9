"""The server as a process of its own, with the models: asked as clients ask it, attacked, and ended by signals."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.answer.assistant import Assistant
from assistant.audit.trail import Audit
from assistant.contract import answer_json, search_json
from assistant.core.config import Config
from assistant.core.records import Turn
from assistant.serve.identity import is_loopback
from assistant.serve.tokens import make_token
from tests.commands import Run, free_port
from tests.office_files import BAND, CARRY, NOTHING, QUOTE
from tests.serve.test_app import ASK, CHAT, SEARCH, TOKEN, assert_refused

CODE = "from assistant.cli import main; main()"
HOTEL, DINNER = "What is the limit for a hotel night?", "And for dinner?"
MANAGER = {"Authorization": f"Bearer {TOKEN}"}
Json = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    told: Path  # what it says on stderr

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        with self.client(**headers) as client:
            return client.post(path, json=body)

    def memory(self) -> int:
        """Return how much of it is in memory, in kilobytes."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii"))
        assert found
        return int(found[1])


@contextmanager
def served(base: Path, *arguments: str) -> Iterator[Served]:
    """Start a server and wait until it answers; at the end it must stop by itself, and have had nothing to tell."""
    port = free_port()
    told = base / f"told-{port}.txt"
    command = [sys.executable, "-c", CODE, "serve", "--port", str(port), "--config", str(base / "config.toml")]
    with told.open("wb") as stderr:
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=stderr)
    try:
        found = Served(port, process, told)
        wait_for(lambda: is_up(found) or process.poll() is not None, 60)
        assert process.poll() is None, told.read_text(encoding="utf-8")
        yield found
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, b"")
        assert re.fullmatch(r"Serving \S+; Ctrl-C ends it\.\n", told.read_text(encoding="utf-8"))
    finally:
        process.kill()
        process.communicate()


def wait_for(done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.01)


def is_up(found: Served) -> bool:
    with suppress(httpx.TransportError), found.client() as client:
        return client.get("/healthz").is_success
    return False


@pytest.fixture(scope="module")
def office_server(office_config: Config) -> Iterator[Served]:
    with served(office_config.base) as found:
        yield found


def timeless(answer: Json) -> Json:
    return {key: value for key, value in answer.items() if key not in ("timings_ms", "log_id")}


def chat(*said: str, **more: Any) -> Json:
    """Return a request in which user and assistant speak in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(said)]
    return {"model": "policy-assistant", "messages": messages, **more}


# --- one server, asked ------------------------------------------------------------------------------------------------


def test_it_answers_and_logs_as_the_commands_do(
    office_server: Served, office: Assistant, office_config: Config
) -> None:
    log = Audit(office_config)
    before = log.verify()
    history = [{"role": "user", "content": HOTEL}, {"role": "assistant", "content": "140 euros."}]
    asked = office_server.post(ASK, {"question": DINNER, "history": history}).json()
    found = office_server.post(SEARCH, {"query": CARRY, "k": 2}).json()
    assert office_server.post(ASK, {"question": NOTHING}).json()["status"] == "abstained"
    assert office_server.post(ASK, {"question": " "}).status_code == 400
    turns = [Turn("user", HOTEL), Turn("assistant", "140 euros.")]
    assert timeless(asked) == timeless(answer_json(office.answer(DINNER, turns))) and "35 euros" in asked["answer"]
    assert timeless(found) == timeless(search_json(office.search(CARRY, k=2)))
    lines = [(entry.raw["command"], entry.raw["question"]) for entry in log.entries()][before:]
    assert lines == [("serve", DINNER), ("serve", CARRY), ("serve", NOTHING)]


def test_an_openai_client_gets_the_answer_with_its_sources(office_server: Served, openai_key: None) -> None:
    from openai import BadRequestError, OpenAI

    openai = OpenAI(base_url=f"{office_server.url}/v1", api_key="none", max_retries=0)
    assert [model.id for model in openai.models.list()] == ["policy-assistant"]
    made: Any = openai.chat.completions.create(**chat(CARRY), temperature=0)
    message = made.choices[0].message
    cited = message.annotations[0].url_citation
    assert cited.url == "hr/leave.md#1" and cited.content.startswith(QUOTE)
    assert cited.title.startswith("Annual Leave Policy > ")
    assert "(hr/leave.md)" in message.content and made.usage is None
    chunks: Any = list(openai.chat.completions.create(**chat(CARRY, stream=True)))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == message.content
    assert deltas[-1].annotations == [annotation.model_dump() for annotation in message.annotations]
    with pytest.raises(BadRequestError, match="empty") as caught:
        openai.chat.completions.create(**chat(" "))
    assert caught.value.type == "invalid_request_error" and caught.value.code == "bad_request"


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_of_a_hundred_megabytes_is_refused_and_not_kept(office_server: Served, chunked: bool) -> None:
    before = office_server.memory()
    piece = bytes(1_000_000)
    headers = {"Content-Type": "application/json"} | ({} if chunked else {"Content-Length": str(100 * len(piece))})
    with closing(http.client.HTTPConnection("127.0.0.1", office_server.port, timeout=30)) as connection:
        with suppress(ConnectionError):  # it is closed with the refusal
            connection.request("POST", ASK, (piece for _ in range(100)), headers, encode_chunked=chunked)
        response = connection.getresponse()
        assert_refused(response.status, response.read(), *((411, "Content-Length") if chunked else (413, "262,144")))
    assert office_server.memory() < before + 20_000


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"hello\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n\r\n",  # no Host
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
    b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
]


def test_garbage_is_refused_and_the_server_goes_on(office_server: Served) -> None:
    for sent in GARBAGE:
        received, address = b"", ("127.0.0.1", office_server.port)
        with socket.create_connection(address, timeout=30) as connection, suppress(ConnectionError):
            connection.sendall(sent)
            received = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert not received or received.startswith(b"HTTP/1.1 400 "), received[:100]
        assert b"Traceback" not in received
    with office_server.client() as client:
        assert client.get("/healthz").json() == {"status": "ok", "answering": 0, "waiting": 0}


# --- how it starts and ends ------------------------------------------------------------------------------------------


def test_others_get_no_more_than_the_audience_that_the_server_has(
    office_server: Served, office_config: Config, tmp_path: Path
) -> None:
    def shown(found: Served) -> str:
        bodies = ((ASK, {"question": BAND}), (SEARCH, {"query": BAND}), (CHAT, chat(BAND)))
        return "".join(found.post(path, body, **MANAGER).text for path, body in bodies)

    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    token.chmod(0o600)
    with served(office_config.base, "--host", "0.0.0.0", "--token-file", str(token), "--as", "managers") as managers:
        assert managers.post(ASK, {"question": BAND}).status_code == 401
        assert "salaries.md" not in shown(office_server) and shown(managers).count("salaries.md") >= 3


def test_a_token_gives_its_roles_its_name_is_logged_and_it_ends_at_once(
    office_config: Config, tmp_path: Path, run: Run
) -> None:
    (anna, of_anna), (_, of_bot) = make_token("anna", ["managers"]), make_token("bot", [])
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{of_anna.line}\n{of_bot.line}\n", encoding="utf-8")
    tokens.chmod(0o600)
    settings = (office_config.base / "config.toml").read_text(encoding="utf-8")
    settings = settings.replace('"index"', json.dumps(str(office_config.data)))
    more = '[serve]\ntokens = "tokens"\n[audit]\nnames = true\n'
    (tmp_path / "config.toml").write_text(f"{settings}{more}", encoding="utf-8")
    with served(tmp_path) as found:
        shown = {"Authorization": f"Bearer {anna}"}
        assert "salaries.md" in found.post(ASK, {"question": BAND}, **shown).text
        *_, last = Audit(office_config).entries()
        assert (last.raw["asker"], last.raw["roles"], last.raw["question"]) == ("anna", ["managers"], BAND)
        assert found.post(ASK, {"question": BAND}).status_code == 401
        tokens.write_text(f"{of_bot.line}\n", encoding="utf-8")
        assert found.post(ASK, {"question": BAND}, **shown).status_code == 401
    assert "serve anna" in run("log", "-n", "1", "--config", tmp_path / "config.toml").out


def test_who_can_be_reached_by_others_needs_a_token(run: Run, tmp_path: Path, settings: tuple[str, str]) -> None:
    def refused(host: str, token: str = "", mode: int = 0o600) -> str:
        file = tmp_path / "token"
        file.write_text(token, encoding="utf-8")
        file.chmod(mode)
        done = run("serve", "--host", host, *(("--token-file", str(file)) if token else ()), *settings)
        assert done.code == 2 and done.err.startswith("Error: ") and done.err.count("\n") == 1
        return done.err

    for host in ("0.0.0.0", "::", "192.0.2.7", "policies.example.org", ""):
        assert "--token-file" in refused(host)
    assert "other accounts may read it" in refused("0.0.0.0", TOKEN, 0o640)
    assert "at least 16" in refused("0.0.0.0", "short") and "16 or more" in refused("127.0.0.1", f"{TOKEN} {TOKEN}")
    assert "there is no address" in refused("x" * 64, TOKEN)
    assert "--host" in refused("192.0.2.7", TOKEN)  # which is nobody's
    assert is_loopback("127.0.0.9") and is_loopback("::1") and is_loopback("Localhost") and not is_loopback("::")


def test_a_port_that_is_taken_is_one_sentence(run: Run, settings: tuple[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), *settings)
    assert done.code == 2 and f"port {port} cannot be had" in done.err and "--port" in done.err


def test_without_an_index_it_does_not_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[index]\ndata = "nowhere"\n', encoding="utf-8")
    done = run("serve", "--port", str(free_port()), "--config", tmp_path / "config.toml")
    assert done.code == 5 and "there is no index" in done.err


def ask_many(found: Served, pool: ThreadPoolExecutor) -> list[Any]:
    """Ask eight questions at once, and return their answers to come when the server has them all."""
    questions = [f"{HOTEL} I stay for {nights} nights." for nights in range(2, 10)]
    asked = [pool.submit(found.post, ASK, {"question": question}) for question in questions]
    with found.client() as client:

        def all_are_there() -> bool:
            health = client.get("/healthz").json()
            return bool(health["answering"] + health["waiting"] + sum(one.done() for one in asked) >= len(asked))

        wait_for(all_are_there, 30)
    return asked


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_it_finish_what_runs(office_config: Config, sent: signal.Signals) -> None:
    with served(office_config.base) as found, ThreadPoolExecutor(8) as pool:
        asked = ask_many(found, pool)
        found.process.send_signal(sent)
        assert [one.result().status_code for one in asked] == [200] * len(asked)
        assert found.process.wait(30) == 0


STUBBED = """
import sys, socket
from assistant.serve.identity import Door
from assistant.serve.server import serve
from tests.serve.stub import StubAssistant
stub = StubAssistant()
stub.gate.clear()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
serve(stub, Door(), listener, lambda: None, lambda *told: print(*told, file=sys.stderr))
"""


def test_a_second_interrupt_cancels_what_runs_and_says_so(tmp_path: Path) -> None:
    port, told = free_port(), tmp_path / "told.txt"
    with told.open("wb") as stderr:
        process = subprocess.Popen([sys.executable, "-c", STUBBED, str(port)], stderr=stderr)
    found = Served(port, process, told)
    try:
        wait_for(lambda: is_up(found) or process.poll() is not None, 60)
        with ThreadPoolExecutor(8) as pool:
            asked = ask_many(found, pool)  # which are not answered: the gate stays closed
            for _ in range(2):
                process.send_signal(signal.SIGINT)
                time.sleep(1)
            answers = [one.result() for one in asked]
            assert process.wait(30) == 0
        for answer in answers:
            assert_refused(answer.status_code, answer.content, 503, "the server is stopping")
        assert told.read_text(encoding="utf-8") == ""
    finally:
        process.kill()
        process.communicate()


# --- a crowd ---------------------------------------------------------------------------------------------------------

CLIENTS, SECONDS, SETTLED = 200, 60.0, 10.0
CROWD = [
    *(CARRY, HOTEL, NOTHING, BAND, "What does RTO mean?", "What are quiet hours?", "What is the limit for dinner?"),
    *(f"What is the limit for breakfast on day {day}?" for day in range(1, 13)),
    *(f"Who approves a hotel night of {euros} euros?" for euros in range(150, 270, 10)),
    *(f"What must new employees bring to building {building}?" for building in range(1, 9)),
]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="memory is read from /proc")
def test_a_crowd_is_served_for_a_minute(office_config: Config, record_property: Callable[[str, object], None]) -> None:
    counts = {"answered": 0, "told to come again": 0}
    memory: list[int] = []

    async def ask(client: httpx.AsyncClient, number: int, until: float) -> None:
        turn = number
        while time.monotonic() < until:
            response = await client.post(ASK, json={"question": CROWD[turn % len(CROWD)]})
            if response.status_code == 503:
                counts["told to come again"] += 1
                await asyncio.sleep(int(response.headers["retry-after"]))
                continue
            assert response.status_code == 200 and response.json()["question"] == CROWD[turn % len(CROWD)]
            counts["answered"] += 1
            turn += 7

    async def run(found: Served) -> None:
        began = time.monotonic()
        limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=found.url, trust_env=False, timeout=120, limits=limits) as client:
            crowd = asyncio.gather(*(ask(client, number, began + SECONDS) for number in range(CLIENTS)))
            await asyncio.sleep(SETTLED)
            memory.append(found.memory())
            await crowd
            memory.append(found.memory())

    with served(office_config.base) as found:
        asyncio.run(run(found))
        assert timeless(found.post(ASK, {"question": CARRY}).json())["status"] == "answered"
    for name, value in (*counts.items(), ("kB after ten seconds", memory[0]), ("kB at the end", memory[1])):
        record_property(name, value)
    assert counts["answered"] > CLIENTS and memory[1] <= 1.1 * memory[0], (counts, memory)
