"""`assistant test`: golden files, what makes them fail, how that is told, and recording them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.errors import GateFailed, UsageError
from assistant.core.records import Answer, Citation, IndexInfo, IngestReport, ModelInfo, Turn, make_access
from assistant.evaluate.golden import (
    Expected,
    Failure,
    Golden,
    GoldenOutcome,
    check,
    check_all_hold,
    compare,
    read_asked,
    read_golden,
    record,
    stated_numbers,
)
from assistant.evaluate.questions import Question
from assistant.evaluate.report import write_junit

CARRY = "How much annual leave may employees carry over?"
QUOTE = "Employees may carry over at most 1.5 weeks of annual leave."
PARAGRAPH = f"{QUOTE} Carried-over days expire on 31 March."  # which is what is quoted
NOTHING = "Which hamsters live on Jupiter's moons?"
BAND = "What is the salary band of a senior engineer?"
BICYCLE = "How much is the bicycle allowance for each kilometre?"
GOOD: dict[str, Any] = {"id": "g1", "question": CARRY, "expect": {"status": "answered"}}


def quiet(stage: str, done: float, total: float) -> None: ...


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "golden.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def expecting(**expect: Any) -> dict[str, Any]:
    return {**GOOD, "expect": {"status": "answered", **expect}}


def answered(text: str, *citations: Citation) -> Answer:
    return Answer("?", "answered", text, 0.9, citations, (), (), ModelInfo("m", "none"), IndexInfo("g", 1, 1), {})


def cited(quote: str, source: str = "a.md", key: int = 1) -> Citation:
    return Citation(key, quote, quote, source, "A", (), None, 0, len(quote), "0" * 64, True, 1.0)


def failures(folder: Path, answer: Answer, **expect: Any) -> dict[str, tuple[str, str]]:
    (golden,) = read_golden(write(folder, expecting(**expect)))
    return {f.check: (f.expected, f.got) for f in compare(golden, answer).failures}


def test_numbers_of_headings_lists_and_ordinals_are_not_recorded() -> None:
    """They change with the numbering of a document, and say nothing of what it rules."""
    said = "4. Carry-over: of 25 leave days at most 5 go over, in the first 15 weeks, by 31 March (section 3.2). [1]"
    assert stated_numbers(said) == ["25", "5", "15", "31"]


# --- the file ----------------------------------------------------------------------------------------------------


def test_a_line_with_everything(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "question": "How many?",
        "scenario": "I work part time.",
        "roles": ["managers"],
        "as_of": "2026-01-15",
        "history": [{"role": "user", "content": "Hello"}],
        "recorded": "Five. [1]",
        "expect": {
            "status": "answered",
            "contains": ["leave days"],
            "numbers": [5, 1.5, "1,250"],
            "source": "hr/leave.md",
            "excludes": "ten",
        },
    }
    (golden,) = read_golden(write(tmp_path, "", row))
    assert golden == Golden(
        id="7",
        question="How many?",
        scenario="I work part time.",
        history=(Turn("user", "Hello"),),
        roles=("managers",),
        as_of="2026-01-15",
        expect=Expected("answered", ("leave days",), ("5", "1.5", "1,250"), "hr/leave.md", ("ten",)),
        recorded="Five. [1]",
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "not JSON"),
        ("9" * 5_000, "not JSON"),
        ("[]", "object"),
        ({**GOOD, "id": ""}, "id: must not be empty"),
        ({**GOOD, "id": "g0"}, "'g0' was there before"),
        ({**GOOD, "question": 5}, "question: "),
        ({**GOOD, "roles": 5}, "roles: must be a list"),
        ({**GOOD, "history": "x"}, "history"),
        ({**GOOD, "as_of": "yesterday"}, "as_of: "),
        ({**GOOD, "as_of": 20260115}, "as_of: "),
        ({**GOOD, "recorded": 5}, "recorded: "),
        ({**GOOD, "expect": "answered"}, "expect: "),
        ({"id": "g1", "question": CARRY}, "expect: "),
        ({"id": "g1", "question": CARRY, "answerable": True}, "--record"),
        ({**GOOD, "expects": {}}, "expects: unknown key (did you mean 'expect'?)"),
        ({**GOOD, "zzz": 1}, "zzz: unknown key (known: id, question"),
        ({**GOOD, "numbers": [5]}, "numbers: unknown key"),
        ({**GOOD, "expect": {}}, "expect.status: field required"),
        ({**GOOD, "expect": {"status": "ok"}}, "expect.status: input should be 'answered', 'abstained' or 'blocked'"),
        ({**GOOD, "expect": {"status": ["answered"]}}, "expect.status: "),
        (expecting(number=[5]), "expect.number: unknown key (did you mean 'expect.numbers'?)"),
        (expecting(numbers=5), "expect.numbers: "),
        (expecting(numbers=[True]), "expect.numbers: "),
        (expecting(numbers=["some"]), "expect.numbers: has 'some', in which there is no number"),
        (expecting(numbers=[float("inf")]), "in which there is no number"),
        (expecting(contains=[5]), "expect.contains.0: "),
        (expecting(contains=["[1] "]), "expect.contains: has a text that says nothing"),
        (expecting(excludes=[""]), "expect.excludes: has a text that says nothing"),
        (expecting(source=["a.md"]), "expect.source: "),
        (expecting(status="abstained", source="a.md"), "'expect.source' can only hold where"),
        (expecting(status="abstained", numbers=[5]), "'expect.numbers' can only hold where"),
    ],
)
def test_a_bad_line_is_named_with_its_file_number_and_field(tmp_path: Path, row: Any, told: str) -> None:
    path = write(tmp_path, {**GOOD, "id": "g0"}, "", row)
    with pytest.raises(UsageError) as caught:
        read_golden(path)
    assert caught.value.cause.startswith(f"{path}, line 3: ") and told in caught.value.cause


def test_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for read in (read_golden, read_asked):
        with pytest.raises(UsageError, match="cannot be read"):
            read(tmp_path / "none.jsonl")
        with pytest.raises(UsageError, match="holds no question"):
            read(write(tmp_path, ""))


# --- one answer --------------------------------------------------------------------------------------------------

LEAVE = answered("At most FIVE  leave\ndays. [1] They end on 31 March. [2]", cited("a"), cited("b", "b.md", 2))


@pytest.mark.parametrize(
    ("expect", "failed"),
    [
        ({}, {}),
        ({"contains": ["five leave days", "DAYS. they end"]}, {}),
        ({"contains": ["five days [2]", "leave"]}, {"contains": ("“five days [2]”", "an answer without it")}),
        ({"numbers": [5, "thirty-one"]}, {}),
        ({"numbers": [1]}, {"numbers": ("1", "5, 31")}),  # its key is not a number of the answer
        ({"numbers": [5, 31.5, "£2m"]}, {"numbers": ("31.5, £2m", "5, 31")}),
        ({"source": "b.md"}, {}),
        ({"source": "c.md"}, {"source": ("c.md", "a.md, b.md")}),
        ({"excludes": ["ten", "march 31"]}, {}),
        ({"excludes": ["ten", "31 MARCH"]}, {"excludes": ("an answer without “31 MARCH”", "an answer with it")}),
        ({"status": "abstained", "contains": ["ten"]}, {"status": ("abstained", "answered")}),  # and no further
    ],
)
def test_each_expectation(tmp_path: Path, expect: Any, failed: Any) -> None:
    assert failures(tmp_path, LEAVE, **expect) == failed


def test_what_an_answer_lacks_altogether_is_told(tmp_path: Path) -> None:
    found = failures(tmp_path, answered("Yes."), numbers=[5], source="a.md")
    assert found == {"numbers": ("5", "no number"), "source": ("a.md", "no source")}


def test_a_large_amount_is_the_same_in_any_spelling(tmp_path: Path) -> None:
    assert failures(tmp_path, answered("It is £1.5m a year. [1]"), numbers=[1_500_000]) == {}


# --- a file against the office -----------------------------------------------------------------------------------


def outcomes(office: Assistant, folder: Path, *rows: Any) -> dict[str, GoldenOutcome]:
    return {o.golden.id: o for o in check(read_golden(write(folder, *rows)), office, quiet)}


def test_lines_pass_and_fail(office: Assistant, tmp_path: Path) -> None:
    good = expecting(contains=["at most 1.5 weeks"], numbers=[1.5], source="hr/leave.md", excludes=["2 weeks"])
    found = outcomes(
        office,
        tmp_path,
        good,
        {**expecting(numbers=[2]), "id": "bad"},
        {"id": "none", "question": NOTHING, "expect": {"status": "abstained"}},
        {"id": "some", "question": NOTHING, "expect": {"status": "answered"}},
    )
    assert found["g1"].checked == ("status", "contains", "numbers", "source", "excludes")
    assert {id: o.failures for id, o in found.items()} == {
        "g1": (),
        "none": (),
        "bad": (Failure("numbers", "2", "1.5, 31"),),
        "some": (Failure("status", "answered", "abstained"),),
    }
    assert found["bad"].answer == f"{PARAGRAPH} [1]" and found["bad"].sources == ("hr/leave.md",)
    with pytest.raises(GateFailed, match="2 of 4 golden answers do not hold"):
        check_all_hold(list(found.values()))
    check_all_hold([found["g1"], found["none"]])


def test_a_line_is_asked_with_its_roles_and_on_its_day(office: Assistant, tmp_path: Path) -> None:
    def status(question: str, **fields: Any) -> str:
        return outcomes(office, tmp_path, {**GOOD, "question": question, **fields})["g1"].status

    assert (status(BAND), status(BAND, roles=["Managers"])) == ("abstained", "answered")
    assert (status(BICYCLE), status(BICYCLE, as_of="2020-06-01")) == ("abstained", "answered")


def test_the_scenario_and_the_conversation_are_asked_too(tmp_path: Path) -> None:
    asked: list[tuple[Any, ...]] = []
    office: Any = SimpleNamespace(
        access=make_access(["a"], "2026-01-15"), answer=lambda *args, access: asked.append((*args, access)) or LEAVE
    )
    history = [{"role": "user", "content": "Hello"}]
    lines = [{**GOOD, "scenario": "I work.", "history": history, "roles": ["B"]}, {**GOOD, "id": 2}]
    told: list[tuple[str, float, float]] = []
    check(read_golden(write(tmp_path, *lines)), office, lambda *step: told.append(step))
    assert asked == [
        (f"I work. {CARRY}", (Turn("user", "Hello"),), make_access(["a", "b"], "2026-01-15")),
        (CARRY, (), make_access(["a"], "2026-01-15")),
    ]
    assert told == [("asking", 0, 2), ("asking", 1, 2), ("asking", 2, 2)]


def test_a_changed_number_in_a_document_is_found(
    make_config: Callable[..., Config],
    write_files: Callable[..., Path],
    run_ingest: Callable[..., IngestReport],
    tmp_path: Path,
) -> None:
    config, path = make_config(), tmp_path / "golden.jsonl"
    questions = read_asked(write(tmp_path, {"id": "g1", "question": CARRY}))

    def ask(weeks: str, use: Callable[[Assistant], Any]) -> Any:
        run_ingest(config, write_files({"leave.md": "# Leave\n\n" + QUOTE.replace("1.5", weeks) + "\n"}))
        assistant = Assistant(config)
        try:
            return use(assistant)
        finally:
            assistant.close()

    ask("1.5", lambda assistant: record(path, questions, assistant, "", True, quiet))
    (outcome,) = ask("2.5", lambda assistant: check(read_golden(path), assistant, quiet))
    assert outcome.failures == (Failure("numbers", "1.5", "2.5"),)
    assert outcome.golden.recorded == f"{QUOTE} [1]" and "2.5 weeks" in outcome.answer


def test_junit(office: Assistant, tmp_path: Path) -> None:
    rows = GOOD, {**expecting(numbers=[2]), "id": "bad\x1b\ufffe", "recorded": "At most 2 weeks. [1]"}
    found = outcomes(office, tmp_path, *rows)
    write_junit(tmp_path / "deep" / "out.xml", "golden", list(found.values()))
    suite = ElementTree.parse(tmp_path / "deep" / "out.xml").getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("golden", "2", "1")
    assert [(case.get("name"), len(case)) for case in suite] == [("g1", 0), ("bad\ufffd\ufffd", 1)]
    assert suite[1][0].get("message") == "numbers: expected 2, got 1.5, 31"
    assert suite[1][0].text == f"{CARRY}\nwas: At most 2 weeks. [1]\nnow: {PARAGRAPH} [1]\ncites: hr/leave.md"
    with pytest.raises(UsageError, match="cannot be written"):
        write_junit(tmp_path, "golden", list(found.values()))


# --- recording ---------------------------------------------------------------------------------------------------


def test_a_recorded_file_holds_what_is_stable_and_passes(office: Assistant, tmp_path: Path) -> None:
    path = tmp_path / "new" / "golden.jsonl"
    rows = {"id": 1, "question": CARRY, "answerable": True, "answers": ["x"]}, {"id": "none", "question": NOTHING}
    counts = record(path, read_asked(write(tmp_path, *rows)), office, "", False, quiet)
    assert counts == {"answered": 1, "abstained": 1}
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "id": "1",
        "question": CARRY,
        "recorded": f"{PARAGRAPH} [1]",
        "expect": {"status": "answered", "numbers": ["1.5", "31"], "source": "hr/leave.md"},
    }
    assert second["expect"] == {"status": "abstained"} and "do not answer" in second["recorded"]
    check_all_hold(check(read_golden(path), office, quiet))


def test_who_asked_and_when_is_recorded(office: Assistant, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    rows = {"id": 1, "question": BAND}, {"id": 2, "question": BICYCLE, "roles": ["Staff"], "as_of": "2019-01-01"}
    before, office.access = office.access, make_access(["managers"], "2020-06-01")
    try:
        record(path, read_asked(write(tmp_path, *rows)), office, "2020-06-01", False, quiet)
    finally:
        office.access = before
    first, second = read_golden(path)
    assert (first.roles, first.as_of) == (("managers",), "2020-06-01")
    assert (second.roles, second.as_of) == (("Staff", "managers"), "2019-01-01")
    assert first.expect.status == second.expect.status == "answered"
    check_all_hold(check([first, second], office, quiet))  # as nobody, today


def recorded(folder: Path, answer: Answer) -> tuple[Golden, dict[str, Any]]:
    office: Any = SimpleNamespace(access=make_access(), answer=lambda *_, **__: answer)
    path = folder / "recorded.jsonl"
    record(path, [Question("1", "?")], office, "", True, quiet)
    (golden,) = read_golden(path)
    return golden, json.loads(path.read_text(encoding="utf-8"))["expect"]


def test_a_short_quote_is_recorded_where_there_is_no_number(tmp_path: Path) -> None:
    short, long = "The Board approves travel.", "The Board approves travel " + "by air " * 20
    for text, quote, contains in (
        (short, short, [short]),
        (long, long, None),
        ("The Board.", short, None),  # the answer's own words
        (f"{short} In 5 days.", short, None),
    ):
        _, expect = recorded(tmp_path, answered(f"{text} [1]", cited(quote)))
        assert expect.get("contains") == contains, text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text(alphabet="1250,.:-−£%mk [](½) \n"), st.text(alphabet="ab [1]\n"))
def test_what_is_recorded_of_any_answer_passes(tmp_path: Path, text: str, amounts: str, quote: str) -> None:
    for said in (f"{text} {quote}", f"{text} {amounts} {quote}"):
        answer = answered(said, cited(quote))
        golden, _ = recorded(tmp_path, answer)
        assert compare(golden, answer).failures == ()


# --- the command -------------------------------------------------------------------------------------------------

FAILING = {**expecting(numbers=[2], source="travel.md"), "id": "bad", "recorded": "At most 2 weeks of leave. [1]"}


@pytest.fixture
def command(run: Callable[..., Any], office_config: Config) -> Callable[..., Any]:
    return lambda *arguments: run("test", *arguments, "--config", office_config.base / "config.toml")


def test_the_command_passes_with_a_table(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command(write(tmp_path, expecting(numbers=["1.5"])))
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.out.splitlines()] == [
        ["check", "lines", "passed", "failed"],
        ["status", "1", "1", "0"],
        ["numbers", "1", "1", "0"],
        "1 of 1 golden answers hold.".split(),
    ]


def test_the_command_shows_what_changed_and_exits_with_7(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command(write(tmp_path, GOOD, FAILING), "--junit", tmp_path / "out.xml", "-q")
    assert done.code == 7 and "1 of 2 golden answers do not hold." in done.err
    assert done.out.startswith(
        f"""✗ bad: {CARRY}
    numbers: expected 2, got 1.5, 31
    source: expected travel.md, got hr/leave.md
    was:   At most 2 weeks of leave. [1]
    now:   {PARAGRAPH} [1]
    cites: hr/leave.md
