"""Commands that ask: ask, chat, search, terms."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant.cli.options import (
    EXIT,
    AsOf,
    Batch,
    ConfigFile,
    Data,
    Hits,
    Jobs,
    Json,
    Quiet,
    Roles,
    Verbose,
)
from assistant.cli.session import assistant_for, renderer, settings_of
from assistant.cli.streams import from_stdin, run_batch


def ask(
    question: Annotated[str, typer.Argument(help="The question; read from stdin when left out or '-'.")] = "-",
    batch: Batch = "",
    jobs: Jobs = 1,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    k: Hits = None,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Answer one question, or one a line with --batch."""
    from assistant.contract import answer_json, history_from_json

    view = renderer(quiet=quiet or json_, verbose=verbose)
    if batch:
        with assistant_for("ask", config, data, roles, as_of, view) as assistant:
            run_batch(
                batch,
                view,
                ("question",),
                lambda line: answer_json(
                    assistant.answer(line["question"], history_from_json(line.get("history")), k=k), line.get("id")
                ),
                jobs,
            )
        return
    question = from_stdin(question)
    with assistant_for("ask", config, data, roles, as_of, view) as assistant, view.working("searching"):
        answer = assistant.answer(question, k=k)
        files = {} if json_ else assistant.files(answer, assistant.access)
    if json_:
        view.json(answer_json(answer))
    else:
        view.answer(answer, files)
    raise typer.Exit(EXIT[answer.status])


def chat(
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Talk with the documents in the terminal."""
    from assistant.terminal.chat import Chat

    view = renderer(quiet=quiet, verbose=verbose)
    with assistant_for("chat", config, data, roles, as_of, view) as assistant:
        Chat(assistant, view).run()


def search(
    query: Annotated[str, typer.Argument(help="What to look for; read from stdin when left out or '-'.")] = "-",
    batch: Batch = "",
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    k: Hits = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the passages that a question would be answered from."""
    from assistant.contract import search_json

    view = renderer(quiet=quiet or json_)
    if batch:
        with assistant_for("search", config, data, roles, as_of, view, answers=False) as assistant:
            run_batch(
                batch,
                view,
                ("question", "query"),
                lambda line: search_json(
                    assistant.search(line["question"] if "question" in line else line["query"], k=k), line.get("id")
                ),
            )
        return
    query = from_stdin(query)
    with assistant_for("search", config, data, roles, as_of, view, answers=False) as assistant:
        found = assistant.search(query, k=k)
    if json_:
        view.json(search_json(found))
    else:
        view.hits(found.hits)
    raise typer.Exit(EXIT[found.status])


def terms(
    name: Annotated[str, typer.Argument(help="A term; all of them when left out.")] = "",
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
) -> None:
    """List the glossary, or define one term with its source."""
    from assistant.answer.glossary import show_terms
    from assistant.audit.trail import Audit
    from assistant.contract import term_json
    from assistant.core.records import make_access
    from assistant.guards.run import Guards
    from assistant.index.catalog import Catalog

    view = renderer()
    settings = settings_of(config, data)
    access = make_access(roles.split(","), as_of)
    audit = Audit(settings) if settings.audit.enabled else None
    found = show_terms(name, settings, Catalog.open(settings.data), access, Guards(settings.guards), audit)
    if json_:
        view.json([term_json(*entry) for entry in found])
    elif found:
        with view.paged():
            view.terms(found)
    else:
        view.note(f"No document defines {name!r}." if name else "No terms are indexed.")
    raise typer.Exit(0 if found or not name else 3)
