"""What a reviewer decided answers its question when it is asked again, and opens nothing to whoever may not see it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.feedback import find_place, quote_at
from assistant.answer.reviewed import CERTAIN, read_decisions
from assistant.audit.trail import Audit, differences
from assistant.core.config import AnswerSection, Config, GeneratorSection
from assistant.core.errors import ConfigError, UsageError
from assistant.core.records import Turn, make_access
from assistant.guards.run import Guards
from tests.fakes import ScriptedModel

DOGS = "Can my dog come along?"
RULE = "Only guide animals are let into the building."
FILES = {
    "house.md": f"# House\n\n## Visitors\n\nVisitors sign in at the desk. {RULE}\n\n## Meals\n\n"
    "What the house pays for:\n\n- lunch on working days\n- dinner after 21:00, with a receipt\n",
    "a.md": "# Parking\n\nVisitors park on level two. Ask the desk in Leeds for more.\n",
    "b.md": "# Animals\n\nOnly guide animals come along. Ask the desk in Leeds for more.\n",
    "board/bonus.md": "# Bonus\n\nThe bonus of the board is 20 percent of a year's pay.\n",
    "access.toml": 'default = "everyone"\n\n[[access]]\npaths = ["board/**"]\naudience = ["board"]\n',
}


@pytest.fixture(scope="module")
def house(index_files: Callable[[Mapping[str, str]], Config]) -> Config:
    return index_files(FILES)


@pytest.fixture
def ask(house: Config, tmp_path: Path) -> Iterator[Callable[..., Assistant]]:
    """Open an assistant whose reviewer decided on these rows."""
    opened: list[Assistant] = []

    def make(*rows: Mapping[str, Any]) -> Assistant:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps({"id": str(n), **row}) + "\n" for n, row in enumerate(rows)), "utf-8")
        path.chmod(0o600)
        opened.append(Assistant(replace(house, answer=AnswerSection(reviewed=str(path))), audit=True))
        return opened[-1]

    yield make
    for assistant in opened:
        assistant.close()


def row(question: str, *evidence: str, **more: Any) -> dict[str, Any]:
    return {"question": question, "answerable": bool(evidence), "evidence": list(evidence), **more}


def test_a_question_asked_again_is_answered_as_decided(ask: Callable[..., Assistant]) -> None:
    assistant = ask(row(DOGS, RULE))
    for typed in (DOGS, "can my dog come along", "  CAN “my dog”, come along?!"):
        answer = assistant.answer(typed)
        assert RULE in answer.citations[0].quote and answer.reviewed and answer.confidence == CERTAIN
    assert not assistant.answer("Who signs in at the desk?").reviewed


def test_an_item_is_quoted_under_what_introduces_it(ask: Callable[..., Assistant]) -> None:
    answer = ask(row("Is my late meal paid?", "dinner after 21:00, with a receipt")).answer("is my late meal paid")
    assert "What the house pays for:" in answer.citations[0].quote and "21:00" in answer.citations[0].quote


def test_that_no_document_answers_is_decided_for_nobody(ask: Callable[..., Assistant]) -> None:
    asked = "Who signs in at the desk?"
    expected = {"question": asked, "expect": {"status": "answered"}}
    for line in (row(asked), expected, {**row(asked), "answerable": True, "answers": ["Visitors"]}):
        answer = ask(line).answer(asked)
        assert answer.citations and not answer.reviewed


def test_who_decides_that_no_document_answers_takes_back_what_was_decided(ask: Callable[..., Assistant]) -> None:
    assistant = ask(row(DOGS, RULE), row(DOGS.upper()))
    assert not assistant.answer(DOGS).reviewed


def test_a_decision_for_some_is_none_for_others(ask: Callable[..., Assistant]) -> None:
    bonus = "The bonus of the board is 20 percent of a year's pay."
    asked, board = "What do I get at the end?", make_access(["board"])
    rows = [row(asked, RULE), row(asked, bonus, roles=["board"])]
    for order in (rows, rows[::-1]):
        assistant = ask(*order)
        assert RULE in assistant.answer(asked).citations[0].quote
        latest = order[-1]["evidence"][0]
        assert latest in assistant.answer(asked, access=board).citations[0].quote


def test_signs_and_letters_make_another_question(ask: Callable[..., Assistant]) -> None:
    assistant = ask(row("May I take > 5 days?", RULE), row("???", RULE), row("Is C++ for me?", RULE), row("दिन?", RULE))
    for other in ("May I take < 5 days?", "May I take 5 days?", "!!!", "Is C# for me?", "दान?"):
        assert not assistant.answer(other).reviewed


def test_a_question_with_something_masked_in_it_is_decided_for_nobody(ask: Callable[..., Assistant]) -> None:
    asked = "May {} bring a dog along?"
    assistant = ask(row(asked.format("[e-mail removed]"), RULE))
    for who in ("jane.doe@example.com", "ceo@rival.example.org", "[e-mail removed]"):
        assert not assistant.answer(asked.format(who)).reviewed


def test_the_whole_sentence_must_stand_there_and_nothing_else_is_quoted(ask: Callable[..., Assistant]) -> None:
    for changed in (
        "Only cats are let into the building.",
        f"Nobody signs in. {RULE}",  # its end is there
        "guide animals are let into the building.",  # a part of a sentence
        "y guide animals are let into the building.",
    ):
        assert not ask(row(DOGS, changed)).answer(DOGS).reviewed
    assert [c.quote for c in ask(row(DOGS, RULE)).answer(DOGS).citations] == [RULE]


def test_what_two_documents_say_is_quoted_from_the_one_that_is_named(ask: Callable[..., Assistant]) -> None:
    note = "Ask the desk in Leeds for more."
    (quoted,) = ask(row(DOGS, note, doc="b.md")).answer(DOGS).citations
    assert quoted.source == "b.md"
    assert not ask(row(DOGS, note)).answer(DOGS).reviewed
    assert not ask(row(DOGS, note, doc=["c.md"])).answer(DOGS).reviewed


def test_what_was_added_to_a_sentence_or_a_list_ends_its_decision(ask: Callable[..., Assistant]) -> None:
    for kept in (
        "signs in at the desk. Only guide animals are let into the building.",
        "- lunch on working days\n- dinner after 21:00",
    ):
        assert not ask(row(DOGS, kept)).answer(DOGS).reviewed
    whole = "- lunch on working days\n- dinner after 21:00, with a receipt"
    assert ask(row(DOGS, whole)).answer(DOGS).reviewed


def test_what_means_different_things_in_two_places_decides_nothing(
    index_files: Callable[[Mapping[str, str]], Config], tmp_path: Path
) -> None:
    item = "bring up to two guests into the lab"
    lab = f"# Lab\n\nNobody without a permit may:\n\n- {item}\n\nWhoever has a permit may:\n\n- {item}\n"
    config = index_files({"lab.md": lab, "copy/lab.md": "# Lab\n\nGuests sign in.\n"})
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "1", **row(DOGS, item, doc="lab.md")}) + "\n", encoding="utf-8")
    path.chmod(0o600)
    with closing(Assistant(replace(config, answer=AnswerSection(reviewed=str(path))))) as assistant:
        assert not assistant.answer(DOGS).reviewed
        with pytest.raises(UsageError, match="several places"):
            find_place(item, make_access(), assistant.catalog, Guards(config.guards))
        led = find_place(f"Whoever has a permit may: {item}", make_access(), assistant.catalog, Guards(config.guards))
    assert quote_at(led).quote.startswith("Whoever") and quote_at(led).quote.endswith(item)


def test_a_point_before_a_number_is_a_part_of_it(ask: Callable[..., Assistant]) -> None:
    assistant = ask(row("What applies at .5 FTE?", RULE))
    assert assistant.answer("what applies at .5 FTE").reviewed
    assert not assistant.answer("What applies at 5 FTE?").reviewed


def test_another_day_is_another_question(ask: Callable[..., Assistant]) -> None:
    assert not ask(row(DOGS, RULE)).answer(DOGS, access=make_access((), "2026-01-01")).reviewed


def test_a_decision_opens_nothing(ask: Callable[..., Assistant]) -> None:
    assistant = ask(row(DOGS, "The bonus of the board is 20 percent of a year's pay.", roles=["board"]))
    assert assistant.answer(DOGS, access=make_access(["board"])).reviewed
    for roles in ((), ("staff",)):
        answer = assistant.answer(DOGS, access=make_access(roles))
        assert not answer.reviewed and "20 percent" not in json.dumps([c.quote for c in answer.sources])


def test_what_the_documents_say_no_more_decides_nothing(ask: Callable[..., Assistant]) -> None:
    assert not ask(row(DOGS, "Dogs are welcome on Fridays.")).answer(DOGS).reviewed


def test_of_two_decisions_the_last_one_holds(ask: Callable[..., Assistant]) -> None:
    assert ask(row(DOGS, "Visitors sign in at the desk."), row(DOGS, RULE)).answer(DOGS).citations[0].quote == RULE


def test_who_asks_is_a_part_of_the_question(ask: Callable[..., Assistant]) -> None:
    assistant = ask(row(DOGS, RULE, scenario="visitor."))
    assert assistant.answer(DOGS, about="visitor").reviewed
    assert not assistant.answer(DOGS).reviewed and not assistant.answer(DOGS, about="employee").reviewed


def test_what_follows_up_on_a_question_is_not_the_same(ask: Callable[..., Assistant]) -> None:
    fragment = "And for dinner?"
    assistant = ask(row(fragment, RULE), row("Dogs?", RULE, history=[{"role": "user", "content": "Who may come?"}]))
    assert not assistant.answer(fragment, [Turn("user", "Is lunch paid?")]).reviewed
    assert not assistant.answer("Dogs?").reviewed


def test_a_question_that_stands_alone_is_decided_whatever_was_asked_before(ask: Callable[..., Assistant]) -> None:
    for before in ([{"role": "user", "content": "Who may come?"}], None, []):
        assistant = ask(row(DOGS, RULE, history=before))
        assert assistant.answer(DOGS).reviewed and assistant.answer(DOGS, [Turn("user", "Is lunch paid?")]).reviewed
    follow_ups = [{"follow_up_question": "Is it a guide dog?", "follow_up_answer": "Yes"}]
    assert not ask(row(DOGS, RULE, history=follow_ups)).answer(DOGS).reviewed


def test_the_file_is_read_again_when_it_changes(ask: Callable[..., Assistant], tmp_path: Path) -> None:
    assistant, path = ask(row(DOGS, RULE)), tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row(DOGS, "Visitors sign in at the desk.")), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert assistant.answer(DOGS).citations[0].quote == "Visitors sign in at the desk."
    path.write_text("{", encoding="utf-8")
    assert assistant.answer(DOGS).reviewed, "the last rows that could be read"
    path.unlink()
    assert assistant.answer(DOGS).reviewed


def test_a_bad_file_is_told_at_the_start(house: Config, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    decided = replace(house, answer=AnswerSection(reviewed=str(path)))
    with pytest.raises(ConfigError, match="cannot be read"):
        Assistant(decided)
    path.write_text(json.dumps(row(DOGS, RULE)), encoding="utf-8")
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="may be changed by other accounts"):
        Assistant(decided)


def test_a_generator_does_not_overrule_a_reviewer(house: Config, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row(DOGS, RULE)), encoding="utf-8")
    path.chmod(0o600)
    told = replace(house, answer=AnswerSection(reviewed=str(path)), generator=GeneratorSection(reads="passages"))
    with closing(Assistant(told, model=ScriptedModel("NOT FOUND"))) as assistant:
        assert assistant.answer(DOGS).citations[0].quote == RULE


BAD = ["{", "[]", '{"evidence": []}', '{"question": "a", "evidence": 5}', '"a"', "\xff", "[" * 100_000]


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"\n{json.dumps(row(DOGS, RULE))}\n{line}\n", encoding="latin-1")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="line 3: this is no reviewed question"):
        read_decisions(path)


def test_the_log_tells_a_decision_from_a_reading(ask: Callable[..., Assistant], house: Config) -> None:
    assistant = ask(row(DOGS, RULE))
    decided = assistant.answer(DOGS)
    entry = Audit(house).find_answer(decided.log_id)
    assert entry.raw["reviewed"] and not differences(entry, decided, assistant.config)
    told = differences(entry, replace(decided, text="other", reviewed=False), assistant.config)
    assert "no reviewer decides on the question now" in told
