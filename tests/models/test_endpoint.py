"""An endpoint that is busy, fails, is slow or hostile: asked again where that may help, and left at its deadline."""

from __future__ import annotations

import gzip
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path

import pytest

from assistant.core.config import Config, GeneratorSection
from assistant.core.errors import EndpointFailed
from assistant.core.records import Turn
from assistant.models.llm_langchain import MAX_WRITTEN, LangChainModel
from tests.commands import Run
from tests.models.test_llm import complete

ASKED = (Turn("user", "Hello?"),)
CARRY = "How much annual leave may employees carry over?"
Script = Callable[[str], int]  # the last message -> the HTTP status of the reply


@contextmanager
def scripted(script: Script, finish: str | None = "stop") -> Iterator[int]:
    """Serve chat completions that say "Fine." and finish so, or the status that the script wants; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = script(told["messages"][-1]["content"])
            piece = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "x"}
            delta = {"role": "assistant", "content": "Fine."}
            chunk = {**piece, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
            body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n" if status == 200 else '{"error": {"message": "no"}}'
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if status == 200 else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


pytestmark = pytest.mark.usefixtures("openai_key")


@contextmanager
def hostile(sends: Callable[[], Iterator[bytes]], pause: float) -> Iterator[tuple[int, threading.Event]]:
    """Send pieces of a response, a pause between them, for half a minute; yields the port, and what tells of the end.

    That is set when the client has closed the connection.
    """
    left = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request = b""
            while not request.endswith(b"}") and (packet := self.request.recv(2**20)):  # head and body may come apart
                request += packet
            ends = time.monotonic() + 30
            try:
                for piece in sends():
                    self.request.sendall(piece)
                    if time.monotonic() > ends:
                        return
                    time.sleep(pause)
                if not self.request.recv(1):
                    left.set()
            except OSError:
                left.set()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], left
        finally:
            server.shutdown()


def streamed(*texts: str) -> bytes:
    """Return pieces of a reply as a server streams them."""
    piece = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "x"}
    chunks = [{**piece, "choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
HOSTILE: dict[str, tuple[Callable[[], Iterator[bytes]], float]] = {
    "keep-alives": (lambda: chain([HEAD + b"\r\n"], repeat(b": keep-alive\n\n")), 0.05),
    "a dripping head": (lambda: chain([HEAD], repeat(b"X-A: b\r\n")), 0.05),
    "a line without end": (lambda: chain([HEAD + b"\r\n", b"data: "], repeat(b"x" * 2**16)), 0.0),
    "a line that drips": (lambda: chain([HEAD + b"\r\n", b"data: "], repeat(b"x")), 0.05),
    "packed zeros": (
        lambda: iter([HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"data: " + b"0" * 2**25)]),
        0.0,
    ),
    "pieces of nothing": (lambda: chain([HEAD + b"\r\n"], repeat(streamed(""))), 0.05),
    "half a reply": (lambda: iter([HEAD + b"\r\n" + streamed("Employees may")]), 0.0),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_endpoint_ends_at_its_deadline(kind: str) -> None:
    sends, pause = HOSTILE[kind]
    began = time.monotonic()
    with hostile(sends, pause) as (port, left):
        with pytest.raises(EndpointFailed, match="x does not answer"):
            complete(model_at(port, timeout_seconds=1.0, retries=0), ASKED, 8)
        assert time.monotonic() - began < 3
        assert left.wait(3), "the connection is still open"


def test_a_reply_that_breaks_off_is_none() -> None:
    with scripted(lambda _: 200, finish=None) as port, pytest.raises(EndpointFailed, match="ConnectionError"):
        complete(model_at(port), ASKED, 8)


def test_a_reply_without_end_is_cut() -> None:
    with hostile(lambda: chain([HEAD + b"\r\n"], repeat(streamed("word " * 100))), 0.0) as (port, left):
        said = complete(model_at(port, timeout_seconds=10.0), ASKED, 8)
        assert MAX_WRITTEN < len(said) <= MAX_WRITTEN + 500 and left.wait(3)


def test_who_leaves_ends_the_call() -> None:
    heard = threading.Event()
    with hostile(lambda: chain([HEAD + b"\r\n"], repeat(streamed("word "))), 0.01) as (port, left):
        reply = model_at(port, timeout_seconds=20.0).ask(ASKED, 8, lambda _: heard.set())
        assert heard.wait(10)
        reply.cancel()
        assert left.wait(3), "the connection is still open"


def test_no_more_calls_than_at_once_are_under_way() -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def script(_: str) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.1)
        with lock:
            under_way -= 1
        return 200

    with scripted(script) as port:
        model = model_at(port, at_once=2)
        assert [reply.result() for reply in [model.ask(ASKED, 8) for _ in range(6)]] == ["Fine."] * 6
    assert most == 2


def model_at(port: int, **settings: float) -> LangChainModel:
    told = {"runtime": "langchain", "model": "openai:x", "base_url": f"http://127.0.0.1:{port}/v1", **settings}
    return LangChainModel(GeneratorSection(**told), first_wait_seconds=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_endpoint_that_may_answer_later_is_asked_again(status: int) -> None:
    replies = iter([status, status, 200])
    with scripted(lambda _: next(replies)) as port:
        assert complete(model_at(port, retries=2), ASKED, 8) == "Fine."


@pytest.mark.parametrize(("status", "times"), [(503, 3), (400, 1), (401, 1), (404, 1)])
def test_it_is_asked_as_often_as_may_help(status: int, times: int) -> None:
    asked: list[str] = []

    def script(text: str) -> int:
        asked.append(text)
        return status

    with (
        scripted(script) as port,
        pytest.raises(EndpointFailed, match=rf"x does not answer: \w+, status {status}\.") as error,
    ):
        complete(model_at(port, retries=2), ASKED, 8)
    assert len(asked) == times and error.value.exit_code == 5


def test_it_is_not_asked_again_once_its_time_is_over() -> None:
    def slow(_: str) -> int:
        time.sleep(0.3)
        return 503

    began = time.monotonic()
    with scripted(slow) as port, pytest.raises(EndpointFailed):
        complete(model_at(port, retries=100, timeout_seconds=0.5), ASKED, 8)
    assert time.monotonic() - began < 5


def settings_for(tmp_path: Path, port: int, office: Config) -> tuple[str, ...]:
    """Return the options for the office's documents and the endpoint."""
    config = tmp_path / "endpoint.toml"
    config.write_text(
        f"""
[models]
dir = {json.dumps(office.models.dir)}
[generator]
runtime = "langchain"
model = "openai:x"
base_url = "http://127.0.0.1:{port}/v1"
retries = 0
""",
        encoding="utf-8",
    )
    return "--config", str(config), "--data", str(office.data)


