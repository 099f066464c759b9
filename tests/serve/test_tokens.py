"""Tokens with names: what their file says, whom it lets in, and what takes them back."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from assistant.core.config import Config, ServeSection, parse_config
from assistant.core.errors import ConfigError, UsageError
from assistant.core.records import make_access
from assistant.serve.app import make_app
from assistant.serve.identity import Door, make_door
from assistant.serve.queue import RequestQueue
from assistant.serve.tokens import TokenFile, make_token, shown_token
from tests.commands import Run
from tests.serve.stub import StubAssistant

ASK, QUESTION = "/v1/ask", {"question": "Who approves travel?"}
TODAY = date.today()
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
Write = Callable[..., TokenFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of tokens, yours alone."""

    def write(*lines: str, mode: int = 0o600) -> TokenFile:
        path = tmp_path / "tokens"
        path.write_text("\n".join(lines), encoding="utf-8")
        path.chmod(mode)
        return TokenFile(path)

    return write


def door_of(file: TokenFile, host: str = "127.0.0.1", **given: Any) -> Door:
    return make_door(Config(serve=ServeSection(tokens=str(file.path))), host, **given)


def client_of(file: TokenFile, stub: StubAssistant, told: list[str] | None = None) -> TestClient:
    unsafe: Any = stub
    notified: list[str] = [] if told is None else told
    app = make_app(unsafe, door_of(file), RequestQueue(ServeSection()), lambda cause, _: notified.append(cause))
    return TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(token: str, name: str = "") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{token}'.encode()).decode()}"}


def test_each_token_asks_by_its_name_with_its_roles(write: Write) -> None:
    (anna, of_anna), (bot, of_bot) = make_token("Anna Berg", ["HR", "managers"]), make_token("bot", [])
    stub = StubAssistant()
    with client_of(write("# who asks", "", of_anna.line, f"  {of_bot.line}\r"), stub) as client:
        for headers in (bearer(anna), basic(anna), basic(anna, "whoever"), bearer(bot)):
            assert client.post(ASK, json=QUESTION, headers=headers).is_success
            assert client.get("/", headers=headers).is_success
    asked = [(access.asker, access.roles) for _, _, access in stub.asked]
    assert asked == [("Anna Berg", frozenset({"hr", "managers"}))] * 3 + [("bot", frozenset())]


def test_whoever_has_no_token_of_the_file_is_refused(write: Write) -> None:
    shown, token = make_token("anna", ["hr"])
    stub = StubAssistant()
    empty = f"nobody:hr::{sha256(b'').hexdigest()}"  # what `sha256sum </dev/null` says opens nothing
    with client_of(write(token.line, empty), stub) as client:
        wrong = [
            "",
            "Bearer",
            "Bearer ",
            "Basic Og==",
            f"Bearer {token.sha256}",
            f"Bearer {shown[:-1]}",
            f"Basic {shown}",
        ]
        for given in [*wrong, shown, f"Digest {shown}", f"Bearer {shown} {shown}"]:
            headers = {"Authorization": given} if given else {}
            api = client.post(ASK, json=QUESTION, headers=headers)
            assert (api.status_code, api.headers["www-authenticate"]) == (401, "Bearer"), given
            page = client.post("/", data=QUESTION, headers=headers)  # for which a browser asks its user
            assert page.status_code == 401 and page.headers["www-authenticate"].startswith("Basic realm=")
        twice = [("Authorization", f"Bearer {shown}")] * 2
        assert client.post(ASK, json=QUESTION, headers=twice).status_code == 400
    assert stub.asked == []


def test_another_sites_page_cannot_use_what_a_browser_sends_by_itself(write: Write) -> None:
    shown, token = make_token("anna", ["hr"])
    stub = StubAssistant()
    with client_of(write(token.line), stub) as client:
        elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", **basic(shown)}
        assert client.post("/", data=QUESTION, headers=elsewhere).status_code == 403
        as_text = {**elsewhere, "Content-Type": "text/plain"}  # JSON would have the browser ask first (CORS)
        assert client.post(ASK, content=b'{"question": "x"}', headers=as_text).status_code == 415
        asked = client.options(ASK, headers={**elsewhere, "Access-Control-Request-Method": "POST"})
        assert not any("access-control" in name for name in asked.headers)
    assert stub.asked == []


def test_an_expired_token_is_told_so(write: Write) -> None:
    stub = StubAssistant()
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    (old, of_old), (new, of_new) = make_token("a", [], yesterday), make_token("b", [], TODAY.isoformat())
    with client_of(write(of_old.line, of_new.line), stub) as client:
        refused = client.post(ASK, json=QUESTION, headers=bearer(old))
        assert refused.status_code == 401 and f"held until {yesterday}" in refused.json()["error"]["message"]
        assert stub.asked == [] and client.post(ASK, json=QUESTION, headers=bearer(new)).is_success


