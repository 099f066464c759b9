"""The conversation, over a real index: what each command shows, what is forgotten, and what Ctrl-C stops."""

from __future__ import annotations

import datetime
import io
import json
import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.audit.trail import Audit
from assistant.contract import saved_answer
from assistant.core.config import Config
from assistant.core.records import Answer, Turn
from assistant.terminal.chat import Chat
from assistant.terminal.line_input import name_completer, open_history
from assistant.terminal.render import Renderer
from assistant.terminal.transcript import markdown, write_transcript
from assistant.terminal.views import quote_in_context
from tests.commands import Run
from tests.fakes import ScriptedModel
from tests.manifests import access_toml

LEAVE = """# Annual Leave Policy

## Entitlement

Full-time employees have 27 days of annual leave a year.

## Carry-over

Employees may carry over at most 5 days of annual leave. Carried-over days expire on 31 March.
"""
EXPENSES = """# Travel Policy

## Hotels

The limit for a hotel night is 140 euros. A higher price needs the approval of the Finance Manager.
"""
SALARIES = """# Salary Bands

## Engineers

The salary band of a senior engineer is 71,000 to 88,000 euros.
"""
OLD = """---
expires: 2020-12-31
---
# Bicycle Policy

## Allowance

The bicycle allowance is 0.23 euros for each kilometre.
"""
FILES = {"hr/leave.md": LEAVE, "travel.md": EXPENSES, "salaries.md": SALARIES, "bicycle.md": OLD}
FILES["access.toml"] = access_toml({"salaries.md": "managers"})
CARRY = "How many days of annual leave can I carry over?"
HOTEL = "What is the limit for a hotel night?"
BAND = "What is the salary band of a senior engineer?"
NOTHING_ABOUT_IT = "The documents do not answer this"

Line = str | BaseException | Callable[[], str]


class Terminal:
    """A view that keeps what it shows, and a reader of scripted lines."""

    def __init__(self, lines: Sequence[Line], width: int = 100) -> None:
        self.view = Renderer()
        self.view.out = Console(file=io.StringIO(), width=width, highlight=False)
        self.view.err = self.view.out
        self._lines = iter(lines)

    def read(self) -> str:
        line = next(self._lines, EOFError())
        if isinstance(line, BaseException):
            raise line
        return line() if callable(line) else line

    @property
    def shown(self) -> str:
        file = self.view.out.file
        assert isinstance(file, io.StringIO)
        return file.getvalue()


