"""The queue by itself, and behind a socket: who waits, who is sent away, and what a client that leaves frees."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn

from assistant.core.config import ServeSection
from assistant.core.records import Access, make_access
from assistant.serve.app import make_app
from assistant.serve.identity import Door, Headers
from assistant.serve.queue import Cancelled, RequestQueue
from assistant.serve.schemas import HttpError
from assistant.serve.server import uvicorn_settings
from assistant.serve.tokens import unauthorized
from tests.serve.stub import StubAssistant
from tests.serve.test_app import ASK, QUESTION, assert_refused


def test_work_that_nobody_waits_for_ends_at_its_next_stage() -> None:
    ended = threading.Event()

    def work(on_stage: Callable[[str], None]) -> None:
        try:
            while True:
                on_stage("reading")
                time.sleep(0.001)
        except Cancelled:
            ended.set()
            raise

    async def run() -> None:
        queue = RequestQueue(ServeSection(at_once=1))
        task = asyncio.create_task(queue.run(work))
        while not queue.answering:
            await asyncio.sleep(0.001)
        task.cancel()
        assert await asyncio.to_thread(ended.wait, 5)
        assert await queue.run(lambda _: 7) == 7

    asyncio.run(run())


def test_the_queue_says_who_waits() -> None:
    async def run() -> None:
        queue = RequestQueue(ServeSection(at_once=1, queue=0))
        gate = threading.Event()
        task = asyncio.create_task(queue.run(lambda _: gate.wait(10)))
        while not queue.answering:
            await asyncio.sleep(0.001)
        with pytest.raises(HttpError, match="too many"):
            await queue.run(lambda _: None)
        gate.set()
        assert await task

    asyncio.run(run())


def test_an_asker_leaves_a_turn_and_half_of_the_places_to_others() -> None:
    async def run() -> None:
        queue, gate, done = RequestQueue(ServeSection(at_once=2, queue=4)), threading.Event(), list[str]()

        def ask(asker: str) -> asyncio.Task[None]:
            def work(_: Callable[[str], None]) -> None:
                gate.wait(10)
                done.append(asker)

            return asyncio.create_task(queue.run(work, asker))

        async def become(answering: int, waiting: int) -> None:
            async with asyncio.timeout(5):
                while (queue.answering, queue.waiting) != (answering, waiting):
                    await asyncio.sleep(0.001)

        greedy = [ask("eve") for _ in range(3)]
        await become(1, 2)  # though two could be answered
        with pytest.raises(HttpError, match="of yours") as caught:
            await ask("eve")
        assert (caught.value.status_code, caught.value.headers) == (429, {"Retry-After": "2"})
        others = [ask("anna"), ask("bob")]
        await become(2, 3)
        greedy.pop().cancel()  # who leaves frees their place, and no turn that they did not have
        await become(2, 2)
        greedy.append(ask("eve"))
        await become(2, 3)
        gate.set()
        await asyncio.gather(*greedy, *others, return_exceptions=False)
        assert sorted(done) == ["anna", "bob", "eve", "eve", "eve"]
        assert done.index("bob") < 4  # he came last, and eve's third waited behind her second
        await become(0, 0)
        del greedy, others
        assert [await queue.run(lambda _: 7, "eve") for _ in range(3)] == [7, 7, 7]

    asyncio.run(run())


def test_nothing_is_kept_of_askers_who_have_their_answers() -> None:
    async def run() -> None:
        queue = RequestQueue(ServeSection())
        for number in range(50):
            await queue.run(lambda _: None, f"asker {number}")
        async with asyncio.timeout(5):
            while queue.answering:
                await asyncio.sleep(0.001)
        gc.collect()
        assert len(queue._shares) <= 1

    asyncio.run(run())


# --- behind a socket in this process ---------------------------------------------------------------------------------


@asynccontextmanager
async def serving(
    assistant: StubAssistant, barred: Collection[str] = (), **limits: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve in this process all but those who are `barred`, and give a client."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    queue = RequestQueue(ServeSection(**limits))
    told: list[str] = []
    stub: Any = assistant

    class Barring(Door):
        def access(self, client: str, headers: Headers) -> Access:
            asker = dict(headers).get("x-asker", "")
            if asker in barred:
                raise unauthorized()
            return replace(make_access(), asker=asker)

    app = make_app(stub, Barring(), queue, lambda cause, _: told.append(cause))
    running = uvicorn.Server(uvicorn_settings(app))
    task = asyncio.create_task(running.serve([listener]))
    try:
        while not running.started:
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            yield client
    finally:
        assistant.gate.set()
        running.should_exit = True
        await task
        queue.close()
    assert told == []


async def becomes(client: httpx.AsyncClient, **busy: int) -> None:
    """Wait until the server is that busy."""
    async with asyncio.timeout(20):
        while (await client.get("/healthz")).json() != {"status": "ok", **busy}:
            await asyncio.sleep(0.01)


def asked(client: httpx.AsyncClient, asker: str = "") -> asyncio.Task[httpx.Response]:
    headers = {"X-Asker": asker} if asker else {}
    return asyncio.create_task(client.post(ASK, json={"question": QUESTION}, headers=headers))


async def one_answered_one_waiting(client: httpx.AsyncClient) -> tuple[asyncio.Task[httpx.Response], ...]:
    """Ask twice of a server that answers one question at once."""
    first = asked(client)
    await becomes(client, answering=1, waiting=0)
    second = asked(client)
    await becomes(client, answering=1, waiting=1)
    return first, second


@pytest.fixture
def patient() -> StubAssistant:
    """An assistant that answers when its gate is opened."""
    found = StubAssistant()
    found.gate.clear()
    return found


def test_the_fuller_the_queue_the_later_one_is_to_come_again() -> None:
    async def run(queue: int) -> str:
        gate = threading.Event()
        served = RequestQueue(ServeSection(at_once=1, queue=queue))
        waiting = [asyncio.create_task(served.run(lambda _: gate.wait())) for _ in range(queue + 1)]
        while served.waiting < queue:
            await asyncio.sleep(0)
        with pytest.raises(HttpError) as caught:
            await served.run(lambda _: None)
        gate.set()
        await asyncio.gather(*waiting)
        return dict(caught.value.headers or {})["Retry-After"]

    assert [asyncio.run(run(queue)) for queue in (1, 20)] == ["2", "20"]


def test_more_than_the_queue_holds_are_told_to_come_again(patient: StubAssistant) -> None:
    async def run() -> None:
        async with serving(patient, at_once=1, queue=1) as client:
            first, second = await one_answered_one_waiting(client)
            third = await asked(client)
            assert_refused(third.status_code, third.content, 503, "come again")
            assert int(third.headers["retry-after"]) > 0
            patient.gate.set()
            assert [(await one).json()["status"] for one in (first, second)] == ["answered"] * 2
            await becomes(client, answering=0, waiting=0)

    asyncio.run(run())


def test_one_who_asks_very_much_does_not_keep_others_from_a_turn(patient: StubAssistant) -> None:
    async def run() -> None:
        async with serving(patient, at_once=2, queue=4) as client:
            many = [asked(client, "eve") for _ in range(40)]
            await becomes(client, answering=1, waiting=2)
            other = asked(client, "anna")
            await becomes(client, answering=2, waiting=2)
            while sum(one.done() for one in many) < 37:
                await asyncio.sleep(0.01)
            patient.gate.set()
            assert (await other).is_success
            statuses = [(await one).status_code for one in many]
            assert statuses.count(200) == 3 and statuses.count(429) == 37
            await becomes(client, answering=0, waiting=0)

    asyncio.run(run())


def test_who_may_no_longer_ask_when_the_turn_comes_gets_no_answer(patient: StubAssistant) -> None:
    async def run() -> None:
        barred: set[str] = set()
        async with serving(patient, barred, at_once=1, queue=2) as client:
            first = asked(client, "anna")
            await becomes(client, answering=1, waiting=0)
            second = asked(client, "bob")
            await becomes(client, answering=1, waiting=1)
            barred.add("bob")
            patient.gate.set()
            assert (await first).is_success
            assert_refused((refused := await second).status_code, refused.content, 401, "token")
        assert len(patient.asked) == 1

    asyncio.run(run())


def test_a_client_that_leaves_frees_its_place_and_ends_its_work(patient: StubAssistant) -> None:
    async def run() -> None:
        async with serving(patient, at_once=1, queue=1) as client:
            first, second = await one_answered_one_waiting(client)
            second.cancel()
            await becomes(client, answering=1, waiting=0)
            first.cancel()
            await becomes(client, answering=0, waiting=0)  # between two stages, with the gate still closed
            patient.gate.set()
            assert (await asked(client)).json()["status"] == "answered" and patient.finished == 1

    asyncio.run(run())


def test_an_answer_that_takes_too_long_is_given_up(patient: StubAssistant) -> None:
    async def run() -> None:
        async with serving(patient, at_once=1, seconds=1) as client:
            responses = await asyncio.gather(asked(client), asked(client))
            # The first is given up after a second; the second had its turn then, or not quite.
            assert {r.status_code for r in responses} <= {503, 504} and 504 in {r.status_code for r in responses}
            assert all("time" in r.text or "longer than 1 s" in r.text for r in responses)
            await becomes(client, answering=0, waiting=0)

    asyncio.run(run())


HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def sent(client: httpx.AsyncClient, request: bytes) -> bytes:
    """Send bytes, and return all that comes until the server closes the connection; it may read none of them."""

    def send() -> bytes:
        received = b""
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=10) as connection:
            with suppress(ConnectionError):
                connection.sendall(request)
            with suppress(ConnectionError):
                while block := connection.recv(65_536):
                    received += block
        return received

    return await asyncio.to_thread(send)


def test_a_socket_refuses_two_lengths_and_answers_what_comes_after() -> None:
    both = HEAD % b"/v1/ask" + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    async def run() -> None:
        async with serving(StubAssistant()) as client:
            received = await sent(client, both + b"GET /healthz HTTP/1.1\r\n\r\n")
            assert received.startswith(b"HTTP/1.1 411") and received.count(b"HTTP/1.1") == 1  # nothing smuggled
            assert (await client.get("/healthz")).is_success

    asyncio.run(run())


@pytest.mark.parametrize(("path", "status"), [(b"/v1/ask", 411), (b"/healthz", 411), (b"/nowhere", 404)])
def test_bodies_of_many_chunks_are_not_read_and_keep_nobody_waiting(path: bytes, status: int) -> None:
    body = CHUNKED % path + b"1\r\n \r\n" * 262_000

    async def run() -> None:
        async with serving(StubAssistant()) as client:
            assert (await client.get("/healthz")).is_success
            many = [asyncio.create_task(sent(client, body)) for _ in range(10)]
            for _ in range(5):
                began = time.monotonic()
                assert (await client.get("/healthz")).is_success
                assert time.monotonic() - began < 1
            for received in await asyncio.gather(*many):
                assert received.startswith(b"HTTP/1.1 %d " % status) and b"connection: close" in received.lower()

    asyncio.run(run())


@pytest.mark.parametrize("wrong", [b"Content-Type: text/plain\r\nContent-Length: 9", b"Content-Length: 9999999"])
def test_the_rest_of_a_body_that_is_refused_by_its_head_is_not_waited_for(wrong: bytes) -> None:
    async def run() -> None:
        async with serving(StubAssistant()) as client:
            head = b"POST /v1/ask HTTP/1.1\r\nHost: x\r\n"
            received = await sent(client, head + wrong + b"\r\n\r\n{")
            assert received.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 415 "))

    asyncio.run(run())
