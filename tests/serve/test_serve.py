"""The server over HTTP: a process of its own asked as clients ask it, and in this one where a limit is met."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import uvicorn

from assistant.answer.assistant import Assistant
from assistant.audit.trail import Audit
from assistant.contract import answer_json, dumps, search_json
from assistant.core.config import Config, ServeSection
from assistant.core.records import Access, Turn, make_access
from assistant.serve import app, manners, server
from assistant.serve.desk import Desk, GivenUp
from assistant.serve.door import Door, is_loopback
from assistant.serve.refused import Refused
from tests.commands import Run, free_port
from tests.fakes import ScriptedModel
from tests.office_files import BAND, CARRY, NOTHING, QUOTE

CODE = "from assistant.cli import main; main()"
HOTEL, DINNER = "What is the limit for a hotel night?", "And for dinner?"
BICYCLE = "What is the bicycle allowance?"
TOKEN = "correct-horse-battery-staple"
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
        return client.get("/v1/health").is_success
    return False


@pytest.fixture(scope="module")
def office_server(office_config: Config) -> Iterator[Served]:
    with served(office_config.base) as found:
        yield found


@pytest.fixture(scope="module")
def managers(office_config: Config) -> Iterator[Served]:
    """A server that other machines could reach, for managers."""
    token = office_config.base / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    token.chmod(0o600)
    with served(office_config.base, "--host", "0.0.0.0", "--token-file", str(token), "--as", "managers") as found:
        yield found


def timeless(answer: Json) -> Json:
    return {**answer, "timings_ms": {}}


# --- answers ---------------------------------------------------------------------------------------------------------


def test_it_answers_as_the_commands_do(office_server: Served, office: Assistant) -> None:
    asked = office_server.post("/v1/ask", {"question": CARRY})
    assert asked.headers["content-type"] == "application/json" and asked.headers["cache-control"] == "no-store"
    assert asked.text == f"{dumps(asked.json())}\n"
    assert timeless(asked.json()) == timeless(answer_json(office.answer(CARRY)))
    found = office_server.post("/v1/search", {"query": CARRY, "k": 2}).json()
    assert timeless(found) == timeless(search_json(office.search(CARRY, k=2)))
    assert office_server.post("/v1/ask", {"question": NOTHING}).json()["status"] == "abstained"


def test_a_conversation_goes_on(office_server: Served, office: Assistant) -> None:
    history = [{"role": "user", "content": HOTEL}, {"role": "assistant", "content": "140 euros."}]
    asked = office_server.post("/v1/ask", {"question": DINNER, "history": history}).json()
    assert asked["status"] == "answered" and "35 euros" in asked["answer"]
    turns = [Turn("user", HOTEL), Turn("assistant", "140 euros.")]
    assert timeless(asked) == timeless(answer_json(office.answer(DINNER, turns)))


def test_what_is_asked_is_logged(office_server: Served, office_config: Config) -> None:
    log = Audit(office_config)
    before = log.verify()
    assert office_server.post("/v1/ask", {"question": CARRY}).is_success
    assert office_server.post("/v1/search", {"query": "hotel"}).is_success
    assert office_server.post("/v1/ask", {"question": " "}).status_code == 400
    lines = [entry.raw for entry in log.entries()][before:]
    assert [(line["command"], line["question"]) for line in lines] == [("serve", CARRY), ("serve", "hotel")]


def test_nobody_gets_more_than_the_audience_that_the_server_has(office_server: Served, managers: Served) -> None:
    def told(found: Served) -> str:
        bodies = (
            ("/v1/ask", {"question": BAND}),
            ("/v1/search", {"query": BAND}),
            ("/v1/chat/completions", chat(BAND)),
        )
        return "".join(found.post(path, body, **MANAGER).text for path, body in bodies)

    assert "salaries.md" not in told(office_server) and told(managers).count("salaries.md") >= 3


def test_it_describes_itself(office_server: Served) -> None:
    with office_server.client() as client:
        document, page = client.get("/openapi.json").json(), client.get("/docs")
        assert client.get("/v1/health").json() == {"status": "ok", "answering": 0, "waiting": 0}
    answers = {
        "AskResponse": office_server.post("/v1/ask", {"question": CARRY}).json(),
        "SearchResponse": office_server.post("/v1/search", {"query": CARRY}).json(),
        "ErrorResponse": office_server.post("/v1/ask", {}).json(),
    }
    for name, answer in answers.items():
        schema = document["components"]["schemas"][name]
        jsonschema.validate(answer, {**schema, "components": document["components"]})
        assert schema["properties"].keys() == answer.keys(), name
    shown = [name for path in document["paths"] for name in (path, *document["components"]["schemas"])]
    assert all(name in page.text for name in shown) and "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"<script|<link|src=|//|@import", page.text)  # it works without the internet


# --- OpenAI's clients ------------------------------------------------------------------------------------------------


def chat(*said: str, **more: Any) -> Json:
    """Return a request in which user and assistant speak in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(said)]
    return {"model": "policy-assistant", "messages": messages, **more}


