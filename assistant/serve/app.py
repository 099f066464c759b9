"""The paths, and what each does: read a request within its limits, ask in its turn, answer in JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from traceback import extract_tb

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.answer.assistant import Assistant
from assistant.contract import answer_json, dumps, search_json
from assistant.core.errors import REPORT, AssistantError, UsageError
from assistant.core.records import Access, Answer, Turn
from assistant.serve.completions import completion, conversation, events, models
from assistant.serve.desk import Desk, Stage
from assistant.serve.door import Door
from assistant.serve.manners import Manners
from assistant.serve.openapi import document
from assistant.serve.page import page
from assistant.serve.refused import Refused, bad_request, error_json
from assistant.serve.requests import AskRequest, Body, ChatRequest, SearchRequest, parsed

MOST_BYTES = 65_536  # of a body; 16 questions at their longest
MOST_CHAT_BYTES = 4 * MOST_BYTES  # chat pages send the whole conversation each time
MOST_HEAD_BYTES = 16_384  # of the address and the headers
BODY_SECONDS = 10.0  # for a body to arrive
JSON, EVENTS = "application/json", "text/event-stream"
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

Handler = Callable[[Request, Exception], Awaitable[Response]]
Tell = Callable[[str, str], None]  # the cause and the hint of an error, to whoever runs the server


def make_app(assistant: Assistant, access: Callable[[], Access], door: Door, desk: Desk, tell: Tell) -> ASGIApp:
    """Return an application that asks this assistant, as somebody with the access of the moment."""
    service = Service(assistant, access, desk)
    app = Starlette(
        routes=[
            Route("/v1/ask", service.ask, methods=["POST"]),
            Route("/v1/search", service.search, methods=["POST"]),
            Route("/v1/chat/completions", service.chat, methods=["POST"]),
            Route("/v1/models", _models),
            Route("/v1/health", service.health),
            Route("/openapi.json", _document),
            Route("/docs", _page),
        ],
        middleware=[Middleware(Entrance, door=door)],
        exception_handlers=_handlers(tell),
    )
    app.router.redirect_slashes = False  # to an address made of what the client says that we are called
    return Manners(app)


class Service:
    """What the paths do that ask the assistant."""

    def __init__(self, assistant: Assistant, access: Callable[[], Access], desk: Desk) -> None:
        self._assistant = assistant
        self._access = access
        self._desk = desk

    async def ask(self, request: Request) -> Response:
        asked = await _read(request, AskRequest)

        def work(stage: Stage) -> bytes:
            return _encoded(answer_json(self._answer(asked.question, asked.turns, stage)))

        return Response(await self._attended(request, work), media_type=JSON)

    async def search(self, request: Request) -> Response:
        asked = await _read(request, SearchRequest)

        def work(_: Stage) -> bytes:
            return _encoded(search_json(self._assistant.search(asked.query, access=self._access(), k=asked.k)))

        return Response(await self._attended(request, work), media_type=JSON)

    async def chat(self, request: Request) -> Response:
        asked = await _read(request, ChatRequest, MOST_CHAT_BYTES)
        question, turns = conversation(asked.messages)

        def work(stage: Stage) -> bytes:
            answer = self._answer(question, turns, stage)
            return events(answer) if asked.stream else _encoded(completion(answer))

        return Response(await self._attended(request, work), media_type=EVENTS if asked.stream else JSON)

    async def health(self, _: Request) -> Response:
        return _json({"status": "ok", "answering": self._desk.answering, "waiting": self._desk.waiting})

    def _answer(self, question: str, turns: list[Turn], stage: Stage) -> Answer:
        return self._assistant.answer(question, turns, access=self._access(), stage=stage)

    async def _attended(self, request: Request, work: Callable[[Stage], bytes]) -> bytes:
        """Do work in its turn, unless the client goes away; raises ClientDisconnect then, and what the work raises."""
        answer = asyncio.create_task(self._desk.run(work))
        left = asyncio.create_task(_departure(request))
        try:
            await asyncio.wait((answer, left), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientDisconnect
            return answer.result()
        finally:
            answer.cancel()
            left.cancel()


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read(request: Request, kind: type[Body], most: int = MOST_BYTES) -> Body:
    """Read a request's body; raises Refused if it is no JSON by name or in fact, too large, or too slow.

    A page of another site may have a browser post text to us unasked, but not what is called JSON.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        message = "the body must be JSON; send the header Content-Type: application/json."
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_type", message)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return parsed(kind, await _body(request, most))
    except TimeoutError:
        message = f"the body did not arrive within {BODY_SECONDS:g} seconds."
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "timeout", message) from None


async def _body(request: Request, most: int) -> bytes:
    """Return a body, counted while it arrives; what it says of its length may be wrong, or be missing."""
    body = bytearray()
    said = int(request.headers.get("content-length", "0"))
    while said <= most and len(body) <= most:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) <= most and not message.get("more_body"):
            return bytes(body)
    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"the body has more than {most:,} bytes.")


async def _models(_: Request) -> Response:
    return _json(models())


async def _document(_: Request) -> Response:
    return _json(document())


async def _page(_: Request) -> Response:
    return HTMLResponse(page(document()), headers={"Content-Security-Policy": PAGE_POLICY})


def _encoded(value: object) -> bytes:
    return f"{dumps(value)}\n".encode()


def _json(value: object) -> Response:
    return Response(_encoded(value), media_type=JSON)


def _refusal(refused: Refused, path: str) -> Response:
    return Response(_encoded(error_json(refused, path)), refused.status, refused.headers, JSON)


class Entrance:
    """Lets nobody in whose request is too large at its head, or whom the door does not know."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_head(scope)
            self._door.check(scope["path"], Headers(scope=scope))
        except Refused as refused:
            await _refusal(refused, scope["path"])(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _check_head(scope: Scope) -> None:
    fields = sum(len(name) + len(value) for name, value in scope["headers"])
    if fields + len(scope["raw_path"]) + len(scope["query_string"]) > MOST_HEAD_BYTES:
        message = f"the address and the headers have more than {MOST_HEAD_BYTES:,} bytes."
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", message)


def _handlers(tell: Tell) -> dict[type[Exception], Handler]:
    """Return what is said of each error: to the client a sentence, and what is ours to mend to whoever runs us."""

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return _refusal(error, request.scope["path"])

    async def mistaken(request: Request, error: Exception) -> Response:
        assert isinstance(error, UsageError)
        return _refusal(bad_request(error.cause), request.scope["path"])

    async def not_ready(request: Request, error: Exception) -> Response:
        assert isinstance(error, AssistantError)
        tell(error.cause, error.hint)  # it names files of this machine
        message = "the index or a model cannot be used now; whoever runs this server is told why."
        return _refusal(Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", message), request.scope["path"])

    async def no_such_path(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code, message = ("not_found", "there is no such path; /docs lists them.")
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            code, message = ("wrong_method", "this path has another method; /docs lists them.")
        return _refusal(Refused(error.status_code, code, message, error.headers), request.scope["path"])

    async def gone(_: Request, __: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # which nobody gets

    async def broken(request: Request, error: Exception) -> Response:
        tell(f"{type(error).__name__} {_place(error)}.", REPORT)  # not its words: they may be a question's or a quote's
        message = "something is wrong with this server; whoever runs it is told."
        return _refusal(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "broken", message), request.scope["path"])

    return {
        Refused: refuse,
        UsageError: mistaken,
        AssistantError: not_ready,
        HTTPException: no_such_path,
        ClientDisconnect: gone,
        Exception: broken,
    }


def _place(error: Exception) -> str:
    frames = extract_tb(error.__traceback__)
    return f"in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
