"""Commands that ask: ask, chat, search, terms; and how they read stdin and batches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.context import EXIT, Batch, Context, Jobs, takes
from assistant.core.errors import UsageError
from assistant.core.parallel import in_order

if TYPE_CHECKING:
    from assistant.terminal.render import Renderer

READ_FROM_STDIN = "read from stdin when left out or '-'."


@takes("data", "access", "k", "json")
def ask(
    context: Context,
    question: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help=f"The question; {READ_FROM_STDIN}")
    ] = None,
    batch: Batch = "",
    jobs: Jobs = None,
    around: Annotated[bool, typer.Option("--context", help="Also show what stands around each quote.")] = False,
) -> None:
    """Answer one question, or one a line with --batch."""
    from assistant.contract import about_from_json, answer_json, history_from_json

    view = context.renderer()
    if batch:
        with context.assistant("ask", view) as assistant:
            run_batch(
                batch,
                view,
                ("question",),
                lambda line: answer_json(
                    assistant.answer(
                        line["question"],
                        history_from_json(line.get("history")),
                        k=context.k,
                        about=about_from_json(line.get("about")),
                    ),
                    line.get("id"),
                ),
                context.jobs(jobs),
            )
        return
    text = one_text("ask", question)
    with context.assistant("ask", view) as assistant, view.working("searching"):
        answer = assistant.answer(text, k=context.k)
        files = assistant.files(answer, assistant.access)
    view.result(answer_json(answer), lambda: view.answer(answer, files, around=around))
    raise typer.Exit(EXIT[answer.status])


@takes("data", "access")
def chat(context: Context) -> None:
    """Talk with the documents in the terminal."""
    from assistant.terminal.chat import Chat

    view = context.renderer()
    with context.assistant("chat", view) as assistant:
        Chat(assistant, view).run()


@takes("data", "access", "k", "json")
def search(
    context: Context,
    query: Annotated[
        list[str] | None, typer.Argument(metavar="QUERY", help=f"What to look for; {READ_FROM_STDIN}")
    ] = None,
    batch: Batch = "",
) -> None:
    """Show the passages that a question would be answered from."""
    from assistant.contract import search_json

    view = context.renderer()
    if batch:
        with context.assistant("search", view, answers=False) as assistant:
            run_batch(
                batch,
                view,
                ("question", "query"),
                lambda line: search_json(
                    assistant.search(line["question"] if "question" in line else line["query"], k=context.k),
                    line.get("id"),
                ),
            )
        return
    text = one_text("search", query)
    with context.assistant("search", view, answers=False) as assistant:
        found = assistant.search(text, k=context.k)
    view.result(search_json(found), lambda: view.hits(found))
    raise typer.Exit(EXIT[found.status])


@takes("data", "access", "json")
def terms(
    context: Context, name: Annotated[str, typer.Argument(help="A term; all of them when left out.")] = ""
) -> None:
    """List the glossary, or define one term with its source."""
    from assistant.answer.disclosure import open_index, show_terms
    from assistant.audit.trail import Audit
    from assistant.contract import term_json

    view = context.renderer()
    settings, access = context.settings(), context.access()
    audit = Audit(settings) if settings.audit.enabled else None
    found = show_terms(name, settings, open_index(settings), access, audit)
    if context.json:
        view.json([term_json(*entry) for entry in found])
    elif found:
        with view.paged():
            view.terms(found)
    else:
        view.note(f"No document defines {name!r}." if name else "No terms are indexed.")
    raise typer.Exit(0 if found or not name else 3)


def one_text(command: str, words: Sequence[str] | None) -> str:
    """Return the text that a command was given, from stdin without one; raises UsageError for more than one."""
    match list(words or ("-",)):
        case ["-"] if sys.stdin.isatty():
            raise UsageError("there is no question.", "Give one: assistant ask 'How many days of leave do I have?'")
        case ["-"]:
            return sys.stdin.read()
        case [text]:
            return text
        case several:
            cause = f"{command} takes one text, and got {len(several)}."
            raise UsageError(cause, f"Put it in quotes: assistant {command} '{' '.join(several)[:80]}'")


def run_batch(
    name: str, view: Renderer, keys: tuple[str, ...], run: Callable[[dict[str, Any]], Any], jobs: int = 1
) -> None:
    """Run each JSON line, `jobs` at once, and write one JSON line for it, in their order.

    A bad line gets its error and the rest go on. Raises UsageError at the end if there was one.
    """
    failed: list[str] = []

    def result_of(numbered: tuple[int, str]) -> Any:
        number, raw = numbered
        line: Any = None
        try:
            line = _read_json(raw)
            if not any(isinstance(line.get(key), str) for key in keys):
                raise UsageError(f"it needs {keys[0]!r}, a text.")
            return run(line)
        except (ValueError, RecursionError, UsageError) as error:
            cause = f"line {number} {error}" if line is None else f"line {number}: {error}"
            failed.append(cause)
        return {"id": line.get("id") if line else None, "error": cause}

    in_order(result_of, _lines(name), jobs, view.json)
    if failed:
        raise UsageError(f"{_count(failed)} an error: {failed[0]}", "The other lines are answered.")


def _read_json(raw: str) -> dict[str, Any]:
    """Read a line of a batch; raises ValueError saying what it is not."""
    try:
        line = json.loads(raw, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at column {error.colno}.") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}.") from error
    if not isinstance(line, dict):
        raise ValueError("is not a JSON object.")
    return line


def _count(errors: Sequence[object]) -> str:
    return "1 line has" if len(errors) == 1 else f"{len(errors):,} lines have"


def _lines(name: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file, or of stdin, that are not empty, each with its number."""
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8", errors="replace") as lines:
            yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check --batch.") from error


def _no_number(name: str) -> None:
    """Refuse NaN and the infinities, which no JSON has."""
    raise ValueError(f"{name} is not a number in JSON")
