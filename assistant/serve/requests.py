"""What a client may send, checked: ours to the last field, and of OpenAI's what we use."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.answer.question import MAX_QUESTION
from assistant.core.records import Turn
from assistant.serve.refused import Refused, bad_request

NAME = "policy-assistant"  # of the model, to a client that wants one
MOST_MESSAGES = 1_000
MOST_TOLD = 100  # characters of a field's name

OURS = ConfigDict(extra="forbid", frozen=True)
THEIRS = ConfigDict(extra="ignore", frozen=True)


class Message(BaseModel):
    """An earlier turn of the conversation."""

    model_config = OURS
    role: Literal["user", "assistant"]
    content: str


class AskRequest(BaseModel):
    """A question, and the conversation before it."""

    model_config = OURS
    question: str = Field(description="The question, as the person asked it.", max_length=MAX_QUESTION)
    history: list[Message] | None = Field(None, description="Earlier turns, oldest first.", max_length=MOST_MESSAGES)

    @property
    def turns(self) -> list[Turn]:
        """The conversation before the question."""
        return [Turn(message.role, message.content) for message in self.history or ()]


class SearchRequest(BaseModel):
    """What to look for."""

    model_config = OURS
    query: str = Field(description="What to look for.", max_length=MAX_QUESTION)
    k: int | None = Field(None, description="How many passages.", ge=1, le=100)


class Part(BaseModel):
    """A part of a message; only text can be read."""

    model_config = THEIRS
    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A message of a chat; those of the system, the developer and tools are ignored."""

    model_config = THEIRS
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class ChatRequest(BaseModel):
    """A chat, as OpenAI's clients send it; fields that are not here are ignored."""

    model_config = THEIRS
    model: str = Field(NAME, description=f"Any name; what answers is {NAME}.")
    messages: list[ChatMessage] = Field(
        description="The last one of a user is the question, those before it are the history.",
        min_length=1,
        max_length=MOST_MESSAGES,
    )
    stream: bool | None = Field(None, description="Send the answer as server-sent events.")


Body = TypeVar("Body", bound=BaseModel)


def parsed(kind: type[Body], raw: bytes) -> Body:
    """Read a request; raises Refused saying what is wrong with it first."""
    try:
        return kind.model_validate_json(raw.decode(), strict=True)
    except UnicodeDecodeError:
        raise bad_request("the body is not UTF-8.") from None
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Refused(
            HTTPStatus.BAD_REQUEST, "not_json", f"the body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}."
        )
    field = ".".join(map(str, first["loc"]))[:MOST_TOLD] or "the body"
    return bad_request(f"{field}: {first['msg'][0].lower()}{first['msg'][1:]}.")
