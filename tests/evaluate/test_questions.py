"""Question files: what they may hold, the halves, and how a bad line is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.errors import UsageError
from assistant.core.records import Turn
from assistant.evaluate.questions import Question, Split, read_out_of_domain, read_questions, split_of

GOOD: dict[str, Any] = {"id": "q1", "question": "How many?", "answerable": True, "answers": ["Five"]}


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_a_question_with_everything(tmp_path: Path) -> None:
    history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}]
    row = {
        **GOOD,
        "scenario": "I work part time.",
        "history": history,
        "doc": "hr/leave.md",
        "evidence": ["Five days."],
        "roles": ["managers"],
        "evidence_pages": [3],
        "kind": "number",
    }
    (question,) = read_questions(write(tmp_path, row))
    turns = (Turn("user", "Hello"), Turn("assistant", "Yes?"))
    assert question == Question(
        "q1", "How many?", True, ("Five",), ("Five days.",), ("hr/leave.md",), "I work part time.", turns, ("managers",)
    )
    assert question.asked == "I work part time. How many?" and question.group == "answerable"


def test_a_table_is_read_like_lines(tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    path.write_text(
        'id,question,answers,evidence,doc,answerable,note\r\nq1,How many?,"Five\r\nFive days",Five days.,a.md,,x\r\n'
        ",Who sings?,,,,,\r\n,Why?,,,,No,\r\n",
        encoding="utf-8-sig",
    )
    first, *others = read_questions(path)
    assert first == Question("q1", "How many?", True, ("Five", "Five days"), ("Five days.",), ("a.md",))
    assert [(q.id, q.answerable) for q in others] == [("2", False), ("3", False)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("question,answerable\nWhy?,perhaps\n", "line 2: answerable: input should be a valid boolean"),
        ("question\nWhy?,so,and so\n", "line 2: the row has more cells"),
        ('question\nWhy?\n"How\n', "line 3: this is not CSV"),
        ("id,question\n1,Why?\n1,How?\n", "line 3: id '1' was there before"),
        ("frage\nWarum?\n", "question: field required"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, told: str) -> None:
    (path := tmp_path / "questions.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        read_questions(path)


def test_answered_follow_ups_are_part_of_the_scenario(tmp_path: Path) -> None:
    row = {
        **GOOD,
        "scenario": "I am ill.",
        "history": [
            {"follow_up_question": "Are you employed?", "follow_up_answer": "Yes"},
            {"follow_up_question": "Abroad?", "follow_up_answer": "No"},
        ],
    }
    (question,) = read_questions(write(tmp_path, row))
    assert question.asked == "I am ill. Are you employed? Yes. Abroad? No. How many?" and question.history == ()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ({**GOOD, "id": None}, "id: "),
        ({**GOOD, "question": " "}, "question: must not be empty"),
        ({**GOOD, "question": "a" * 4_001}, "4,000 characters"),
        ({**GOOD, "answerable": "perhaps"}, "answerable: "),
        ({**GOOD, "answers": [5]}, "answers.0: "),
        ({**GOOD, "as_of": "soon"}, "as_of: must be a date YYYY-MM-DD, not 'soon'"),
        ({**GOOD, "answers": []}, "'answers' and 'evidence'"),
        ({**GOOD, "evidence": {"a": 1}}, "evidence: "),
        ({**GOOD, "doc": 7}, "doc: "),
        ({**GOOD, "roles": [None]}, "roles.0: "),
        ({**GOOD, "scenario": ["x"]}, "scenario: "),
        ({**GOOD, "history": "x"}, "history"),
        ({**GOOD, "history": [{"role": "system", "content": "x"}]}, "history"),
        ({**GOOD, "history": [{"follow_up_question": "x"}]}, "'history'"),
        ({**GOOD, "id": "q0"}, "'q0' was there before"),
    ],
)
def test_a_bad_line_is_named_with_its_file_number_and_field(tmp_path: Path, row: Any, told: str) -> None:
    path = write(tmp_path, {**GOOD, "id": "q0"}, "", row)
    with pytest.raises(UsageError) as caught:
        read_questions(path)
    assert caught.value.cause.startswith(f"{path}, line 3: ") and told in caught.value.cause


def test_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="holds no question"):
        read_questions(write(tmp_path))


@given(st.text())
def test_a_half_is_the_parity_of_the_hash(name: str) -> None:
    even = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 0
    assert split_of(name) is (Split.DEV if even else Split.TEST)


def test_the_halves_share_no_document_and_are_all(tmp_path: Path) -> None:
    rows = [{**GOOD, "id": f"q{i}", "doc": f"doc{i % 7}.md"} for i in range(40)]
    rows += [{**GOOD, "id": f"r{i}", "doc": [], "answerable": False} for i in range(10)]
    path = write(tmp_path, *rows)
    dev, test = read_questions(path, Split.DEV), read_questions(path, Split.TEST)
    assert {q.id for q in dev} | {q.id for q in test} == {row["id"] for row in rows}
    assert not {q.docs or q.id for q in dev} & {q.docs or q.id for q in test}
    assert read_questions(path, limit=3) == read_questions(path)[:3]


def test_foreign_questions_are_a_seeded_sample_that_nothing_answers(tmp_path: Path) -> None:
    path = write(tmp_path, *({**GOOD, "id": str(i), "evidence": ["x"], "doc": "a"} for i in range(20)))
    sample = read_out_of_domain(path, Split.ALL, 5, seed=0)
    assert sample == read_out_of_domain(path, Split.ALL, 5, seed=0) != read_out_of_domain(path, Split.ALL, 5, seed=1)
    assert len(sample) == 5 and len(read_out_of_domain(path, Split.ALL, 100, seed=0)) == 20
    assert all(q.group == "out_of_domain" and not q.answers and not q.evidence for q in sample)
    assert all(q.id.startswith(f"{tmp_path.name}/questions.jsonl:") for q in sample)
