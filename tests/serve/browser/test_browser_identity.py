"""Whose conversations a browser keeps: people share one, sign off and on, and leave pages open."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from assistant.core.records import make_access
from assistant.serve.identity import Door
from assistant.serve.tokens import TokenFile, make_token
from tests.serve.browser.conftest import Tab, serving
from tests.serve.test_app import LOCAL
from tests.serve.test_page import QUESTION

TOKEN = b"n" * 32
KEPT = "Object.keys(%s).filter((key) => key.startsWith('policy-assistant') && !/-(about|latest)$/.test(key))"


def proxied(user: str, groups: str) -> dict[str, str]:
    return {"X-User": user, "X-Groups": groups, "Authorization": f"Bearer {TOKEN.decode()}"}


def behind_a_proxy(user_header: str) -> Door:
    return Door(
        token=TOKEN,
        proxies=frozenset({ip_address("127.0.0.1")}),
        user_header=user_header,
        groups_header="X-Groups",
        roles={"directors": frozenset({"board"})},
    )


def test_a_page_that_somebody_else_opened_asks_nothing(open_tab: Callable[..., Tab], tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    made = [make_token(*named) for named in (("anna", ["hr"]), ("bob", ["board"]))]
    tokens.write_text("".join(f"{token.line}\n" for _, token in made))
    tokens.chmod(0o600)
    anna, bob = ({"Authorization": f"Bearer {shown}"} for shown, _ in made)
    with serving(Door(tokens=TokenFile(tokens))) as served:
        tab = open_tab(at=served, extra_http_headers=anna)
        tab.ask(QUESTION)
        (before,) = tab.page.evaluate(KEPT % "localStorage")
        tab.page.set_extra_http_headers(bob)
        tab.page.fill("#question", "What is the board paid?")
        tab.page.press("#question", "Enter")
        tab.page.locator("[role=alert]").wait_for()
        assert "open it again" in tab.page.locator("[role=alert]").inner_text()
        assert len(served.assistant.asked) == 1 and tab.page.input_value("#question") == "What is the board paid?"
        tab.faults.clear()  # the console tells of the refusal
        tab.page.goto("/")
        assert tab.page.locator("article").count() == 0
        tab.ask("What is the board paid?")
        after = tab.page.evaluate(KEPT % "localStorage")
        assert len(after) == 1 and before not in after
        assert tab.turns() == []


@pytest.mark.slow
def test_of_somebody_without_a_name_nothing_stays_when_the_page_is_closed(open_tab: Callable[..., Tab]) -> None:
    with serving(behind_a_proxy("")) as served:
        tab = open_tab(at=served, extra_http_headers=proxied("", "directors"))
        tab.page.fill("#about", "director")
        tab.ask(QUESTION)
        tab.page.reload()
        assert tab.page.locator("article h2").all_inner_texts() == [QUESTION]
        assert tab.page.evaluate(KEPT % "localStorage") == []
        tab.page.set_extra_http_headers(proxied("", "staff"))
        tab.page.reload()
        assert tab.page.locator("article").count() == 0 and tab.page.evaluate(KEPT % "sessionStorage") == []


@pytest.mark.slow
def test_a_page_without_a_user_is_refused_and_forgets_nothing(open_tab: Callable[..., Tab]) -> None:
    with serving(behind_a_proxy("X-User")) as served:
        tab = open_tab(at=served, extra_http_headers=proxied("anna", "directors"))
        tab.ask(QUESTION)
        tab.page.set_extra_http_headers(proxied("", "directors"))
        tab.page.goto("/")
        assert "did not say who you are" in tab.page.inner_text("main")
        tab.faults.clear()
        tab.page.set_extra_http_headers(proxied("anna", "directors"))
        tab.page.goto("/")
        assert tab.page.locator("article h2").all_inner_texts() == [QUESTION]


@pytest.mark.slow
def test_what_is_kept_is_masked(tab: Tab) -> None:
    tab.page.fill("#about", "contractor, PIN: 482913")
    tab.ask("My password is Kirsch77!x. Where do I change it?")
    tab.page.click("text=New conversation")
    kept = tab.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "password removed" in kept and "Kirsch77" not in kept and "482913" not in kept
    assert "password removed" in tab.page.inner_text("#earlier")


@pytest.mark.slow
def test_forgotten_in_one_tab_is_forgotten_in_another(tab: Tab) -> None:
    tab.ask(QUESTION)
    other = tab.page.context.new_page()
    other.goto("/")
    other.click("#forget")
    tab.page.locator("article").wait_for(state="detached")
    tab.ask("Another thing?")
    assert tab.turns() == [] and QUESTION not in tab.page.evaluate("localStorage.getItem('policy-assistant')")


@pytest.mark.slow
def test_a_sign_on_page_in_the_place_of_an_answer_is_told(tab: Tab) -> None:
    tab.page.route("**/", lambda route: route.fulfill(body="<h1>Sign on</h1>", content_type="text/html"))
    tab.page.fill("#question", QUESTION)
    tab.page.press("#question", "Enter")
    tab.page.wait_for_function("document.getElementById('state').textContent.includes('sign on again')")
    assert tab.page.input_value("#question") == QUESTION


@pytest.mark.slow
def test_an_answer_on_its_way_brings_nothing_back_that_is_forgotten_meanwhile(tab: Tab) -> None:
    tab.ask(QUESTION)
    tab.served.assistant.gate.clear()
    tab.page.fill("#question", "And then?")
    tab.page.press("#question", "Enter")
    other = tab.page.context.new_page()
    other.goto("/")
    other.click("#forget")
    tab.page.locator("article").wait_for(state="detached")
    tab.served.assistant.gate.set()
    tab.page.locator("article h2").wait_for()
    assert json.loads(tab.page.evaluate("localStorage.getItem('policy-assistant')")) == []


@pytest.mark.slow
def test_forgotten_is_what_is_shown_too_and_who_asks(tab: Tab) -> None:
    tab.page.fill("#about", "contractor, Leeds")
    tab.ask("A first thing?")
    tab.page.click("text=New conversation")
    tab.ask(QUESTION)
    tab.page.click("#forget")
    assert tab.page.locator("article").count() == 0 and tab.page.input_value("#about") == ""
    tab.ask("Another thing?")
    kept = tab.page.evaluate("JSON.stringify({...localStorage})")
    assert "Another thing?" in kept and QUESTION not in kept and "Leeds" not in kept


@pytest.mark.slow
def test_a_first_answer_that_comes_when_somebody_else_has_signed_on_is_not_kept(open_tab: Callable[..., Tab]) -> None:
    with serving(behind_a_proxy("X-User")) as served:
        anna = open_tab(at=served, extra_http_headers=proxied("anna", "directors"))
        served.assistant.gate.clear()
        anna.page.fill("#question", QUESTION)
        anna.page.press("#question", "Enter")
        ben = anna.page.context.new_page()
        ben.set_extra_http_headers(proxied("ben", "directors"))
        ben.goto("/")
        served.assistant.gate.set()
        anna.page.wait_for_function("document.getElementById('state').textContent.includes('sign on again')")
        assert anna.page.locator("article").count() == 0
        assert QUESTION not in ben.evaluate("JSON.stringify({...localStorage})")


@pytest.mark.parametrize("user", ["anna", pytest.param("", marks=pytest.mark.slow)])
def test_a_page_left_open_forgets_when_somebody_else_signs_on(open_tab: Callable[..., Tab], user: str) -> None:
    with serving(behind_a_proxy("X-User" if user else "")) as served:
        anna = open_tab(at=served, extra_http_headers=proxied(user, "directors"))
        anna.page.fill("#about", "on sick leave")
        anna.ask(QUESTION)
        anna.page.click("text=New conversation")
        anna.page.fill("#question", "half a question")
        anna.page.locator("#earlier li").wait_for()
        ben = anna.page.context.new_page()
        ben.set_extra_http_headers(proxied("ben" if user else "", "staff"))
        ben.goto("/")
        anna.page.locator("#earlier li").wait_for(state="detached")
        assert anna.page.input_value("#about") == anna.page.input_value("#question") == ""
        assert QUESTION not in anna.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")


@pytest.mark.slow
def test_forgotten_in_one_tab_is_in_no_list_of_another(tab: Tab) -> None:
    tab.ask(QUESTION)
    tab.page.click("text=New conversation")
    tab.page.locator("#earlier li").wait_for()
    other = tab.page.context.new_page()
    other.goto("/")
    other.click("#forget")
    tab.page.locator("#earlier li").wait_for(state="detached")


def test_whoever_has_the_roles_of_all_is_answered(open_tab: Callable[..., Tab]) -> None:
    with serving(replace(LOCAL, everybody=lambda: make_access(["hr"]))) as served:
        tab = open_tab(at=served)
        tab.ask(QUESTION)
        assert tab.page.locator("article h2").inner_text() == QUESTION


@pytest.mark.slow
def test_an_answer_by_the_form_stays_where_the_script_comes_late(tab: Tab) -> None:
    tab.ask(QUESTION)
    tab.page.route("**/page.js", lambda route: route.abort())
    tab.page.goto("/")
    tab.page.unroute("**/page.js")
    tab.page.fill("#question", "Another thing?")
    with tab.page.expect_navigation():
        tab.page.click("#ask button")
    assert tab.page.locator("article h2").all_inner_texts() == ["Another thing?"]
    tab.faults.clear()  # the console tells that there was no script
