"""Commands on the index: ingest, access, forget, status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.context import Context, takes
from assistant.core.errors import AssistantError

if TYPE_CHECKING:
    from assistant.core.records import IngestReport

MOST_REMOVED_UNSEEN = 0.5  # share of the documents that may be gone at once while nobody looks on


@takes("data", "json")
def ingest(
    context: Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders.")],
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents whose files no longer exist.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C: ingest whatever changes.")] = False,
) -> None:
    """Index files and folders: Markdown, text, HTML, PDF, DOCX, PPTX, XLSX and CSV, in English.

    With the extra [ocr], scanned pages and pictures (PNG, JPEG, TIFF) are read too. With --watch, a change is answered
    from within ten seconds; what cannot be ingested is said, and the index stays as it was. --watch --prune stops where
    more than half of the documents are suddenly gone.
    """
    from assistant.contract import report_json
    from ingest.build import ingest_settled
    from ingest.watch import changes

    view = context.renderer()
    settings = context.settings(view)
    most_removed = MOST_REMOVED_UNSEEN if watch else 1.0

    def run() -> IngestReport:
        with view.progress() as progress:
            report = ingest_settled(paths, settings, prune=prune, most_removed=most_removed, progress=progress)
        view.result(report_json(report), lambda: view.report(report))
        return report

    rounds = changes(paths, settings.data) if watch else iter(())
    next(rounds, None)  # what changes from here on is in one of them
    report = run()
    if watch:
        view.note("Watching for changes; Ctrl-C ends it.")
    for _ in rounds:
        try:
            run()
        except AssistantError as error:
            view.error(error.cause, error.hint)
    if report.rejected:
        raise typer.Exit(6)


@takes("data", "access", "json")
def access(
    context: Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files and folders, instead of what is indexed.")
    ] = None,
) -> None:
    """List who sees which document, and by which rules; with --as or --as-of, only what those people see.

    A command for whoever runs the index: it names documents that only some roles may see.
    """
    from ingest.rights import access_to_files, access_to_index

    view = context.renderer()
    entries, problem = (access_to_files(paths), "") if paths else access_to_index(context.settings(view))
    if context.roles or context.as_of:
        who = context.access()
        entries = [entry for entry in entries if entry.seen_by(who)]
    view.result([entry.to_json() for entry in entries], lambda: view.access(entries))
    if problem:
        view.note(f"The next ingest will stop: {problem}")


@takes("data", "json")
def forget(
    context: Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Documents, by source, glob of sources or path.")
    ],
) -> None:
    """Delete documents from the index, so that no byte of their text stays in it; the files stay."""
    from ingest.moves_and_removals import forget as forget_documents

    view = context.renderer()
    forgotten = forget_documents(sources, context.settings())
    said = f"Deleted from the index: {', '.join(forgotten)}. The next ingest of their folder adds them again."
    view.result({"forgotten": forgotten}, lambda: view.note(said))


@takes("data", "json")
def status(context: Context) -> None:
    """Say what is indexed, which models there are, what is wrong, and how to fix it.

    A command for whoever runs the index: it names documents and passages that only some roles may see.
    """
    from assistant.terminal.status import collect_status

    view = context.renderer()
    found = collect_status(context.settings())
    view.result(found, lambda: view.status(found))
    raise typer.Exit(5 if any(problem["fatal"] for problem in found["problems"]) else 0)
