"""Questions to the sample company: the right document, verbatim, of what the asker may see and of what holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config, ReaderSection
from assistant.core.errors import IndexMismatch, IndexMissing, UsageError
from assistant.core.records import Answer, SearchResult, Turn, make_access
from tests.fakes import ScriptedModel

CORPORA = Path(__file__).parent.parent.parent / "corpora"
QUESTIONS: dict[str, dict[str, Any]] = {
    q["id"]: q for q in map(json.loads, (CORPORA / "questions.jsonl").read_text(encoding="utf-8").splitlines())
}
TODAY = "2026-06-01"  # documents expire; tests must not
SECRET = "hr/pay-review-managers.docx"
CARRY = "How many days of leave can I carry over?"


@pytest.fixture(scope="module")
def tarnwell(company: Config) -> Iterator[Assistant]:
    """Answers what it finds a little sooner than the default: what is tested is which document, not how sure it is."""
    found = replace(company, answer=replace(company.answer, max_risk=0.2))
    assistant = Assistant(found, access=make_access((), TODAY))
    yield assistant
    assistant.close()


@pytest.fixture(scope="module")
def quick(company: Config) -> Iterator[Assistant]:
    """Reads two passages a question, a fraction of the work."""
    assistant = Assistant(replace(company, reader=ReaderSection(passages=2)), access=make_access((), TODAY))
    yield assistant
    assistant.close()


def flat(text: str) -> str:
    return " ".join(text.replace("|", " ").split())


@pytest.mark.parametrize(
    "question_id",
    """tw-a-014 tw-a-016 tw-a-039 tw-a-056 tw-a-070 tw-a-075 tw-a-084 tw-b-003 tw-b-006 tw-b-020 tw-b-037
    tw-b-055 tw-b-071 tw-b-088 tw-b-094 tw-b-098""".split(),
)
def test_a_question_is_answered_from_the_right_document(tarnwell: Assistant, question_id: str) -> None:
    asked = QUESTIONS[question_id]
    answer = tarnwell.answer(asked["question"])
    assert answer.status == "answered"
    assert answer.citations[0].source == asked["doc"]
    assert any(flat(span) in flat(c.quote) for span in asked["evidence"] for c in answer.citations)
    assert asked["doc"] in {hit.source for hit in answer.hits}


def test_every_quote_is_verbatim_and_every_sentence_has_one(quick: Assistant, company: Config) -> None:
    """Read the documents past the catalog's code, and compare code points."""
    db = sqlite3.connect(f"file:{company.data / 'catalog.sqlite3'}?mode=ro", uri=True)
    texts = dict(db.execute("SELECT sha256, text FROM documents"))
    sources = dict(db.execute("SELECT s.source, d.sha256 FROM sources s JOIN documents d ON d.id = s.document_id"))
    db.close()
    asked = [q for q in QUESTIONS.values() if q["answerable"]][::4][:42]
    answered = quotes = 0
    for q in asked:
        answer = quick.answer(q["question"], access=make_access(q.get("roles", ()), TODAY))
        answered += answer.status == "answered"
        for c in answer.citations:
            assert texts[c.document_sha256][c.start : c.end] == c.quote != ""
            assert sources[c.source] == c.document_sha256
            assert c.supported
            quotes += 1
        said = "".join(f"{c.claim}[{c.key}]" for c in answer.citations)
        assert answer.status == "abstained" or "".join(answer.text.split()) == "".join(said.split())
        assert [c.key for c in answer.citations] == list(range(1, len(answer.citations) + 1))
        for hit in answer.hits:
            p = hit.passage
            assert texts[hit.document_sha256][p.start : p.end] == p.text
    assert len(asked) >= 40 and answered >= 12 and quotes >= 24


MANAGERS = [q for q in QUESTIONS.values() if q["kind"] == "managers"]


def seen(found: Answer | SearchResult) -> str:
    told = [found.text, *(c.source + c.quote + c.title for c in found.citations)] if isinstance(found, Answer) else []
    return json.dumps([told, [h.source + h.title + h.passage.text for h in found.hits]])


def test_a_restricted_document_is_its_audiences_alone(quick: Assistant, company: Config) -> None:
    db = sqlite3.connect(f"file:{company.data / 'catalog.sqlite3'}?mode=ro", uri=True)
    title, text = db.execute(
        "SELECT d.title, d.text FROM sources s JOIN documents d ON d.id = s.document_id WHERE s.source = ?", (SECRET,)
    ).fetchone()
    db.close()
    managers = make_access(("Managers ",), TODAY)
    others = [make_access((), TODAY), make_access(("contractors", "manager", "managers,x"), TODAY)]
    assert len(MANAGERS) >= 4
    for q in (*(q["question"] for q in MANAGERS[:3]), title, text[:300]):
        for access in others:
            for answer in (quick.answer(q, access=access), quick.search(q, access=access, k=100)):
                assert SECRET not in seen(answer) and title not in seen(answer)
        assert SECRET in {hit.source for hit in quick.search(q, access=managers).hits}
    assert quick.answer(QUESTIONS["tw-a-062"]["question"], access=managers).citations[0].source == SECRET
    for access in others:
        assert SECRET not in {source for _, source, _ in quick.catalog.queries.terms(access)}
        assert quick.catalog.queries.document(SECRET, access) is None
    assert SECRET in {source for _, source, _ in quick.catalog.queries.terms(managers)}