@pytest.fixture
def talk(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Run a conversation of these lines and return what a user sees, errors last."""

    def run(assistant: Assistant, *lines: Line) -> str:
        terminal = Terminal(lines)
        Chat(assistant, terminal.view, terminal.read).run()
        return terminal.shown + capsys.readouterr().err

    yield run


@pytest.fixture(scope="module")
def office(index_files: Callable[[Mapping[str, str]], Config]) -> Iterator[Assistant]:
    """An assistant over FILES, which no test changes."""
    assistant = Assistant(index_files(FILES))
    yield assistant
    assistant.close()


def test_greets_and_answers_with_numbered_sources(office: Assistant, talk: Callable[..., str]) -> None:
    shown = talk(office, "", HOTEL, "/quit", "never read")
    assert re.match(r"2 documents, \d+ passages\. .*/help", shown)
    assert "140 euros. A higher price needs the approval of the Finance Manager. \n[1]" in shown
    assert "[1] Travel Policy > Hotels  (travel.md)" in shown


def test_follow_up_is_understood_from_the_conversation(office: Assistant, talk: Callable[..., str]) -> None:
    alone, after = talk(office, "and how much is it?"), talk(office, HOTEL, "and how much is it?")
    forgotten = talk(office, HOTEL, "/new", "and how much is it?")
    assert "140 euros." not in alone
    assert after.count("140 euros.") == 2
    assert forgotten.split("new conversation.")[1].split() == alone.split("/help.")[1].split()


def test_history_is_the_last_six_turns(office: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Turn]] = []
    answer = office.answer

    def spy(question: str, history: Sequence[Turn] = (), **options: Any) -> Answer:
        seen.append(list(history))
        return answer(question, history, **options)

    monkeypatch.setattr(office, "answer", spy)
    terminal = Terminal([CARRY, HOTEL, BAND, CARRY, HOTEL])
    Chat(office, terminal.view, terminal.read).run()
    assert [len(turns) for turns in seen] == [0, 2, 4, 6, 6]
    assert [turn.role for turn in seen[-1]] == ["user", "assistant"] * 3
    assert [turn.content for turn in seen[-1][::2]] == [HOTEL, BAND, CARRY]


def test_sources_and_open_show_the_last_answer(office: Assistant, talk: Callable[..., str]) -> None:
    shown = talk(office, CARRY, "/sources", "/open 1")
    assert shown.count("Employees may carry over at most 5 days of annual leave.") == 3
    opened = shown.rsplit("[1] Annual Leave Policy > Carry-over", 1)[1]
    assert "Full-time employees have 27 days" in opened
    assert "expire on 31 March." in opened


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["/sources"], "there is no answer yet"),
        (["/open 1"], "there is no answer yet"),
        ([HOTEL, "/open"], "say which source. Known: 1"),
        ([HOTEL, "/open 99"], "there is no source 99. Known: 1"),
        ([HOTEL, "/open -1"], "there is no source -1."),
        ([HOTEL, "/new", "/sources"], "there is no answer yet"),
        (["/sorces"], "there is no command /sorces (did you mean"),
        (["/"], "there is no command / (known: sources"),
        (["/xyzzy 1"], "there is no command /xyzzy (known"),
        (["/as-of 31.12.2020"], "'31.12.2020'"),
        (["/save"], "say where to"),
        (["/save x.md"], "no conversation to save yet"),
        ([HOTEL, "/save ~nobody-known/x.md"], "~nobody-known/x.md cannot be written"),
        (["x" * 5_000], "the limit is 4,000"),
    ],
)
def test_errors_are_one_line_and_the_conversation_goes_on(
    office: Assistant, talk: Callable[..., str], lines: list[str], told: str
) -> None:
    shown = talk(office, *lines, HOTEL)
    assert told in " ".join(shown.split())
    assert "140 euros" in shown


def test_open_refuses_what_was_replaced(
    make_assistant: Callable[..., Assistant],
    talk: Callable[..., str],
    write_files: Callable[..., Path],
    run_ingest: Callable[..., Any],
) -> None:
    office = make_assistant(FILES)

    def change() -> str:
        run_ingest(office.config, write_files({"travel.md": EXPENSES.replace("140", "150")}))
        return "/open 1"

    shown = talk(office, HOTEL, change, HOTEL, HOTEL)
    assert "travel.md: the document has changed or is no longer indexed" in shown
    assert "150 euros" in shown
    assert shown.count("The index has changed since the last answer: now 2 documents") == 1


def test_the_last_answer_is_judged(
    index_files: Callable[[Mapping[str, str]], Config], talk: Callable[..., str]
) -> None:
    logged = Assistant(index_files(FILES), audit=True)
    row = "right is | The limit for a hotel night is 140 euros."
    lines = (HOTEL, "/good  thank you", CARRY, f"/bad {row}", "/bad Not what I asked", "/bad | what no document says")
    shown = talk(logged, "/good", *lines, "/as managers", BAND, "/bad | The salary band of a senior engineer", "/new")
    logged.close()
    assert shown.count("Thank you: it is in the log.") == 4
    assert "there is no answer yet" in shown and "no document that you may see says that" in shown
    entries = list(Audit(logged.config).entries())
    hotel, carry, band = (entry.id for entry in entries if entry.raw["command"] != "feedback")
    said = [entry.raw for entry in entries if entry.raw["command"] == "feedback"]
    assert [(raw["of"], raw["status"], raw["note"]) for raw in said] == [
        (hotel, "right", "thank you"),
        (carry, "wrong", "right is"),
        (carry, "not-asked", "Not what I asked"),
        (band, "wrong", ""),
    ]
    assert [[place["source"] for place in raw["sources"]] for raw in said] == [[], ["travel.md"], [], ["salaries.md"]]
    assert said[-1]["roles"] == ["managers"]


def test_without_a_log_nothing_is_judged(office: Assistant, talk: Callable[..., str]) -> None:
    assert "answers are not logged here" in talk(office, HOTEL, "/good")


def test_roles_decide_what_is_seen_and_forget_the_conversation(office: Assistant, talk: Callable[..., str]) -> None:
    shown = talk(office, BAND, "/as Managers", BAND, "/as none", "and what about juniors?", "/sources", "/open 1")
    before, as_manager, after = re.split(r"Asking as .*\n", shown)
    assert "71,000" not in before
    assert "71,000 to 88,000 euros" in as_manager
    assert "71,000" not in after and "Salary" not in after
    assert shown.count("Started a new conversation because your role or date changed.") == 2


def test_as_alone_shows_and_the_same_roles_forget_nothing(office: Assistant, talk: Callable[..., str]) -> None:
    today = datetime.date.today().isoformat()
    shown = talk(office, "/as", "/as b, A", HOTEL, "/as a,b", "/as", "/as-of", "/sources")
    assert f"Asking as someone without roles, of the documents in force on {today}." in shown
    assert shown.count(f"Asking as a, b, of the documents in force on {today}.") == 4
    assert "new conversation" not in shown
    assert shown.count("The limit for a hotel night is 140 euros.") == 2


def test_as_of_shows_the_past_and_returns(office: Assistant, talk: Callable[..., str]) -> None:
    question = "How much is the bicycle allowance?"
    shown = talk(office, question, "/as-of 2020-06-01", question, "/as-of today", question)
    now, then, again = re.split(r"Asking as .*\n", shown)
    assert "0.23 euros" not in now
    assert "0.23 euros" in then
    assert "0.23 euros" not in again


def test_me_says_for_whom_answers_are_and_forgets_nothing(office: Assistant, talk: Callable[..., str]) -> None:
    shown = talk(
        office, "/me", HOTEL, "/me contractor, London.", HOTEL, "/sources", "/me none", HOTEL, "/me " + "x" * 300
    )
    assert shown.count("Nothing is known of whoever asks.") == 2
    assert shown.count("Answering for: contractor, London.") == shown.count("Answered for: contractor, London\n") == 1
    assert "new conversation" not in shown and "the limit is 200" in shown


def test_help_names_every_command(office: Assistant, talk: Callable[..., str]) -> None:
    shown = talk(office, "/help")
    for name, command in Chat(office, Renderer(), lambda: "").commands.items():
        assert f"/{name} {command.usage}".strip() in shown


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_saved_answers_verify(office: Assistant, talk: Callable[..., str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert "2 answers saved to" in talk(office, CARRY, HOTEL, f"/save {path}")
    text = path.read_text(encoding="utf-8")
    answers = json.loads(text) if name == "a.json" else [json.loads(line) for line in text.splitlines()]
    assert [(a["id"], a["question"]) for a in answers] == [("1", CARRY), ("2", HOTEL)]
    for answer in answers:
        checks = verify_answer(saved_answer(answer), office.catalog, office.access)
        assert checks and not [check for check in checks if check.problem]


def test_what_was_named_before_stays_masked(office: Assistant, talk: Callable[..., str], tmp_path: Path) -> None:
    told = "My passport is 533380006. What is the limit for a hotel night?"
    talk(office, told, CARRY, "Does a hotel need 533380006?", f"/save {tmp_path / 'talk.json'}")
    assert "533380006" not in (tmp_path / "talk.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["a.json", "a.md"])
def test_personal_data_is_masked_in_what_is_saved(office: Assistant, tmp_path: Path, name: str) -> None:
    said = "I am jo@mail.example. What is the limit for a hotel night?"
    answer = office.answer(said, about="jo@mail.example, contractor")
    path = write_transcript(str(tmp_path / name), [answer], office.access)
    text = path.read_text(encoding="utf-8")
    assert "jo@mail.example" not in text and "e-mail removed" in text


def test_markdown_transcript_has_questions_answers_and_quotes(
    office: Assistant, talk: Callable[..., str], tmp_path: Path
) -> None:
    talk(office, HOTEL, f"/save {tmp_path / 'talk.md'}")
    text = (tmp_path / "talk.md").read_text(encoding="utf-8")
    assert f"## 1. {HOTEL}\n\nThe limit for a hotel night is 140 euros. A higher price" in text
    assert "[1] Travel Policy > Hotels  (travel.md)\n\n> The limit for a hotel night is 140 euros." in text


def test_save_never_overwrites_and_leaves_nothing_behind(
    office: Assistant, talk: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "mine.md").write_text("precious")
    shown = talk(office, HOTEL, f"/save {folder / 'mine.md'}", f"/save {folder / 'no' / 'such.md'}", f"/save {folder}")
    assert (folder / "mine.md").read_text() == "precious"
    assert [path.name for path in folder.iterdir()] == ["mine.md"]
    assert "mine.md exists already." in " ".join(shown.split())
    assert "such.md cannot be written: No such file or directory." in " ".join(shown.split())


def test_markdown_is_inert(office: Assistant) -> None:
    answer = office.answer(HOTEL)
    nasty = "<img src=x> [click](http://bad) ![1](http://bad) *so* `code` \x1b[31m"
    text = markdown([Answer(**{f: getattr(answer, f) for f in answer.__slots__} | {"text": nasty})], office.access)
    assert r"\<img src=x> [click\](http://bad) ![1\](http://bad) \*so\* \`code\`" in text
    assert "\x1b" not in text


# --- Ctrl-C ----------------------------------------------------------------------------------------------------


def test_ctrl_c_stops_the_answer_and_the_next_question_works(
    make_assistant: Callable[..., Assistant], talk: Callable[..., str]
) -> None:
    def interrupt(_: Sequence[Turn]) -> str:
        raise KeyboardInterrupt

    said = "The limit for a hotel night is 140 euros [1]."
    replies: Iterator[Callable[[Sequence[Turn]], str]] = iter([interrupt, lambda _: said])
    model = ScriptedModel(lambda messages: next(replies)(messages))
    assistant = make_assistant(FILES, model=model)
    shown = talk(assistant, HOTEL, "/sources", HOTEL)
    assert shown.count("Stopped.") == 1
    assert "there is no answer yet" in shown
    assert "140 euros" in shown.split("Stopped.")[1]


@pytest.mark.parametrize("stage", ["searching", "reading", "wording"])
def test_real_signals_at_each_stage_stop_once(
    office: Assistant, talk: Callable[..., str], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    answer = office.answer
    handler = signal.getsignal(signal.SIGINT)
    pressed: list[str] = []

    def nervous(*args: Any, **options: Any) -> Answer:
        def at(name: str) -> None:
            if name == stage and not pressed:
                pressed.append(name)
                try:
                    os.kill(os.getpid(), signal.SIGINT)
                finally:  # pressed again while the first one is on its way up
                    os.kill(os.getpid(), signal.SIGINT)

        return answer(*args, **{**options, "stage": at})

    monkeypatch.setattr(office, "answer", nervous)
    shown = talk(office, HOTEL, HOTEL)
    assert shown.count("Stopped.") == 1 and shown.count("140 euros.") == 1
    assert signal.getsignal(signal.SIGINT) is handler


def test_interrupted_question_does_not_pin_an_old_index(
    make_assistant: Callable[..., Assistant],
    talk: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    write_files: Callable[..., Path],
    run_ingest: Callable[..., Any],
) -> None:
    office = make_assistant(FILES)
    retrieve = office._engine.retrieve
    calls: list[int] = []

    def interrupted(*asked: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return retrieve(*asked)

    def change() -> str:
        run_ingest(office.config, write_files({"travel.md": EXPENSES.replace("140", "150")}))
        return HOTEL

    monkeypatch.setattr(office._engine, "retrieve", interrupted)
    shown = talk(office, HOTEL, change)
    assert "Stopped." in shown and "150 euros" in shown and "140 euros" not in shown


def test_ctrl_c_twice_at_the_prompt_hints_how_to_leave(office: Assistant, talk: Callable[..., str]) -> None:
    hint = "Leave with /quit or Ctrl-D."
    assert hint not in talk(office, KeyboardInterrupt(), HOTEL, KeyboardInterrupt())
    assert talk(office, KeyboardInterrupt(), KeyboardInterrupt(), HOTEL).count(hint) == 1


# --- what is not ours ------------------------------------------------------------------------------------------


def test_escapes_never_reach_the_terminal(make_assistant: Callable[..., Assistant], talk: Callable[..., str]) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    text = f"# Travel\x9b31m {evil} Policy\n\n## Hotels{evil}\n\nThe hotel limit is {evil}140 euros a night.\n"
    assistant = make_assistant({"a\x1b[31mb.md": text})
    shown = talk(
        assistant,
        "What is the hotel limit?",
        f"What is the hotel limit{evil}?",
        "/sources",
        "/open 1",
        f"/{evil}",
        f"/open {evil}",
        f"/as {evil}",
        f"/as-of {evil}",
        f"/save /nowhere/{evil}.md",
        f"What {evil} is the hotel limit?",
        f"/save {evil}/x.md",
    )
    assert "140 euros" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)


def test_markup_is_shown_as_it_is(make_assistant: Callable[..., Assistant], talk: Callable[..., str]) -> None:
    files = {"t.md": "# Hotels [bold]\n\n## Limit [/red]\n\nThe hotel limit [link=http://x] is 140 euros a night.\n"}
    shown = talk(make_assistant(files), "What is the hotel limit?", "/open 1", "/as [red]", "/[blink]")
    assert "Hotels [bold] > Limit [/red]" in shown
    assert "[link=http://x] is 140" in shown
    assert "Asking as [red]" in shown and "/[blink]" in shown


def test_surroundings_are_cut_at_line_starts() -> None:
    lines = "".join(f"line {number:03}\n" for number in range(300))
    start = lines.index("line 150")
    shown = quote_in_context(lines, start, start + 8).plain
    assert shown.startswith("…\nline 084\n") and shown.endswith("\nline 216\n…")
    assert 1_150 < len(shown) < 1_250
    assert quote_in_context("one\ntwo", 0, 3).plain == "one\ntwo"
    long = "word " * 1_000
    assert quote_in_context(long, 2_500, 2_504).plain.strip("…\n").startswith("word word")
    assert len(quote_in_context("x" * 5_000, 2_500, 2_504).plain) == 1_208


# --- history, prompt and pipes ---------------------------------------------------------------------------------


def test_history_is_private_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "questions.history"
    path.write_text("".join(f"\n# then\n+question {number}\n" for number in range(2_000)))
    path.chmod(0o644)
    history = open_history(path)
    history.store_string("the last one\nof two lines \udcff")
    history.store_string("x" * 5_000)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes().splitlines()) <= 1_004
    loaded = list(open_history(path).load_history_strings())
    assert loaded[0].startswith("the last one\nof two lines") and loaded[1] == "question 1999"
    assert all(re.fullmatch(r"question \d+", line) for line in loaded[1:])


def test_history_is_masked_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "questions.history"
    open_history(path).append_string("My card is 4111 1111 1111 1111, may I pay with it?")
    assert "4111" not in path.read_text() and "card number removed" in path.read_text()


def test_history_does_without_its_file(tmp_path: Path) -> None:
    history = open_history(tmp_path / "gone" / "questions.history")
    history.append_string("kept in memory")
    path = tmp_path / "questions.history"
    history = open_history(path)
    path.unlink()
    path.mkdir()
    history.append_string("not written, and no error")
    assert history.get_strings() == ["not written, and no error"]


def test_prompt_edits_and_remembers(office: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    monkeypatch.setattr(sys, "stdin", _Tty())
    terminal = Terminal([])
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        monkeypatch.setattr(sys, "stdout", _Tty())
        chat = Chat(office, terminal.view)
        keys.send_text("a line to drop\x03")  # Ctrl-C
        keys.send_text("What is the limix\x7ft for a hotel night?\r")
        keys.send_text("/sources\r")
        keys.send_text("\x04")  # Ctrl-D
        chat.run()
    assert terminal.shown.count("The limit for a hotel night is 140 euros.") == 2
    assert b"\n+What is the limit for a hotel night?\n" in _history(office)


def test_names_of_commands_are_completed(office: Assistant) -> None:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    commands = Chat(office, Renderer(), lambda: "").commands
    completer = name_completer({name: command.help for name, command in commands.items()})

    def offered(text: str) -> list[str]:
        return [c.text for c in completer.get_completions(Document(text), CompleteEvent())]

    assert offered("/s") == ["/sources", "/save"]
    assert offered("/as") == ["/as", "/as-of"]
    assert offered("How many /s") == offered("/save x") == []


def _history(assistant: Assistant) -> bytes:
    path = assistant.config.data / "questions.history"
    return path.read_bytes() if path.exists() else b""


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_piped_lines_are_answered_plainly(office: Assistant, run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    models, data = json.dumps(str(office.config.models_dir)), json.dumps(str(office.config.data))
    config.write_text(f'[index]\ndata = {data}\n[models]\ndir = {models}\n[generator]\nruntime = "none"\n')
    lines = [HOTEL, "/open 1", "/nope", CARRY, "/help", "/quit", BAND]
    done = run("chat", "--config", config, stdin="\n".join(lines).encode() + b"\xff\n")
    out, err = done.out, done.err
    assert done.code == 0, err
    assert out.startswith("The limit for a hotel night is 140 euros. A higher price")
    assert EXPENSES.splitlines()[-1] in out  # a pipe has no width to be cut to
    assert "at most 5 days" in out and "leave; so does Ctrl-D" in out and NOTHING_ABOUT_IT not in out
    assert "2 documents" in err and "there is no command /nope" in err
    assert "\x1b" not in out + err
    assert b"\n+" + CARRY.encode() not in _history(office)
