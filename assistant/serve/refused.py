"""What a client gets instead of an answer: a status, a code for programs and one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

OPENAI_PATHS = ("/v1/chat/completions", "/v1/models")
RETRY_SECONDS = 2  # after which a client that found no place may come again


class Refused(Exception):
    """A request that gets no answer; `message` is a sentence that shows nothing but what the client sent or must do."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> Refused:
    """Return what is said to a request that can be read and makes no sense."""
    return Refused(HTTPStatus.BAD_REQUEST, "bad_request", message)


def busy(message: str) -> Refused:
    """Return what is said to whoever should come again in a moment."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", message, {"Retry-After": str(RETRY_SECONDS)})


def error_json(refused: Refused, path: str = "") -> dict[str, Any]:
    """Return the body of an error: ours, or OpenAI's where a client of theirs asks."""
    error: dict[str, Any] = {"message": refused.message, "code": refused.code}
    if path in OPENAI_PATHS:
        ours = refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        error |= {"type": "server_error" if ours else "invalid_request_error", "param": None}
    return {"error": error}
