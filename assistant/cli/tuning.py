"""Commands under `tune`: examples, run, list, show, rollback."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.context import Context, takes
from assistant.core.errors import UsageError
from assistant.core.package import need


@takes("data", "json")
def run(
    context: Context,
    questions: Annotated[list[Path], typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the stages are kept; a stopped run goes on.")] = Path(
        "tuning"
    ),
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Train about so long, whatever tune.minutes says.")
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="STAGE", help="dataset, train, merge, quantize, export, evaluate or promote.")
    ] = "promote",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Evaluate on the first questions only.")] = None,
) -> None:
    """Tune on one half of the documents, measure on the other, and use the result if it is better; else exit 7."""
    need("tune", "tune run")
    from tune.recipe import Plan
    from tune.recipe import run as run_recipe

    view = context.renderer()
    settings = context.ready(view)
    if minutes is not None:
        settings = replace(settings, tune=replace(settings.tune, minutes=minutes))
    try:
        with view.progress() as progress:
            stages = run_recipe(Plan(tuple(questions), out, until, limit), settings, progress)
    finally:
        view.note(f"The stages and the report are in {out}.")
    if context.json:
        view.json({stage.folder.name: stage.measured for stage in stages})
    elif until == "promote":
        view.note("The tuned model is used from now on. Go back with: assistant tune rollback")


@takes("data", "json")
def examples(
    context: Context,
    out: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl", help="A new file for them.")],
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Questions that are wanted.")] = 100,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the passages.")] = 7,
) -> None:
    """Have the configured endpoint write questions about the documents, for `tune run`.

    It is sent passages that everyone may see, and nothing that would be masked. Only questions are kept whose answer it
    copied word for word. Read them before you tune on them.
    """
    from assistant.answer.assistant import Assistant
    from assistant.contract import dumps
    from assistant.models.llm_langchain import LangChainModel
    from tune.written_questions import Cost, row_of, write_questions

    view = context.renderer()
    settings = context.ready(view)
    if not settings.generator.remote:
        hint = 'Set [generator] runtime = "langchain", model and base_url.'
        raise UsageError("no endpoint is configured that could write questions.", hint)
    if out.exists():
        raise UsageError(f"{out} is there already.", "Name a new file.")
    cost, rows = Cost(), []
    model = LangChainModel(settings.generator)
    with (
        closing(Assistant(settings, model=model)) as assistant,
        out.open("x", encoding="utf-8") as file,
        view.progress() as progress,
    ):
        for question in write_questions(assistant, model, count, seed, cost, progress):
            rows.append(row := row_of(question))
            file.write(dumps(row) + "\n")
    found = {"questions": len(rows), **asdict(cost)}
    view.result(found, lambda: view.written(rows, out, found))


@takes("json")
def list_models(context: Context) -> None:
    """List the models; a star marks the one in use."""
    from assistant.models.llm import served
    from assistant.models.registry import Registry

    settings = context.settings()
    records = Registry(settings.models_dir).all()
    serving = served(settings)
    view = context.renderer()
    found = [{"id": r.id, "kind": r.kind, "parent_id": r.parent_id, "serving": r.id == serving} for r in records]
    view.result(found, lambda: view.models(records, serving))


@takes()
def show(context: Context, model: Annotated[str, typer.Argument(metavar="MODEL")]) -> None:
    """Print a model's manifest, each file checked against it."""
    from dataclasses import asdict

    from assistant.models.registry import Registry

    registry = Registry(context.settings().models_dir)
    record = registry.load(model)
    registry.verify(record)
    context.renderer().json(asdict(record))


@takes()
def rollback(context: Context) -> None:
    """Go back to the previous model."""
    from assistant.models.llm import rollback as roll_back
    from assistant.models.registry import Registry

    context.renderer().note(f"{roll_back(Registry(context.settings().models_dir))} is used from now on.")
