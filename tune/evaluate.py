"""Ask the same held-out questions of what serves now and of each exported model, and put the results side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.core.config import Config
from assistant.core.records import Progress, make_access
from assistant.evaluate.compare import compare
from assistant.evaluate.run import Plan, Run
from assistant.evaluate.run import evaluate as ask_and_score
from assistant.evaluate.splits import Split

REPORT, TABLE = "report.json", "report.md"
SERVING, EXTRACTIVE = "serving", "extractive"
SHOWN = (
    "f1_answered",
    "gold_recall_answered",
    "numbers_exact",
    "own_words",
    "citation_recall",
    "citation_precision",
    "evidence_hit",
    "invented_keys",
)

Json = dict[str, Any]


def evaluate(
    questions: Sequence[Path],
    models: Mapping[str, str],
    config: Config,
    split: Split,
    limit: int | None,
    out: Path,
    progress: Progress,
) -> Json:
    """Ask each model (name -> id) the questions of `split`; write each report, comparisons and the table of all.

    `serving` must be among the models; `extractive` is added, with no model. Whatever is answered counts, sure or
    not: the models differ only in the wording. Returns every metric's mean over all questions, by model.
    """
    means: dict[str, Json] = {}
    runs: dict[str, list[Run]] = {}
    for name, model in {EXTRACTIVE: "", **models}.items():
        generator = replace(config.generator, runtime="onnx" if model else "none", model=model)
        told = replace(config, generator=generator, answer=replace(config.answer, max_risk=1.0))

        def tell(stage: str, done: float, total: float, name: str = name) -> None:
            progress(f"{stage} {name}", done, total)

        plans = [Plan(path, split=split, limit=limit, out=out / name) for path in questions]
        runs[name] = [ask_and_score(plan, told, make_access(), tell) for plan in plans]
        means[name] = _means([run.report for run in runs[name]])
    for name in models:
        for first, other in zip(runs[SERVING], runs[name], strict=True):
            if name != SERVING:
                compare(first.folder / REPORT, other.folder / REPORT, out / "compared")
    (out / REPORT).write_text(json.dumps(means, indent=1) + "\n", encoding="utf-8")
    (out / TABLE).write_text(table(means), encoding="utf-8")
    return means


def table(means: Mapping[str, Json]) -> str:
    """Say the means in a Markdown table, a model a column."""
    lines = ["| | " + " | ".join(means) + " |", "|---" * (len(means) + 1) + "|"]
    for metric in SHOWN:
        cells = [f"{found[metric]:.3f}" if metric in found else "-" for found in means.values()]
        lines.append(f"| {metric} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _means(reports: Sequence[Json]) -> Json:
    """Return each metric's mean over the reports' questions."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for report in reports:
        for name, value in report["metrics"].items():
            if value["value"] is not None and value["n"]:
                sums[name] = sums.get(name, 0.0) + value["value"] * value["n"]
                counts[name] = counts.get(name, 0) + value["n"]
    return {name: round(total / counts[name], 6) for name, total in sums.items()}
