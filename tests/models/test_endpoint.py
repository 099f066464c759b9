"""An endpoint that is busy, fails or is slow: it is asked again where that may help, and several questions at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.core.config import Config, GeneratorSection
from assistant.core.errors import EndpointFailed
from assistant.core.records import Turn
from assistant.models.llm_langchain import LangChainModel
from tests.commands import Run

ASKED = (Turn("user", "Hello?"),)
CARRY = "How much annual leave may employees carry over?"
Script = Callable[[str], int]  # the last message -> the HTTP status of the reply


@contextmanager
def scripted(script: Script) -> Iterator[int]:
    """Serve chat completions that say "Fine.", or the status that the script wants; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = script(told["messages"][-1]["content"])
            piece = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "x"}
            chunk = {**piece, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Fine."}}]}
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


def model_at(port: int, **settings: float) -> LangChainModel:
    told = {"runtime": "langchain", "model": "openai:x", "base_url": f"http://127.0.0.1:{port}/v1", **settings}
    return LangChainModel(GeneratorSection(**told), first_wait_seconds=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_endpoint_that_may_answer_later_is_asked_again(status: int) -> None:
    replies = iter([status, status, 200])
    with scripted(lambda _: next(replies)) as port:
        assert model_at(port, retries=2).complete(ASKED, 8) == "Fine."


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
        model_at(port, retries=2).complete(ASKED, 8)
    assert len(asked) == times and error.value.exit_code == 5


def test_it_is_not_asked_again_once_its_time_is_over() -> None:
    def slow(_: str) -> int:
        time.sleep(0.3)
        return 503

    began = time.monotonic()
    with scripted(slow) as port, pytest.raises(EndpointFailed):
        model_at(port, retries=100, timeout_seconds=0.5).complete(ASKED, 8)
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
def test_a_line_that_fails_does_not_stop_the_rest(run: Run, office_config: Config, tmp_path: Path, jobs: str) -> None:
    with scripted(lambda text: 500 if "And 1 weeks" in text else 200) as port:
        done = run(
            "ask", "--batch", "-", "--jobs", jobs, *settings_for(tmp_path, port, office_config), stdin=lines(0, 1, 2, 3)
        )
    assert [answer["id"] for answer in done.lines] == [0, 1, 2, 3]
    assert ["error" in answer for answer in done.lines] == [False, True, False, False]
    assert done.code == 5 and "1 line has no answer" in done.err and "base_url" in done.err


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_jobs_are_a_number_of_at_least_one(run: Run, settings: tuple[str, str], jobs: str) -> None:
    done = run("ask", "--batch", "-", "--jobs", jobs, *settings, stdin=lines(0))
    assert done.code == 2 and "--jobs" in done.err and not done.out
