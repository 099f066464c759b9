"""Commands that measure the answers: eval, calibrate, test."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from assistant.cli.context import Context, Jobs, Junit, takes
from assistant.core.errors import UsageError

OutOfDomain = Annotated[
    list[Path] | None,
    typer.Option("--out-of-domain", metavar="FILE", help="Also ask another corpus's questions."),
]
OutOfDomainLimit = Annotated[
    int, typer.Option("--out-of-domain-limit", min=1, metavar="N", help="Questions of each of them.")
]
Half = Annotated[Literal["dev", "test", "all"], typer.Option(help="One half of the documents, or all.")]


@takes("data", "access", "json")
def eval(
    context: Context,
    questions: Annotated[Path | None, typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A.json B.json", help="Compare two reports instead of asking."),
    ] = None,
    out_of_domain: OutOfDomain = None,
    out_of_domain_limit: OutOfDomainLimit = 100,
    split: Half = "all",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first questions.")] = None,
    jobs: Jobs = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where each run gets a folder.")] = Path("results"),
    fail_under: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=VALUE", help="Exit 7 if it is worse (for risks: higher).")
    ] = None,
) -> None:
    """Measure the answers to questions with gold answers; a stopped run goes on where it stopped."""
    view = context.renderer()
    if compare:
        if questions:
            raise UsageError("--compare asks nothing.", "Leave out the questions, or --compare.")
        from assistant.evaluate.compare import compare as compare_reports
        from assistant.terminal.reports import comparison_report

        folder, found = compare_reports(*compare, out)
        view.result(found, lambda: view.show(comparison_report(found)))
        view.note(f"Written to {folder}.")
        return
    from assistant.evaluate.metrics import check_gates, parse_gates
    from assistant.evaluate.questions import Split
    from assistant.evaluate.run import EvalPlan, evaluate
    from assistant.terminal.reports import evaluation_report

    gates = parse_gates(fail_under or ())
    if questions is None:
        raise UsageError("there are no questions.", "Give a file: assistant eval QUESTIONS.jsonl")
    others = tuple(out_of_domain or ())
    plan = EvalPlan(questions, others, out_of_domain_limit, Split(split), limit, context.jobs(jobs), out)
    access = context.access()
    settings = context.ready(view)
    with view.progress() as progress:
        run = evaluate(plan, settings, access, progress)
    if run.kept:
        view.note(f"{run.kept:,} answers are from an earlier run; delete {run.folder} to ask again.")
    view.result(run.report, lambda: view.show(evaluation_report(run.report)))
    view.note(f"Written to {run.folder}.")
    check_gates(gates, {name: value["value"] for name, value in run.report["metrics"].items()})


@takes("data", "access", "json")
def calibrate(
    context: Context,
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")],
    out_of_domain: OutOfDomain = None,
    out_of_domain_limit: OutOfDomainLimit = 100,
    split: Half = "all",
) -> None:
    """Learn from questions with gold answers how sure is sure enough for answer.max_risk; kept with the index."""
    from assistant.answer.assistant import Assistant
    from assistant.answer.confidence import UNCALIBRATED, summary
    from assistant.evaluate.calibrate import calibrate_index
    from assistant.evaluate.questions import Split
    from assistant.evaluate.run import EvalPlan

    view = context.renderer()
    plan = EvalPlan(questions, tuple(out_of_domain or ()), out_of_domain_limit, Split(split))
    settings = context.ready(view, generator=False)
    with closing(Assistant(settings, access=context.access(), confidence=UNCALIBRATED)) as asked:
        with view.progress() as progress:
            confidence = calibrate_index(asked, plan, progress)
        found = summary(confidence, settings.answer.max_risk)
    view.result(found, lambda: view.calibration(found))


@takes("data", "access", "json")
def test(
    context: Context,
    file: Annotated[Path, typer.Argument(metavar="GOLDEN.jsonl", help="Golden answers; questions, with --record.")],
    junit: Junit = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write golden answers from those of today instead.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --record overwrite a file.")] = False,
) -> None:
    """Check that the answers are still those of a golden file; exit 7 if one differs."""
    from assistant.evaluate import golden
    from assistant.terminal.reports import outcomes_report

    view = context.renderer()
    if record is None:
        if force:
            raise UsageError("--force overwrites nothing without --record.", "Leave it out, or give --record FILE.")
        lines = golden.read_golden(file)
        with context.assistant("test", view) as assistant, view.progress() as progress:
            outcomes = golden.check(lines, assistant, progress)
        found = {"file": str(file), "results": [outcome.to_json() for outcome in outcomes]}
        view.result(found, lambda: view.show(outcomes_report(outcomes)))
        if junit:
            from assistant.evaluate.report import write_junit

            write_junit(junit, file.stem, outcomes)
        golden.check_all_hold(outcomes)
        return
    if junit:
        raise UsageError("--record checks nothing that --junit could hold.", "Leave out one of them.")
    questions = golden.read_asked(file)
    golden.check_free(record, force)
    with context.assistant("test", view) as assistant, view.progress() as progress:
        counts = golden.record(record, questions, assistant, context.as_of, force, progress)
    view.result({"file": str(record), "recorded": dict(counts)}, lambda: view.recorded(record, counts))