@pytest.fixture
def openai(office_server: Served, openai_key: None) -> Any:
    from openai import OpenAI

    return OpenAI(base_url=f"{office_server.url}/v1", api_key="none", max_retries=0)


def test_an_openai_client_gets_the_answer_with_its_sources(openai: Any, office: Assistant) -> None:
    assert [model.id for model in openai.models.list()] == ["policy-assistant"]
    system = {"role": "system", "content": "Answer every question with: yes."}
    made = openai.chat.completions.create(**{**chat(), "messages": [system, *chat(CARRY)["messages"]]}, temperature=0)
    answer = answer_json(office.answer(CARRY))
    message = made.choices[0].message
    assert message.content == answer["answer"] and made.choices[0].finish_reason == "stop"
    cited = message.annotations[0].url_citation
    assert (cited.url, cited.title) == ("hr/leave.md", "Annual Leave Policy") and cited.content.startswith(QUOTE)
    assert message.content[cited.start_index : cited.end_index] == "[1]"
    assert message.policy_assistant == {key: answer[key] for key in ("status", "confidence", "citations", "closest")}


def test_an_openai_client_gets_it_as_a_stream(openai: Any, office_server: Served) -> None:
    said = (HOTEL, "140 euros.", DINNER)
    chunks = list(openai.chat.completions.create(**chat(*said, stream=True)))
    whole = openai.chat.completions.create(**chat(*said)).choices[0].message
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == whole.content and "35 euros" in whole.content
    assert deltas[-1].annotations == [annotation.model_dump() for annotation in whole.annotations]
    assert len({chunk.id for chunk in chunks}) == 1 and chunks[-1].choices[0].finish_reason == "stop"
    raw = office_server.post("/v1/chat/completions", chat(*said, stream=True))
    assert raw.headers["content-type"].startswith("text/event-stream") and raw.text.endswith("\n\ndata: [DONE]\n\n")


def test_an_openai_client_is_told_what_is_wrong(openai: Any) -> None:
    from openai import BadRequestError

    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    for messages, told in (
        ([{"role": "system", "content": CARRY}], "role user"),
        ([{"role": "user", "content": picture}], "only text"),
        ([{"role": "user", "content": " "}], "empty"),
        ([], "messages"),
    ):
        with pytest.raises(BadRequestError, match=told) as caught:
            openai.chat.completions.create(model="any", messages=messages)
        assert caught.value.type == "invalid_request_error" and caught.value.code == "bad_request"


def test_a_message_may_have_parts_and_what_follows_the_question_is_not_said(openai: Any) -> None:
    parts = [{"type": "text", "text": "How much annual leave"}, {"type": "text", "text": "may employees carry over?"}]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": None}]
    assert "1.5 weeks" in openai.chat.completions.create(model="any", messages=messages).choices[0].message.content


# --- what is wrong ---------------------------------------------------------------------------------------------------

