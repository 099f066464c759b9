"""Ask the same held-out questions of what serves now and of each exported model; report it; the gate before serving.

What serves changes only for something better.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.core.config import Config
from assistant.core.errors import GateFailed
from assistant.core.records import Progress, make_access
from assistant.evaluate.compare import compare
from assistant.evaluate.plots import plot_bars, plot_lines
from assistant.evaluate.questions import Split
from assistant.evaluate.run import EvalPlan, Run
from assistant.evaluate.run import evaluate as ask_and_score
from assistant.models import llm
from assistant.models.registry import Registry
from tune.export import GPTQ, MERGED
from tune.stages import MANIFEST, Stage
from tune.train import LOG

REPORT, TABLE = "report.json", "report.md"
SERVING, EXTRACTIVE = "serving", "extractive"
SHOWN = (
    "f1_answered",
    "gold_recall_answered",
    "numbers_exact",
    "worded",
    "verified",
    "evidence_hit",
    "left_out",
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
        room = config.tune.max_tokens - config.generator.max_tokens // 2  # as much as it has learned to read
        runtime = "onnx" if model else "none"
        generator = replace(config.generator, runtime=runtime, model=model, context_tokens=room)
        asked = replace(config, generator=generator, answer=replace(config.answer, max_risk=1.0))

        def notify(stage: str, done: float, total: float, name: str = name) -> None:
            progress(f"{stage} {name}", done, total)

        plans = [EvalPlan(path, split=split, limit=limit, out=out / name) for path in questions]
        runs[name] = [ask_and_score(plan, asked, make_access(), notify) for plan in plans]
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


PRIMARY = "f1_answered"
LEFT_OUT = "left_out"
MAX_LOSS = 0.01  # of the primary metric against the merged model


def promote(
    registry: Registry, models: Mapping[str, str], report: Mapping[str, Mapping[str, Any]], *, better_reader: bool
) -> str:
    """Let the GPTQ model serve if the report says that it is better; return its id. Raises GateFailed if not."""
    check_gate(report, better_reader=better_reader)
    llm.promote(registry, models[GPTQ])
    return models[GPTQ]


def check_gate(report: Mapping[str, Mapping[str, Any]], *, better_reader: bool) -> None:
    """Raise GateFailed unless GPTQ beats what serves, and keeps within a point of the merged model.

    Nor may more of its sentences be left out.

    With a reader that proved better by itself it need only keep within a point of what serves, too. `report` maps each
    of serving, merged and gptq to its metrics.
    """
    gptq, merged, serving = (report[name] for name in (GPTQ, MERGED, SERVING))
    faults = []
    if gptq[PRIMARY] < serving[PRIMARY] - MAX_LOSS if better_reader else gptq[PRIMARY] <= serving[PRIMARY]:
        faults.append(f"its {PRIMARY} is {gptq[PRIMARY]:.3f}, that of what serves {serving[PRIMARY]:.3f}")
    if gptq[PRIMARY] < merged[PRIMARY] - MAX_LOSS:
        faults.append(f"its {PRIMARY} is {gptq[PRIMARY]:.3f}, that of the merged model {merged[PRIMARY]:.3f}")
    if gptq[LEFT_OUT] > merged[LEFT_OUT]:
        faults.append(
            f"{gptq[LEFT_OUT]:.3f} of its sentences an answer are left out, of the merged model {merged[LEFT_OUT]:.3f}"
        )
    if faults:
        raise GateFailed(f"the tuned model is not promoted: {'; '.join(faults)}.", "Nothing has changed.")


def write_report(out: Path, stages: Sequence[Stage]) -> Path:
    """Write `report.json` and `report.md`, with its plots, to `out`; return the Markdown's path."""
    manifests = [json.loads((stage.folder / MANIFEST).read_text(encoding="utf-8")) for stage in stages]
    (out / REPORT).write_text(json.dumps(manifests, indent=1) + "\n", encoding="utf-8")
    path = out / TABLE
    path.write_text("\n".join(_markdown(out, stages, manifests)) + "\n", encoding="utf-8")
    return path


def _markdown(out: Path, stages: Sequence[Stage], manifests: Sequence[dict[str, object]]) -> Iterator[str]:
    yield from ("# Tuning", "", "| stage | seconds | peak MiB | made |", "|---|---|---|---|")
    for stage, manifest in zip(stages, manifests, strict=True):
        yield f"| {stage.name} | {manifest['seconds']} | {manifest['peak_mib']} | {stage.made[:12]} |"
    yield ""
    for stage in stages:
        if stage.name == "train":
            log = json.loads((stage.folder / LOG).read_text(encoding="utf-8"))
            lines = {name: _points(log, key) for name, key in (("training", "loss"), ("validation", "eval_loss"))}
            plot_lines(out / "loss.png", lines, xlabel="step", ylabel="loss of the answers' tokens")
            yield from ("![loss](loss.png)", "")
        if stage.name == "evaluate":
            plot_bars(out / "models.png", SHOWN, stage.measured)
            yield from ("## Models, on the half that was not learned from", "", table(stage.measured))
            yield from ("![models](models.png)", "")
        else:
            yield from (f"## {stage.name}", "", "```json", json.dumps(stage.measured, indent=1), "```", "")


def _points(log: Sequence[Mapping[str, float]], key: str) -> tuple[list[float], list[float]]:
    rows = [row for row in log if key in row]
    return [row["step"] for row in rows], [row[key] for row in rows]
