"""Commands on the index and the models that it needs: ingest, forget, status, prepare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import (
    ConfigFile,
    Data,
    Json,
    Quiet,
    Verbose,
)
from assistant.cli.session import prepare_models, renderer, settings_of


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders.")],
    prune: Annotated[bool, typer.Option("--prune", help="Drop documents whose files are gone.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Index files and folders: Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV."""
    from ingest.build import ingest as run_ingest

    view = renderer(quiet=quiet or json_, verbose=verbose)
    settings = settings_of(config, data, view)
    prepare_models(settings, view, reader=False, generator=False)
    with view.progress() as progress:
        report = run_ingest(paths, settings, prune=prune, progress=progress)
    if json_:
        from assistant.contract import report_json

        view.json(report_json(report))
    else:
        view.report(report)
    if report.rejected:
        raise typer.Exit(6)


def forget(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Documents, as sources or paths name them.")],
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
) -> None:
    """Delete documents from the index, so that no byte of their text stays in it; the files stay."""
    from ingest.forget import forget as forget_documents

    view = renderer()
    gone = forget_documents(sources, settings_of(config, data))
    if json_:
        view.json({"forgotten": gone})
    else:
        view.note(
            f"Forgotten: {', '.join(gone)}. An ingest of their folder brings back the files that are still there."
        )


def status(config: ConfigFile = None, data: Data = None, json_: Json = False) -> None:
    """Say what is indexed and prepared, what is wrong, and how to mend it.

    A command for whoever runs the index: it names documents and passages that only some roles may see.
    """
    from assistant.terminal.status import collect_status

    view = renderer()
    found = collect_status(settings_of(config, data))
    if json_:
        view.json(found)
    else:
        view.status(found)
    raise typer.Exit(5 if any(problem["fatal"] for problem in found["problems"]) else 0)


def prepare(config: ConfigFile = None, quiet: Quiet = False) -> None:
    """Make the packaged models ready now, instead of at their first use."""
    view = renderer(quiet=quiet)
    settings = settings_of(config, None)
    prepare_models(settings, view, reader=True, generator=True)
    view.note(f"The models are ready in {settings.models_dir}.")
