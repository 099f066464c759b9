"""Whether texts hold gold evidence, and what ranked hits are worth by that; cases made by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluate.questions import Question
from assistant.evaluate.retrieval_scores import (
    covers,
    covers_gold,
    first_words,
    is_gold,
    retrieval_scores,
    spans_of,
    words_of,
)

RULE = "Employees may carry over at most five days of annual leave."


def numbered(first: int, last: int) -> str:
    return " ".join(f"w{i}" for i in range(first, last))


def hit(text: str, source: str = "other.md") -> dict[str, Any]:
    return {"source": source, "text": text}


def test_words_are_compared_without_layout() -> None:
    text = '**See** [the *Rules*](x.md "t") {{ v }}<br>{% if %}N° ﬁve'
    assert words_of(text) == ["see", "the", "rules", "n", "five"]


def test_four_fifths_of_the_3_grams_cover_a_span() -> None:
    span = words_of(numbered(0, 12))  # ten 3-grams
    assert covers(words_of(numbered(0, 10)), span)  # eight of them
    assert not covers(words_of(numbered(0, 9)), span)


def test_only_the_head_of_a_long_span_counts() -> None:
    span, tail = words_of(numbered(0, 200)), words_of(numbered(140, 200))
    assert covers(words_of(numbered(0, 60)), span)
    assert not covers(tail, span)


def test_short_spans_count_where_there_is_no_longer_one() -> None:
    assert spans_of(["12%", RULE, ""]) == [words_of(RULE)]
    assert spans_of(["12%", "B 4"]) == [["12"], ["b", "4"]]


def test_a_quote_meets_evidence_that_it_shares_half_with() -> None:
    assert covers_gold(RULE, [f"Before. {RULE} After."])
    assert covers_gold(f"As follows: {RULE} And more.", [RULE])
    assert covers_gold("at most five days of annual leave", [RULE])
    assert not covers_gold("Employees must ask before five o'clock on days of leave.", [RULE])
    assert not covers_gold("", [RULE]) and not covers_gold(RULE, [])


def test_cells_of_a_table_must_all_be_in_the_quote() -> None:
    assert covers_gold("Rating: Strong; Rise: 3.5%", ["Strong", "3.5%"])
    assert not covers_gold("Rating: Strong; Rise: 3.0%", ["Strong", "3.5%"])


@given(st.lists(st.sampled_from("abcdef"), min_size=3, max_size=90), st.integers(0, 20), st.integers(0, 20))
def test_a_text_meets_and_covers_whatever_it_contains(words: list[str], before: int, after: int) -> None:
    text = " ".join(["x"] * before + words + ["y"] * after)
    assert covers(words_of(text), words)
    assert covers_gold(text, [" ".join(words)]) and covers_gold(" ".join(words), [text])


@pytest.mark.parametrize(
    ("source", "doc", "gold"),
    [
        ("hr/leave.pdf", "hr/leave.md", True),
        ("docs/hr/leave.md", "hr/leave.md", True),
        ("sick-leave.md", "leave.md", False),
        ("leave.md", "hr/leave.md", False),
    ],
)
def test_gold_documents(source: str, doc: str, gold: bool) -> None:
    assert is_gold(source, ("none.md", doc)) is gold


def test_a_budget_of_words_cuts_the_last_hit() -> None:
    assert first_words([hit("a b"), hit("c d e")], 4) == "a b c d"


def test_retrieval_by_hand() -> None:
    evidence = (numbered(0, 20), numbered(500, 520))
    question = Question("1", "?", True, evidence=evidence, docs=("gold.md",))
    texts = (numbered(100, 500), numbered(0, 20), "nothing here", "nor here", numbered(500, 520))
    hits = [hit(text, "gold.md" if text == evidence[0] else "other.md") for text in texts]
    assert retrieval_scores(question, hits) == {"doc_recall@5": 1.0, "evidence@800w": 1.0}
    late = [hit(numbered(1_000, 1_799)), *hits]  # 799 words before them
    assert retrieval_scores(question, late) == {"doc_recall@5": 1.0, "evidence@800w": 0.0}


def test_without_gold_nothing_is_scored_and_without_hits_all_is_0() -> None:
    assert retrieval_scores(Question("1", "?", True, answers=("x",)), [hit(RULE)]) == {}
    scores = retrieval_scores(Question("1", "?", True, evidence=(RULE,), docs=("a.md",)), [])
    assert scores == {"doc_recall@5": 0.0, "evidence@800w": 0.0}
