"""Word search: BM25 of what may be seen, and of nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.core.records import Access, Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import TOKENIZE
from assistant.index.word_search import VisiblePassages, search_words, tokenized
from tests.index.test_catalog import access, add

WORDS = ("leave", "leaves", "travel", "self-service", "self", "service", "café", "board")
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join), min_size=1, max_size=6)


def index(folder: Path, texts: list[str], audience: tuple[str, ...] | None = None) -> Catalog:
    catalog = Catalog.open(folder, create=True)
    for number, text in enumerate(texts):
        add(catalog, f"{'-'.join(audience or ())}{number}", Meta(audience=audience), text=text)
    return catalog


def found(catalog: Catalog, question: str, who: Access) -> tuple[list[tuple[str, float]], float]:
    """Return (text, BM25) of what is found, and the most that could be."""
    scored, most = catalog.queries.search_words(question.split(), 100, who)
    hits = catalog.queries.hits([(i, score, ("lexical",)) for i, score in scored], who)
    return [(hit.passage.text, hit.score) for hit in hits], most


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(open_texts=TEXTS, hidden=TEXTS, question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join))
def test_what_is_hidden_changes_no_score(
    tmp_path_factory: pytest.TempPathFactory, open_texts: list[str], hidden: list[str], question: str
) -> None:
    folder = tmp_path_factory.mktemp("index")
    with closing(index(folder, open_texts)) as catalog:
        before = found(catalog, question, access())
    with closing(index(folder, hidden, ("board",))) as catalog:
        assert found(catalog, question, access()) == before


def test_the_order_is_that_of_fts5_where_all_may_be_seen_and_all_are_as_long(tmp_path: Path) -> None:
    texts = ["desk desk travel", "desk board board", "travel travel board", "other words here", "some more words"]
    with closing(index(tmp_path, texts)) as catalog:
        ours, _ = catalog.queries.search_words(["desk", "travel"], 10, access())
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = '{TOKENIZE}')")
        db.executemany("INSERT INTO words VALUES (?)", [(text,) for text in texts])
        theirs = db.execute("SELECT rowid, -bm25(words) FROM words WHERE words MATCH 'desk OR travel' ORDER BY 2 DESC")
        assert [passage for passage, _ in ours] == [row for row, _ in theirs.fetchall()]


@pytest.mark.parametrize(
    ("word", "texts"),
    [
        ("self-service", {"the self-service desk", "Self Service"}),
        ("leave-on", set()),  # its parts stand in the headings and the text
        ("cafe", {"a café"}),
        ("DESKS", {"the self-service desk"}),
        ('"leave" OR *', set()),  # a phrase of two tokens, whatever the syntax
        ("…", set()),
    ],
)
def test_a_word_is_found_as_the_index_has_it(tmp_path: Path, word: str, texts: set[str]) -> None:
    every = ["the self-service desk", "Self Service", "service for the self", "a café", "on leave", "", "?"]
    with closing(index(tmp_path, every)) as catalog:
        scored, _ = catalog.queries.search_words([word], 10, access())
        hits = catalog.queries.hits([(i, score, ("lexical",)) for i, score in scored], access())
        assert {hit.passage.text for hit in hits} == texts


def test_nothing_is_found_for_no_words(tmp_path: Path) -> None:
    with closing(index(tmp_path, ["leave"])) as catalog:
        assert catalog.queries.search_words([], 10, access()) == ([], 0.0)


def test_a_question_has_so_many_tokens_and_no_more() -> None:
    assert sum(len(tokens) for _, tokens in tokenized(["-".join(["the"] * 4_000), "leave"])) == 64


def test_words_are_told_as_tokens_in_their_order() -> None:
    assert tokenized(["self-service", "?", "Cafés"]) == [("self-service", ["self", "servic"]), ("Cafés", ["cafe"])]


def test_what_is_kept_between_questions_is_of_the_index_as_it_is(tmp_path: Path) -> None:
    who, other = access(), access("board")
    with closing(index(tmp_path, ["travel desk"])) as writer, closing(Catalog.open(tmp_path)) as reader:
        assert [text for text, _ in found(reader, "travel", who)[0]] == ["travel desk"]
        before = reader.info(who)
        add(writer, "board0", Meta(audience=("board",)), text="travel board")
        assert [text for text, _ in found(reader, "travel", who)[0]] == ["travel desk"]
        assert len(found(reader, "travel", other)[0]) == 2 and reader.info(who) == before
        add(writer, "open1", Meta(), text="travel travel")
        assert len(found(reader, "travel", who)[0]) == 2 and reader.info(who).documents == 2
        writer.drop_source("/open1-0.md")
        assert len(found(reader, "travel", who)[0]) == len(found(writer, "travel", who)[0]) == 1


def test_only_common_words_are_kept_and_not_many(tmp_path: Path) -> None:
    with closing(index(tmp_path, ["leave travel board", "leave travel board", "desk"])) as catalog:
        seen = replace(VisiblePassages.of(catalog._db, access()), worth_keeping=2, most_kept=5)
        for _ in range(2):
            for word in ("leave", "desk", *(f"unknown{n}" for n in range(20)), "travel", "board"):
                found = search_words(catalog._db, [word], 10, seen)
                assert found == search_words(catalog._db, [word], 10, VisiblePassages.of(catalog._db, access()))
        assert list(seen.kept) == [("travel",), ("board",)]
