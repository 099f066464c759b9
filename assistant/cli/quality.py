"""Commands that check and measure: guard, verify, eval, calibrate, test, lint."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import (
    EXIT,
    AsOf,
    Batch,
    ConfigFile,
    Data,
    FailOn,
    Foreign,
    ForeignLimit,
    GuardStage,
    Half,
    Jobs,
    Json,
    Junit,
    Quiet,
    Roles,
)
from assistant.cli.session import assistant_for, prepare_models, ready, renderer, settings_of
from assistant.cli.streams import from_stdin, run_batch, saved_answers
from assistant.core.errors import GateFailed, UsageError
from assistant.evaluate.splits import Split


def guard(
    stage: Annotated[GuardStage, typer.Option(help="What the text is.")] = GuardStage.INPUT,
    batch: Batch = "",
    config: ConfigFile = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what the guards find in the text on stdin, or in each line of --batch; exit 4 if it is refused."""
    from assistant.contract import screened_json
    from assistant.guards.run import Guards
    from assistant.models.encoder import guard_encode

    view = renderer(quiet=quiet or json_)
    settings = settings_of(config, None)
    prepare_models(settings, view, reader=False, generator=False)
    guards = Guards(settings.guards, guard_encode(settings))
    if batch:
        run_batch(
            batch,
            view,
            ("text",),
            lambda line: screened_json(guards.screen(line["text"], stage.value), line.get("id")),
        )
        return
    screened = guards.screen(from_stdin("-"), stage.value)
    if json_:
        view.json(screened_json(screened))
    else:
        view.screened(screened)
    raise typer.Exit(EXIT["blocked"] if screened.action == "block" else 0)


def verify(
    file: Annotated[str, typer.Argument(metavar="ANSWER.json", help="A saved `ask --json`; '-' for stdin.")],
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
) -> None:
    """Check every quote of a saved answer against the indexed documents; exit 7 if one fails."""
    from dataclasses import asdict

    from assistant.answer.proof.verify import verify_answer
    from assistant.core.records import make_access
    from assistant.index.catalog import Catalog

    view = renderer()
    settings = settings_of(config, data)
    catalog = Catalog.open(settings.data)
    access = make_access(roles.split(","), as_of)
    checks = [
        check
        for answer in saved_answers(file)
        for check in verify_answer(answer, catalog, access, settings.answer.min_support)
    ]
    failed = [check for check in checks if check.problem]
    if json_:
        view.json({"verified": not failed, "checks": [asdict(check) for check in checks]})
    else:
        view.checks(checks)
        view.note(f"{len(checks) - len(failed)} of {len(checks)} hold.")
    if failed:
        raise GateFailed(f"{len(failed)} of {len(checks)} citations do not hold.", "Ask again for a fresh answer.")


def eval(
    questions: Annotated[Path | None, typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A.json B.json", help="Compare two reports instead of asking."),
    ] = None,
    foreign: Foreign = None,
    foreign_limit: ForeignLimit = 100,
    split: Half = Split.ALL,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first questions.")] = None,
    jobs: Jobs = 1,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where each run gets a folder.")] = Path("results"),
    junit: Junit = None,
    fail_under: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=VALUE", help="Exit 7 if it is worse (for risks: higher).")
    ] = None,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the answers to questions with gold answers; a run that was stopped goes on where it was."""
    view = renderer(quiet=quiet or json_)
    if compare:
        if questions:
            raise UsageError("--compare asks nothing.", "Leave out the questions, or --compare.")
        from assistant.evaluate.compare import compare as compare_reports

        folder, found = compare_reports(*compare, out)
        if json_:
            view.json(found)
        else:
            view.comparison(found)
        view.note(f"Written to {folder}.")
        return
    from assistant.core.records import make_access
    from assistant.evaluate.metrics import check_gates, parse_gates
    from assistant.evaluate.run import Plan, evaluate

    gates = parse_gates(fail_under or ())
    if questions is None:
        raise UsageError("there are no questions.", "Give a file: assistant eval QUESTIONS.jsonl")
    plan = Plan(questions, tuple(foreign or ()), foreign_limit, split, limit, jobs, out)
    access = make_access(roles.split(","), as_of)
    settings = ready(config, data, view)
    with view.progress() as progress:
        run = evaluate(plan, settings, access, progress)
    if run.kept:
        view.note(f"{run.kept:,} answers were there before; delete {run.folder} to ask again.")
    if json_:
        view.json(run.report)
    else:
        view.evaluation(run.report)
    view.note(f"Written to {run.folder}.")
    if junit:
        from assistant.evaluate.junit import write_junit

        write_junit(junit, run.report)
    check_gates(gates, {name: value["value"] for name, value in run.report["metrics"].items()})


def calibrate(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")],
    foreign: Foreign = None,
    foreign_limit: ForeignLimit = 100,
    split: Half = Split.ALL,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn from questions with gold how sure is sure enough for answer.max_risk; kept beside the index."""
    from assistant.answer.assistant import Assistant
    from assistant.answer.confidence import UNCALIBRATED, summary
    from assistant.core.records import make_access
    from assistant.evaluate.calibrate import calibrate_index
    from assistant.evaluate.run import Plan

    view = renderer(quiet=quiet or json_)
    plan = Plan(questions, tuple(foreign or ()), foreign_limit, split)
    settings = ready(config, data, view, generator=False)
    with closing(Assistant(settings, access=make_access(roles.split(","), as_of), confidence=UNCALIBRATED)) as asked:
        with view.progress() as progress:
            confidence = calibrate_index(asked, plan, progress)
        found = summary(confidence, settings.answer.max_risk)
    if json_:
        view.json(found)
    else:
        view.calibration(found)


