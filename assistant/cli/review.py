"""Commands that review: lint and impact on documents, verify on saved answers, guard on any text."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from assistant.cli.asking import one_text, run_batch
from assistant.cli.context import EXIT, Batch, Context, Junit, takes
from assistant.core.errors import GateFailed, UsageError

MAX_SAVED_CHARACTERS = 20_000_000  # some 2,000 saved answers
SAVE_ONE = "Save one: assistant ask --json QUESTION > ANSWER.json"


@takes("data", "access", "json")
def lint(
    context: Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files and folders, instead of what is indexed.")
    ] = None,
    off: Annotated[list[str] | None, typer.Option(metavar="CODE", help="Leave this rule out.")] = None,
    fail_on: Annotated[
        Literal["error", "warning", "note", "never"] | None,
        typer.Option(help="Exit 7 from this severity on, instead of the configured one."),
    ] = None,
    sarif: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write SARIF.")] = None,
    baseline: Annotated[Path | None, typer.Option(metavar="FILE", help="Tell no finding that this file has.")] = None,
    write_to: Annotated[
        Path | None,
        typer.Option("--write-baseline", metavar="FILE", help="Write the findings as a baseline, and tell none."),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Load no models; leave out the rules that need them.")] = False,
) -> None:
    """Check the documents: terms, acronyms, references, links, dates and metadata."""
    from dataclasses import asdict

    from assistant.answer.disclosure import open_index
    from assistant.audit.trail import Audit, lint_line
    from assistant.terminal.reports import findings_report
    from assistant.terminal.views import first_of, rejection_line
    from ingest.lint.findings import read_baseline, without_known, write_baseline, write_sarif
    from ingest.lint.run import fail, linter_index, open_models, rules_but, spans
    from ingest.lint.run import lint as run_lint

    view = context.renderer()
    settings = context.settings(view)
    rules = rules_but([*settings.lint.off.split(","), *(off or ())])
    access = context.access()
    known = read_baseline(baseline) if baseline else None
    if not paths:
        open_index(settings).close()
    with view.progress() as progress:
        scratch = linter_index(paths or (), settings, progress)
        with scratch if paths else nullcontext((settings, None)) as (index, ingested):
            report = run_lint(index, access, rules, open_models(index, fast=fast), progress, fast=fast)
    if write_to:
        write_baseline(write_to, report.findings)
        known = read_baseline(write_to)
    if known:
        report = without_known(report, known)
    if settings.audit.enabled and not paths:
        Audit(settings).append(lint_line([rule.code for rule in rules], spans(report), access, settings))
    rejected = ingested.rejected if ingested else ()
    with view.paged():
        found = {**asdict(report), "rejected": [asdict(rejection) for rejection in rejected]}
        told = (*findings_report(report), *first_of(rejected, rejection_line))
        view.result(found, lambda: view.show(told))
    if sarif:
        write_sarif(sarif, report.findings, rules)
    if rejected:
        raise typer.Exit(6)
    fail(report, fail_on or settings.lint.fail_on)


@takes("data", "access", "json")
def impact(
    context: Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders, in another checkout too.")],
    golden: Annotated[
        Path | None, typer.Option(metavar="GOLDEN.jsonl", help="Golden answers to check, as `test` reads them.")
    ] = None,
    recent: Annotated[int, typer.Option(min=0, metavar="N", help="Also ask the log's last N questions.")] = 0,
    junit: Junit = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a pull request's comment in Markdown.")
    ] = None,
) -> None:
    """Say what would change if these files replaced what is indexed; the index stays as it is.

    A file replaces the indexed document of the same source name. Documents that a folder no longer holds are removed.
    Exit 7 if a golden answer would no longer hold, 6 if a file would be rejected. Answers are quotes, without a
    generator, so that no wording differs by chance.
    """
    from assistant.terminal.reports import impact_report
    from ingest.impact.run import ImpactPlan, assess, check_gate

    view = context.renderer()
    if junit and golden is None:
        raise UsageError("--junit holds golden answers, and there are none.", "Give --golden FILE, or leave it out.")
    access = context.access()
    settings = context.ready(view, generator=False)
    with view.progress() as progress:
        found, outcomes = assess(ImpactPlan(paths, golden, recent), settings, access, progress)
    with view.paged():
        view.result(found.to_json(), lambda: view.show(impact_report(found)))
    if junit and golden is not None:
        from assistant.evaluate.report import write_junit

        write_junit(junit, golden.stem, outcomes)
    if markdown:
        from ingest.impact.markdown import write_comment

        write_comment(markdown, found)
    check_gate(found.answers)
    if found.refused:
        raise typer.Exit(6)


@takes("data", "access", "json")
def verify(
    context: Context,
    file: Annotated[str, typer.Argument(metavar="ANSWER.json", help="A saved `ask --json`; '-' for stdin.")],
) -> None:
    """Check every quote of a saved answer against the indexed documents; exit 7 if one fails."""
    from dataclasses import asdict

    from assistant.answer.disclosure import open_index
    from assistant.answer.proof.verify import verify_answer
    from assistant.contract import saved_answer

    view = context.renderer()
    settings = context.settings()
    catalog = open_index(settings)
    access = context.access()
    checks = [check for answer in saved_answers(file) for check in verify_answer(saved_answer(answer), catalog, access)]
    failed = [check for check in checks if check.problem]
    found = {"verified": not failed, "checks": [asdict(check) for check in checks]}
    view.result(found, lambda: view.checks(checks))
    if failed:
        raise GateFailed(f"{len(failed)} of {len(checks)} citations do not hold.", "Ask again for a fresh answer.")


@takes("json")
def guard(
    context: Context,
    stage: Annotated[Literal["input", "document", "output"], typer.Option(help="What the text is.")] = "input",
    batch: Batch = "",
) -> None:
    """Say what the guards find in the text on stdin, or in each line of --batch; exit 4 if it is refused."""
    from assistant.contract import screened_json
    from assistant.guards.run import Guards
    from assistant.models.encoder import guard_encode

    view = context.renderer()
    settings = context.settings()
    guards = Guards(settings.guards, guard_encode(settings))
    if batch:
        run_batch(
            batch,
            view,
            ("text",),
            lambda line: screened_json(guards.screen(line["text"], stage), line.get("id")),
        )
        return
    screened = guards.screen(one_text("guard", None), stage)
    view.result(screened_json(screened), lambda: view.screened(screened))
    raise typer.Exit(EXIT["blocked"] if screened.action == "block" else 0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; raises ValueError if a key is there twice, since a reader may believe the first."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def saved_answers(name: str) -> list[Any]:
    """Read one saved answer, a list of them, or JSON lines; raises UsageError for what is none or too large."""
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as file:
            text = file.read(MAX_SAVED_CHARACTERS + 1)  # a device may have no end
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} cannot be read: {error}.", SAVE_ONE) from error
    if len(text) > MAX_SAVED_CHARACTERS:
        cause = f"{name} is longer than {MAX_SAVED_CHARACTERS:,} characters."
        raise UsageError(cause, "Check fewer answers at once.")
    try:
        value = json.loads(text, object_pairs_hook=_once)
        answers = value if isinstance(value, list) else [value]
    except (ValueError, RecursionError):  # a number of 5,000 digits is a bare ValueError
        try:
            answers = [json.loads(line, object_pairs_hook=_once) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name} is not JSON: {error}.", "Save an answer with --json.") from error
    if not answers:
        raise UsageError(f"{name} holds no answer.", SAVE_ONE)
    return answers
