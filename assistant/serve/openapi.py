"""The description of the paths for programs: an OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from assistant.core.package import __version__
from assistant.core.records import Citation, EarlierQuote, IndexInfo, ModelInfo, Quote, Status, Verdict
from assistant.serve.requests import NAME, AskRequest, ChatRequest, SearchRequest

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that a search found."""

    rank: int
    source: str
    title: str
    headings: tuple[str, ...]
    page: int | None
    score: float
    methods: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class AskResponse:
    """What `ask --json` prints."""

    question: str
    status: Status
    answer: str
    confidence: float | None
    citations: tuple[Citation, ...]
    closest: tuple[Quote, ...]
    earlier: tuple[EarlierQuote, ...]
    hits: tuple[Passage, ...]
    verdicts: tuple[Verdict, ...]
    model: ModelInfo
    index: IndexInfo
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """What `search --json` prints."""

    question: str
    status: Status
    confidence: float
    hits: tuple[Passage, ...]
    verdicts: tuple[Verdict, ...]
    index: IndexInfo
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Health:
    """How busy the server is."""

    status: str
    answering: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Error:
    """Why there is no answer: a sentence, and a word for programs."""

    message: str
    code: str


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What comes in place of an answer."""

    error: Error


MODELS = (AskRequest, SearchRequest, ChatRequest, AskResponse, SearchResponse, Health, ErrorResponse)
OPEN: Json = {"security": []}  # of a path that asks for no token
OPENAI: Json = {"type": "object", "description": "As OpenAI's API describes it."}


@cache
def document() -> Json:
    """Return the OpenAPI document; do not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": NAME,
            "version": __version__,
            "description": "Answers from an organisation's own documents, each proved by verbatim quotes.",
        },
        "paths": {
            "/v1/ask": {"post": _operation("ask", "Answer a question.", _ref("AskResponse"), _ref("AskRequest"))},
            "/v1/search": {
                "post": _operation(
                    "search",
                    "Show the passages that a question would be answered from.",
                    _ref("SearchResponse"),
                    _ref("SearchRequest"),
                )
            },
            "/v1/chat/completions": {
                "post": _operation("chat", "Answer as OpenAI's chat completions do.", OPENAI, _ref("ChatRequest"))
            },
            "/v1/models": {"get": _operation("models", "List the one model that there is.", OPENAI)},
            "/v1/health": {"get": {**_operation("health", "Tell that the server is up.", _ref("Health")), **OPEN}},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(name: str, summary: str, answer: Json, body: Json | None = None) -> Json:
    said = {"200": _response("The answer.", answer), "default": _response("No answer.", _ref("ErrorResponse"))}
    operation = {"operationId": name, "summary": summary, "responses": said}
    return {**operation, "requestBody": {"required": True, **_content(body)}} if body else operation


def _response(description: str, schema: Json) -> Json:
    return {"description": description, **_content(schema)}


def _content(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Json:
    return {"$ref": REFERENCE.format(model=name)}


def _schemas() -> Json:
    adapters = [(model.__name__, "validation", TypeAdapter[Any](model)) for model in MODELS]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)  # type: ignore[arg-type]
    schemas: Json = definitions["$defs"]
    return schemas
