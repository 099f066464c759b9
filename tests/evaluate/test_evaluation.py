"""`assistant eval` from question files to reports, with a real assistant on real documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.contract import answer_json
from assistant.core.config import Config
from assistant.core.errors import GateFailed, UsageError
from assistant.core.records import Answer, make_access
from assistant.evaluate import run as evaluation
from assistant.evaluate.compare import compare
from assistant.evaluate.metrics import METRICS, check_gates, parse_gates
from assistant.evaluate.questions import Question
from assistant.evaluate.report import _timings
from assistant.evaluate.run import EvalPlan, evaluate
from assistant.evaluate.score import Scored, is_right, score

CARRY = "Employees may carry over at most 1.5 weeks of annual leave."
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "carry",
        "question": "How much annual leave may employees carry over?",
        "doc": "hr/leave.md",
        "answers": ["At most 1.5 weeks"],
        "evidence": [CARRY],
        "answerable": True,
    },
    {
        "id": "hotel",
        "question": "What is the limit for a hotel night?",
        "scenario": "I travel to Paris.",
        "doc": "travel.md",
        "answers": ["140 euros"],
        "answerable": True,
        "evidence": ["The limit for a hotel night is 140 euros."],
    },
    {
        "id": "rto",
        "question": "What does RTO mean?",
        "doc": "words.md",
        "answerable": True,
        "answers": ["The longest time for which an activity may be down"],
        "evidence": ["(recovery time objective) means the longest time for which an activity may be down."],
    },
    {
        "id": "band",
        "question": "What is the salary band of a senior engineer?",
        "doc": "salaries.md",
        "answers": ["71,000 to 88,000 euros"],
        "answerable": True,
        "roles": ["managers"],
        "evidence": ["The salary band of a senior engineer is 71,000 to 88,000 euros."],
    },
    {
        "id": "miss",
        "question": "Which hamsters live on Jupiter's moons?",
        "doc": "travel.md",
        "answerable": True,
        "answers": ["Dwarf hamsters"],
        "evidence": ["Dwarf hamsters live on all of Jupiter's moons."],
    },
    {
        "id": "none",
        "question": "How much annual leave may contractors in Peru sell?",
        "doc": "hr/leave.md",
        "answerable": False,
    },
]
FOREIGN = [
    {"id": "carry", "question": "What is the capital of France?", "answers": ["Paris"], "answerable": True},
    {"id": "f2", "question": "Which planets have rings of ice?", "answers": ["Saturn"], "answerable": True},
]
# The times of a report: its last field in JSON, the rows of its stages in Markdown.
TIMES = re.compile(
    r'^ "timings": \{.*\Z|^\| (?:guard|retrieve|read|generate|verify|total) \|.*?$', re.MULTILINE | re.DOTALL
)
DAY = make_access((), "2026-01-15")


def quiet(stage: str, done: float, total: float) -> None: ...


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qa")
    for name, rows in (("own.jsonl", QUESTIONS), ("other.jsonl", FOREIGN)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def plan(files: Path, tmp_path_factory: pytest.TempPathFactory) -> EvalPlan:
    return EvalPlan(files / "own.jsonl", (files / "other.jsonl",), out=tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def done(plan: EvalPlan, office_config: Config) -> evaluation.Run:
    return evaluate(plan, office_config, DAY, quiet)


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in report["rows"]}


def values(report: dict[str, Any]) -> dict[str, float | None]:
    return {name: metric["value"] for name, metric in report["metrics"].items()}


def test_the_report_says_what_happened(done: evaluation.Run, files: Path) -> None:
    found, metrics = rows(done.report), values(done.report)
    assert list(found)[:6] == [q["id"] for q in QUESTIONS]
    assert done.report["questions"] == {"answerable": 5, "unanswerable": 1, "out_of_domain": 2}
    for name in ("carry", "hotel", "rto", "band"):
        assert found[name]["status"] == "answered" and found[name]["right"], found[name]
    assert (found["miss"]["status"], found["miss"]["right"]) == ("abstained", False)
    assert {row["status"] for row in found.values() if row["group"] == "out_of_domain"} == {"abstained"}
    assert metrics["verified"] == 1.0 and metrics["left_out"] == 0.0
    assert metrics["answer_rate"] == pytest.approx(0.8) and metrics["false_abstention"] == pytest.approx(0.2)
    assert metrics["abstention_out_of_domain"] == 1.0 and metrics["doc_recall@5"] is not None
    assert list(done.report["metrics"]) == list(METRICS)
    assert done.report["stamp"]["questions"]["file"] == f"{files.name}/own.jsonl"


def test_a_question_with_roles_is_asked_by_someone_who_has_them(done: evaluation.Run) -> None:
    assert rows(done.report)["band"]["scores"]["numbers_found"] == 1.0


def test_the_scenario_is_asked_too(done: evaluation.Run) -> None:
    assert rows(done.report)["hotel"]["question"] == "I travel to Paris. What is the limit for a hotel night?"


def test_the_files_of_a_run(done: evaluation.Run) -> None:
    names = {"answers.jsonl", "report.json", "report.md", "risk_coverage.png", "reliability.png"}
    assert {path.name for path in done.folder.iterdir()} == names
    assert done.folder.name == done.report["run"]
    told = (done.folder / "report.md").read_text(encoding="utf-8")
    counted = (
        f"5 answerable, 1 unanswerable, 2 out_of_domain questions; threshold {done.report['stamp']['threshold']:g}."
    )
    assert counted in told
    assert "(risk_coverage.png)" in told and "(reliability.png)" in told and "| verified | 1.000 |" in told
    assert (done.folder / "risk_coverage.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_run_elsewhere_is_the_same_report_but_for_times(
    done: evaluation.Run, plan: EvalPlan, office_config: Config, tmp_path: Path
) -> None:
    again = evaluate(replace(plan, out=tmp_path), office_config, DAY, quiet)
    assert again.kept == 0
    for name in ("report.json", "report.md"):
        texts = [(run.folder / name).read_text(encoding="utf-8") for run in (done, again)]
        kept = [TIMES.sub("", text) for text in texts]
        assert kept[0] == kept[1] and len(kept[0]) < len(texts[0])
    for plot in ("risk_coverage.png", "reliability.png"):
        assert (done.folder / plot).read_bytes() == (again.folder / plot).read_bytes()


def test_a_run_that_was_killed_goes_on(
    done: evaluation.Run, plan: EvalPlan, office_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = (done.folder / "answers.jsonl").read_bytes()
    lines = saved.splitlines(keepends=True)
    (tmp_path / done.folder.name).mkdir()
    killed = tmp_path / done.folder.name / "answers.jsonl"
    killed.write_bytes(b"".join(lines[:3]) + lines[3][:50])  # the fourth was being written
    asked: list[str] = []
    real = evaluation.ask
    monkeypatch.setattr(evaluation, "ask", lambda assistant, q: asked.append(q.id) or real(assistant, q))
    again = evaluate(replace(plan, out=tmp_path), office_config, DAY, quiet)
    assert again.kept == 3 and asked == list(rows(done.report))[3:]
    assert rows(again.report) == rows(done.report)
    assert killed.read_bytes().startswith(b"".join(lines[:3])) and killed.read_bytes().count(b"\n") == len(lines)


def test_answers_of_another_index_are_not_kept(
    done: evaluation.Run, plan: EvalPlan, office_config: Config, tmp_path: Path
) -> None:
    folder = tmp_path / done.folder.name
    folder.mkdir()
    stale = (done.folder / "answers.jsonl").read_text(encoding="utf-8").replace('"generation": "', '"generation": "old')
    (folder / "answers.jsonl").write_text(stale, encoding="utf-8")
    assert evaluate(replace(plan, out=tmp_path), office_config, DAY, quiet).kept == 0


def test_damaged_answers_are_named(done: evaluation.Run, plan: EvalPlan, office_config: Config, tmp_path: Path) -> None:
    (tmp_path / done.folder.name).mkdir()
    (tmp_path / done.folder.name / "answers.jsonl").write_text("{\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"answers\.jsonl is damaged"):
        evaluate(replace(plan, out=tmp_path), office_config, DAY, quiet)


def test_other_settings_are_another_run(done: evaluation.Run, plan: EvalPlan, office_config: Config) -> None:
    bold = replace(office_config, answer=replace(office_config.answer, max_risk=1.0))
    other = evaluate(plan, bold, DAY, quiet)
    assert other.folder != done.folder and other.kept == 0
    assert values(other.report)["coverage"] == 1.0 != values(done.report)["coverage"]
    assert values(other.report)["aurc"] == values(done.report)["aurc"]  # what it would have said does not change


def test_jobs_give_the_same_report(done: evaluation.Run, plan: EvalPlan, office_config: Config, tmp_path: Path) -> None:
    again = evaluate(replace(plan, out=tmp_path, jobs=2), office_config, DAY, quiet)
    assert {**again.report, "timings": {}} == {**done.report, "timings": {}}


def test_two_foreign_files_must_not_hold_the_same_questions(plan: EvalPlan, office_config: Config) -> None:
    with pytest.raises(UsageError, match=r"other\.jsonl:.* is there 2 times"):
        evaluate(replace(plan, out_of_domain=plan.out_of_domain * 2), office_config, DAY, quiet)


def test_progress_is_told(plan: EvalPlan, office_config: Config, tmp_path: Path) -> None:
    told: list[tuple[str, float, float]] = []
    evaluate(
        replace(plan, out=tmp_path, limit=2, out_of_domain=()), office_config, DAY, lambda *step: told.append(step)
    )
    assert told == [("asking", 0, 2), ("asking", 1, 2), ("asking", 2, 2)]


def test_a_report_compared_with_itself(done: evaluation.Run, tmp_path: Path) -> None:
    path = done.folder / "report.json"
    folder, found = compare(path, path, tmp_path)
    assert found["changed"] == [] and found["differs"] == [] and found["questions"] == 8
    assert {m["difference"] for m in found["metrics"].values()} == {0.0}
    assert {(m["low"], m["high"]) for m in found["metrics"].values()} == {(0.0, 0.0)}
    assert {path.name for path in folder.iterdir()} == {"compare.json", "compare.md", "compare.png"}


def test_a_change_is_counted_and_named(done: evaluation.Run, tmp_path: Path) -> None:
    changed = json.loads((done.folder / "report.json").read_text(encoding="utf-8"))
    changed["run"] = "own-all-other"
    changed["stamp"]["threshold"] = 0.6
    by_id = rows(changed)
    by_id["carry"].update(status="abstained")
    by_id["hotel"]["scores"]["f1"] = 0.0
    by_id["miss"]["scores"]["f1"] = 1.0
    by_id["rto"]["scores"]["risk"] = 1.0
    changed["rows"] = [row for row in changed["rows"] if row["id"] != "none"]
    (tmp_path / "b.json").write_text(json.dumps(changed), encoding="utf-8")
    folder, found = compare(done.folder / "report.json", tmp_path / "b.json", tmp_path)
    assert found["questions"] == 7 and found["differs"] == ["threshold"]
    assert found["changed"] == [
        {"id": "carry", "question": QUESTIONS[0]["question"], "before": "answered, right", "after": "abstained"}
    ]
    f1, risk = found["metrics"]["f1"], found["metrics"]["risk"]
    assert (f1["better"], f1["worse"], f1["equal"]) == (1, 1, 3)
    assert f1["difference"] == pytest.approx((1.0 - rows(done.report)["hotel"]["scores"]["f1"]) / 5, abs=1e-5)
    assert (risk["better"], risk["worse"]) == (0, 1) and risk["difference"] > 0
    assert "| carry | answered, right | abstained |" in (folder / "compare.md").read_text(encoding="utf-8")


def test_what_is_not_a_report_or_shares_nothing(done: evaluation.Run, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("{", "[]", "{}", '{"run": "x", "metrics": {}, "rows": [{}]}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="not a report"):
            compare(done.folder / "report.json", path, tmp_path)
    path.write_text(json.dumps({**done.report, "rows": []}), encoding="utf-8")
    with pytest.raises(UsageError, match="share no question"):
        compare(done.folder / "report.json", path, tmp_path)


def test_gates() -> None:
    gates = parse_gates(["verified=1", "risk=0.05"])
    check_gates(gates, {"verified": 1.0, "risk": 0.05})
    with pytest.raises(GateFailed, match=r"verified is 0.990, and must be at least 1; risk has no value"):
        check_gates(gates, {"verified": 0.99, "risk": None})
    for bad in ("speed=1", "risk", "risk=low"):
        with pytest.raises(UsageError, match="--fail-under"):
            parse_gates([bad])


# --- one question ------------------------------------------------------------------------------------------------


def saved(**fields: Any) -> dict[str, Any]:
    citation = {"key": 1, "quote": CARRY, "title": "Leave", "headings": []}
    return {
        "id": "q",
        "status": "answered",
        "answer": f"{CARRY} [1]",
        "confidence": 0.8,
        "citations": [citation],
        "hits": [],
        "verdicts": [],
        "own_words": False,
        "verified": True,
        **fields,
    }


def scored(question: Question, **fields: Any) -> Scored:
    return score(question, saved(**fields), threshold=0.5)


ANSWERABLE = Question("q", "?", True, answers=("At most 1.5 weeks",), evidence=(CARRY,))


def test_below_the_threshold_it_would_have_abstained() -> None:
    row = scored(ANSWERABLE, confidence=0.49)
    assert (row.status, row.right, row.words) == ("abstained", True, 0)
    assert row.scores["f1"] == 0.0 and row.scores["false_abstention"] == 1.0
    assert not {"risk", "f1_answered", "verified", "left_out"} & set(row.scores)
    assert (row.gold, row.answer) == ("At most 1.5 weeks", CARRY)  # what it would have said
    assert scored(ANSWERABLE, confidence=0.5).status == "answered"


def test_a_blocked_question_is_neither_answered_nor_a_false_abstention() -> None:
    row = scored(ANSWERABLE, status="blocked", citations=[])
    assert (row.status, row.right) == ("blocked", False)
    assert row.scores["answer_rate"] == row.scores["false_abstention"] == 0.0


def test_sentences_that_were_left_out_are_counted_as_the_verdicts_say() -> None:
    verdicts = [{"guard": "words", "reason": f"a sentence was left out: it names source [{key}]"} for key in (8, 9)]
    told = [*verdicts, {"guard": "secrets", "reason": "an API key"}]
    assert scored(ANSWERABLE, verdicts=told).scores["left_out"] == 2.0


def test_an_answer_that_verify_refuses_is_not_verified(office_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def forged(answer: Answer, id: str) -> dict[str, Any]:
        return {**answer_json(answer, id), "answer": f"{answer.text} Nobody may."}

    question = Question("q", QUESTIONS[0]["question"])
    with closing(Assistant(office_config, access=DAY)) as assistant:
        assert evaluation.ask(assistant, question)["verified"]
        monkeypatch.setattr(evaluation, "answer_json", forged)
        assert not evaluation.ask(assistant, question)["verified"]
    assert scored(ANSWERABLE, verified=False).scores["verified"] == 0.0


@pytest.mark.parametrize(
    ("question", "text", "quotes", "right"),
    [
        (ANSWERABLE, CARRY, [CARRY], True),
        (ANSWERABLE, "It is at most 1.5 weeks.", ["Something else altogether."], True),  # holds the gold answer
        (ANSWERABLE, "It is some weeks.", ["Something else altogether."], False),
        (replace(ANSWERABLE, answers=("Yes",)), "Yes.", ["Something else altogether."], False),
        (replace(ANSWERABLE, answers=("Yes",)), "No.", [CARRY], True),  # the evidence answers
        (replace(ANSWERABLE, answerable=False), CARRY, [CARRY], False),
        (ANSWERABLE, "", [], False),
    ],
)
def test_right_and_wrong(question: Question, text: str, quotes: list[str], right: bool) -> None:
    assert is_right(question, text, quotes) is right


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def command(run: Callable[..., Any], office_config: Config, files: Path, plan: EvalPlan) -> Callable[..., Any]:
    settings = ("--config", office_config.base / "config.toml", "--out", plan.out, "--as-of", "2026-01-15")

    def call(*arguments: Any) -> Any:
        return run("eval", *arguments, *settings[: 4 if "--compare" in arguments else 6])

    return call


def test_the_command_prints_a_table_and_where_the_report_is(command: Callable[..., Any], files: Path) -> None:
    done = command(files / "own.jsonl", "--limit", "2")
    assert done.code == 0 and "evidence@800w" in done.out and "2 answerable questions" in done.out
    assert "Written to" in done.err
    again = command(files / "own.jsonl", "--limit", "2", "--json")
    assert again.code == 0 and len(again.json["rows"]) == 2 and again.err == ""
    assert "2 answers are from an earlier run" in command(files / "own.jsonl", "--limit", "2").err


def test_the_command_fails_under_a_gate_with_7_after_writing(
    command: Callable[..., Any], files: Path, tmp_path: Path
) -> None:
    done = command(files / "own.jsonl", "--limit", "2", "--fail-under", "f1=0.99")
    assert done.code == 7 and "f1 is " in done.err and "at least 0.99" in done.err
    assert command(files / "own.jsonl", "--limit", "2", "--fail-under", "verified=1").code == 0


def test_the_command_compares(command: Callable[..., Any], done: evaluation.Run) -> None:
    path = done.folder / "report.json"
    told = command("--compare", path, path)
    assert told.code == 0 and "aurc" in told.out and "Changed answers: 0." in told.out
    assert command("--compare", path, path, "--json").json["questions"] == 8


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("none.jsonl",),
        ("x", "--split", "half"),
        ("x", "--fail-under", "speed=1"),
        ("--compare", "a", "b"),
        ("x", "--compare", "a", "b"),
    ],
)
def test_wrong_usage_is_2(command: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    assert command(*arguments).code == 2


def test_without_an_index_it_is_5(run: Callable[..., Any], files: Path) -> None:
    assert run("eval", files / "own.jsonl").code == 5


def test_timings_leave_out_answers_that_waited_for_models_unless_all_did() -> None:
    row: Any = SimpleNamespace(answered=True)
    saved = [{"timings_ms": {"total": 9_000.0}, "cold": True}, {"timings_ms": {"total": 10.0}, "cold": False}]
    assert _timings([row, row], saved) == {"total": {"p50": 10.0, "p95": 10.0}}
    assert _timings([row], saved[:1]) == {"total": {"p50": 9_000.0, "p95": 9_000.0}}
