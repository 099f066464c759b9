"""The options that commands share, said once, and what they begin with: settings, a view, an assistant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant
    from assistant.core.config import Config
    from assistant.core.records import Access
    from assistant.terminal.render import Renderer

EXIT = {"answered": 0, "abstained": 3, "blocked": 4}  # of a command by the status of its answer
EVERYWHERE = ("config", "quiet", "verbose")

Batch = Annotated[str, typer.Option("--batch", metavar="FILE", help="JSON lines, '-' for stdin; one result a line.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, metavar="N", help="Questions asked at once; with an endpoint generator.at_once."),
]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write JUnit XML.")]

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Context:
    """What was typed for the shared options; each field is the option itself."""

    config: Annotated[Path | None, typer.Option("--config", help="Settings; config.toml here, if it is your own.")] = (
        None
    )
    data: Annotated[Path | None, typer.Option("--data", help="The index folder, instead of the configured one.")] = None
    roles: Annotated[str, typer.Option("--as", metavar="ROLE[,ROLE]", help="Ask as someone with these roles.")] = ""
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Ask of the documents in force that day.")
    ] = ""
    k: Annotated[int | None, typer.Option("-k", min=1, max=100, help="Passages to retrieve.")] = None
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Also say how an answer came about.")] = False

    def renderer(self) -> Renderer:
        """Return what prints; with --json, notes and progress would only be in the way."""
        from assistant.terminal.render import Renderer

        return Renderer(quiet=self.quiet or self.json, verbose=self.verbose, as_json=self.json)

    def access(self) -> Access:
        """Return who asks; raises UsageError for a day that is none."""
        from assistant.core.records import make_access

        return make_access(self.roles.split(","), self.as_of)

    def settings(self, view: Renderer | None = None) -> Config:
        """Read the settings, and say to a verbose view where they are from."""
        from assistant.core.config import load_config

        config = load_config(self.config)
        if view and view.verbose:
            view.note(f"settings: {config.file or 'the defaults'}")
        return replace(config, index=replace(config.index, data=str(self.data.resolve()))) if self.data else config

    def ready(self, view: Renderer, *, generator: bool = True) -> Config:
        """Return the settings once there is an index."""
        from assistant.index.catalog import Catalog

        settings = self.settings(view)
        if not generator:
            settings = replace(settings, generator=replace(settings.generator, runtime="none"))
        Catalog.open(settings.data).close()  # say that there is no index before loading models for it
        return settings

    def jobs(self, given: int | None) -> int:
        """Return how many questions are asked at once."""
        generator = self.settings().generator
        return given or (generator.at_once if generator.remote else 1)

    @contextmanager
    def assistant(
        self, command: str, view: Renderer, *, answers: bool = True, audit: bool = True
    ) -> Iterator[Assistant]:
        """Open an assistant that logs its work as that of `command`, and say which roles no document is for."""
        from assistant.answer.assistant import Assistant
        from assistant.terminal.views import role_hints

        access = self.access()
        settings = self.ready(view, generator=answers)
        assistant = Assistant(settings, access=access, audit=audit, command=command)
        try:
            for hint in role_hints(assistant.catalog.roles(), access.roles):
                view.note(hint)
            yield assistant
        finally:
            assistant.close()


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command the shared options of these fields after its own; it gets them as a Context, its first argument.

    `access` stands for roles and as_of; settings, quiet and verbose are everywhere.
    """
    wanted = {*EVERYWHERE, *names, *(("roles", "as_of") if "access" in names else ())}
    hints = get_type_hints(Context, include_extras=True)
    shared = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(Context)
        if f.name in wanted
    ]

    def decorate(command: Command) -> Command:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()

        @wraps(command)
        def run(**given: Any) -> None:
            context = Context(**{each.name: given.pop(each.name) for each in shared})
            command(context, **given)

        run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in (*own, *shared)}
        return run

    return decorate
