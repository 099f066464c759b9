"""The command line: parse, call, hand to the renderer; no logic of its own, and nothing heavy imported at the top."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli import asking, feedback, index, log, quality, review, serving, tuning
from assistant.core.errors import AssistantError, NotReady, UsageError
from assistant.core.package import explain

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ask an organisation's own documents; every answer comes with exact quotes and where to find them.",
)
tune = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tune reader and generator on your documents; needs the extra [tune].",
)
COMMANDS = (
    index.ingest,
    asking.ask,
    asking.chat,
    asking.search,
    asking.terms,
    review.guard,
    review.verify,
    quality.eval,
    quality.calibrate,
    quality.test,
    review.lint,
    review.impact,
    index.access,
    index.forget,
    index.status,
    log.log,
    log.replay,
    log.gaps,
    log.stale,
    serving.mcp,
    serving.serve,
    serving.token,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(feedback.group, name="feedback")
app.add_typer(tune, name="tune")
tune.command()(tuning.examples)
tune.command()(tuning.run)
tune.command("list")(tuning.list_models)
tune.command()(tuning.show)
tune.command()(tuning.rollback)

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with the contract's codes."""
    try:
        _open_streams()
        _check_folder()
        app()
    except SystemExit as end:  # typer catches Ctrl-C and closed pipes itself
        if isinstance(end.__context__, BrokenPipeError):
            sys.exit(0)
        if end.code != INTERRUPTED:
            raise
        sys.exit(_report(KeyboardInterrupt()))
    except BaseException as error:
        sys.exit(_report(error))


def _open_streams() -> None:
    """Have all three streams, in UTF-8: file names and pipes may hold anything."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed: a file of the index would get its number, and what is printed
            stream = Path(os.devnull).open(mode)  # noqa: SIM115
            setattr(sys, name, stream)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _check_folder() -> None:
    """Raise UsageError if the working folder was deleted: hardly anything works without one."""
    try:
        Path.cwd()
    except FileNotFoundError:
        folder = os.environ.get("PWD", "")
        raise UsageError(f"the working folder {folder} does not exist any more.", "Change to another folder.") from None


def _report(error: BaseException) -> int:
    """Say in a sentence or two why a command ended, and return its exit code."""
    if _interrupted(error):  # perhaps half-way through an import that the renderer needs
        typer.echo("Error: stopped. Nothing is lost; run the command again to go on.", err=True)
        return INTERRUPTED
    from assistant.terminal.render import Renderer

    view, error = Renderer(), explain(error)
    if isinstance(error, AssistantError):
        view.error(error.cause, error.hint)
        return error.exit_code
    if "-v" in sys.argv or "--verbose" in sys.argv:
        raise error
    if isinstance(error, OSError):  # a full disk, a folder that may not be read
        view.error(f"the system does not allow it: {error}.", "Change that, then run it again.")
        return NotReady.exit_code
    view.error(f"{type(error).__name__}: {error}.", "This is a bug; run again with -v and report it.")
    return 1


def _interrupted(error: BaseException | None) -> bool:
    """Recognise Ctrl-C, and what native code makes of it: another error, with it as the cause."""
    return isinstance(error, KeyboardInterrupt) or (error is not None and _interrupted(error.__cause__))


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from assistant.core.package import __version__

        typer.echo(__version__)
        context.exit()
