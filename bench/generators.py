"""Ask the reported halves through the whole pipeline, by generator:  python -m bench.generators [--model ID]...

The quotes alone, the base model untuned, the packaged generator, and any other model (`assistant tune list`);
whatever the confidence, since they differ in the wording alone. Runs that were stopped go on. Takes the better part of
an hour on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from assistant.core.config import Config
from assistant.evaluate.questions import Split
from assistant.models.llm import PACKAGED_ID
from bench.common import ROOT, console, parser, run_ingest, settings, shared_folder, write_json
from tune.evaluate import SERVING, SHOWN, evaluate
from tune.graphs.packaged import make_generator
from tune.graphs.generator import build_generator
from tune.graphs.install import install
from tune.graphs.originals import SMOLLM2, open_base

UNTUNED = "smollm2-135m-instruct-int8"
# name -> documents and questions, in ../shared/data or in this repository
SETS: dict[str, tuple[str | Path, str | Path]] = {
    "contoso": ("qa_contoso_benefits/pdf", "qa_contoso_benefits/qa.jsonl"),
    "conditionalqa": ("qa_conditionalqa_train/docs", "qa_conditionalqa_train/qa.jsonl"),
    "white_sharc": ("qa_white_sharc/docs", "qa_white_sharc/qa.jsonl"),
    "company": (ROOT / "corpora", ROOT / "corpora" / "questions.jsonl"),
}


def install_untuned(root: Path) -> None:
    """Install the base model in the same runtime as the packaged one, without its adapter."""
    base = open_base(SMOLLM2)
    install(root, UNTUNED, "runtime", None, {}, lambda folder: build_generator(base, folder, adapter=None))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    data = shared_folder(options.shared) / "data"
    found = {}
    for name in options.only or SETS:
        documents, questions = (data / path for path in SETS[name])  # an absolute path stays what it is
        config = settings(options, options.work / "indexes" / name)
        install_untuned(config.models_dir)
        make_generator(config.models_dir)
        run_ingest([documents], config)
        models = {SERVING: UNTUNED, "packaged": PACKAGED_ID, **{model: model for model in options.model}}
        found[name] = ask(questions, models, config, options.limit, options.work / "results" / name)
        show(name, found[name])
    return found


def ask(questions: Path, models: dict[str, str], config: Config, limit: int, out: Path) -> dict[str, Any]:
    """Evaluate the models; `serving`, what the others are compared with, is the untuned one here."""
    out.mkdir(parents=True, exist_ok=True)
    onnx = replace(config, generator=replace(config.generator, runtime="onnx"))
    with console.status("asking") as status:
        return evaluate(
            [questions],
            models,
            onnx,
            Split.TEST,
            limit,
            out,
            lambda stage, done, total: status.update(f"{stage} {done:.0f}/{total:.0f}"),
        )


def show(name: str, means: dict[str, Any]) -> None:
    table = Table(title=name)
    table.add_column("metric")
    for model in means:
        table.add_column({SERVING: "untuned"}.get(model, model), justify="right")
    for metric in SHOWN:
        table.add_row(metric, *(f"{found[metric]:.3f}" if metric in found else "-" for found in means.values()))
    console.print(table)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", action="append", default=[], metavar="ID", help="another model")
    options.add_argument("--only", action="append", choices=SETS, help="this set (repeatable)")
    options.add_argument("--limit", type=int, default=100, help="questions of each set")
    options.add_argument("--work", type=Path, required=True, metavar="DIR", help="where indexes and answers are kept")
    chosen = options.parse_args()
    write_json(chosen.json, measure(chosen))


if __name__ == "__main__":
    main()
