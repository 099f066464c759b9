"""The contract's JSON: what is written is read back the same, and what is none is refused in a plain sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from assistant.contract import answer_json, dumps, saved_answer, search_json
from assistant.core.errors import UsageError
from assistant.core.records import EarlierQuote, Excerpt, SearchResult
from tests.serve.stub import ANSWER, CITATION, CLOSE, HIT, INDEX, UNSURE

EARLIER = EarlierQuote(1, "It was 8.", "old.md", "Old", (), None, 0, 9, "5" * 64, "2024-12-31")
Json = dict[str, Any]


def written() -> Json:
    answer: Json = json.loads(dumps(answer_json(ANSWER)))
    return answer


def with_citation(**fields: Any) -> Json:
    return {**written(), "citations": [{**written()["citations"][0], **fields}]}


def test_what_is_written_is_read_back() -> None:
    saved = saved_answer({**written(), "id": 1})
    assert (saved.status, saved.text, saved.citations, saved.faults) == ("answered", ANSWER.text, (CITATION,), ())
    assert saved_answer(json.loads(dumps(answer_json(UNSURE)))).closest == (CLOSE,)
    assert saved_answer(answer_json(replace(ANSWER, earlier=(EARLIER,)))).earlier == (EARLIER,)
    found = with_citation(context=[{"start": 1, "end": 2, "text": "x"}], ocr=1)
    assert saved_answer(found).citations[0].context == (Excerpt(1, 2, "x"),)


def test_a_search_is_written_in_the_form_of_an_answer() -> None:
    found = search_json(SearchResult("x", (HIT,), INDEX, {"total": 1.0}), "a")
    assert list(found) == [
        *("id", "question", "status", "confidence", "hits", "verdicts", "index", "timings_ms", "asked"),
    ]
    assert found["hits"] == answer_json(ANSWER)["hits"] and found["hits"][0]["headings"] == []


BROKEN: list[tuple[Any, str]] = [
    (None, "this is not a saved answer"),
    ({"citations": {}}, "this is not a saved answer"),
    ({"citations": [1]}, "citations.0: input should be an object"),
    ({"citations": [{"key": 1}]}, "citations.0.claim: field required"),
    (with_citation(more=1), "citations.0.more: unknown key"),
    (with_citation(start="12"), "citations.0.start: input should be a valid integer"),
    (with_citation(end=10**400), "citations has a place that no document has"),
    (with_citation(headings=[1]), "citations.0.headings.0: input should be a valid string"),
    (with_citation(context=[5]), "citations.0.context.0: input should be an object"),
    (with_citation(ocr=2), "citations has ocr 2.0, not a number from 0 to 1"),
    (with_citation(score=float("nan")), "citations.0.score: input should be a finite number"),
    (with_citation(source="\ud800"), "in the saved answer, citations: "),
    ({**written(), "closest": [{"claim": "x"}]}, "closest.0.claim: unknown key"),
    ({**written(), "earlier": 5}, "earlier: input should be a valid array"),
]


@pytest.mark.parametrize(("raw", "told"), BROKEN)
def test_what_is_no_saved_answer_is_refused_in_a_sentence(raw: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        saved_answer(raw)
    assert told in caught.value.cause and "pydantic" not in str(caught.value) and "http" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"note": "x"}, "it holds 'note', which answers do not"),
        ({"hits": [{"rank": 1, "why": "x"}]}, "it holds 'hits: why', which answers do not"),
        ({"hits": 5}, "its hits are no list of objects"),
        ({"confidence": True}, "its confidence is True, not a number from 0 to 1"),
        ({"question": 5}, "its question is no text"),
    ],
)
def test_what_no_answer_holds_is_a_fault(fields: Json, fault: str) -> None:
    assert saved_answer({**written(), **fields}).faults == (fault,)
    assert saved_answer(with_citation(supported=False)).faults == ("a citation says that it is not supported",)
