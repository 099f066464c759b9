"""The command on what would change: impact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import AsOf, ConfigFile, Data, Json, Junit, Quiet, Roles
from assistant.cli.session import ready, renderer
from assistant.core.errors import UsageError


def impact(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders, in another checkout too.")],
    golden: Annotated[
        Path | None, typer.Option(metavar="GOLDEN.jsonl", help="Golden answers to check, as `test` reads them.")
    ] = None,
    recent: Annotated[int, typer.Option(min=0, metavar="N", help="Also ask the log's last N questions.")] = 0,
    junit: Junit = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a pull request's comment in Markdown.")
    ] = None,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what would change if these files replaced what is indexed; the index stays as it is.

    A file replaces the indexed one of the same source name, wherever that lies; documents that a folder does not hold
    any more are removed. Exit 7 if a golden answer that holds would not any more, 6 if a file would be rejected.
    Answers are quotes, without a generator, so that no wording differs by chance.
    """
    from assistant.core.records import make_access
    from ingest.impact.run import Plan, assess, check_gate

    view = renderer(quiet=quiet or json_)
    if junit and golden is None:
        raise UsageError("--junit holds golden answers, and there are none.", "Give --golden FILE, or leave it out.")
    access = make_access(roles.split(","), as_of)
    settings = ready(config, data, view, reader=golden is not None or recent > 0, generator=False)
    with view.progress() as progress:
        found, outcomes = assess(Plan(paths, golden, recent), settings, access, progress)
    if json_:
        view.json(found.to_json())
    else:
        with view.paged():
            view.impact(found)
    if junit and golden is not None:
        from assistant.evaluate.junit import write_golden_junit

        write_golden_junit(junit, golden.stem, outcomes)
    if markdown:
        from ingest.impact.markdown import write_comment

        write_comment(markdown, found)
    check_gate(found.answers)
    if found.refused:
        raise typer.Exit(6)
