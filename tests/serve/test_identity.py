"""Behind a proxy each request has the roles of the groups that the proxy names; nobody else is believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assistant.answer.question import MAX_ABOUT
from assistant.core.config import Config, ServeSection
from assistant.core.errors import ConfigError, UsageError
from assistant.core.records import Access, make_access
from assistant.serve.app import make_app
from assistant.serve.identity import Door, make_door
from assistant.serve.queue import RequestQueue
from assistant.serve.schemas import HttpError
from tests.serve.stub import SHA, TEXT, StubAssistant
from tests.serve.test_app import TOKEN

GROUPS = "policy-hr = HR; Directors = board, managers"
HEADER = "X-Forwarded-Groups"
CHAT = {"messages": [{"role": "user", "content": "Who?"}]}


Behind = Callable[..., Door]


@pytest.fixture
def behind(tmp_path: Path) -> Behind:
    """Make the door of a server behind a proxy, which shows it a token."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)

    def make(roles: Sequence[str] = (), proxies: str = "127.0.0.1, ::1", groups: str = GROUPS, about: str = "") -> Door:
        config = Config(serve=ServeSection(proxies=proxies, groups=groups, about_header=about))
        return make_door(config, "127.0.0.1", path, lambda: make_access(roles))

    return make


def ask(door: Door, stub: StubAssistant, groups: list[str], client: str = "127.0.0.1", user: str = "anna") -> int:
    """Ask over every path that shows documents, and return the one status of all."""
    unsafe: Any = stub
    app = make_app(unsafe, door, RequestQueue(ServeSection()), print)
    asks = TestClient(app, "http://policies.example.org", client=(client, 5), raise_server_exceptions=False)
    signed = {"Authorization": f"Bearer {TOKEN}"}
    told = [*signed.items(), ("X-Forwarded-User", user), *((HEADER, value) for value in groups)]
    headers = [(name.encode(), value.encode()) for name, value in told]
    place: dict[str, str | int] = {"document": SHA, "start": 40, "end": 40 + len(TEXT)}
    statuses = {
        asks.post("/v1/ask", json={"question": "Who?"}, headers=headers).status_code,
        asks.post("/v1/search", json={"query": "Who?"}, headers=headers).status_code,
        asks.post("/v1/chat/completions", json=CHAT, headers=headers).status_code,
        asks.post("/", data={"question": "Who?"}, headers=headers).status_code,
        asks.get("/source", params=place, headers=headers).status_code,
        asks.get("/", headers=headers).status_code,
    }
    assert asks.get("/healthz").status_code == asks.get("/page.js", headers=signed).status_code == 200
    (status,) = statuses
    return status


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        ([], set()),
        (["policy-hr"], {"hr"}),
        (["POLICY-HR , directors"], {"hr", "board", "managers"}),
        (["hr, board, everyone, *"], set()),
        (["policy-hr2, policy"], set()),
        (["director\u017f, \u00a0directors"], set()),  # letters and spaces that are only like them
        (["policy-hr\u00a0"], set()),
        (["\u3000policy-hr"], set()),
        (["\u2028policy-hr"], set()),
        (["policy-hr\x85"], set()),
        (["\tpolicy-hr "], {"hr"}),
    ],
)
def test_groups_have_the_roles_that_the_settings_say(behind: Behind, groups: list[str], roles: set[str]) -> None:
    stub = StubAssistant()
    assert ask(behind(), stub, groups) == 200
    assert {access.roles for _, _, access in stub.asked} == {frozenset(roles)}


def test_a_group_that_is_named_twice_is_refused(behind: Behind) -> None:
    with pytest.raises(ConfigError, match="'Policy-HR' twice"):
        behind(groups="policy-hr = hr; Policy-HR = board")


def test_a_header_that_came_twice_is_refused(behind: Behind) -> None:
    stub = StubAssistant()
    assert ask(behind(), stub, ["policy-hr", "directors"]) == 400 and not stub.asked


