"""A misspelt word is read as the documents write it: the documents that may be seen, and no others."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.index.test_catalog import access
from tests.index.test_word_search import index

TEXTS = [
    "A hotel in London costs 190 pounds at most.",
    "Annual leave is approved by a manager; approval takes a day. A charged battery is annual.",
    "The misconduct procedure and the grievance procedure.",
    "Tell the manager on which page it stands.",
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("londn", "London"),
        ("Lodnon", "London"),
        ("anual", "annual"),
        ("approvla", "approval"),
        ("apprived", "approved"),
        ("miscondcut", "misconduct"),
        ("greivance", "grievance"),
        ("procedre", "procedure"),
    ],
)
def test_a_misspelt_word_is_written_as_the_documents_do(tmp_path: Path, typed: str, meant: str) -> None:
    with closing(index(tmp_path, TEXTS)) as catalog:
        assert catalog.queries.written(typed, access()) == meant


@pytest.mark.parametrize(
    "word",
    [
        "hotels",
        "approving",
        "telly",
        "pager",
        "Ealing",
        "tondon",
        "bitcoin",
        "co-op",
        "x",
        "'",
        "€",
        "l" * 4000,
        "日本語",
    ],
)
def test_a_word_that_is_another_is_left_as_it_is(tmp_path: Path, word: str) -> None:
    with closing(index(tmp_path, TEXTS)) as catalog:
        assert catalog.queries.written(word, access()) == ""


def test_what_is_hidden_is_never_told_by_how_a_word_is_written(tmp_path: Path) -> None:
    with closing(index(tmp_path, TEXTS[1:])) as catalog:
        assert catalog.queries.written("londn", access()) == ""
    with closing(index(tmp_path, ["The merger in London and Lonsdale."], ("board",))) as catalog:
        assert catalog.queries.written("londn", access()) == ""
        assert catalog.queries.written("londn", access("board")) == "London"
        # Nor is a hidden word taken for a known one.
        assert catalog.queries.written("anual", access()) in ("Annual", "annual")
    with closing(index(tmp_path, ["The anual report."], ("audit",))) as catalog:
        assert catalog.queries.written("anual", access()) in ("Annual", "annual")
        assert catalog.queries.written("anual", access("audit")) == ""
