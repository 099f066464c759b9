"""The paths, and what each does: read a request within its limits, ask in its turn, answer in JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from assistant.answer.assistant import Assistant
from assistant.answer.question import ReportStage, Tell, tell_nobody
from assistant.answer.steps import Steps, Waiting, go_on
from assistant.contract import AskResponse, SearchResponse, answer_json, search_json
from assistant.core.errors import AssistantError, UsageError
from assistant.core.package import __version__
from assistant.core.records import Access, Answer, Turn, make_access
from assistant.evaluate.gaps import read_gaps
from assistant.serve.completions import completion, conversation, events, models
from assistant.serve.errors import Notify, Translate, translator
from assistant.serve.identity import Door
from assistant.serve.metrics import MEDIA_TYPE, Metrics
from assistant.serve.middleware import JSON, CommonHeadersMiddleware, Log, error_response
from assistant.serve.page import render
from assistant.serve.page.views import SOURCE_PATH
from assistant.serve.queue import RequestQueue, Result
from assistant.serve.schemas import (
    MODEL_NAME,
    AskRequest,
    ChatRequest,
    ErrorResponse,
    Health,
    HttpError,
    SearchRequest,
    busy,
    encoded,
)
from assistant.serve.telling import Told

EVENTS = "text/event-stream"
HANDLED = (HTTPException, RequestValidationError, ClientDisconnect, AssistantError, Exception)

Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


def make_app(assistant: Assistant, door: Door, queue: RequestQueue, notify: Notify, log: Log | None = None) -> ASGIApp:
    """Return an application that asks this assistant for whoever the door lets in."""
    metrics = Metrics()
    translate = translator(notify, metrics.failed)
    service = Service(assistant, door, queue, metrics, translate)
    app = FastAPI(
        title=MODEL_NAME,
        version=__version__,
        description="Answers from an organisation's own documents, each proved by verbatim quotes.",
        docs_url=None,  # the page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # to an address made of what the client says that we are called
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={"default": {"model": ErrorResponse, "description": "No answer."}},
        dependencies=[Security(HTTPBearer(auto_error=False, description="Where the server asks for one."))],
        exception_handlers=dict.fromkeys(HANDLED, _handler(translate)),
    )
    app.post("/v1/ask", response_model=AskResponse, summary="Answer a question.")(service.ask)
    app.post("/v1/search", response_model=SearchResponse, summary="Show what a question would be answered from.")(
        service.search
    )
    app.post("/v1/chat/completions", response_model=dict, summary="Answer as OpenAI's chat completions do.")(
        service.chat
    )
    app.get("/v1/models", response_model=dict, summary="List the one model that there is.")(service.models)
    app.get("/healthz", response_model=Health, summary="Tell that the server is up.")(service.health)
    app.get("/metrics", include_in_schema=False)(service.metrics)
    app.get(render.GAPS, include_in_schema=False)(service.gaps)
    # Starlette's own routes: FastAPI takes twice as long to ask what a path depends on, and 200 people come at once.
    for path in render.STATIC:
        app.add_route(path, service.static, include_in_schema=False)
    app.post(render.HOME, include_in_schema=False)(service.ask_page)
    app.post(render.FEEDBACK, include_in_schema=False)(service.take_feedback)
    app.get(SOURCE_PATH, include_in_schema=False)(service.source)
    return CommonHeadersMiddleware(app, door, translate, log)


class Service:
    """What the paths do."""

    def __init__(
        self, assistant: Assistant, door: Door, queue: RequestQueue, metrics: Metrics, translate: Translate
    ) -> None:
        self._translate = translate
        self._assistant = assistant
        self._metrics = metrics
        self._door = door
        self._queue = queue
        self._reviewers = make_access(assistant.config.serve.reviewers.split(",")).roles

    async def ask(self, asked: AskRequest, request: Request) -> Response:
        def work(access: Access, report_stage: ReportStage) -> bytes | Waiting[bytes]:
            steps = self._steps(request, asked.question, asked.turns, access, report_stage, asked.about)
            return go_on(steps, self._counted(lambda answer: encoded(answer_json(answer))))

        return Response(await self._run(request, work), media_type=JSON)

    async def search(self, asked: SearchRequest, request: Request) -> Response:
        def work(access: Access, _: ReportStage) -> bytes:
            found = self._assistant.search(asked.query, access=access, k=asked.k)
            self._metrics.took(found.timings)
            return encoded(search_json(found))

        return Response(await self._run(request, work), media_type=JSON)

    async def chat(self, asked: ChatRequest, request: Request) -> Response:
        question, turns = conversation(asked.messages)

        def work(access: Access, report_stage: ReportStage) -> bytes | Waiting[bytes]:
            steps = self._steps(request, question, turns, access, report_stage)
            return go_on(steps, self._counted(events if asked.stream else lambda one: encoded(completion(one))))

        return Response(await self._run(request, work), media_type=EVENTS if asked.stream else JSON)

    async def ask_page(self, request: Request) -> Response:
        render.check_origin(request.headers)
        asked = render.read_form(await request.body(), render.QUESTION_FORM)
        turns = asked.turns
        told = Told(asyncio.get_running_loop())

        def work(access: Access, report_stage: ReportStage) -> Response | Waiting[Response]:
            render.check_asker(asked, asker := self._door.asker_of(access))
            steps = self._steps(request, asked.question, turns, access, report_stage, asked.about, told)
            return go_on(steps, self._counted(lambda answer: render.answered(answer, asked, asker)))

        answer = self._run(request, work)
        return await (told.response(answer, self._translate) if render.wants_lines(request.headers) else answer)

    async def take_feedback(self, request: Request) -> Response:
        render.check_origin(request.headers)
        given = render.read_form(await request.body(), render.FEEDBACK_FORM)

        def work(access: Access, report_stage: ReportStage) -> Response:
            self._assistant.feedback(given, access=access, stage=report_stage)
            return render.thanked()

        return await self._run(request, work)

    async def source(self, document: str, start: int, end: int, request: Request, source: str = "") -> Response:
        def work(access: Access, _: ReportStage) -> Response:
            place = self._assistant.place(document, start, end, access, source)
            return render.source(*place)

        return await self._run(request, work)

    async def static(self, request: Request) -> Response:
        path = request.scope["path"]  # a URL is made of what the client says that we are called, too
        if path == render.HOME and (asker := self._door.asker_of(self._access(request))):
            return render.home(asker)
        return render.static(path)

    async def models(self) -> Response:
        return Response(encoded(models()), media_type=JSON)

    async def health(self) -> Response:
        health = Health(answering=self._queue.answering, waiting=self._queue.waiting)
        return Response(encoded(health.model_dump()), media_type=JSON)

    async def metrics(self, request: Request) -> Response:
        self._door.check_proxy(request.client.host if request.client else "")  # who may not ask may not look
        ingested = await asyncio.to_thread(lambda: self._assistant.catalog.meta("ingested"))
        text = self._metrics.text(self._queue.answering, self._queue.waiting, ingested)
        return Response(text, media_type=MEDIA_TYPE)

    async def gaps(self, request: Request) -> Response:
        access, path = self._access(request), self._assistant.config.gaps_file
        if access.roles.isdisjoint(self._reviewers):
            message = "this page is for reviewers: serve.reviewers names their roles."
            raise HttpError(HTTPStatus.FORBIDDEN, "not_reviewer", message)

        def work(path: Path) -> Response:
            with self._assistant.reading() as catalog:
                return render.gaps(read_gaps(path.read_bytes(), catalog.queries, access))

        with suppress(OSError, UsageError):
            if path and path.is_file():  # a pipe would be waited for
                return await asyncio.to_thread(work, path)
        message = "there is no report yet: name its file in serve.gaps, and have `assistant gaps --json` write it."
        raise HttpError(HTTPStatus.NOT_FOUND, "not_found", message)

    def _access(self, request: Request) -> Access:
        return self._door.access(request.client.host if request.client else "", request.headers.items())

    def _steps(
        self,
        request: Request,
        question: str,
        turns: list[Turn],
        access: Access,
        report_stage: ReportStage,
        about: str = "",
        tell: Tell = tell_nobody,
    ) -> Steps:
        """Begin an answer for whoever asks: as they say that they are, or else as the proxy says."""
        about = about.strip() or self._door.about(request.headers.items())
        return self._assistant.begin(question, turns, access=access, stage=report_stage, tell=tell, about=about)

    def _counted(self, finish: Callable[[Answer], Result]) -> Callable[[Answer], Result]:
        def count(answer: Answer) -> Result:
            self._metrics.answered(answer.status)
            self._metrics.took(answer.timings)
            return finish(answer)

        return count

    async def _run(self, request: Request, work: Callable[[Access, ReportStage], Result | Waiting[Result]]) -> Result:
        """Do work in its turn; raises what it raises, and HttpError if the client leaves or the server ends.

        Who asks is looked up again when the turn comes: a token may have been taken out meanwhile.
        """

        def work_now(report_stage: ReportStage) -> Result | Waiting[Result]:
            return work(self._access(request), report_stage)

        answer = asyncio.create_task(self._queue.run(work_now, self._access(request).asker))
        left = asyncio.create_task(_disconnected(request))
        try:
            await asyncio.wait((answer, left), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientDisconnect
            return answer.result()
        except asyncio.CancelledError:
            raise busy("the server is stopping; come again in a moment.") from None
        finally:
            answer.cancel()
            left.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _handler(translate: Translate) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        return error_response(translate(error), request.scope["path"])

    return handle
