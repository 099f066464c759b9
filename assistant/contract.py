"""Records <-> the JSON of the contract: written and read by the same records, which also describe it (OpenAPI)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from string import hexdigits
from typing import TYPE_CHECKING, Any, TypeVar

from assistant.core.errors import UsageError, first_problem
from assistant.core.records import (
    Answer,
    Citation,
    EarlierQuote,
    Hit,
    IndexInfo,
    IngestReport,
    ModelInfo,
    Quote,
    SavedAnswer,
    SearchResult,
    Sentence,
    Status,
    Term,
    Turn,
    Verdict,
)

if TYPE_CHECKING:
    from assistant.guards.run import Screened

Quoted = TypeVar("Quoted", Citation, Quote, EarlierQuote, Sentence)

ASK_AGAIN = "Ask again for a fresh answer."


@dataclass(frozen=True, slots=True)
class HitResponse:
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
    hits: tuple[HitResponse, ...]
    verdicts: tuple[Verdict, ...]
    model: ModelInfo
    index: IndexInfo
    timings_ms: Mapping[str, float]
    asked: str = ""  # the question with its misspelt words as the documents write them, where it has some
    about: str = ""  # what whoever asks said of themselves
    log_id: str = ""  # which feedback names
    sentences: tuple[Sentence, ...] = ()  # what `answer` is made of, and what is known of each
    worded_by: str | None = None  # the model that wrote them; None where they are quotes


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """What `search --json` prints: the form of an answer that nobody is sure of."""

    question: str
    status: Status
    confidence: float
    hits: tuple[HitResponse, ...]
    verdicts: tuple[Verdict, ...]
    index: IndexInfo
    timings_ms: Mapping[str, float]
    asked: str = ""


# --- writing ---------------------------------------------------------------------------------------------------------


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write JSON in which nothing steers a terminal, and which every encoding can write.

    What is not printable is escaped: control, invisible and bidirectional characters, and lone surrogates.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def answer_json(answer: Answer, id: str | None = None) -> dict[str, Any]:
    """Return an answer as `ask --json` prints it."""
    hits = tuple(map(_hit_response, answer.hits))
    other: dict[str, Any] = {"answer": answer.text, "hits": hits, "timings_ms": answer.timings}
    same = {field.name: getattr(answer, field.name) for field in fields(AskResponse) if field.name not in other}
    return {**_id(id), **_plain(AskResponse(**same, **other))}


def search_json(found: SearchResult, id: str | None = None) -> dict[str, Any]:
    """Return hits as `search --json` prints them."""
    hits = tuple(map(_hit_response, found.hits))
    response = SearchResponse(found.query, found.status, 0.0, hits, (), found.index, found.timings, found.asked)
    return {**_id(id), **_plain(response)}


def screened_json(screened: Screened, id: str | None = None) -> dict[str, Any]:
    """Return what the guards say of a text as `guard --json` prints it."""
    verdicts = [asdict(verdict) for verdict in screened.verdicts]
    return {**_id(id), "action": screened.action, "verdicts": verdicts, "text": screened.text}


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a hit as it stands in the JSON of answers and searches."""
    return _plain(_hit_response(hit))


def term_json(term: Term, source: str, title: str) -> dict[str, Any]:
    """Return a definition as `terms --json` prints it."""
    told = _plain(term)
    del told["document_id"]
    return {**told, "source": source, "title": title}


def report_json(report: IngestReport) -> dict[str, Any]:
    """Return an ingest's report as `ingest --json` prints it."""
    return {**_plain(report), "seconds": round(report.seconds, 3)}


def _id(id: str | None) -> dict[str, Any]:
    return {} if id is None else {"id": id}


def _hit_response(hit: Hit) -> HitResponse:
    passage = hit.passage
    score = round(hit.score, 4)
    return HitResponse(
        hit.rank, hit.source, hit.title, passage.headings, passage.page, score, hit.methods, passage.text
    )


def _plain(record: Any) -> dict[str, Any]:
    """Return a record as the objects and lists that JSON has."""
    return dict(json.loads(json.dumps(asdict(record))))


# --- reading ---------------------------------------------------------------------------------------------------------


