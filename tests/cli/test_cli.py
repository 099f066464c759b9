"""The command line as scripts see it: streams, JSON, exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from assistant import __version__
from assistant.cli import app, main
from tests.commands import Run
from tests.office_files import BAND, CARRY, NOTHING, QUOTE

ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ANSWER_KEYS = [
    "question",
    "status",
    "answer",
    "confidence",
    "citations",
    "closest",
    "earlier",
    "hits",
    "verdicts",
    "model",
    "index",
    "timings_ms",
    "asked",
    "about",
    "log_id",
    "sentences",
    "worded_by",
]
CITATION_KEYS = [
    "key",
    "claim",
    "quote",
    "source",
    "title",
    "headings",
    "page",
    "start",
    "end",
    "document_sha256",
    "supported",
    "score",
    "context",
    "focus",
    "since",
    "ocr",
]
HIT_KEYS = ["rank", "source", "title", "headings", "page", "score", "methods", "text"]
REPORT_KEYS = {
    "added",
    "updated",
    "unchanged",
    "removed",
    "rejected",
    "flagged",
    "passages",
    "terms",
    "seconds",
    "missing",
    "embedded",
    "opened",
}


@pytest.fixture
def fresh(tmp_path: Path, models_dir: Path) -> tuple[str, str]:
    """The settings of an index that is not there yet."""
    path = tmp_path / "fresh.toml"
    models = json.dumps(str(models_dir))
    path.write_text(f'[index]\ndata = "new"\n[models]\ndir = {models}\n[generator]\nruntime = "none"\n')
    return "--config", str(path)


# --- ask ---------------------------------------------------------------------------------------------------------


def test_ask_prints_the_answer_its_quote_and_its_place(run: Run, settings: tuple[str, str]) -> None:
    done = run("ask", CARRY, *settings)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(QUOTE)
    assert f"“{QUOTE}" in done.out and "Annual Leave Policy > Carry-over  (hr/leave.md)" in done.out


def test_ask_json_is_the_contracts_object_and_nothing_else(run: Run, settings: tuple[str, str]) -> None:
    done = run("ask", CARRY, "--json", "-k", "2", *settings)
    answer = done.json
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    assert list(answer) == ANSWER_KEYS
    assert [list(c) for c in answer["citations"]] == [CITATION_KEYS] * len(answer["citations"])
    assert [list(h) for h in answer["hits"]] == [HIT_KEYS] * 2
    assert (answer["status"], answer["question"]) == ("answered", CARRY)
    assert set(answer["model"]) == {"id", "runtime"}
    assert set(answer["index"]) == {"generation", "documents", "passages"}
    assert {"retrieve", "generate", "verify", "total"} <= set(answer["timings_ms"])
    assert QUOTE in answer["citations"][0]["quote"] and answer["citations"][0]["source"] == "hr/leave.md"


def test_ask_abstains_with_3(run: Run, settings: tuple[str, str]) -> None:
    done = run("ask", NOTHING, *settings)
    assert done.code == 3 and done.out.startswith("The documents do not answer this.")
    done = run("ask", NOTHING, "--json", *settings)
    assert (done.code, done.json["status"], done.json["citations"]) == (3, "abstained", [])


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_ask_reads_the_question_from_stdin(run: Run, settings: tuple[str, str], arguments: list[str]) -> None:
    done = run("ask", *arguments, "--json", *settings, stdin=f"{CARRY}\n")
    assert (done.code, done.json["question"]) == (0, CARRY)


@pytest.mark.parametrize(
    ("stdin", "told"),
    [("", "the question is empty"), (" \n", "the question is empty"), ("a" * 4_001, "limit is 4,000")],
)
def test_an_empty_or_endless_question_is_wrong_usage(
    run: Run, settings: tuple[str, str], stdin: str, told: str
) -> None:
    done = run("ask", "-", "--json", *settings, stdin=stdin)
    assert (done.code, done.out) == (2, "") and told in done.err and "Traceback" not in done.err


def test_bytes_that_are_no_utf8_are_still_a_question(run: Run, settings: tuple[str, str]) -> None:
    done = run("ask", "--json", *settings, stdin=b"\xff\xfe " + CARRY.encode())
    assert done.code in (0, 3) and CARRY in done.json["question"]


def test_roles_and_days_decide_what_is_seen(run: Run, settings: tuple[str, str]) -> None:
    assert run("ask", BAND, *settings).code == 3
    done = run("ask", BAND, "--as", "staff, Managers", *settings)
    assert done.code == 0 and "71,000 to 88,000 euros" in done.out
    bicycle = "What is the bicycle allowance for each kilometre?"
    assert run("ask", bicycle, *settings).code == 3
    assert "0.23 euros" in run("ask", bicycle, "--as-of", "2020-06-01", *settings).out
    for day in ("June", "2024-W01-1", "20240101", "2024-1-1"):
        done = run("ask", bicycle, "--as-of", day, *settings)
        assert done.code == 2 and f"YYYY-MM-DD, not {day!r}" in done.err


def test_verbose_says_how_the_answer_came_about_on_stderr(run: Run, settings: tuple[str, str]) -> None:
    quiet, verbose = run("ask", CARRY, *settings), run("ask", CARRY, "-v", *settings)
    assert quiet.out == verbose.out and "confidence" in verbose.err and "retrieve" in verbose.err


# --- batches -----------------------------------------------------------------------------------------------------

BATCH: list[Any] = [
    {"id": "a", "question": CARRY},
    {"id": 7, "question": NOTHING},
    {"id": {"deep": [1, None, "\ud800\u202e"]}, "question": "What does RTO mean?"},
    {"question": CARRY},
    {
        "id": "f",
        "question": "How much is it?",
        "history": [
            {"role": "user", "content": "What is the limit for a hotel night?"},
            {"role": "assistant", "content": "140"},
        ],
    },
]
BAD: list[tuple[str, Any, str]] = [
    ("{", None, "line 1 is not JSON: Expecting property name"),
    ("[1]", None, "line 3 is not a JSON object"),
    ('{"id": "n"}', "n", "needs 'question'"),
    ('{"id": "t", "question": 5}', "t", "needs 'question'"),
    ('{"id": "e", "question": " "}', "e", "empty"),
    ('{"id": "l", "question": "' + "a" * 4_001 + '"}', "l", "limit is 4,000"),
    ('{"id": "h", "question": "x", "history": "y"}', "h", "list of messages"),
    ('{"id": "r", "question": "x", "history": [{"role": "system", "content": "y"}]}', "r", '"role"'),
    ('{"id": "c", "question": "x", "history": [{"role": "user"}]}', "c", '"content"'),
    ("[" * 100_000, None, ""),
]


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_a_batch_answers_each_line_in_order(run: Run, settings: tuple[str, str], tmp_path: Path, source: str) -> None:
    text = "\n\n".join(map(json.dumps, BATCH)) + "\n"
    (tmp_path / "batch.jsonl").write_text(text)
    done = run("ask", "--batch", "batch.jsonl" if source == "file" else "-", *settings, stdin=text)
    assert (done.code, done.err) == (0, "")
    assert [line.get("id", "none") for line in done.lines] == [line.get("id", "none") for line in BATCH]
    assert [line["status"] for line in done.lines] == ["answered", "abstained", "answered", "answered", "answered"]
    assert [list(line) for line in done.lines[:3]] == [["id", *ANSWER_KEYS]] * 3
    assert "140 euros" in done.lines[4]["answer"]


def test_a_bad_line_gets_its_error_and_the_rest_go_on(run: Run, settings: tuple[str, str]) -> None:
    lines = [line for bad, _, _ in BAD for line in (bad, json.dumps({"id": "ok", "question": CARRY}))]
    done = run("ask", "--batch", "-", *settings, stdin="\n".join(lines))
    assert (done.code, len(done.lines)) == (2, 2 * len(BAD))
    assert f"{len(BAD)} lines have an error: line 1 is not JSON" in done.err
    assert all(line["status"] == "answered" for line in done.lines[1::2])
    for line, (_, line_id, told) in zip(done.lines[::2], BAD, strict=True):
        assert set(line) == {"id", "error"} and line["id"] == line_id
        assert told in line["error"] and line["error"]


def test_a_batch_that_cannot_be_read_is_wrong_usage(run: Run, settings: tuple[str, str]) -> None:
    done = run("ask", "--batch", "nowhere.jsonl", *settings)
    assert (done.code, done.out) == (2, "") and "nowhere.jsonl" in done.err
    assert run("ask", "--batch", ".", *settings).code == 2


def test_a_search_batch_takes_questions_and_queries(run: Run, settings: tuple[str, str]) -> None:
    lines = [{"id": 1, "question": "hotel night"}, {"id": 2, "query": "hotel night"}, {"id": 3}]
    done = run("search", "--batch", "-", "-k", "1", *settings, stdin="\n".join(map(json.dumps, lines)))
    assert done.code == 2 and [line["id"] for line in done.lines] == [1, 2, 3]
    assert "1 line has an error: line 3: it needs 'question', a text." in done.err
    assert [line["hits"][0]["source"] for line in done.lines[:2]] == ["travel.md"] * 2
    assert set(done.lines[2]) == {"id", "error"}


# --- the other commands ------------------------------------------------------------------------------------------


def test_search_shows_passages(run: Run, settings: tuple[str, str]) -> None:
    done = run("search", "hotel night", "-k", "1", *settings)
    assert done.code == 0 and "Travel Policy > Hotels  (travel.md)" in done.out and "140 euros" in done.out
    done = run("search", "hotel night", "--json", *settings)
    searched = {"question", "status", "confidence", "hits", "verdicts", "index", "timings_ms", "asked"}
    assert list(done.json) == [key for key in ANSWER_KEYS if key in searched]
    assert list(done.json["hits"][0]) == HIT_KEYS
    assert run("search", "-", "--json", *settings, stdin="hotel night").json["hits"][0]["source"] == "travel.md"


def test_terms_list_the_glossary_or_one_definition(run: Run, settings: tuple[str, str]) -> None:
    everything = run("terms", "--json", *settings).json
    assert [term["name"] for term in everything] == ["Quiet hours", "RTO"]
    done = run("terms", "rto", "--json", *settings)
    (term,) = done.json
    assert set(term) == {"name", "aliases", "definition", "source", "title", "start", "end", "scope"}
    assert "the longest time for which an activity may be down" in term["definition"]
    text = run("terms", "quiet hours", *settings)
    assert text.code == 0 and "from 22:00 to 07:00" in text.out and "(words.md)" in text.out
    missing = run("terms", "hamster", *settings)
    assert (missing.code, missing.out) == (3, "") and "'hamster'" in missing.err
    assert "Golden band" in run("terms", "--as", "managers", *settings).out


def test_terms_mask_what_may_not_be_shown(run: Run, fresh: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "words.md").write_text("# Words\n\n**Robot key** means AKIAQ3EGRIBX7FZYLM5Z, which signs at night.\n")
    run("ingest", "words.md", *fresh)
    shown = run("terms", "robot key", *fresh).out
    assert "[AWS access key removed], which signs" in shown and "AKIA" not in shown


def test_verify_accepts_what_ask_saved_and_fails_with_7_on_a_change(
    run: Run, settings: tuple[str, str], tmp_path: Path
) -> None:
    saved = run("ask", CARRY, "--json", *settings).out
    (tmp_path / "answer.json").write_text(saved)
    done = run("verify", "answer.json", *settings)
    assert done.code == 0 and "hold." in done.err and "the document says exactly this" in done.out
    assert run("verify", "-", "--json", *settings, stdin=saved).json["verified"] is True
    assert run("verify", "-", *settings, stdin=saved * 2).code == 0
    assert run("verify", "-", *settings, stdin=f"[{saved},{saved}]").code == 0
    changed = saved.replace("at most 1.5 weeks", "at most 15 weeks", 1)
    done = run("verify", "-", "--json", *settings, stdin=saved + changed)
    assert done.code == 7 and done.json["verified"] is False and "do not hold" in done.err
    assert {"key", "source", "problem"} == set(done.json["checks"][0])
    for wrong in ("", "{}", "nonsense", "[" * 100_000):
        assert run("verify", "-", *settings, stdin=wrong).code == 2
    assert run("verify", "nowhere.json", *settings).code == 2


def test_ingest_reports_and_rejects_with_6(run: Run, fresh: tuple[str, str], tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "parking.md").write_text("# Parking\n\nVisitors park in bay 7.\n")
    done = run("ingest", docs, "--json", *fresh)
    assert (done.code, done.err) == (0, "")
    assert set(done.json) == REPORT_KEYS and done.json["added"] == ["parking.md"]
    (docs / "empty.md").write_text("")
    done = run("ingest", docs, "--json", *fresh)
    assert done.code == 6 and [(r["source"], r["reason"]) for r in done.json["rejected"]] == [("empty.md", "empty")]
    assert set(done.json["rejected"][0]) == {"source", "reason", "detail"}
    (docs / "parking.md").unlink()
    done = run("ingest", docs, *fresh)
    assert done.code == 6 and "rejected empty.md" in done.out and "--prune" in done.out
    (docs / "empty.md").unlink()
    assert run("ingest", docs, "--prune", "--json", *fresh).json["removed"] == ["parking.md"]
    done = run("ingest", tmp_path / "nowhere", *fresh)
    assert done.code == 2 and "nowhere" in done.err


def test_status_says_what_is_there(run: Run, settings: tuple[str, str]) -> None:
    done = run("status", "--json", *settings)
    assert done.code == 0 and done.json["version"] == __version__
    assert done.json["index"]["documents"] == 5 and done.json["index"]["not_in_force_today"] == 1
    assert not [problem for problem in done.json["problems"] if problem["fatal"]]
    assert run("status", *settings).out.startswith("version")


def test_in_an_empty_folder_every_command_says_what_to_do_first(
    run: Run, fresh: tuple[str, str], tmp_path: Path
) -> None:
    done = run("status", "--json", *fresh)
    assert done.code == 5 and done.json["index"] == {}
    assert any("assistant ingest" in problem["hint"] and problem["fatal"] for problem in done.json["problems"])
    for command in (["ask", "x"], ["search", "x"], ["terms"], ["ask", "--batch", "-"], ["chat"], ["log"]):
        done = run(*command, *fresh)
        assert (done.code, done.out) == (5, "") and "assistant ingest PATH" in done.err
    (tmp_path / "answer.json").write_text('{"citations": []}')
    assert run("verify", "answer.json", *fresh).code == 5
    assert not (tmp_path / "new").exists()


def test_data_overrides_the_configured_folder(run: Run, settings: tuple[str, str], tmp_path: Path) -> None:
    done = run("ask", CARRY, "--data", tmp_path / "elsewhere", *settings)
    assert done.code == 5 and "elsewhere" in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[retrieval]\ncandidate = 5\n", "'candidates'"),
        ("[retreival]\nk = 5\n", "'retrieval'"),
        ("[retrieval\n", "cannot be read"),
        ('[generator]\nruntime = "gpu"\n', "onnx, langchain, none"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_and_2(run: Run, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    done = run("status")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ") and told in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["nope"], ["ask", "x", "--nope"], ["ask", "x", "-k", "0"], ["ask", "x", "-k", "many"], ["ingest"]]
)
def test_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "") and "Traceback" not in done.err and "Error" in done.err


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_question_without_quotes_is_told_to_be_put_in_some(run: Run, command: str) -> None:
    done = run(command, *"How many days do I get".split())
    assert (done.code, done.out) == (2, "")
    assert f"Put it in quotes: assistant {command} 'How many days do I get'" in done.err


def test_a_role_that_no_document_is_for_is_hinted_at(run: Run, settings: tuple[str, str]) -> None:
    done = run("ask", BAND, "--as", "manager", *settings)
    assert done.code == 3 and "No document is for the role 'manager' (did you mean 'managers'?)." in done.err
    done = run("search", BAND, "--as", "managers", *settings)
    assert done.code == 0 and "No document" not in done.err


@pytest.mark.parametrize("command", ["status", "verify", "log", "replay", "lint"])
def test_every_command_takes_verbose(run: Run, command: str) -> None:
    """What is wrong says so: run it again with -v."""
    assert "-v, --verbose" in run(command, "--help").out


def test_help_lists_every_command(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    for command in app.registered_commands:
        assert command.callback is not None
        assert re.search(rf"^  {command.callback.__name__} ", done.out, re.MULTILINE)
    assert run("--version").out == f"{__version__}\n"


@pytest.mark.skipif(os.name == "nt", reason="there it cannot be deleted")
def test_a_working_folder_that_was_deleted_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))
    folder.rmdir()
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "argv", ["assistant", "status"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert f"the working folder {folder} does not exist" in err.getvalue()


# --- the log, and whose settings and files these are --------------------------------------------------------------

LINE = {"id": "q1", "question": CARRY}
COMMANDS: dict[str, tuple[list[str], str]] = {
    "ask": (["ask", CARRY], CARRY),
    "batch": (["ask", "--batch", "lines.jsonl"], CARRY),
    "chat": (["chat"], CARRY),
    "search": (["search", CARRY, "--as", "HR"], CARRY),
    "terms": (["terms", "rto"], "rto"),
    "glossary": (["terms"], ""),
    "test": (["test", "golden.jsonl"], CARRY),
    "record": (["test", "lines.jsonl", "--record", "new.jsonl"], CARRY),
    "eval": (["eval", "questions.jsonl"], CARRY),
    "eval by jobs": (["eval", "questions.jsonl", "--jobs", "2"], CARRY),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if "by" in n else n for n in COMMANDS])
def test_whatever_shows_documents_is_logged(run: Run, settings: tuple[str, str], tmp_path: Path, name: str) -> None:
    answered = {**LINE, "answerable": True, "answers": ["1.5 weeks"], "doc": "hr/leave.md"}
    golden = {**LINE, "expect": {"status": "answered"}}
    for file, line in (("lines.jsonl", LINE), ("questions.jsonl", answered), ("golden.jsonl", golden)):
        (tmp_path / file).write_text(json.dumps(line) + "\n")
    arguments, asked = COMMANDS[name]
    before = len(run("log", "-n", "10000", "--json", *settings).json)
    done = run(*arguments, *settings, stdin=f"{CARRY}\n")
    assert done.code == 0, done
    added = run("log", "-n", "10000", "--json", *settings).json[before:]
    assert len(added) == 1
    assert (added[0]["command"], added[0]["question"]) == (
        {"batch": "ask", "glossary": "terms", "record": "test", "eval by jobs": "eval"}.get(name, name),
        asked,
    )
    assert added[0]["roles"] == (["hr"] if name == "search" else []) and added[0]["status"] == "answered"
    quoted = {"quote_sha256", "headings_sha256"} if added[0]["answer_sha256"] else set()
    assert {"source", "sha256", "start", "end", *quoted} == set(added[0]["sources"][0])
    assert run("log", "--verify", *settings).code == 0


def test_a_question_asked_again_is_logged_and_a_search_cannot_be(run: Run, settings: tuple[str, str]) -> None:
    run("ask", CARRY, *settings)
    run("search", CARRY, *settings)
    asked, searched = (line["id"] for line in run("log", "-n", "2", "--json", *settings).json)
    assert run("replay", asked, *settings).code == 0
    assert run("log", "-n", "1", "--json", *settings).json[0]["command"] == "replay"
    done = run("replay", searched, *settings)
    assert done.code == 2 and "is not an answer (search)" in done.err
    done = run("replay", "12345x", *settings)
    assert done.code == 2 and "no log entry has the ID '12345x'" in done.err
    assert "replay" in run("log", *settings).out


def test_verifying_says_what_it_cannot_know(run: Run, fresh: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Parking\n\nVisitors park in bay 7.\n")
    run("ingest", "docs", *fresh)
    done = run("log", "--verify", *fresh)
    assert (done.code, done.out) == (0, "") and "There is no log" in done.err and "unbroken" not in done.err
    run("search", "visitors", *fresh)
    done = run("log", "--verify", *fresh)
    assert "unbroken; entries: 1; the first is number 1" in done.err and "not signed" in done.err
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(b"x" * 32)
    with Path(fresh[1]).open("a") as file:
        file.write('[audit]\nkey_file = "key"\n')
    done = run("log", "--verify", *fresh)
    assert done.code == 7 and "begun without the key" in done.err
    for name in ("audit.jsonl", "audit.head", ".audit.lock"):
        (tmp_path / "new" / name).rename(tmp_path / name)
    assert run("search", "visitors", *fresh).code == 0
    done = run("log", "--verify", *fresh)
    assert done.code == 0 and "entries: 1" in done.err and "It is signed." in done.err
    for name in ("audit.jsonl", "audit.head"):
        (tmp_path / "new" / name).unlink()
    assert run("log", "--verify", *fresh).code == 7, "the lock tells that there was one"


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_a_planted_configuration_is_refused_and_ones_own_is_told(run: Run, fresh: tuple[str, str]) -> None:
    planted = Path(fresh[1]).with_name("config.toml")
    planted.write_text(Path(fresh[1]).read_text() + '[guards]\ninjection = "off"\n[audit]\nenabled = false\n')
    planted.chmod(0o666)
    for command in (["ask", CARRY], ["search", CARRY], ["terms"], ["status"], ["log"], ["guard"], ["ingest", "."]):
        done = run(*command, stdin="x")
        assert (done.code, done.out) == (2, "") and "may be changed by other accounts" in done.err
        assert "--config config.toml" in done.err
    planted.chmod(0o644)
    assert run("status", "--json").json["config_file"] == str(planted)
    assert f"settings: {planted}" in run("ingest", ".", "-v").err
    planted.unlink()
    assert run("status", "--json", "--data", "new").json["config_file"] == ""


def test_status_lists_what_soon_expires(run: Run, fresh: tuple[str, str], tmp_path: Path) -> None:
    today = date.today()
    days = {"past": -1, "today": 0, "soon": 90, "later": 91}
    for name, away in days.items():
        day = today + timedelta(days=away)
        (tmp_path / f"{name}.md").write_text(f"---\nexpires: {day}\n---\n# Parking\n\nBay {away}.\n", encoding="utf-8")
    assert run("ingest", *(tmp_path / f"{name}.md" for name in days), *fresh).code == 0
    told = [(row["source"], row["expires"]) for row in run("status", "--json", *fresh).json["expiring"]]
    assert told == [("today.md", str(today)), ("soon.md", str(today + timedelta(days=90)))]
    assert f"expires {today} today.md" in run("status", *fresh).out


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_status_says_what_other_accounts_can_get_at(run: Run, fresh: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Parking\n\nVisitors park in bay 7.\n")
    run("ingest", "docs", *fresh)
    run("search", "visitors", *fresh)

    def problems() -> str:
        found = run("status", "--json", *fresh).json["problems"]
        return " ".join(problem["problem"] for problem in found if "accounts" in problem["problem"])

    assert problems() == ""
    data = tmp_path / "new"
    data.chmod(0o755)
    assert problems() == "", "what is in there is private still"
    for name in ("catalog.sqlite3", "audit.jsonl"):
        (data / name).chmod(0o644)
    assert "catalog.sqlite3, audit.jsonl" in problems()
    data.chmod(0o777)
    assert "may write into" in problems()
    data.chmod(0o755)
    run("ingest", "docs", *fresh)
    run("search", "visitors", *fresh)
    assert problems() == ""


# --- what never reaches a terminal -------------------------------------------------------------------------------

HOSTILE = "\x1b[31mred\x1b]8;;http://evil.example\x07\x1b]52;c;aGk=\x07\x9b31m\u202eevil"


def test_escapes_of_questions_names_and_documents_reach_no_stream(
    run: Run, fresh: tuple[str, str], tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    name = "park\x1b[31m\u202e\x07.md"
    try:
        (docs / name).write_text(f"# Parking {HOSTILE}\n\nVisitors {HOSTILE} park in bay 7.\n\n**Bay** means a lot.\n")
        (docs / "\x1b]0;x\x07empty.md").write_text("")
    except OSError:
        pytest.skip("this file system takes no such names")
    said: list[str] = []
    for arguments in (
        ["ingest", docs],
        ["ingest", docs, "--json"],
        ["ask", "Where do visitors park?", "-v"],
        ["ask", "Where do visitors park?", "--json"],
        ["ask", HOSTILE],
        ["ask", HOSTILE, "--json"],
        ["search", f"{HOSTILE} park"],
        ["search", "park", "--json"],
        ["terms"],
        ["terms", HOSTILE],
        ["terms", "--json"],
        ["status"],
        ["status", "--json"],
        ["ingest", HOSTILE],
        ["verify", HOSTILE],
        ["ask", "x", "--as-of", HOSTILE],
        ["ask", "x", "--batch", HOSTILE],
        ["ask", "x", f"--{HOSTILE}"],
        [HOSTILE],
        ["ask", "x", "-k", HOSTILE],
    ):
        done = run(*arguments, *(fresh if arguments[0] != HOSTILE else ()))
        assert not ESCAPES.search(done.out + done.err), (arguments, done.out, done.err)
        assert done.code in (0, 2, 3, 6) and "Traceback" not in done.err
        said.append(done.out)
    assert "bay 7" in said[2]


def test_a_batch_line_full_of_escapes_is_answered_in_plain_json(run: Run, settings: tuple[str, str]) -> None:
    line = json.dumps({"id": HOSTILE, "question": f"{HOSTILE} {CARRY}"}, ensure_ascii=False)
    done = run("ask", "--batch", "-", *settings, stdin=line + "\n" + line.replace("question", HOSTILE[-4:]))
    assert not ESCAPES.search(done.out + done.err)
    assert [answer["id"] for answer in done.lines] == [HOSTILE, HOSTILE]


# --- processes ---------------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-c", "from assistant.cli import main; main()"]


def environment(**extra: str) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}, **extra}


def test_a_pipe_gets_no_colours(run: Run, settings: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    done = run("ask", CARRY, *settings)
    assert done.code == 0 and "\x1b" not in done.out + done.err


def test_a_reader_that_goes_away_ends_the_command_quietly(settings: tuple[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "terms", "--json", *settings], stdout=writer, stderr=subprocess.PIPE, timeout=60, env=environment()
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_an_ingest_with_130_and_one_sentence(fresh: tuple[str, str], tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(60):
        text = "\n\n".join(f"## Rule {n}\n\nThe rule {n} of house {number} " + "is kept by all " * 60 for n in range(9))
        (docs / f"{number}.md").write_text(f"# House {number}\n\n{text}\n")
    process = subprocess.Popen(
        [*COMMAND, "ingest", str(docs), *fresh], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "new" / "catalog.sqlite3").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b"" and err.decode().strip() == "Error: stopped. Nothing is lost; run the command again to go on."