ASK, SEARCH, CHAT = "/v1/ask", "/v1/search", "/v1/chat/completions"
TURN = {"role": "user", "content": "x"}
WRONG: dict[str, tuple[str, bytes | Json, int, str]] = {
    "no JSON": (ASK, b"{", 400, "not JSON"),
    "nothing": (ASK, b"", 400, "not JSON"),
    "a number": (ASK, b"7", 400, "the body: input should be an object"),
    "deep JSON": (ASK, b'{"question": ' + b"[" * 60_000, 400, "not JSON"),
    "a digit too many": (ASK, b'{"question": ' + b"9" * 60_000 + b"}", 400, "out of range"),
    "no UTF-8": (ASK, b'{"question": "caf\xe9"}', 400, "UTF-8"),
    "UTF-16": (ASK, '{"question": "café"}'.encode("utf-16"), 400, "UTF-8"),
    "half a character": (ASK, b'{"question": "\\ud800"}', 400, "not JSON"),
    "no question": (ASK, {}, 400, "question: field required"),
    "an empty question": (ASK, {"question": " "}, 400, "the question is empty."),
    "an endless question": (ASK, {"question": "x" * 4_001}, 400, "4000"),
    "a question that is none": (ASK, {"question": 7}, 400, "question: input should be a valid string"),
    "an unknown field": (ASK, {"question": CARRY, "as": "managers"}, 400, "as: extra inputs"),
    "an unknown field with a long name": (ASK, {"question": CARRY, "x" * 50_000: 1}, 400, "xxx"),
    "history that is none": (ASK, {"question": CARRY, "history": "x"}, 400, "history"),
    "a system's turn": (ASK, {"question": CARRY, "history": [{**TURN, "role": "system"}]}, 400, "history.0.role"),
    "a turn with more": (ASK, {"question": CARRY, "history": [{**TURN, "name": "x"}]}, 400, "history.0.name"),
    "an endless turn": (ASK, {"question": CARRY, "history": [{**TURN, "content": "x" * 16_001}]}, 400, "16,000"),
    "too much": (ASK, {"question": "x" * 70_000}, 413, "65,536"),
    "no passages": (SEARCH, {"query": CARRY, "k": 0}, 400, "k: input should be greater"),
    "half a passage": (SEARCH, {"query": CARRY, "k": 1.5}, 400, "k: input should be a valid integer"),
    "an empty query": (SEARCH, {"query": ""}, 400, "empty"),
    "no messages": (CHAT, {"messages": []}, 400, "messages"),
    "a stream that is none": (CHAT, {"messages": [TURN], "stream": "yes"}, 400, "stream"),
    "no such path": ("/v1/answer", {}, 404, "no such path"),
    "another form of a path": ("/v1/ask/", {}, 404, "no such path"),
    "another method": ("/v1/health", {}, 405, "another method"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_sentence(office_server: Served, case: str) -> None:
    path, body, status, told = WRONG[case]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with office_server.client() as client:
        response = client.post(path, content=raw, headers={"Content-Type": "application/json"})
    assert_refused(response.status_code, response.content, status, told, openai=path == CHAT)


def assert_refused(status: int, body: bytes, expected: int, told: str, *, openai: bool = False) -> None:
    error = json.loads(body)["error"]
    assert status == expected and told in error["message"], (status, error)
    assert error.keys() == ({"message", "code", "type", "param"} if openai else {"message", "code"})
    assert re.fullmatch(r"[^\n]{1,300}\.", error["message"]) and "Traceback" not in error["message"]


def test_a_form_of_another_site_is_no_request(office_server: Served) -> None:
    with office_server.client() as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            response = client.post(ASK, content=json.dumps({"question": CARRY}), headers={"Content-Type": kind})
            assert_refused(response.status_code, response.content, 415, "Content-Type: application/json")
        asked = client.options(ASK, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
        assert asked.status_code == 405 and not any("access-control" in name for name in asked.headers)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_of_a_hundred_megabytes_is_refused_and_not_kept(office_server: Served, chunked: bool) -> None:
    before = office_server.memory()
    piece = bytes(1_000_000)
    headers = {"Content-Type": "application/json"} | ({} if chunked else {"Content-Length": str(100 * len(piece))})
    with closing(http.client.HTTPConnection("127.0.0.1", office_server.port, timeout=30)) as connection:
        connection.request("POST", ASK, (piece for _ in range(100)), headers, encode_chunked=chunked)
        response = connection.getresponse()
        assert_refused(response.status, response.read(), 413, "65,536")
    assert office_server.memory() < before + 20_000


END = b"\r\nConnection: close\r\n\r\n"


def exchange(port: int, sent: bytes) -> tuple[int, bytes]:
    """Send bytes as they are, and return status and body of what comes until the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "not HTTP"),  # TLS
        (b"hello\r\n\r\n", 400, "not HTTP"),
        (b"GET /v1/health HTTP/1.1\r\n\r\n", 400, "not HTTP"),  # no Host
        (b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000, 400, "16,384"),
        (b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + END, 431, "16,384"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost" + END, 431, "16,384"),
        (b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400, "not HTTP"),
        (
            b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
            400,
            "not HTTP",
        ),
    ],
)
def test_garbage_is_answered_all_the_same(office_server: Served, sent: bytes, status: int, told: str) -> None:
    found, body = exchange(office_server.port, sent)
    if status == 431 and found == 400:  # it came in pieces
        status = 400
    assert_refused(found, body, status, told)


@pytest.mark.parametrize("path", ["/v1/health", "/v1/models", "/nowhere"])
def test_who_asks_on_without_taking_the_answers_is_cut_off(office_server: Served, path: str) -> None:
    before = office_server.memory()
    ahead = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 10_000
    with socket.create_connection(("127.0.0.1", office_server.port), timeout=30) as connection, pytest.raises(OSError):
        for _ in range(200):
            connection.sendall(ahead)
    assert office_server.memory() < before + 20_000
    with office_server.client() as client:
        assert client.get("/v1/health").is_success


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"])
def test_it_answers_to_its_own_names(office_server: Served, name: str) -> None:
    with office_server.client(Host=name) as client:
        assert client.get("/v1/models").is_success


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "[", ""])
def test_it_does_not_answer_to_another_name(office_server: Served, name: str) -> None:
    for path in ("/v1/health", "/v1/models", "/docs", "/nowhere"):
        with office_server.client(Host=name) as client:
            response = client.get(path)
        assert_refused(response.status_code, response.content, 421, "another name", openai=path == "/v1/models")


def test_a_token_is_asked_for(managers: Served) -> None:
    with managers.client(Host="policies.example.org") as client:
        assert all(client.get(path).is_success for path in ("/v1/health", "/openapi.json", "/docs"))
        for given in ("", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"):
            headers = {b"Authorization": given.encode()} if given else {}
            for path in ("/v1/models", "/nowhere"):
                response = client.get(path, headers=headers)
                assert response.headers["www-authenticate"] == "Bearer"
                assert_refused(response.status_code, response.content, 401, "token", openai=path == "/v1/models")
        assert client.get("/v1/models", headers=MANAGER).is_success


# --- how it starts and ends ------------------------------------------------------------------------------------------


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
    assert "16 or more" in refused("0.0.0.0", "short") and "16 or more" in refused("127.0.0.1", f"{TOKEN} {TOKEN}")
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


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_it_finish_what_runs(office_config: Config, sent: signal.Signals) -> None:
    questions = [f"{HOTEL} I stay for {nights} nights." for nights in range(2, 10)]
    with served(office_config.base) as found, ThreadPoolExecutor(len(questions)) as pool, found.client() as client:
        asked = [pool.submit(found.post, ASK, {"question": question}) for question in questions]

        def all_are_there() -> bool:
            health = client.get("/v1/health").json()
            return bool(health["answering"] + health["waiting"] + sum(one.done() for one in asked) >= len(asked))

        wait_for(all_are_there, 30)
        found.process.send_signal(sent)
        assert [one.result().status_code for one in asked] == [200] * len(asked)
        assert found.process.wait(30) == 0


# --- limits: in this process, with a generator that waits ------------------------------------------------------------


class Gate:
    """A generator's reply that comes when it may."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, _: Sequence[Turn]) -> str:
        assert self.open.wait(30)
        return f"{QUOTE} [1]"


@pytest.fixture
def gate() -> Iterator[Gate]:
    found = Gate()
    yield found
    found.open.set()


@pytest.fixture
def patient(office_config: Config, gate: Gate) -> Iterator[Assistant]:
    """An assistant whose answers wait for the gate."""
    with closing(Assistant(office_config, model=ScriptedModel(gate))) as opened:
        opened.read(CARRY)
        yield opened


@asynccontextmanager
async def serving(
    assistant: Assistant, access: Callable[[], Access] = make_access, **limits: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve in this process, and give a client."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    desk = Desk(ServeSection(**limits))
    told: list[str] = []
    made = app.make_app(assistant, access, Door(frozenset({"127.0.0.1"})), desk, lambda cause, _: told.append(cause))
    running = uvicorn.Server(server._settings(made))
    task = asyncio.create_task(running.serve([listener]))
    try:
        while not running.started:
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            yield client
    finally:
        running.should_exit = True
        await task
        desk.close()
    assert told == []


async def becomes(client: httpx.AsyncClient, **busy: int) -> None:
    """Wait until the server is that busy."""
    async with asyncio.timeout(20):
        while (await client.get("/v1/health")).json() != {"status": "ok", **busy}:
            await asyncio.sleep(0.01)


def asked(client: httpx.AsyncClient, question: str = CARRY) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(client.post(ASK, json={"question": question}))


def test_more_than_the_queue_holds_are_told_to_come_again(patient: Assistant, gate: Gate) -> None:
    async def run() -> None:
        async with serving(patient, at_once=1, queue=1) as client:
            first = asked(client)
            await becomes(client, answering=1, waiting=0)
            second = asked(client)
            await becomes(client, answering=1, waiting=1)
            third = await asked(client)
            assert_refused(third.status_code, third.content, 503, "come again")
            assert int(third.headers["retry-after"]) > 0
            gate.open.set()
            assert [(await one).json()["status"] for one in (first, second)] == ["answered"] * 2
            await becomes(client, answering=0, waiting=0)

    asyncio.run(run())


def test_who_goes_away_frees_a_place(patient: Assistant, gate: Gate) -> None:
    async def run() -> None:
        async with serving(patient, at_once=1, queue=1) as client:
            first = asked(client)
            await becomes(client, answering=1, waiting=0)
            for _ in range(3):
                second = asked(client)
                await becomes(client, answering=1, waiting=1)
                second.cancel()
                await becomes(client, answering=1, waiting=0)
            first.cancel()
            third = asked(client)
            await becomes(client, answering=1, waiting=1)  # a thread cannot be stopped from outside
            gate.open.set()
            assert (await third).json()["status"] == "answered"

    asyncio.run(run())


def test_work_that_nobody_waits_for_ends_at_its_next_stage() -> None:
    ended = threading.Event()

    def work(stage: Callable[[str], None]) -> None:
        try:
            while True:
                stage("reading")
                time.sleep(0.001)
        except GivenUp:
            ended.set()
            raise

    async def run() -> None:
        desk = Desk(ServeSection(at_once=1))
        task = asyncio.create_task(desk.run(work))
        while not desk.answering:
            await asyncio.sleep(0.001)
        task.cancel()
        assert await asyncio.to_thread(ended.wait, 5)
        assert await desk.run(lambda _: 7) == 7

    asyncio.run(run())


def test_an_answer_that_takes_too_long_is_given_up(patient: Assistant, gate: Gate) -> None:
    async def run() -> None:
        async with serving(patient, at_once=1, seconds=1) as client:
            first, second = asked(client), asked(client)
            responses = await asyncio.gather(first, second)
            assert sorted(response.status_code for response in responses) == [503, 504]
            assert all("time" in r.text or "longer than 1 s" in r.text for r in responses)
            gate.open.set()
            await becomes(client, answering=0, waiting=0)

    asyncio.run(run())


def test_a_day_is_that_of_the_question(office: Assistant) -> None:
    day = ["2020-06-01"]

    async def run() -> None:
        async with serving(office, lambda: make_access((), day[0])) as client:
            assert "0.23 euros" in (await asked(client, BICYCLE)).json()["answer"]
            day[0] = ""
            assert "0.23 euros" not in (await asked(client, BICYCLE)).json()["answer"]

    asyncio.run(run())


SLOW = {
    "nothing": (b"", None, ""),
    "half a head": (b"GET /v1/health HT", 408, "did not arrive"),
    "half a second head": (b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /", 200, ""),
    "half a body": (
        b"POST /v1/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        408,
        "did not arrive",
    ),
    "half of what is refused": (
        b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
        404,
        "path",
    ),
}


@pytest.mark.parametrize("case", SLOW)
def test_who_sends_slowly_is_not_waited_for(office: Assistant, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    sent, status, told = SLOW[case]
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(app, "BODY_SECONDS", 0.4)
    monkeypatch.setattr(manners, "LINGER_SECONDS", 0.4)

    async def run() -> None:
        async with serving(office) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            writer.write(sent)
            async with asyncio.timeout(10):
                received = await reader.read()
            writer.close()
            head, _, body = received.partition(b"\r\n\r\n")
            if status is None:
                assert received == b""
            elif status == 200:
                assert head.split()[1] == b"200"
            else:
                assert_refused(int(head.split()[1]), body, status, told)
            await becomes(client, answering=0, waiting=0)

    asyncio.run(run())


def test_who_takes_no_answers_is_not_waited_for(office: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TAKE_SECONDS", 0.3)
    many = 1_000

    async def run() -> None:
        async with serving(office) as client:
            with socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * many)
                await asyncio.sleep(2)
                connection.settimeout(10)
                received = b""
                with suppress(ConnectionResetError):
                    while taken := await asyncio.to_thread(connection.recv, 1_000_000):
                        received += taken
            assert 0 < received.count(b"HTTP/1.1 200") < many
            assert (await client.get("/v1/health")).is_success

    asyncio.run(run())


def test_more_connections_than_there_may_be_are_refused(office: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 3)

    async def run() -> None:
        async with serving(office) as client:
            kept = [await asyncio.open_connection("127.0.0.1", client.base_url.port) for _ in range(3)]
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert_refused(int(head.split()[1]), body, 503, "connections")
            assert b"Retry-After" in head
            for _, other in (*kept, (reader, writer)):
                other.close()
            await asyncio.sleep(0.2)
            assert (await client.get("/v1/health")).is_success

    asyncio.run(run())


def test_an_error_of_ours_shows_nothing(office: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("the salary band is 71,000 euros")

    monkeypatch.setattr(office, "answer", fail)
    told: list[str] = []
    transport = httpx.ASGITransport(
        app.make_app(office, make_access, Door(), Desk(ServeSection()), lambda cause, _: told.append(cause)),
        raise_app_exceptions=False,
    )

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport) as client:
            return await client.post(ASK, json={"question": CARRY})

    response = asyncio.run(run())
    assert_refused(response.status_code, response.content, 500, "wrong with this server")
    assert len(told) == 1 and told[0].startswith("ValueError in test_serve.py, line") and "salary" not in told[0]


def test_the_desk_says_who_waits() -> None:
    async def run() -> None:
        desk = Desk(ServeSection(at_once=1, queue=0))
        gate = threading.Event()
        task = asyncio.create_task(desk.run(lambda _: gate.wait(10)))
        while not desk.answering:
            await asyncio.sleep(0.001)
        with pytest.raises(Refused, match="too many"):
            await desk.run(lambda _: None)
        gate.set()
        assert await task

    asyncio.run(run())


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