def saved_answer(raw: Any) -> SavedAnswer:
    """Read a saved answer (parsed `ask --json`); raises UsageError if it is none, or if a quote of it is broken."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("citations"), list):
        raise UsageError("this is not a saved answer: it has no list of citations.", "Save one: assistant ask --json")
    citations = _quotes(Citation, raw["citations"], "citations")
    return SavedAnswer(
        status=str(raw.get("status")),
        text=str(raw.get("answer", "")),
        citations=citations,
        closest=_quotes(Quote, raw.get("closest") or [], "closest"),  # which older ones have not
        earlier=_quotes(EarlierQuote, raw.get("earlier") or [], "earlier"),
        faults=tuple(_faults(raw, citations)),
        sentences=_quotes(Sentence, raw.get("sentences") or [], "sentences"),
        worded_by=raw["worded_by"] if isinstance(raw.get("worded_by"), str) else None,
        asked=tuple(str(raw.get(key) or "") for key in ("question", "asked", "about")),
    )


def _faults(raw: Mapping[str, Any], citations: Sequence[Citation]) -> Iterator[str]:
    """Say what no answer holds: it would be read as part of one."""
    hits = raw.get("hits", [])
    listed = isinstance(hits, list) and all(isinstance(hit, Mapping) for hit in hits)
    ours, of_hits = ({field.name for field in fields(kind)} for kind in (AskResponse, HitResponse))
    unknown = [
        *raw.keys() - ours - {"id"},
        *(f"hits: {key}" for hit in (hits if listed else ()) for key in hit.keys() - of_hits),
    ]
    yield from (f"it holds {key!r}, which answers do not" for key in unknown)
    if not listed:
        yield "its hits are no list of objects"
    if not all(citation.supported for citation in citations):
        yield "a citation says that it is not supported"
    confidence = raw.get("confidence", 0.0)
    if type(confidence) not in (int, float) or not 0 <= confidence <= 1:
        yield f"its confidence is {confidence!r}, not a number from 0 to 1"
    if not isinstance(raw.get("question", ""), str):
        yield "its question is no text"
    if not isinstance(raw.get("log_id", ""), str) or not set(raw.get("log_id", "")) <= set(hexdigits):
        yield "its log_id is no ID"


def _quotes(kind: type[Quoted], raw: Any, key: str) -> tuple[Quoted, ...]:
    """Read quotes that have exactly a record's fields; raises UsageError naming what is wrong with the first."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    exact = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    adapter: TypeAdapter[tuple[Quoted, ...]] = TypeAdapter(tuple[kind, ...], config=exact)  # type: ignore[valid-type]
    try:
        quotes = adapter.validate_json(json.dumps(raw))
    except ValidationError as error:
        told = first_problem(error.errors(include_url=False, include_input=False), f"{key}.")
        raise UsageError(f"in the saved answer, {told}", ASK_AGAIN) from None
    if any(number.bit_length() > 63 for quote in quotes for number in _numbers(quote)):
        raise UsageError(f"in the saved answer, {key} has a place that no document has.", ASK_AGAIN)
    for ocr in (getattr(quote, "ocr", None) for quote in quotes):
        if ocr is not None and not 0 <= ocr <= 1:
            raise UsageError(f"in the saved answer, {key} has ocr {ocr!r}, not a number from 0 to 1.", ASK_AGAIN)
    return quotes


def _numbers(quote: Citation | Quote | Sentence) -> tuple[int, ...]:
    return quote.keys if isinstance(quote, Sentence) else (quote.key, quote.start, quote.end)


def about_from_json(raw: Any) -> str | None:
    """Read who asks, None where that is not said; raises UsageError for anything but a text."""
    if raw is not None and not isinstance(raw, str):
        raise UsageError('"about" must be a text, like "contractor, London office".')
    return raw


def history_from_json(raw: Any) -> list[Turn]:
    """Read a conversation; raises UsageError for anything but a list of user and assistant messages."""
    if raw is None:
        return []
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise UsageError("history must be a list of messages.")
    turns = []
    for message in raw:
        if not isinstance(message, Mapping) or message.get("role") not in ("user", "assistant"):
            raise UsageError('each message of history needs "role": "user" or "assistant".')
        if not isinstance(message.get("content"), str):
            raise UsageError('each message of history needs "content", a text.')
        turns.append(Turn(message["role"], message["content"]))
    return turns
