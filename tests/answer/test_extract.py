"""A wish for a summary gets the first rule of each section of the document it names, each a verbatim quote."""

from __future__ import annotations

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.extract import EXTRACT, MOST_SECTIONS
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, saved_answer
from assistant.core.config import Config
from assistant.core.records import make_access

MANAGERS = "hr/pay-review-managers.docx"


@pytest.fixture(scope="module")
def assistant(company: Config) -> Assistant:
    return Assistant(company)


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("Summarise the travel policy", "Travel and Expenses Policy"),
        ("could you give me a brief overview of the annual leave policy?", "Annual Leave Policy"),
        ("tl;dr of the code of conduct", "Code of Conduct"),
    ],
)
def test_a_document_is_summed_up_by_its_own_rules(assistant: Assistant, asked: str, title: str) -> None:
    answer = assistant.answer(asked)
    assert answer.status == "answered" and answer.question == asked and answer.asked == EXTRACT.format(title=title)
    own = [c for c in answer.citations if c.title == title]  # others say something against it
    assert 3 <= len(own) <= MOST_SECTIONS and list(answer.citations[: len(own)]) == own
    assert [c.start for c in own] == sorted(c.start for c in own)
    assert len({c.headings for c in own}) == len(own)
    checks = verify_answer(saved_answer(answer_json(answer)), assistant.catalog, assistant.access)
    assert len(checks) == len(answer.citations) and not any(check.problem for check in checks)


def test_no_other_document_is_summed_up_in_its_place(assistant: Assistant) -> None:
    answer = assistant.answer("Summarise the World Cup rules")
    assert not answer.citations and "the first rule of" not in answer.asked


def test_a_question_about_a_document_is_answered_as_one(assistant: Assistant) -> None:
    answer = assistant.answer("What does the travel policy say about hotels in London?")
    assert "the first rule of" not in answer.asked


def test_only_what_the_asker_may_see_is_summed_up(assistant: Assistant) -> None:
    asked = "Summarise the pay review guide"
    seen = assistant.answer(asked, access=make_access(("managers",)))
    hidden = assistant.answer(asked)
    assert {c.source for c in seen.citations} == {MANAGERS}
    assert MANAGERS not in {c.source for c in (*hidden.sources, *hidden.hits)}
