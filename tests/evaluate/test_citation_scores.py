"""Citation recall and precision as ALCE defines them; cases made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.evaluate.answer_scores import CitedStatement, citation_scores, statements

CARRY = "Employees may carry over at most 5 days."
EXPIRE = "Carried-over days expire on 31 March."


def cited(key: int, quote: str, title: str = "Leave") -> dict[str, Any]:
    return {"key": key, "quote": quote, "title": title, "headings": []}


def test_statements_are_closed_by_their_keys() -> None:
    assert statements(f"{CARRY} [1]\n{EXPIRE} [2] [1] And so on.") == [
        CitedStatement(CARRY, (1,)),
        CitedStatement(EXPIRE, (2, 1)),
        CitedStatement("And so on.", ()),
    ]
    assert statements("RTO: the longest time. Ask its owner. [1]") == [
        CitedStatement("RTO: the longest time. Ask its owner.", (1,))
    ]
    assert statements("") == []


@pytest.mark.parametrize(
    ("answer", "recall", "precision", "invented"),
    [
        (f"{CARRY} [1]", 1.0, 1.0, 0),
        (f"{CARRY} [2]", 0.0, 0.0, 0),  # the wrong quote
        (CARRY, 0.0, 0.0, 0),  # no quote
        (f"{CARRY} [1] {EXPIRE}", 0.5, 1.0, 0),
        (f"{CARRY} [1][2]", 1.0, 0.5, 0),  # the second is not needed
        (f"{CARRY} [1][7]", 1.0, 0.5, 1),
        ("Employees may carry over 6 days. [1]", 0.0, 0.0, 0),
    ],
)
def test_recall_and_precision(answer: str, recall: float, precision: float, invented: int) -> None:
    assert citation_scores(answer, [cited(1, CARRY), cited(2, EXPIRE)]) == {
        "citation_recall": recall,
        "citation_precision": precision,
        "invented_keys": invented,
    }


def test_quotes_that_say_it_only_together_prove_nothing() -> None:
    quotes = [cited(1, "Directors approve travel"), cited(2, "and contracts over 500 euros.")]
    answer = "Directors approve travel and contracts over 500 euros. [1][2]"
    scores = citation_scores(answer, quotes)
    assert (scores["citation_recall"], scores["citation_precision"]) == (0.0, 0.0)