def test_superseded_versions_are_used_on_their_days_only(quick: Assistant) -> None:
    old, new = "hr/archive/annual-leave-2023.md", "hr/annual-leave.md"
    now, then = quick.answer(CARRY), quick.answer(CARRY, access=make_access((), "2023-06-01"))
    assert now.citations[0].source == new and "at most 5 leave days" in now.text
    assert then.citations[0].source == old and "up to 3 days" in then.text
    assert old not in {hit.source for hit in quick.search(CARRY, k=100).hits}
    assert new not in {hit.source for hit in quick.search(CARRY, k=100, access=make_access((), "2023-06-01")).hits}


@pytest.mark.parametrize("day", ["", "2024-12-31", "2025-01-01"])
def test_each_day_has_one_leave_policy(quick: Assistant, day: str) -> None:
    found = {h.source for h in quick.search("annual leave carry-over", k=100, access=make_access((), day)).hits}
    policies = {"hr/archive/annual-leave-2023.md", "hr/annual-leave.md"}
    assert len(found & policies) == 1
    assert ("hr/annual-leave.md" in found) == (day != "2024-12-31")


@pytest.mark.parametrize("day", ["yesterday", "2023-13-01", "01.06.2023", "2023-06-01T00:00"])
def test_a_day_that_is_no_date_is_refused(day: str) -> None:
    with pytest.raises(UsageError, match="must be a date"):
        make_access((), day)


def test_a_follow_up_is_understood_through_what_was_asked_before(tarnwell: Assistant) -> None:
    asked = QUESTIONS["tw-b-100"]
    history = [Turn(turn["role"], turn["content"]) for turn in asked["history"]]
    answer = tarnwell.answer(asked["question"], history)
    assert any(asked["evidence"][0] in c.quote for c in answer.citations)
    assert answer.question == asked["question"]
    alone = tarnwell.answer(asked["question"])
    assert not any(asked["evidence"][0] in c.quote for c in alone.citations)


def test_a_history_does_not_change_a_question_that_stands_alone(tarnwell: Assistant) -> None:
    question = "What colour is a visitor's lanyard?"
    history = [Turn("user", CARRY), Turn("assistant", "At most 5 days. [1]")]
    assert tarnwell.answer(question, history).text == tarnwell.answer(question).text


def test_a_short_question_on_something_else_is_not_taken_for_a_follow_up(tarnwell: Assistant) -> None:
    asked = "how do I report harassment"
    history = [Turn("user", asked), Turn("assistant", tarnwell.answer(asked).text)]
    for question in ("when do I get my bonus", "do contractors get a badge"):
        assert tarnwell.answer(question, history).text == tarnwell.answer(question).text


def test_a_scenario_is_answered(tarnwell: Assistant) -> None:
    scenario = (
        "I have been with the company for three years and work in Sheffield. On the way home yesterday I left the"
        " laptop that I was given for work on the train, and noticed only in the evening. How quickly must I report it?"
    )
    answer = tarnwell.answer(scenario)
    assert answer.status == "answered"
    assert "within 1 hour" in answer.citations[0].quote


ABSURD = {
    "hamsters": "How many hamsters does the head of quality keep on Jupiter?",
    "a swallow": "What is the airspeed velocity of an unladen swallow?",
    "punctuation": "?!?!... --- ***",
    "hedgehogs": "🦔" * 50,
    "one long word": "a" * 4_000,
    "markup": "<script>alert(1)</script>",
    "reversed text": "\u202e?eht fo syad ynam woH\u202c",
    "NUL": "\x00\x00zzz\x00",
    "a lone surrogate": "\ud800\udfff qqq",
    "combining marks": "z" + "\u0301" * 2_000,
    "another script": "冥王星上有多少只仓鼠?",
}


@pytest.mark.parametrize("case", ABSURD)
def test_what_the_documents_cannot_answer_is_said_so(quick: Assistant, case: str) -> None:
    answer = quick.answer(ABSURD[case])
    assert answer.status == "abstained"
    foreign = case == "another script"
    assert answer.text.startswith("These documents are in English" if foreign else "The documents do not answer this.")
    assert answer.citations == answer.closest == () and answer.hits and 0.0 <= answer.confidence < 0.5
    assert "\ud800" not in answer.question and "\x00" not in answer.question