check """
    )
    assert ["numbers", "1", "0", "1"] in [line.split() for line in done.out.splitlines()]
    assert "g1" not in done.out and (tmp_path / "out.xml").is_file()


def test_the_command_prints_json_alone(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command(write(tmp_path, GOOD, FAILING), "--json")
    first, second = done.json["results"]
    assert done.code == 7 and first["passed"] is True and first["failures"] == []
    assert second == {
        "id": "bad",
        "question": CARRY,
        "passed": False,
        "status": "answered",
        "answer": f"{PARAGRAPH} [1]",
        "sources": ["hr/leave.md"],
        "recorded": FAILING["recorded"],
        "failures": [
            {"check": "numbers", "expected": "2", "got": "1.5, 31"},
            {"check": "source", "expected": "travel.md", "got": "hr/leave.md"},
        ],
    }


def test_the_command_records_and_never_overwrites(command: Callable[..., Any], tmp_path: Path) -> None:
    questions, path = write(tmp_path, {"id": 1, "question": CARRY}), tmp_path / "new.jsonl"
    done = command(questions, "--record", path)
    assert (done.code, done.out) == (0, f"1 golden answer written to {path}: 1 answered.\n")
    assert "right or wrong" in done.err
    assert command(path).code == 0
    before = path.read_bytes()
    refused = command(questions, "--record", path)
    assert refused.code == 2 and "is there already" in refused.err and path.read_bytes() == before
    write(tmp_path, {"id": 2, "question": NOTHING})
    assert command(questions, "--record", path, "--force", "--json").json["recorded"] == {"abstained": 1}
    assert read_golden(path)[0].id == "2"


def test_the_command_records_who_asked(command: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    assert command(write(tmp_path, {"id": 1, "question": BAND}), "--record", path, "--as", "managers").code == 0
    assert read_golden(path)[0].expect.status == "answered"
    assert command(path).code == 0


def test_wrong_usage_is_2(command: Callable[..., Any], tmp_path: Path) -> None:
    good = write(tmp_path, GOOD)
    for arguments in (
        (),
        ("none.jsonl",),
        (good, "--force"),
        (good, "--record", "x", "--junit", "y"),
        (good, "--as-of", "soon"),
        (good, "--record", good / "x"),
        (good, "--junit", tmp_path),
    ):
        done = command(*arguments)
        assert done.code == 2, (arguments, done)
    assert command(write(tmp_path, {"id": 1, "question": " "}), "--record", "x").code == 2


def test_without_an_index_it_is_5(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("test", write(tmp_path, GOOD)).code == 5


def test_ctrl_c_ends_it_with_130_and_records_nothing(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = Assistant.answer, []

    def answer(*args: Any, **options: Any) -> Answer:
        asked.append(args)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(Assistant, "answer", answer)
    path = write(tmp_path, GOOD, {**GOOD, "id": "g2"})
    done = command(path, "--record", tmp_path / "new.jsonl")
    assert (done.code, done.out) == (130, "") and done.err.startswith("Error: stopped.")
    assert not (tmp_path / "new.jsonl").exists()