def test(
    file: Annotated[Path, typer.Argument(metavar="GOLDEN.jsonl", help="Golden answers; questions, with --record.")],
    junit: Junit = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write golden answers from those of today instead.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --record overwrite a file.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that the answers are still those of a golden file; exit 7 if one is not."""
    from assistant.evaluate import golden

    view = renderer(quiet=quiet or json_)
    if record is None:
        if force:
            raise UsageError("--force overwrites nothing without --record.", "Leave it out, or give --record FILE.")
        lines = golden.read_golden(file)
        with assistant_for("test", config, data, roles, as_of, view) as assistant, view.progress() as progress:
            outcomes = golden.check(lines, assistant, progress)
        if json_:
            view.json({"file": str(file), "results": [outcome.to_json() for outcome in outcomes]})
        else:
            view.outcomes(outcomes)
        if junit:
            from assistant.evaluate.junit import write_golden_junit

            write_golden_junit(junit, file.stem, outcomes)
        golden.check_all_hold(outcomes)
        return
    if junit:
        raise UsageError("--record checks nothing that --junit could hold.", "Leave out one of them.")
    questions = golden.read_asked(file)
    golden.check_free(record, force)
    with assistant_for("test", config, data, roles, as_of, view) as assistant, view.progress() as progress:
        counts = golden.record(record, questions, assistant, as_of, force, progress)
    if json_:
        view.json({"file": str(record), "recorded": dict(counts)})
    else:
        view.recorded(record, counts)


def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files and folders, instead of what is indexed.")
    ] = None,
    off: Annotated[list[str] | None, typer.Option(metavar="CODE", help="Leave this rule out.")] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="Exit 7 from this severity on, instead of the configured one.")
    ] = None,
    sarif: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write SARIF.")] = None,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong with the documents: terms, references, dates, tables, and what contradicts itself."""
    from contextlib import nullcontext
    from dataclasses import asdict

    from assistant.audit.trail import Audit, lint_line
    from assistant.core.records import make_access
    from assistant.index.catalog import Catalog
    from ingest.lint.run import fail, open_models, rules_but, spans
    from ingest.lint.run import lint as run_lint
    from ingest.trial import trial_index

    view = renderer(quiet=quiet or json_)
    settings = settings_of(config, data, view)
    rules = rules_but([*settings.lint.off.split(","), *(off or ())])
    access = make_access(roles.split(","), as_of)
    if not paths:
        Catalog.open(settings.data).close()
    prepare_models(settings, view, reader=True, generator=False)
    with view.progress() as progress:
        tried = trial_index(paths, settings, empty=True, progress=progress) if paths else nullcontext((settings, None))
        with tried as (index, ingested):
            report = run_lint(index, access, rules, open_models(index), progress)
    if settings.audit.enabled and not paths:
        Audit(settings).append(lint_line([rule.code for rule in rules], spans(report), access, settings))
    rejected = ingested.rejected if ingested else ()
    if json_:
        findings = [asdict(finding) for finding in report.findings]
        told = [asdict(rejection) for rejection in rejected]
        view.json({"documents": report.documents, "findings": findings, "rejected": told})
    else:
        with view.paged():
            view.findings(report)
            if ingested and rejected:
                view.report(ingested)
    if sarif:
        from ingest.lint.sarif import write_sarif

        write_sarif(sarif, report.findings, rules)
    if rejected:
        raise typer.Exit(6)
    fail(report, fail_on.value if fail_on else settings.lint.fail_on)
