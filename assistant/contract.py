"""Records <-> the JSON of the contract."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from assistant.core.errors import UsageError
from assistant.core.records import (
    Answer,
    Citation,
    EarlierQuote,
    Excerpt,
    Hit,
    IngestReport,
    Quote,
    SearchResult,
    Term,
    Turn,
)

if TYPE_CHECKING:
    from assistant.guards.run import Screened

Record = TypeVar("Record", Citation, Excerpt, Quote, EarlierQuote)
Quoted = TypeVar("Quoted", Quote, EarlierQuote)

# Valid JSON, yet nothing in it may steer a terminal: C1 controls, invisible and bidirectional characters are escaped;
# and so are lone surrogates, which no encoding can write.
UNSAFE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
SURROGATE = re.compile("[\ud800-\udfff]")
MAX_OFFSET = 2**53
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write JSON that is safe to print."""
    return UNSAFE.sub(_escape, json.dumps(value, ensure_ascii=False, indent=indent))


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group(), ensure_ascii=True)[1:-1]


def answer_json(answer: Answer, id: str | None = None) -> dict[str, Any]:
    """Return an answer as `ask --json` prints it."""
    return {
        **({} if id is None else {"id": id}),
        "question": answer.question,
        "status": answer.status,
        "answer": answer.text,
        "confidence": answer.confidence,
        "citations": [
            {**asdict(c), "headings": list(c.headings), "context": [asdict(e) for e in c.context]}
            for c in answer.citations
        ],
        "closest": [{**asdict(c), "headings": list(c.headings)} for c in answer.closest],
        "earlier": [{**asdict(c), "headings": list(c.headings)} for c in answer.earlier],
        "hits": [hit_json(hit) for hit in answer.hits],
        "verdicts": [asdict(v) for v in answer.verdicts],
        "model": asdict(answer.model),
        "index": asdict(answer.index),
        "timings_ms": dict(answer.timings),
    }


def search_json(found: SearchResult, id: str | None = None) -> dict[str, Any]:
    """Return hits as `search --json` prints them; in the form of an answer's, that nobody is sure of."""
    return {
        **({} if id is None else {"id": id}),
        "question": found.query,
        "status": found.status,
        "confidence": 0.0,
        "hits": [hit_json(hit) for hit in found.hits],
        "verdicts": [],
        "index": asdict(found.index),
        "timings_ms": dict(found.timings),
    }


def screened_json(screened: Screened, id: str | None = None) -> dict[str, Any]:
    """Return what the guards say of a text as `guard --json` prints it."""
    return {
        **({} if id is None else {"id": id}),
        "action": screened.action,
        "verdicts": [asdict(v) for v in screened.verdicts],
        "text": screened.text,
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    p = hit.passage
    return {
        "rank": hit.rank,
        "source": hit.source,
        "title": hit.title,
        "headings": list(p.headings),
        "page": p.page,
        "score": round(hit.score, 4),
        "methods": list(hit.methods),
        "text": p.text,
    }


def term_json(term: Term, source: str, title: str) -> dict[str, Any]:
    return {
        "name": term.name,
        "aliases": list(term.aliases),
        "definition": term.definition,
        "source": source,
        "title": title,
        "start": term.start,
        "end": term.end,
        "scope": term.scope,
    }


def report_json(report: IngestReport) -> dict[str, Any]:
    """Return an ingest's report as `ingest --json` prints it."""
    return {**asdict(report), "seconds": round(report.seconds, 3)}


def _citation(raw: Any) -> Citation:
    """Read a citation with its context."""
    found = _made(Citation, raw, "citation")
    if not isinstance(found.context, list):
        raise UsageError("the context of a citation of the saved answer is no list.")
    return replace(found, context=tuple(_made(Excerpt, e, "citation's context") for e in found.context))


def _made(kind: type[Record], raw: Any, name: str) -> Record:
    """Make a record of an object that has exactly its fields; raises UsageError naming one that it lacks or invents."""
    if not isinstance(raw, Mapping):
        raise UsageError(f"a {name} of the saved answer is no object.")
    known = {field.name for field in fields(kind)}
    for key in sorted(known ^ raw.keys(), key=str):
        wrong = "lacks" if key in known else "has the unknown"
        raise UsageError(f"a {name} of the saved answer {wrong} {key!r}.", "Ask again for a fresh answer.")
    if "headings" in known and not isinstance(raw["headings"], list):
        raise UsageError(f"the headings of a {name} of the saved answer are no list.")
    given: dict[str, Any] = {key: tuple(value) if key == "headings" else value for key, value in raw.items()}
    return kind(**given)


def citations_from_json(raw: Any) -> list[Citation]:
    """Read the citations of a saved answer; raises UsageError naming what is missing."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("citations"), list):
        raise UsageError("this is not a saved answer: it has no list of citations.", "Save one: assistant ask --json")
    citations = [_citation(c) for c in raw["citations"]]
    for c in citations:
        for name, number in (("key", c.key), ("start", c.start), ("end", c.end)):
            if type(number) is not int or abs(number) > MAX_OFFSET:
                raise UsageError(f"a citation of the saved answer has {name} {number!r}, not a whole number.")
        if c.ocr is not None and (type(c.ocr) not in (int, float) or not 0 <= c.ocr <= 1):
            raise UsageError(f"a citation of the saved answer has ocr {c.ocr!r}, not a number from 0 to 1.")
        if any(type(number) is not int for e in c.context for number in (e.start, e.end)):
            raise UsageError("the context of a citation has a place that is not a whole number.")
        for text in (c.claim, c.quote, c.source, c.document_sha256, *c.headings, *(e.text for e in c.context)):
            if not isinstance(text, str) or SURROGATE.search(text):
                raise UsageError(f"a citation of the saved answer has {text!r} where a text belongs.")
    return citations


def closest_from_json(raw: Mapping[str, Any]) -> list[Quote]:
    """Read the closest quotes of a saved answer, which older ones have not; raises UsageError for a broken one."""
    return _quotes(Quote, raw.get("closest"), "closest quote")


def earlier_from_json(raw: Mapping[str, Any]) -> list[EarlierQuote]:
    """Read what a saved answer quotes of earlier versions; raises UsageError for a broken quote."""
    quotes = _quotes(EarlierQuote, raw.get("earlier"), "quote of before")
    if not all(isinstance(q.until, str) and DAY.fullmatch(q.until) for q in quotes):
        raise UsageError("a quote of before of the saved answer has something else where a day belongs.")
    return quotes


def _quotes(kind: type[Quoted], raw: Any, name: str) -> list[Quoted]:
    if not isinstance(raw or [], list):
        raise UsageError(f"a saved answer's {name}s must be a list.", "Ask again for a fresh answer.")
    quotes = [_made(kind, q, name) for q in raw or []]
    for q in quotes:
        if any(type(number) is not int or abs(number) > MAX_OFFSET for number in (q.key, q.start, q.end)):
            raise UsageError(f"a {name} of the saved answer has a place that is not a whole number.")
        if not all(
            isinstance(text, str) and not SURROGATE.search(text) for text in (q.quote, q.source, q.document_sha256)
        ):
            raise UsageError(f"a {name} of the saved answer has something else where a text belongs.")
    return quotes


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