def lines(*ids: int) -> str:
    return "".join(json.dumps({"id": n, "question": f"{CARRY} And {n} weeks?"}) + "\n" for n in ids)


def test_jobs_keep_so_many_questions_in_flight(run: Run, office_config: Config, tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=60)  # nobody is answered until four have asked

    def script(_: str) -> int:
        together.wait()
        return 200

    with scripted(script) as port:
        done = run(
            "ask", "--batch", "-", "--jobs", "4", *settings_for(tmp_path, port, office_config), stdin=lines(*range(8))
        )
    assert done.code == 0, done.err
    assert [answer["id"] for answer in done.lines] == list(range(8))


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_the_quotes_answer_where_the_endpoint_fails(run: Run, office_config: Config, tmp_path: Path, jobs: str) -> None:
    with scripted(lambda text: 500 if "And 1 weeks" in text else 200) as port:
        done = run(
            "ask", "--batch", "-", "--jobs", jobs, *settings_for(tmp_path, port, office_config), stdin=lines(0, 1, 2, 3)
        )
    assert [answer["id"] for answer in done.lines] == [0, 1, 2, 3]
    assert done.code == 0, done.err
    assert all(answer["citations"] and not answer["worded_by"] for answer in done.lines)
    reasons = [[v["reason"] for v in answer["verdicts"] if v["guard"] == "generator"] for answer in done.lines]
    assert ["status 500" in " ".join(told) for told in reasons] == [False, True, False, False]


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_jobs_are_a_number_of_at_least_one(run: Run, settings: tuple[str, str], jobs: str) -> None:
    done = run("ask", "--batch", "-", "--jobs", jobs, *settings, stdin=lines(0))
    assert done.code == 2 and "--jobs" in done.err and not done.out
