"""Commands under `tune`: run, list, show, rollback."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import (
    ConfigFile,
    Data,
    Json,
    Quiet,
)
from assistant.cli.session import ready, renderer, settings_of
from assistant.core.package import need


def run(
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
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn from one half of the documents, measure on the other, and serve what is better; exit 7 if nothing is."""
    need("tune", "tune run")
    from tune.recipe import Plan
    from tune.recipe import run as run_recipe

    view = renderer(quiet=quiet or json_)
    settings = ready(config, data, view)
    if minutes is not None:
        settings = replace(settings, tune=replace(settings.tune, minutes=minutes))
    try:
        with view.progress() as progress:
            stages = run_recipe(Plan(tuple(questions), out, until, limit), settings, progress)
    finally:
        view.note(f"The stages and the report are in {out}.")
    if json_:
        view.json({stage.folder.name: stage.measured for stage in stages})
    elif until == "promote":
        view.note("The tuned model serves now; `assistant tune rollback` takes it back.")


def list_models(config: ConfigFile = None, json_: Json = False) -> None:
    """List the prepared models; the one marked serves."""
    from assistant.models.active import served
    from assistant.models.registry import Registry

    settings = settings_of(config, None)
    records = Registry(settings.models_dir).all()
    serving = served(settings)
    if json_:
        renderer().json(
            [{"id": r.id, "kind": r.kind, "parent_id": r.parent_id, "serving": r.id == serving} for r in records]
        )
    else:
        renderer().models(records, serving)


def show(model: Annotated[str, typer.Argument(metavar="MODEL")], config: ConfigFile = None) -> None:
    """Print a model's manifest, each file checked against it."""
    from dataclasses import asdict

    from assistant.models.registry import Registry

    registry = Registry(settings_of(config, None).models_dir)
    record = registry.load(model)
    registry.verify(record)
    renderer().json(asdict(record))


def rollback(config: ConfigFile = None) -> None:
    """Let the model before serve again."""
    from assistant.models.active import rollback as roll_back
    from assistant.models.registry import Registry

    renderer().note(f"{roll_back(Registry(settings_of(config, None).models_dir))} serves now.")
