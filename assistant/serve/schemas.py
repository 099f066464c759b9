"""What a client may send, and the error that it gets in place of an answer; answers are the contract's."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, model_validator

from assistant.answer.question import MAX_ABOUT
from assistant.contract import dumps
from assistant.core.records import MAX_QUESTION, Turn

MODEL_NAME = "policy-assistant"  # to a client that wants one
SOON = 2  # seconds
OPENAI_PATHS = ("/v1/chat/completions", "/v1/models")
UNREAD = ("system", "developer", "tool", "function")  # roles whose messages are no part of a conversation
MOST_MESSAGES, MOST_PARTS = 100, 20  # of a conversation that are read, and of one message
MOST_FIELDS = 50  # of an object; each that is wrong is an error, and each error takes time
EXACT = ConfigDict(extra="forbid", frozen=True, strict=True)
LENIENT = ConfigDict(extra="ignore", frozen=True, strict=True)


T = TypeVar("T")


class _FailFast(FailFast):
    __hash__ = object.__hash__  # what stands in a union needs one, and pydantic's has none


def _last(value: Any) -> Any:
    return value[-MOST_MESSAGES:] if isinstance(value, list) else value


def _spoken(value: Any) -> Any:
    """Return the messages that somebody said, if there are any; tools say much between them."""
    if not isinstance(value, list):
        return value
    return [one for one in value if not (isinstance(one, dict) and one.get("role") in UNREAD)] or value


# A body has room for many thousands of items, each of which takes time before anybody's turn comes. One error is told.
Items = Annotated[list[T], _FailFast(), Field(max_length=MOST_PARTS)]
Latest = Annotated[list[T], _FailFast(), BeforeValidator(_last)]  # of a long conversation: the first ones count no more


class Sent(BaseModel):
    """An object that a client sends."""

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > MOST_FIELDS:
            raise ValueError(f"an object has at most {MOST_FIELDS} fields")
        return value


class Message(Sent):
    """An earlier turn of the conversation."""

    model_config = EXACT
    role: Literal["user", "assistant"]
    content: str


class AskRequest(Sent):
    """A question, and the conversation before it."""

    model_config = EXACT
    question: str = Field(description="The question, as the person asked it.", max_length=MAX_QUESTION)
    history: Latest[Message] | None = Field(None, description="Earlier turns, oldest first.")
    about: str = Field("", description="Who asks, where that decides: contractor, London.", max_length=MAX_ABOUT)

    @property
    def turns(self) -> list[Turn]:
        """The conversation before the question."""
        return [Turn(message.role, message.content) for message in self.history or ()]


class SearchRequest(Sent):
    """What to look for."""

    model_config = EXACT
    query: str = Field(description="What to look for.", max_length=MAX_QUESTION)
    k: int | None = Field(None, description="How many passages.", ge=1, le=100)


class Part(Sent):
    """A part of a message; only text can be read."""

    model_config = LENIENT
    type: str
    text: str = ""


class ChatMessage(Sent):
    """A message of a chat; those of the system, the developer and tools are ignored."""

    model_config = LENIENT
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Items[Part] | None = None


class ChatRequest(Sent):
    """A chat, as OpenAI's clients send it; fields that are not here are ignored."""

    model_config = LENIENT
    model: str = Field(MODEL_NAME, description=f"Any name; what answers is {MODEL_NAME}.")
    messages: Annotated[Latest[ChatMessage], BeforeValidator(_spoken)] = Field(
        description="The last one of a user is the question, those before it are the history.", min_length=1
    )
    stream: bool | None = Field(None, description="Send the answer as server-sent events.")


class Health(BaseModel):
    """How busy the server is."""

    status: Literal["ok"] = "ok"
    answering: int
    waiting: int


class Error(BaseModel):
    """Why there is no answer: a sentence, and a word for programs."""

    message: str
    code: str


class ErrorResponse(BaseModel):
    """What comes in place of an answer."""

    error: Error


class HttpError(HTTPException):
    """A request that gets no answer; `message` is a sentence that shows nothing but what the client sent or must do."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code

    def __str__(self) -> str:
        return str(self.detail)


def bad_request(message: str) -> HttpError:
    """Return what is said to a request that can be read and makes no sense."""
    return HttpError(HTTPStatus.BAD_REQUEST, "bad_request", message)


def come_again(seconds: int = SOON) -> dict[str, str]:
    """Return the header that says when to come again."""
    return {"Retry-After": str(seconds)}


def busy(message: str, seconds: int = SOON) -> HttpError:
    """Return what is said to whoever should come again."""
    return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", message, come_again(seconds))


def error_json(error: HttpError, path: str) -> dict[str, Any]:
    """Return the body of an error: ours, or OpenAI's where a client of theirs asks."""
    body: dict[str, Any] = {"message": str(error), "code": error.code}
    if path in OPENAI_PATHS:
        ours = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        body |= {"type": "server_error" if ours else "invalid_request_error", "param": None}
    return {"error": body}


def encoded(value: object) -> bytes:
    """Return a value as a body of JSON."""
    return f"{dumps(value)}\n".encode()