def test_the_proxy_names_who_asks(behind: Behind) -> None:
    door = behind(groups="Geschäft = board")

    def asks(*headers: tuple[str, str]) -> Access:
        as_sent = [(name, value.encode().decode("latin-1")) for name, value in headers]
        return door.access("127.0.0.1", as_sent)

    found = asks(("x-forwarded-user", " jörg@example.org "), ("x-forwarded-groups", "geschäft"))
    assert (found.asker, found.roles) == ("jörg@example.org", {"board"})
    assert asks(("X-Forwarded-User", "anna\u00a0")).asker == "anna\u00a0", "not anna"
    for unnamed in ((), (("X_Forwarded_User", "eve"),), *((("X-Forwarded-User", blank),) for blank in " \u3000")):
        with pytest.raises(HttpError, match="did not say who you are"):
            asks(*unnamed)
    with pytest.raises(HttpError, match="came twice"):
        asks(("X-Forwarded-User", "anna"), ("X-FORWARDED-USER", "eve"))


def test_the_proxy_says_what_decides_unless_the_asker_does(behind: Behind) -> None:
    stub: Any = StubAssistant()
    app = make_app(stub, behind(about="X-About"), RequestQueue(ServeSection()), print)
    asks = TestClient(app, "http://policies.example.org", client=("127.0.0.1", 5))
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-User": "anna", "X-About": "contractor,\tLondon " * 20}
    for path, sent in (("/v1/ask", {"question": "Who?"}), ("/v1/chat/completions", CHAT)):
        assert asks.post(path, json=sent, headers=headers).status_code == 200
    assert asks.post("/", data={"question": "Who?", "about": " "}, headers=headers).status_code == 200
    assert {about[:18] for about in stub.about} == {"contractor, London"} and len(max(stub.about)) == MAX_ABOUT
    assert asks.post("/v1/ask", json={"question": "Who?", "about": "employee"}, headers=headers).status_code == 200
    assert stub.about[-1] == "employee"


def test_nobody_but_a_proxy_says_what_decides() -> None:
    assert Door(about_header="X-About").about([("X-About", "contractor")]) == ""


def test_what_the_proxy_says_masks_the_question_too(behind: Behind) -> None:
    said = "contractor, PIN 7731"  # the answer masks both by it
    assert behind(about="X-About").about([("X-About", "contractor,  PIN 7731")]) == said


def test_what_the_proxy_says_is_masked_before_it_is_cut(behind: Behind) -> None:
    said = f"{'London ' * 26}card 4111 1111 1111 1111"
    told = behind(about="X-About").about([("X-About", said)])
    assert len(said) > MAX_ABOUT >= len(told) and "4111" not in told


@pytest.mark.parametrize("name", ["X-Forwarded-User", HEADER])
def test_a_header_that_is_not_utf_8_is_refused_and_not_read_as_another(behind: Behind, name: str) -> None:
    told = {"X-Forwarded-User": "anna", HEADER: "policy-hr", name: "J\xf6rg"}  # as Latin-1 comes
    with pytest.raises(HttpError, match=f"the header {name} is not UTF-8") as error:
        behind().access("127.0.0.1", list(told.items()))
    assert error.value.status_code == 400


def test_whom_the_proxy_does_not_name_is_refused(behind: Behind) -> None:
    stub = StubAssistant()
    assert ask(behind(), stub, ["directors"], user="") == 403 and not stub.asked


def test_a_proxy_shows_a_token() -> None:
    with pytest.raises(UsageError, match="needs a token"):
        make_door(Config(serve=ServeSection(proxies="127.0.0.1")), "127.0.0.1")


@pytest.mark.parametrize("client", ["10.0.0.9", "testclient", "127.0.0.2", "::2", ""])
def test_who_does_not_come_through_the_proxy_is_refused(behind: Behind, client: str) -> None:
    stub = StubAssistant()
    assert ask(behind(), stub, ["policy-hr"], client) == 403 and not stub.asked


@pytest.mark.parametrize("client", ["::1", "127.0.0.1", "::ffff:127.0.0.1", "::1%eth0"])
def test_a_proxys_address_may_be_written_otherwise(behind: Behind, client: str) -> None:
    assert ask(behind(), StubAssistant(), [], client) == 200


@pytest.mark.parametrize("settings", [{"proxies": "localhost"}, {"groups": "hr"}, {"groups": "=hr"}, {"groups": "a ="}])
def test_wrong_settings_are_named(behind: Behind, settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=rf"serve\.{next(iter(settings))}"):
        behind(**settings)


def test_roles_for_all_and_roles_of_each_exclude_each_other(behind: Behind) -> None:
    with pytest.raises(UsageError, match="--as"):
        behind(["hr"])
    assert behind(["hr"], proxies="").proxies == frozenset()
