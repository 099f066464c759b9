"""Feedback is reviewed line by line, and what is accepted is read by eval, calibrate, tune and test alike."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from assistant.answer.assistant import Assistant
from assistant.audit.ledger import FILE_NAME
from assistant.audit.trail import Audit
from assistant.core.errors import UsageError
from assistant.core.records import Answer, Feedback, Opinion, Turn, make_access
from assistant.evaluate.feedback import find_pending, put_row, read_accepted
from assistant.evaluate.golden import check, read_golden
from assistant.evaluate.questions import read_questions
from assistant.terminal.render import Renderer
from assistant.terminal.review import Review
from tests.commands import Run
from tests.office_files import BAND, CARRY, FILES, NOTHING, QUOTE

MANAGERS = make_access(["managers"])
PARAGRAPH = f"{QUOTE} Carried-over days expire on 31 March."


class Office:
    """An assistant whose answers are spoken of, and reviewed by the command."""

    def __init__(self, assistant: Assistant, run: Run, file: Path) -> None:
        self.assistant = Assistant(assistant.config, audit=True)
        self.file = file
        self._run = run

    def say(self, question: str, opinion: Opinion, note: str = "", quote: str = "", **asked: Any) -> Answer:
        answer = self.assistant.answer(question, **asked)
        access = asked.get("access", self.assistant.access)
        self.assistant.feedback(Feedback(answer.log_id, opinion, note, quote), access=access)
        return answer

    def review(self, *lines: str) -> str:
        data = ("--data", self.assistant.config.data)
        done = self._run("feedback", "review", self.file, *data, stdin="".join(f"{line}\n" for line in lines))
        assert done.code == 0, done.err
        return done.out + done.err

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def office(make_assistant: Callable[..., Assistant], run: Run, tmp_path: Path) -> Iterator[Office]:
    found = Office(make_assistant(FILES), run, tmp_path / "reviewed" / "rows.jsonl")
    yield found
    found.assistant.close()


def test_what_is_accepted_is_a_row_for_every_command(office: Office) -> None:
    right = office.say(CARRY, "right", "thanks", history=[Turn("user", "Hello, who pays for hotels?")])
    place = office.say(BAND, "wrong", quote="senior engineer is 71,000 to", access=MANAGERS)
    none = office.say(NOTHING, "right")
    shown = office.review("y", "y", "y")
    assert "3 accepted, 0 dropped, 0 left" in shown and "asker says right: thanks" in shown
    assert "by managers" in shown and "right by the asker, salaries.md" in shown
    assert [row["id"] for row in office.rows] == [right.log_id, place.log_id, none.log_id]
    first, second, third = read_questions(office.file)
    assert (first.answerable, first.evidence, first.docs) == (True, (PARAGRAPH,), ("hr/leave.md",))
    assert first.roles == ()
    assert (second.roles, second.docs) == (("managers",), ("salaries.md",))
    assert second.evidence == ("The salary band of a senior engineer is 71,000 to 88,000 euros.",)
    assert (third.answerable, third.evidence) == (False, ())
    outcomes = check(read_golden(office.file), office.assistant, lambda *_: None)
    assert [outcome.failures for outcome in outcomes] == [(), (), ()]
    assert os.name == "nt" or stat.S_IMODE(office.file.stat().st_mode) == 0o600, "it holds the salaries"
    assert office.review() == "0 accepted, 0 dropped, 0 left.\n"


def test_what_was_asked_before_stays_where_it_may_decide_what_is_asked(office: Office) -> None:
    before = [Turn("user", "Who pays for hotels?")]
    for question in ("And for dinner?", "How many days can be carried over?"):
        office.say(question, "wrong", quote="Carried-over days expire on 31 March", history=before)
    office.review("y", "y")
    assert [question.history for question in read_questions(office.file)] == [tuple(before)] * 2


def test_a_reviewer_says_what_nobody_knew(office: Office) -> None:
    office.say(CARRY, "wrong")
    office.say(NOTHING, "not-asked", "I meant the moons")
    told = office.review("y", "The salary band of a senior engineer", "Carried-over days expire", "y", "-")
    assert "what is right is not known" in told
    assert "no document that you may see says that" in told, "the row of one asker holds what another may see"
    assert [row.get("evidence") for row in office.rows] == [["Carried-over days expire on 31 March."], None]
    assert [row["answerable"] for row in office.rows] == [True, False]


def test_what_is_dropped_stays_so_until_its_asker_says_more(office: Office) -> None:
    answer = office.say(CARRY, "wrong")
    assert "0 accepted, 1 dropped" in office.review("n")
    assert "1 of 1" not in office.review("y")
    office.assistant.feedback(Feedback(answer.log_id, "right"))
    office.say(NOTHING, "wrong")
    assert "0 accepted, 0 dropped, 2 left" in office.review("", "q", "y")
    assert "1 accepted, 0 dropped, 1 left" in office.review("y")
    assert Audit(office.assistant.config).verify() > 0


def test_a_quote_that_no_document_says_any_more_proves_nothing(
    office: Office, write_files: Callable[..., Path], run_ingest: Callable[..., Any]
) -> None:
    office.say(CARRY, "right")
    leave = FILES["hr/leave.md"]
    run_ingest(
        office.assistant.config, write_files({**FILES, "hr/leave.md": leave.replace("# Annual", "# The Annual")})
    )
    queries, audit = office.assistant.catalog.queries, Audit(office.assistant.config)
    [moved] = find_pending(audit, {}, queries)
    assert moved.gold == moved.quoted and moved.quoted[0].text == PARAGRAPH
    run_ingest(office.assistant.config, write_files({**FILES, "hr/leave.md": leave.replace("1.5", "2")}))
    [lost] = find_pending(audit, {}, queries)
    assert lost.gold is None and lost.quoted == ()
    assert "what is right is not known" in office.review("y", "q") and not office.file.exists()


def test_what_was_accepted_goes_when_its_asker_takes_it_back_and_it_is_dropped(office: Office) -> None:
    answer = office.say(CARRY, "right")
    office.say(NOTHING, "right")
    office.review("y", "y")
    office.assistant.feedback(Feedback(answer.log_id, "not-asked"))
    assert "n removes it" in office.review("n")
    assert [row["answerable"] for row in office.rows] == [False]


def test_a_reviewer_sees_all_that_was_asked(office: Office) -> None:
    office.say(CARRY, "right", about="a contractor")
    office.say(CARRY, "right", access=make_access([], "2026-01-15"))
    told = office.review("y", "y")
    assert "said of themselves: a contractor" in told and "asked as of: 2026-01-15" in told
    assert [(row.get("scenario"), row.get("as_of")) for row in office.rows] == [
        ("a contractor.", None),
        (None, "2026-01-15"),
    ]


def test_what_is_shown_is_what_is_accepted(
    office: Office, write_files: Callable[..., Path], run_ingest: Callable[..., Any]
) -> None:
    office.say(CARRY, "right")
    office.say(CARRY, "right", history=[Turn("user", "Hello, who pays for hotels?")])
    config, shown = office.assistant.config, list[str]()
    leave = FILES["hr/leave.md"].replace("1.5", "2")

    def read() -> str:
        if not shown:
            run_ingest(config, write_files({**FILES, "hr/leave.md": leave}))
        shown.append("y" if len(shown) < 2 else "q")
        return shown[-1]

    catalog, audit = office.assistant.catalog, Audit(config)
    Review(office.file, catalog, audit, Renderer(), read).run(find_pending(audit, {}, catalog.queries))
    assert not office.file.exists()


def test_a_copy_of_the_old_version_stands_for_nothing_that_a_document_said(
    office: Office, write_files: Callable[..., Path], run_ingest: Callable[..., Any]
) -> None:
    office.say(CARRY, "right")
    leave, config = FILES["hr/leave.md"], office.assistant.config
    run_ingest(config, write_files({**FILES, "hr/leave.md": leave.replace("1.5", "2"), "archive/leave-2025.md": leave}))
    [lost] = find_pending(Audit(config), {}, office.assistant.catalog.queries)
    assert lost.gold is None and lost.quoted == ()


def test_right_said_of_what_comes_closest_is_no_answer_and_no_refusal(office: Office) -> None:
    office.say(CARRY, "right")
    [answered] = find_pending(Audit(office.assistant.config), {}, office.assistant.catalog.queries)
    unsure = replace(answered, asked=replace(answered.asked, raw={**answered.asked.raw, "status": "abstained"}))
    assert answered.gold and unsure.gold is None and replace(unsure, place=answered.quoted).gold == answered.quoted
    told = office.review("y")
    assert "Accepted, it says that what is quoted here answers" in told


def test_a_sentence_is_found_that_ends_as_many_do(make_assistant: Callable[..., Assistant], run: Run) -> None:
    end = "and is approved in writing by the head of the department before the first of the month."
    files = {f"{n}.md": f"# Rule {n}\n\nRequest number {n} is sent to desk {n} {end}\n" for n in range(30)}
    assistant = make_assistant(files)
    with closing(Assistant(assistant.config, audit=True)) as asked:
        answer = asked.answer("Where is request number 29 sent?")
        given = Feedback(answer.log_id, "wrong", "", f"Request number 29 is sent to desk 29 {end}")
        assert asked.feedback(given)


def test_rows_are_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert read_accepted(path) == {}
    path.write_text('{"id": 1, "question": "Why?"}', encoding="utf-8")
    path.chmod(0o644)
    if os.name != "nt":
        with pytest.raises(UsageError, match="may be read or changed by others"):
            put_row(path, "a", {"id": "a"})
    path.chmod(0o600)
    put_row(path, "a", {"id": "a"})
    put_row(path, "b", {"id": "b"})
    put_row(path, "a", {"id": "a"})
    assert read_accepted(path) == {"1": "", "b": "", "a": ""}


def test_the_last_word_on_an_answer_takes_the_place_of_its_row(office: Office) -> None:
    answer = office.say(CARRY, "right")
    assert "1 accepted" in office.review("y")
    office.assistant.feedback(Feedback(answer.log_id, "wrong", "that was last year"))
    assert "that was last year" in office.review("Carried-over days expire on 31 March", "y")
    [row] = office.rows
    assert row["id"] == answer.log_id and row["evidence"] == ["Carried-over days expire on 31 March."]
    assert office.review() == "0 accepted, 0 dropped, 0 left.\n"


def test_reviewers_at_the_same_time_lose_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put_row(path, str(n), {"id": str(n)}), range(60)))
    assert len(read_accepted(path)) == 60


def test_a_review_that_waits_in_vain_says_for_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.evaluate.feedback.LOCK_SECONDS", 0.1)
    with FileLock(tmp_path / ".rows.jsonl.lock"), pytest.raises(UsageError, match="another review writes"):
        put_row(tmp_path / "rows.jsonl", "a", {"id": "a"})


def test_what_is_pasted_is_shown_and_taken_by_a_word(office: Office) -> None:
    office.say(CARRY, "wrong")
    office.say(NOTHING, "wrong")
    shown = office.review("Carried-over days expire", "on 31 March of the next year", "q")
    assert "found in hr/leave.md: " in shown and "Carried-over days expire on 31 March." in shown
    assert "0 accepted" in shown and not office.file.exists()


def test_no_row_is_added_to_a_table(tmp_path: Path) -> None:
    path = tmp_path / "questions.CSV"
    path.write_text("id,question\n1,Why?\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is a table"):
        put_row(path, "a", {"id": "a"})
    assert path.read_text(encoding="utf-8") == "id,question\n1,Why?\n"


def test_a_file_that_is_no_question_file_is_refused_before_the_review(office: Office, run: Run) -> None:
    office.say(CARRY, "right")
    office.file.parent.mkdir()
    office.file.write_text("not JSON\n", encoding="utf-8")
    done = run("feedback", "review", office.file, "--data", office.assistant.config.data, stdin="y\n")
    assert done.code == 2 and "rows.jsonl, line 1" in done.err
    assert office.file.read_text(encoding="utf-8") == "not JSON\n"
    log = office.assistant.config.data / FILE_NAME
    before = log.read_bytes()
    done = run("feedback", "review", log, "--data", office.assistant.config.data, stdin="y\n")
    assert done.code == 2 and "line 1: it has no 'id'" in " ".join(done.err.split()) and log.read_bytes() == before


def test_the_command_takes_an_id_where_a_command_may_stand(office: Office, run: Run) -> None:
    id, data = office.assistant.answer(CARRY).log_id, ("--data", office.assistant.config.data)
    done = run("feedback", id, "wrong", "--note", "It is 2 weeks.", "--json", *data)
    assert done.code == 0 and done.json["of"] == id and done.json["opinion"] == "wrong"
    assert run("feedback", "give", id, "right", *data).code == 0
    for wrong in ((id,), (id, "splendid"), (id, "wrong", "--as", "managers"), ("0" * 12, "right")):
        assert run("feedback", *wrong, *data).code == 2
    assert f"{id} It is 2 weeks." in " ".join(run("log", *data).out.split())
    assert run("replay", done.json["id"], *data).code == 2, "feedback is no answer to be asked for again"