def test_a_token_that_is_taken_out_or_given_other_roles_is_so_at_once(write: Write) -> None:
    (anna, of_anna), (_, of_bot) = make_token("anna", ["hr"]), make_token("bot", [])
    stub = StubAssistant()
    with client_of(write(of_anna.line, of_bot.line), stub) as client:
        assert client.post(ASK, json=QUESTION, headers=bearer(anna)).is_success
        write(of_anna.line.replace(":hr:", ":it:"), of_bot.line)  # as many bytes, within the same tick of the clock
        assert client.post(ASK, json=QUESTION, headers=bearer(anna)).is_success
        assert [set(access.roles) for _, _, access in stub.asked] == [{"hr"}, {"it"}]
        write(of_bot.line)
        assert client.post(ASK, json=QUESTION, headers=bearer(anna)).status_code == 401


@POSIX
def test_a_file_that_goes_wrong_lets_nobody_in_and_tells_no_client_why(write: Write) -> None:
    shown, token = make_token("anna", ["hr"])
    stub, told = StubAssistant(), list[str]()
    file = write(token.line)
    with client_of(file, stub, told) as client:
        for spoil in (lambda: write(token.line, "bo"), lambda: write(token.line, mode=0o644), file.path.unlink):
            spoil()
            for path in (ASK, "/"):
                refused = client.request("POST", path, json=QUESTION, headers=bearer(shown))
                assert refused.status_code == 503 and "tokens" not in refused.text and "line" not in refused.text
    assert stub.asked == [] and len(told) == 6 and all(str(file.path) in cause for cause in told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("anna:hr:{0}", "line 2"),
        ("anna:hr::{0}:", "line 2"),
        (":hr::{0}", "line 2"),
        ("anna:hr::{1}", "line 2"),
        ("an\tna:hr::{0}", "line 2"),
        ("anna:hr:31.03.2027:{0}", "a day"),
        ("anna:hr:20270331:{0}", "a day"),
        ("bot:hr::{0}\neve:board::{0}", "another line"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_alone(write: Write, line: str, told: str) -> None:
    digest = sha256(b"x").hexdigest()
    with pytest.raises(ConfigError, match=told) as caught:
        write("#", line.format(digest, digest.upper())).read()
    assert digest not in str(caught.value) and "assistant token" in caught.value.hint


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_the_file_is_its_owners_alone(write: Write, mode: int) -> None:
    with pytest.raises(ConfigError, match="is no secret"):
        door_of(write(mode=mode), "0.0.0.0")


def test_a_file_beyond_its_limit_is_not_read_in_part(write: Write) -> None:
    with pytest.raises(ConfigError, match="1,048,576"):
        write(*[make_token("anna", [])[1].line] * 20_000).read()


def test_who_asks_is_said_in_one_way(write: Write, tmp_path: Path) -> None:
    file = write()
    with pytest.raises(UsageError, match=r"--as .* serve\.tokens"):
        door_of(file, everybody=lambda: make_access(["hr"]))
    with pytest.raises(UsageError, match="--token-file"):
        door_of(file, token_file=tmp_path / "token")
    with pytest.raises(ConfigError, match=r"serve\.tokens and serve\.proxies"):
        parse_config({"serve": {"tokens": "tokens", "proxies": "127.0.0.1"}}, tmp_path)
    assert parse_config({"serve": {"tokens": "t"}}, tmp_path).tokens_file == tmp_path / "t"
    assert Config().tokens_file is None
    assert door_of(file, "192.0.2.7").tokens == file  # other machines must show one


@pytest.mark.parametrize("header", ["Basic w6k=", "Basic \xff", "Basic !", "Basic /w==", "", "Basic eA=="])
def test_what_is_no_token_is_none(header: str) -> None:
    assert shown_token(header) == ""


def test_the_command_makes_a_token_whose_line_fits(run: Run, write: Write) -> None:
    made = run("token", "anna@example.org", "--as", "HR, managers", "--until", "2099-12-31", "--json").json
    found = write(made["line"]).find(made["token"])
    assert (found.name, found.roles, found.until) == ("anna@example.org", {"hr", "managers"}, "2099-12-31")
    assert made["token"] not in made["line"] and len(made["token"]) >= 43
    plain = run("token", "anna")
    first, second = plain.out.splitlines()
    assert write(second).find(first).name == "anna" and "not shown again" in plain.err
    for name, *more in (("a:b",), ("#a",), ("",), ("a\nb::",), ("a", "--as", "x:y"), ("a", "--until", "soon")):
        refused = run("token", name, *more)
        assert refused.code == 2 and refused.out == "" and "YYYY-MM-DD" in refused.err
