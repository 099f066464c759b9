"""What stands before every path: it refuses by head and size what no path should read, and adds the common headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPMethod, HTTPStatus

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.core.errors import AssistantError
from assistant.serve.errors import Translate
from assistant.serve.identity import Door
from assistant.serve.page import render
from assistant.serve.schemas import MODEL_NAME, HttpError, encoded, error_json

JSON = "application/json"
BASIC = f'Basic realm="{MODEL_NAME}", charset="UTF-8"'  # a browser asks for it; the token is the password
MAX_BODY_BYTES = 262_144  # chat pages send the whole conversation each time
COMMON_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
CLOSE = [(b"connection", b"close")]  # behind a refusal by the head, or else all of its body would be read

Log = Callable[[Mapping[str, object]], None]  # takes what there is to say of a request, nothing that it holds


class CommonHeadersMiddleware:
    """Adds what every response says, and refuses by its head and size what no path should read."""

    def __init__(self, app: Starlette, door: Door, translate: Translate, log: Log | None) -> None:
        self._app = app
        self._paths = {route.path for route in app.routes if isinstance(route, Route)}
        self._log = log
        self._door = door
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began, ended = 0, time.perf_counter(), list[tuple[bytes, bytes]]()
        # Nobody reads a cookie, but FastAPI would for each path, and Python before 3.11.10 takes its square of time.
        scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"cookie"]}
        headers = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *COMMON_HEADERS, *ended]
            await send(message)

        try:
            self._door.check(scope["path"], headers.items())
            if scope["path"] not in self._paths:  # the router takes some spellings more, with a line end behind
                raise HTTPException(HTTPStatus.NOT_FOUND)
            _check_body(scope["method"], scope["path"], headers)
        except (HTTPException, AssistantError) as error:
            ended += CLOSE if _has_body(headers) else ()
            await error_response(self._translate(error), scope["path"])(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)
        finally:
            if self._log:
                method = scope["method"] if scope["method"] in HTTPMethod.__members__ else ""
                path = scope["path"] if scope["path"] in self._paths else ""  # any other may say anything
                seconds = round(time.perf_counter() - began, 3)
                self._log({"method": method, "path": path, "status": status, "seconds": seconds})


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _check_body(method: str, path: str, headers: Headers) -> None:
    """Raise HttpError for a body that is too large, does not say how large, or is no JSON by its name.

    A page of another site may have a browser post text or a form to us unasked, but not what is called JSON; the page's
    own form looks at where it comes from.
    """
    if "transfer-encoding" in headers:  # in chunks: of single bytes each takes time, and `serve` reads none
        message = "a body has a Content-Length and no Transfer-Encoding."
        raise HttpError(HTTPStatus.LENGTH_REQUIRED, "length_required", message)
    if int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
        message = f"the body has more than {MAX_BODY_BYTES:,} bytes."
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", message)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method == "POST" and kind != JSON and not (path in render.FORMS and kind == render.FORM):
        message = "the body must be JSON; send the header Content-Type: application/json."
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_type", message)


def error_response(error: HttpError, path: str) -> Response:
    """Say what went wrong: on the page's paths as a page, elsewhere in JSON."""
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        error.headers = {"WWW-Authenticate": BASIC if path in render.PATHS else "Bearer"}
    if path in render.PATHS:
        return render.failed(error)
    return Response(encoded(error_json(error, path)), error.status_code, error.headers, JSON)


def only_posts(app: ASGIApp) -> ASGIApp:
    """Return an application that answers POST alone."""

    async def posts(scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["type"] != "http" or scope["method"] == "POST"
        await (app if is_post else Response("Only POST.", 405, {"Allow": "POST"}))(scope, receive, send)

    return posts
