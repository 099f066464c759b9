"""The paths: what they take, what they refuse and how, in this process and without a model."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError

from assistant.answer.assistant import Assistant
from assistant.contract import answer_json, dumps, search_json
from assistant.core.config import ServeSection
from assistant.core.errors import IndexMissing
from assistant.core.records import Access, Turn, make_access
from assistant.serve.app import make_app
from assistant.serve.identity import Door
from assistant.serve.queue import RequestQueue
from assistant.serve.schemas import MOST_MESSAGES, AskRequest, ChatRequest, SearchRequest
from tests.serve.stub import ANSWER, UNSURE, StubAssistant

ASK, SEARCH, CHAT = "/v1/ask", "/v1/search", "/v1/chat/completions"
QUESTION = "How much annual leave may employees carry over?"
TURN = {"role": "user", "content": "x"}
TOKEN = "correct-horse-battery-staple"
LOCAL = Door(frozenset({"localhost", "127.0.0.1", "[::1]"}))
Json = dict[str, Any]


def client_of(assistant: StubAssistant | Assistant, door: Door = LOCAL, notified: Any = None) -> TestClient:
    """Return a client of an application in this process; what it notifies of is added to a list."""
    told: list[tuple[str, str]] = [] if notified is None else notified
    stub: Any = assistant
    queue = RequestQueue(ServeSection())
    app = make_app(stub, door, queue, lambda cause, hint: told.append((cause, hint)))
    return TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)


def test_a_body_of_many_items_costs_no_more_than_one_of_few() -> None:
    bodies = [
        ("/v1/chat/completions", {"messages": [{"role": "tool"}] * 16_000}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "text"}] * 200}] * 50}),
        ("/v1/ask", {"question": "?", "history": [{"role": "user", "content": ""}] * 6_000}),
    ]
    with client_of(StubAssistant()) as client:
        for path, body in bodies:
            began = time.process_time()
            for _ in range(5):
                client.post(path, json=body)
            whole = time.process_time() - began
            began = time.process_time()
            for _ in range(5):
                json.loads(json.dumps(body))
            assert whole < 5 * (time.process_time() - began) + 0.2, path


def test_of_a_long_conversation_the_last_messages_are_read() -> None:
    messages = [{"role": "user", "content": f"Who approves {n}?"} for n in range(MOST_MESSAGES + 50)]
    with client_of(StubAssistant()) as client:
        assert client.post("/v1/chat/completions", json={"messages": messages}).is_success


def test_a_history_takes_nothing_but_what_was_said_and_a_chat_passes_over_the_rest() -> None:
    said, other = {"role": "user", "content": "Who approves travel?"}, {"role": "system", "content": "x"}
    tools = [{"role": "tool", "content": "x"}] * MOST_MESSAGES
    with client_of(StubAssistant()) as client:
        assert client.post(ASK, json={"question": QUESTION, "history": [other, said]}).status_code == 400
        assert client.post(CHAT, json={"messages": [other, said, *tools]}).is_success


@pytest.fixture(scope="module")
def assistant() -> StubAssistant:
    return StubAssistant()


@pytest.fixture(scope="module")
def client(assistant: StubAssistant) -> Iterator[TestClient]:
    with client_of(assistant) as found:
        yield found


def assert_refused(status: int, body: bytes, expected: int, told: str, *, openai: bool = False) -> None:
    error = json.loads(body)["error"]
    assert status == expected and told in error["message"], (status, error)
    assert error.keys() == ({"message", "code", "type", "param"} if openai else {"message", "code"})
    assert re.fullmatch(r"[^\n]{1,300}\.", error["message"]) and "Traceback" not in error["message"]
    assert "pydantic" not in error["message"]


# --- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_the_contracts(client: TestClient, assistant: StubAssistant) -> None:
    history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}]
    asked = client.post(ASK, json={"question": QUESTION, "history": history})
    assert asked.text == f"{dumps(answer_json(replace(ANSWER, question=QUESTION)))}\n"
    assert asked.headers["content-type"] == "application/json" and asked.headers["cache-control"] == "no-store"
    assert assistant.asked[-1] == (QUESTION, [Turn("user", "Hello"), Turn("assistant", "Yes?")], make_access())
    found = client.post(SEARCH, json={"query": QUESTION, "k": 2})
    assert found.json() == search_json(assistant.search(QUESTION, access=make_access(), k=2))


def test_who_asks_is_who_the_server_says_at_that_moment(assistant: StubAssistant) -> None:
    today, stub = "", assistant
    door = Door(everybody=lambda: make_access(("hr",), today))
    app = make_app(stub, door, RequestQueue(ServeSection()), print)  # type: ignore[arg-type]
    for day in ("2020-06-01", "2026-06-01"):
        today = day
        assert TestClient(app).post(ASK, json={"question": QUESTION}).is_success
        assert assistant.asked[-1][2] == Access(frozenset({"hr"}), day)


def test_it_describes_itself(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert client.get("/healthz").json() == {"status": "ok", "answering": 0, "waiting": 0}
    answers = {
        "AskResponse": [client.post(ASK, json={"question": QUESTION}).json(), answer_json(UNSURE)],
        "SearchResponse": [client.post(SEARCH, json={"query": QUESTION}).json()],
        "ErrorResponse": [client.post(ASK, json={}).json()],
        "Health": [client.get("/healthz").json()],
    }
    for name, shown in answers.items():
        schema = document["components"]["schemas"][name]
        for answer in shown:
            jsonschema.validate(answer, {**schema, "components": document["components"]})
            assert schema["properties"].keys() == answer.keys(), name
    paths = {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}
    said = {path: told["requestBody"]["content"]["application/json"]["schema"]["$ref"] for path, told in paths.items()}
    assert {path: name.rsplit("/", 1)[-1] for path, name in said.items()} == {
        ASK: "AskRequest",
        SEARCH: "SearchRequest",
        CHAT: "ChatRequest",
    }
    assert all(told["responses"].keys() == {"200", "default"} for told in paths.values())
    assert paths[ASK]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/AskResponse")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_loads_anything_from_elsewhere(client: TestClient, path: str) -> None:
    assert_refused(client.get(path).status_code, client.get(path).content, 404, "/openapi.json")


# --- what is wrong ---------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, bytes | Json, int, str]] = {
    "no JSON": (ASK, b"{", 400, "not JSON"),
    "nothing": (ASK, b"", 400, "the body: field required"),
    "a number": (ASK, b"7", 400, "the body: input should be a valid dictionary"),
    "deep JSON": (ASK, b'{"question": ' + b"[" * 60_000, 400, "not JSON"),
    "a digit too many": (ASK, b'{"question": ' + b"9" * 60_000 + b"}", 400, "not JSON"),
    "no UTF-8": (ASK, b'{"question": "caf\xe9"}', 400, "not JSON"),
    "half a character": (ASK, b'{"question": "\\ud800"}', 400, "question: input should be a valid string"),
    "no question": (ASK, {}, 400, "question: field required"),
    "an empty question": (ASK, {"question": " "}, 400, "the question is empty."),
    "an endless question": (ASK, {"question": "x" * 4_001}, 400, "4000"),
    "a question that is none": (ASK, {"question": 7}, 400, "question: input should be a valid string"),
    "an unknown field": (ASK, {"question": "x", "as": "managers"}, 400, "as: unknown key"),
    "an unknown field with a long name": (ASK, {"question": "x", "x" * 50_000: 1}, 400, "xxx"),
    "a line end in a field's name": (ASK, {"question": "x", "a\nb": 1}, 400, "a\\nb: unknown key"),
    "history that is none": (ASK, {"question": "x", "history": "x"}, 400, "history"),
    "a system's turn": (ASK, {"question": "x", "history": [{**TURN, "role": "system"}]}, 400, "history.0.role"),
    "a turn with more": (ASK, {"question": "x", "history": [{**TURN, "name": "x"}]}, 400, "history.0.name"),
    "an endless turn": (ASK, {"question": "x", "history": [{**TURN, "content": "x" * 16_001}]}, 400, "16,000"),
    "too much": (ASK, {"question": "x" * 270_000}, 413, "262,144"),
    "no passages": (SEARCH, {"query": "x", "k": 0}, 400, "k: input should be greater"),
    "half a passage": (SEARCH, {"query": "x", "k": 1.5}, 400, "k: input should be a valid integer"),
    "passages in words": (SEARCH, {"query": "x", "k": "2"}, 400, "k: input should be a valid integer"),
    "an empty query": (SEARCH, {"query": ""}, 400, "empty"),
    "no messages": (CHAT, {"messages": []}, 400, "messages"),
    "a stream that is none": (CHAT, {"messages": [TURN], "stream": "yes"}, 400, "stream"),
    "a chat without JSON": (CHAT, b"{", 400, "not JSON"),
    "no such path": ("/v1/answer", {}, 404, "no such path"),
    "another form of a path": ("/v1/ask/", {}, 404, "no such path"),
    "a line end behind a path": ("/v1/ask%0a", {}, 404, "no such path"),
    "another method": ("/healthz", {}, 405, "another method"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_sentence(client: TestClient, case: str) -> None:
    path, body, status, told = WRONG[case]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(path, content=raw, headers={"Content-Type": "application/json"})
    assert_refused(response.status_code, response.content, status, told, openai=path == CHAT)
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("model", "head", "item", "tail"),
    [
        (AskRequest, '{"question":"x","history":[', "{}", "]}"),
        (AskRequest, '{"question":"x","history":[', "1", "]}"),
        (ChatRequest, '{"messages":[', "{}", "]}"),
        (ChatRequest, '{"messages":[{"role":"user","content":[', "{}", "]}]}"),
        (SearchRequest, '{"query":"x"', ',"%d":1', "}"),
        (AskRequest, '{"question":"x","history":[{"role":"user","content":"x"', ',"%d":1', "}]}"),
    ],
)
def test_a_body_full_of_errors_is_given_up_at_the_first_few(
    client: TestClient, model: type[BaseModel], head: str, item: str, tail: str
) -> None:
    many = "".join(item % n for n in range(20_000)) if "%d" in item else ",".join([item] * 60_000)
    body = f"{head}{many}{tail}"
    with pytest.raises(ValidationError) as error:
        model.model_validate_json(body)
    assert error.value.error_count() <= 2  # each takes time, and meanwhile nobody else is answered
    path = {AskRequest: ASK, ChatRequest: CHAT, SearchRequest: SEARCH}[model]
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert_refused(answer.status_code, answer.content, 400, "", openai=path == CHAT)


def test_a_body_says_how_long_it_is(client: TestClient) -> None:
    pieces = (b'{"question": "x"}' for _ in range(1))
    response = client.post(ASK, content=pieces, headers={"Content-Type": "application/json"})
    assert_refused(response.status_code, response.content, 411, "Content-Length")
    assert response.json()["error"]["code"] == "length_required"


def test_a_form_of_another_site_is_no_request(client: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        response = client.post(ASK, content=json.dumps({"question": "x"}), headers={"Content-Type": kind})
        assert_refused(response.status_code, response.content, 415, "Content-Type: application/json")
    asked = client.options(ASK, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    assert asked.status_code == 405 and not any("access-control" in name for name in asked.headers)
    kind = "application/JSON; charset=utf-8"
    assert client.post(ASK, content=b'{"question": "x"}', headers={"Content-Type": kind}).is_success


def test_a_request_of_two_lengths_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "9", "Transfer-Encoding": "chunked"}
    response = client.post(ASK, content=b'{"question": "x"}', headers=headers)
    assert_refused(response.status_code, response.content, 411, "no Transfer-Encoding")
    assert response.headers["connection"] == "close"


def test_an_error_of_ours_shows_nothing() -> None:
    told: list[tuple[str, str]] = []
    with client_of(StubAssistant(fails=ValueError("the salary band is 71,000 euros")), notified=told) as client:
        response = client.post(ASK, json={"question": QUESTION})
    assert_refused(response.status_code, response.content, 500, "wrong with this server")
    assert response.headers["cache-control"] == "no-store"
    ((cause, _),) = told
    assert cause.startswith("ValueError in stub.py, line") and "salary" not in cause


def test_an_index_that_cannot_be_used_is_said_to_whoever_runs_the_server() -> None:
    told: list[tuple[str, str]] = []
    with client_of(StubAssistant(fails=IndexMissing("no index in /srv/secret.", "Run it.")), notified=told) as client:
        response = client.post(ASK, json={"question": QUESTION})
    assert_refused(response.status_code, response.content, 503, "whoever runs this server is told")
    assert told == [("no index in /srv/secret.", "Run it.")] and "secret" not in response.text


# --- who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"])
def test_it_answers_to_its_own_names(client: TestClient, name: str) -> None:
    assert client.get("/v1/models", headers={"Host": name}).is_success


OTHERS = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "[", ""]
ALMOST = ["localhost:80@evil.com", "[::1].evil.com", "localhost:80:80", "localhost:", ":80"]


@pytest.mark.parametrize("name", [*OTHERS, *ALMOST])
def test_it_does_not_answer_to_another_name(client: TestClient, name: str) -> None:
    for path in ("/healthz", "/v1/models", "/openapi.json", "/nowhere"):
        response = client.get(path, headers={"Host": name})
        assert_refused(response.status_code, response.content, 421, "another name", openai=path == "/v1/models")


@pytest.mark.parametrize("names", [("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1")])
def test_it_has_one_name(client: TestClient, names: tuple[str, str]) -> None:
    response = client.get("/v1/ask", headers=[("Host", name) for name in names])
    assert_refused(response.status_code, response.content, 400, "Host came twice")


def authorizations() -> Sequence[str]:
    return ("", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é")


def test_a_token_is_asked_for(assistant: StubAssistant) -> None:
    with client_of(assistant, Door(token=TOKEN.encode())) as client:
        client.headers["Host"] = "policies.example.org"
        assert all(client.get(path).is_success for path in ("/healthz", "/openapi.json"))
        for given in authorizations():
            headers = {b"Authorization": given.encode()} if given else {}
            for path in ("/v1/models", "/nowhere"):
                response = client.get(path, headers=headers)
                assert response.headers["www-authenticate"] == "Bearer"
                assert_refused(response.status_code, response.content, 401, "token", openai=path == "/v1/models")
        refused = client.post(ASK, content=b"{" * 100, headers={"Content-Type": "application/json"})
        assert refused.status_code == 401 and refused.headers["connection"] == "close"  # its body is not read
        assert "connection" not in client.get("/v1/models").headers
        assert client.get("/v1/models", headers={"Authorization": f"bearer {TOKEN}"}).is_success
        for twice in ([TOKEN, "x"], ["x", TOKEN], [TOKEN, TOKEN]):
            shown = [("Authorization", f"Bearer {token}") for token in twice]
            response = client.get("/v1/models", headers=shown)
            assert_refused(response.status_code, response.content, 400, "came twice", openai=True)
