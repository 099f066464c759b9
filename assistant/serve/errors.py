"""What is said of each error: to the client a sentence, and what is ours to fix to whoever runs the server."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from traceback import extract_tb

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from assistant.core.errors import REPORT, AssistantError, ConfigError, UsageError, first_problem
from assistant.serve.schemas import HttpError, bad_request

Notify = Callable[[str, str], None]  # the cause and the hint of an error, to whoever runs the server
Translate = Callable[[Exception], HttpError]


def translator(notify: Notify, count: Callable[[str], None]) -> Translate:
    """Return what makes of each error what its client is told.

    It calls `notify` with what is ours to fix, and `count` with the code of every error.
    """

    def http_error(error: Exception) -> HttpError:
        match error:
            case HttpError():
                return error
            case ClientDisconnect():
                return HttpError(HTTPStatus.BAD_REQUEST, "client_gone", "the client has left.")  # which nobody gets
            case RequestValidationError():
                return _invalid(error)
            case UsageError() if not isinstance(error, ConfigError):
                return bad_request(error.cause)
            case AssistantError():
                notify(error.cause, error.hint)  # it names files of this machine
                message = "something that answers need cannot be used now; whoever runs this server is told why."
                return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", message)
            case HTTPException():
                return _from_framework(error)
        notify(f"{type(error).__name__} {_place(error)}.", REPORT)  # not its words: they may be a question's
        message = "something is wrong with this server; whoever runs it is told."
        return HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "broken", message)

    def translate(error: Exception) -> HttpError:
        told = http_error(error)
        count(told.code)
        return told

    return translate


def _invalid(error: RequestValidationError) -> HttpError:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return HttpError(HTTPStatus.BAD_REQUEST, "not_json", f"the body is not JSON: {first['ctx']['error']}.")
    told = [{**each, "loc": each["loc"][1:]} for each in error.errors()]  # the first part says "body" or "query"
    return bad_request(first_problem(told))


def _from_framework(error: HTTPException) -> HttpError:
    """Say in our words what FastAPI says: of a path, a method, or a body that it cannot read."""
    said = {
        HTTPStatus.NOT_FOUND: ("not_found", "there is no such path; /openapi.json lists them."),
        HTTPStatus.METHOD_NOT_ALLOWED: ("wrong_method", "this path has another method; /openapi.json lists them."),
    }
    code, message = said.get(HTTPStatus(error.status_code), ("not_json", "the body is not JSON that can be read."))
    return HttpError(error.status_code, code, message, error.headers)


def _place(error: Exception) -> str:
    frames = extract_tb(error.__traceback__)
    return f"in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