@pytest.mark.parametrize("question", ["", " \n", "\x00", "a" * 4_001, "leave " * 700])
def test_an_empty_or_endless_question_is_refused(quick: Assistant, question: str) -> None:
    with pytest.raises(UsageError, match=r"empty|the limit is 4,000"):
        quick.answer(question)


def test_the_record_says_how_the_answer_came_about(tarnwell: Assistant) -> None:
    stages: list[str] = []
    answer = tarnwell.answer(CARRY, k=3, stage=stages.append)
    assert stages == ["searching", "reading", "wording"]
    assert [hit.rank for hit in answer.hits] == [1, 2, 3]
    assert set(answer.timings) >= {"retrieve", "read", "verify", "total"}
    assert answer.timings["total"] >= max(v for k, v in answer.timings.items() if k != "total")
    assert 0.5 <= answer.confidence <= 1.0 and answer.index.documents >= 24 and answer.index.generation
    assert (answer.model.id, answer.model.runtime, answer.worded_by) == ("none", "none", None)


def test_a_search_shows_what_a_question_is_answered_from(tarnwell: Assistant, company: Config) -> None:
    query = "hotel limit for a night in Paris"
    found, answered = tarnwell.search(query), tarnwell.answer(query)
    assert [hit.passage.id for hit in found.hits] == [hit.passage.id for hit in answered.hits]
    assert found.timings["read"] > 0
    retrieved = replace(company, retrieval=replace(company.retrieval, rerank=False))
    with closing(Assistant(retrieved, access=make_access((), TODAY))) as assistant:
        plain = assistant.search(query)
    assert "read" not in plain.timings and len(plain.hits) == len(found.hits)
    assert [hit.score for hit in plain.hits] == sorted((hit.score for hit in plain.hits), reverse=True)


def test_the_same_question_gets_the_same_answer(quick: Assistant) -> None:
    first, second = quick.answer(CARRY), quick.answer(CARRY)
    assert (first.text, first.citations, first.hits) == (second.text, second.citations, second.hits)


def test_a_generator_words_the_answer_and_is_named(make_assistant: Callable[..., Assistant]) -> None:
    files = {"leave.md": "# Leave\n\nEmployees may carry over at most 5 days of annual leave.\n"}
    model = ScriptedModel("**Employees** may carry over at most 5 days of annual leave. [1]", "NOT FOUND")
    assistant = make_assistant(files, model=model)
    answer = assistant.answer("What is the most leave that employees may carry over?")
    assert answer.text == "Employees may carry over at most 5 days of annual leave. [1]"
    assert answer.worded_by == answer.model.id == "scripted"
    assert assistant.answer("Which hamsters live on Jupiter?").status == "abstained"
    assert len(model.told) == 2 and assistant.answer("Hello!").status == "abstained"
    assert len(model.told) == 2  # small talk asks no generator


def test_no_index_and_another_encoders_index_are_told_apart(
    make_config: Callable[..., Config], write_files: Callable[..., Path], run_ingest: Callable[..., Any]
) -> None:
    config = make_config()
    with pytest.raises(IndexMissing, match="no index"):
        Assistant(config)
    run_ingest(config, write_files({"a.md": "# A\n\nVisitors park in bay 7.\n"}))
    db = sqlite3.connect(config.data / "catalog.sqlite3")
    with db:
        db.execute("UPDATE meta SET value = 'another' WHERE key = 'encoder'")
    db.close()
    with pytest.raises(IndexMismatch, match="another encoder"):
        Assistant(config)


def test_an_index_of_nothing_abstains(
    make_config: Callable[..., Config], run_ingest: Callable[..., Any], tmp_path: Path
) -> None:
    config = make_config()
    (tmp_path / "nothing").mkdir()
    run_ingest(config, tmp_path / "nothing")
    assistant = Assistant(config)
    answer = assistant.answer(CARRY)
    assert (answer.status, answer.hits, answer.confidence) == ("abstained", (), 0.0)
    assistant.close()


@pytest.mark.parametrize(
    "question",
    [
        "If I lose my badge, what does it cost?",
        "Can I sell leave if I don't need it?",
        "How many sick days do I get before they cut my pay?",
        "thanks, that was helpful",
        "Is that everything?",
    ],
)
def test_a_conversation_does_not_repeat_its_last_answer(tarnwell: Assistant, question: str) -> None:
    asked = "Can my dog come to the office?"
    last = tarnwell.answer(asked)
    assert last.status == "answered"
    found = tarnwell.answer(question, [Turn("user", asked), Turn("assistant", last.text)])
    assert found.text != last.text and {c.quote for c in found.citations}.isdisjoint(c.quote for c in last.citations)


def test_a_question_that_is_none_is_refused_before_any_work(tarnwell: Assistant) -> None:
    stages: list[str] = []
    with pytest.raises(UsageError, match="the question is empty"):
        tarnwell.answer(" ", stage=stages.append)
    assert stages == []
