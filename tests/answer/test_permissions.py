"""Who may see what, through every surface; `python -m tests.campaigns.permissions` asks 12,000 questions so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, dumps, saved_answer, search_json, term_json
from assistant.core.config import Config
from assistant.core.records import Access, IngestReport, Turn, make_access
from assistant.terminal.chat import Chat
from assistant.terminal.render import Renderer
from tests.fakes import ScriptedModel
from tests.manifests import access_toml

DAY = "2026-06-01"
TEXT = "# Project {0}\n\n{0} is led from {0}stadt and paid by {0}bank.\n\n**{0}vote** means how {0} is stopped.\n"
# Code name: where it lies, its front matter, and who may see it.
PLACES = {
    "zumiro": ("everyone.md", "", ""),
    "vakelo": ("board.md", "", "board"),
    "dorimu": ("hr/folder.md", "", "hr,board"),
    "pelato": ("hr/narrowed.md", "", "board"),
    "gofiru": ("legal.md", "", "legal"),
    "ritobe": ("hr/closed.md", "", "nobody"),
    "sutika": ("expired.md", "---\nexpires: 2020-12-31\n---\n", "nobody"),
    "nebolu": ("planned.md", "---\neffective: 2031-01-01\n---\n", "nobody"),
}
RULES = {
    "board.md": ["Board"],
    "hr/**": ["hr", "board"],
    "hr/narrowed.md": ["board", "legal"],
    "legal.md": "legal",
    "hr/closed.md": "legal",
}
FILES = {path: front + TEXT.format(name.capitalize()) for name, (path, front, _) in PLACES.items()}
FILES["access.toml"] = access_toml(RULES)
PEOPLE = ("", "hr", "legal", "board", "hr,legal", " HR ,Legal", "visitor", "boar,role:board,*,' OR 1=1 --")


def echo(messages: object) -> str:
    return str(messages)


def hidden_from(roles: str) -> set[str]:
    own = make_access(roles.split(",")).roles
    return {name for name, (_, _, audience) in PLACES.items() if audience and not own & set(audience.split(","))}


def shown(assistant: Assistant, question: str, access: Access, capsys: pytest.CaptureFixture[str]) -> str:
    """Ask through every surface and return all that comes back."""
    assistant.access = access
    history = Turn("user", question), Turn("assistant", "So it is. [1]")
    lines = iter((question, "/open 1", "And by whom?", "/quit"))
    Chat(assistant, Renderer(), lambda: next(lines)).run()
    told = "".join(capsys.readouterr())
    answers = [assistant.answer(question), assistant.answer("And by whom?", history)]
    found = dumps(
        [
            [answer_json(answer) for answer in answers],
            search_json(assistant.search(question, k=100)),
            [term_json(*entry) for entry in assistant.catalog.queries.terms(access)],
            [document.model_dump() for document in assistant.as_retriever().invoke(question)],
        ]
    )
    return (told + found).casefold()


@pytest.fixture
def assistant(make_assistant: Callable[..., Assistant]) -> Assistant:
    return make_assistant(FILES, model=ScriptedModel(echo))


def test_nobody_is_shown_what_others_may_see(assistant: Assistant, capsys: pytest.CaptureFixture[str]) -> None:
    for roles in PEOPLE:
        access, hidden = make_access(roles.split(","), DAY), hidden_from(roles)
        for name in PLACES:
            found = shown(assistant, f"Who pays project {name.capitalize()}?", access, capsys)
            words = [f"{other}{end}" for other in hidden for end in ("stadt", "bank", "vote")]
            words += [*(hidden - {name}), *(PLACES[other][0] for other in hidden)]
            assert not [word for word in words if word in found], roles
            assert (f"{name}bank" in found) == (name not in hidden)


def test_verify_says_the_same_of_a_hidden_quote_as_of_a_forged_one(assistant: Assistant) -> None:
    raw = answer_json(assistant.answer("Who pays project Vakelo?", access=make_access(["board"], DAY)))
    (citation,) = [c for c in raw["citations"] if c["source"] == "board.md"][:1]
    forged: tuple[dict[str, Any], ...] = (
        {},
        {"quote": "forged"},
        {"start": 0},
        {"source": "no/such.md"},
        {"document_sha256": "0"},
    )
    saved = [
        {"status": "answered", "answer": f"{citation['claim']} [1]", "citations": [{**citation, "key": 1, **f}]}
        for f in forged
    ]
    checks = [verify_answer(saved_answer(one), assistant.catalog, make_access(["hr"], DAY)) for one in saved]
    assert {check.problem for found in checks for check in found} == {
        "the document has changed or is no longer indexed"
    }


def test_nothing_counts_the_documents_that_are_hidden(assistant: Assistant, capsys: pytest.CaptureFixture[str]) -> None:
    for roles, seen in (("", 1), ("hr", 2), ("board", 4)):
        assistant.access = make_access(roles.split(","), DAY)
        for answer in (
            assistant.answer("Who pays Zumiro?"),
            assistant.search("Zumiro"),
            assistant.answer("Who sleeps?"),
        ):
            assert (answer.index.documents, answer.index.passages) == (seen, seen)
        Chat(assistant, Renderer(), lambda: "/quit").run()
        counted = "1 document, 1 passage." if seen == 1 else f"{seen} documents, {seen} passages."
        assert counted in capsys.readouterr().err


def test_the_generation_tells_of_nothing_that_is_hidden(
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
    make_assistant: Callable[..., Assistant],
) -> None:
    assistant = make_assistant(FILES)
    everybody, board = make_access([], DAY), make_access(["board"], DAY)

    def generations() -> list[str]:
        found = [assistant.search("Zumiro", access=access).index.generation for access in (everybody, board)]
        return [*found, assistant.answer("Who pays Zumiro?", access=everybody).index.generation]

    before = generations()
    assert before[0] == before[2] != before[1] and all(before)
    run_ingest(assistant.config, write_files({"board.md": FILES["board.md"].replace("bank", "fund"), "hr/new.md": "x"}))
    after = generations()
    assert (after[0], after[2]) == (before[0], before[2]) and after[1] != before[1]
    run_ingest(assistant.config, write_files({"everyone.md": TEXT.format("Zumiro") + "\nIt is over.\n"}))
    assert not {*generations()} & {*after}


def test_a_conversation_hears_of_changes_that_it_may_see_alone(
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
    make_assistant: Callable[..., Assistant],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assistant = make_assistant(FILES)

    def ask(*lines: str) -> str:
        yielded = iter((*lines, "/quit"))

        def read() -> str:
            line = next(yielded)
            if line.startswith("change "):
                name = line.removeprefix("change ")
                run_ingest(assistant.config, write_files({name: FILES[name] + "\nIt is over.\n"}))
                line = next(yielded)
            return line

        Chat(assistant, Renderer(), read).run()
        return capsys.readouterr().err

    question = "Who pays project Zumiro?"
    assert "has changed" not in ask(question, "/as board", question, "/as none", "change board.md", question)
    assert "has changed" in ask(question, "change everyone.md", question)


def test_a_changed_audience_holds_for_the_next_question(
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
    make_assistant: Callable[..., Assistant],
) -> None:
    assistant = make_assistant(FILES)
    swapped = {"access.toml": FILES["access.toml"].replace('"legal"', '"hr"')}
    question, hr, legal = "Who pays project Gofiru?", make_access(["hr"], DAY), make_access(["legal"], DAY)

    def who_is_told() -> list[bool]:
        shown = (dumps(answer_json(assistant.answer(question, access=access))) for access in (hr, legal))
        return ["Gofirubank" in answer for answer in shown]

    assert who_is_told() == [False, True]
    run_ingest(assistant.config, write_files(swapped))
    assert who_is_told() == [True, False]
