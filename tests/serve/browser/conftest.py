"""A server with the page on loopback, and pages of Debian's Chromium; both are left out where there is no browser."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import uvicorn

from assistant.core.config import ServeSection
from assistant.core.records import Answer, Citation, Turn
from assistant.guards.run import redacted
from assistant.serve.app import make_app
from assistant.serve.identity import Door
from assistant.serve.queue import RequestQueue
from assistant.serve.server import uvicorn_settings
from tests.serve.stub import ANSWER, CITATION, UNSURE, StubAssistant
from tests.serve.test_app import LOCAL

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install 'policy-assistant[browser]'")

MARKUP = "<script>document.title = 'taken'</script> & <img src=x onerror=\"document.title='taken'\"> <b>bold</b>"
NOTHING = replace(ANSWER, status="abstained", text="The documents do not answer this.", citations=(), confidence=0.1)
BLOCKED = replace(ANSWER, status="blocked", text="This question asks the assistant to leave its rules.", citations=())


class Desk(StubAssistant):
    """Answers by the first word of a question, so that one server shows every kind of answer."""

    def answer_to(self, question: str, about: str) -> Answer:
        kinds = {"Unsure": UNSURE, "Nothing": NOTHING, "Blocked:": BLOCKED, "Markup": marked()}
        answer = kinds.get(question.split()[0], ANSWER)
        return replace(answer, question=redacted(question), about=redacted(about))


def marked() -> Answer:
    """Return an answer whose every text is markup."""
    cited: Citation = replace(CITATION, quote=MARKUP, title=MARKUP, headings=(MARKUP,), source=MARKUP)
    return replace(ANSWER, text=f"{MARKUP} [1]", citations=(cited,))


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its address, its assistant, and how to end it."""

    address: str
    assistant: Desk
    stop: Callable[[], None]


@contextmanager
def serving(door: Door = LOCAL) -> Iterator[Served]:
    """Serve a page on a free port of loopback until left."""
    assistant: Any = Desk()
    queue = RequestQueue(ServeSection())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = make_app(assistant, door, queue, lambda *_: None)
        server = uvicorn.Server(uvicorn_settings(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()

        def stop() -> None:
            server.should_exit = server.force_exit = True
            thread.join(10)

        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", assistant, stop)
        finally:
            assistant.gate.set()
            stop()
            queue.close()


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.fixture
def browser() -> Iterator[Any]:
    """Open a browser for one test: as long as Playwright is open, no other test of its process has a loop."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the browser at the server, and what went wrong in it."""

    page: Any
    served: Served
    faults: list[str]

    def ask(self, question: str) -> Any:
        """Type a question, press Enter, and return the article of its answer."""
        before = self.page.locator("article").count()
        self.page.fill("#question", question)
        self.page.press("#question", "Enter")
        article = self.page.locator("article").nth(before)
        article.wait_for()
        return article

    def turns(self) -> list[Turn]:
        """Return the conversation that the last question came with."""
        return list(self.served.assistant.asked[-1][1])


@pytest.fixture
def open_tab(browser: Any, served: Served) -> Iterator[Callable[..., Tab]]:
    """Return what opens a tab in a profile of its own; its faults are looked at in the end."""
    contexts, faults = [], list[str]()

    def opened(path: str = "/", *, at: Served = served, **profile: Any) -> Tab:
        context = browser.new_context(base_url=at.address, **profile)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: faults.append(asked.url) if not _is_own(asked.url, at.address) else None)
        page.goto(path)
        return Tab(page, at, faults)

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "the page breaks its own policy, raises, or asks somebody else"


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    return open_tab()


def _is_own(url: str, address: str) -> bool:
    return url.startswith((f"{address}/", "data:"))
