"""What is counted and logged of requests: numbers for whoever may ask, and nothing of what was asked or found."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from assistant.core.config import Config, ServeSection
from assistant.core.errors import IndexMissing
from assistant.index.catalog import Catalog
from assistant.serve.app import make_app
from assistant.serve.identity import Door
from assistant.serve.queue import RequestQueue
from tests.commands import free_port
from tests.serve.stub import SHA, TEXT, UNSURE, StubAssistant
from tests.serve.test_app import ASK, QUESTION, SEARCH, TOKEN, client_of

SAMPLE = re.compile(r'([a-z_]+)(?:\{(\w+)="([^"]+)"[^}]*\})? (\S+)')


def scraped(client: TestClient, **headers: str) -> dict[str, float]:
    """Return the samples of a scrape, `name value-of-the-label` to the number."""
    response = client.get("/metrics", headers=headers)
    assert response.is_success and response.headers["content-type"].startswith("text/plain")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    found = [SAMPLE.fullmatch(line) for line in lines]
    assert lines and all(found), response.text
    return {f"{match[1]} {match[3] or ''}".strip(): float(match[4]) for match in found if match}


def test_questions_seconds_and_errors_are_counted() -> None:
    with client_of(StubAssistant()) as client, client_of(StubAssistant(UNSURE)) as unsure:
        for _ in range(2):
            client.post(ASK, json={"question": QUESTION})
        client.post("/", data={"question": QUESTION})
        client.post(SEARCH, json={"query": QUESTION})
        client.post(ASK, json={"question": " "})
        client.get("/nowhere")
        client.get("/metrics", headers={"Host": "evil.example"})
        found = scraped(client)
        assert found["assistant_questions_total answered"] == 3
        assert found["assistant_stage_seconds_count total"] == 4  # of the search, too
        assert found["assistant_errors_total bad_request"] == found["assistant_errors_total not_found"] == 1
        assert found["assistant_errors_total wrong_host"] == 1
        assert found["assistant_questions_now answering"] == found["assistant_questions_now waiting"] == 0
        assert abs(time.time() - 1_700_000_000 - found["assistant_index_age_seconds"]) < 60
        unsure.post(ASK, json={"question": QUESTION})
        assert scraped(unsure)["assistant_questions_total abstained"] == 1  # each server counts by itself


def test_a_scrape_tells_nothing_of_what_was_asked_or_found() -> None:
    with client_of(StubAssistant()) as client:
        client.post(ASK, json={"question": "Is Xanthippe redundant?"})
        client.get("/Xanthippe?Xanthippe=1")
        client.get("/source", params={"document": SHA, "start": 40, "end": 40 + len(TEXT)})
        told = client.get("/metrics").text
    for word in ("Xanthippe", "leave", SHA, "testclient"):
        assert word not in told


def test_who_may_not_ask_may_not_look() -> None:
    with client_of(StubAssistant(), Door(token=TOKEN.encode())) as client:
        assert client.get("/metrics").status_code == 401 and client.get("/healthz").is_success
        assert scraped(client, Authorization=f"Bearer {TOKEN}")
    door = Door(token=TOKEN.encode(), proxies=frozenset({ip_address("127.0.0.1")}), user_header="X-Forwarded-User")
    stub: Any = StubAssistant()
    app: Any = make_app(stub, door, RequestQueue(ServeSection()), print)
    signed = {"Authorization": f"Bearer {TOKEN}"}  # Prometheus names no user
    assert TestClient(app, client=("10.0.0.9", 5)).get("/metrics", headers=signed).status_code == 403
    assert scraped(TestClient(app, client=("127.0.0.1", 5)), **signed)


def test_an_index_that_cannot_be_read_is_no_number() -> None:
    class Broken:
        def meta(self, key: str) -> str:
            raise IndexMissing("there is no index in /srv/secret.", "")

    stub: Any = StubAssistant()
    stub.catalog = Broken()
    told: list[tuple[str, str]] = []
    with client_of(stub, notified=told) as client:
        refused = client.get("/metrics")
    assert refused.status_code == 503 and "secret" not in refused.text and len(told) == 1


def test_an_ingest_leaves_its_time(office_config: Config) -> None:
    catalog = Catalog.open(office_config.data)
    assert time.time() - 3_600 < float(catalog.meta("ingested") or 0) <= time.time()
    catalog.close()


def test_a_request_is_a_line_without_what_it_holds() -> None:
    lines: list[Mapping[str, object]] = []
    stub: Any = StubAssistant()
    app = make_app(stub, Door(), RequestQueue(ServeSection()), print, lines.append)
    with TestClient(app) as client:
        client.post(ASK, json={"question": "Is Xanthippe redundant?"}, headers={"X-Forwarded-User": "Xanthippe"})
        client.get("/source", params={"document": "Xanthippe", "start": 1, "end": 2})
        client.get("/Xanthippe")
        client.request("XANTHIPPE", "/healthz")
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", ASK, 200),
        ("GET", "/source", 400),
        ("GET", "", 404),
        ("", "/healthz", 405),
    ]
    assert "xanthippe" not in json.dumps(lines).lower()
    assert all(isinstance(line["seconds"], float) and line.keys() == lines[0].keys() for line in lines)


def test_with_json_the_command_writes_lines_of_json_and_nothing_else(office_config: Config) -> None:
    port, code = free_port(), "from assistant.cli import main; main()"
    settings = ["--config", str(office_config.base / "config.toml"), "--json"]
    command = [sys.executable, "-c", code, "serve", "--port", str(port), *settings]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        until, status = time.monotonic() + 60, 0
        while status != 200 and time.monotonic() < until and process.poll() is None:
            with suppress(httpx.TransportError):
                status = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, process.returncode, err) == (200, 0, b"")
    assert {line["path"] for line in lines} == {"/healthz"} and all(line["time"].endswith("+00:00") for line in lines)


@pytest.mark.parametrize("path", ["/v1/health", "/metrics/", "/healthz/"])
def test_there_is_one_address_of_each(path: str) -> None:
    with client_of(StubAssistant()) as client:
        assert client.get(path).status_code == 404
