"""One report of a whole run: each stage's measurements, the loss, and the models side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.evaluate.plots import plot_loss, plot_models
from tune.evaluate import SHOWN, table
from tune.stages import MANIFEST, Stage
from tune.train import LOG

REPORT = "report"


def write_report(out: Path, stages: Sequence[Stage]) -> Path:
    """Write `report.json` and `report.md`, with its plots, to `out`; return the Markdown's path."""
    manifests = [json.loads((stage.folder / MANIFEST).read_text(encoding="utf-8")) for stage in stages]
    (out / f"{REPORT}.json").write_text(json.dumps(manifests, indent=1) + "\n", encoding="utf-8")
    path = out / f"{REPORT}.md"
    path.write_text("\n".join(_markdown(out, stages, manifests)) + "\n", encoding="utf-8")
    return path


def _markdown(out: Path, stages: Sequence[Stage], manifests: Sequence[dict[str, object]]) -> Iterator[str]:
    yield from ("# Tuning", "", "| stage | seconds | peak MiB | made |", "|---|---|---|---|")
    for stage, manifest in zip(stages, manifests, strict=True):
        yield f"| {stage.name} | {manifest['seconds']} | {manifest['peak_mib']} | {stage.made[:12]} |"
    yield ""
    for stage in stages:
        if stage.name == "train":
            plot_loss(out / "loss.png", json.loads((stage.folder / LOG).read_text(encoding="utf-8")))
            yield from ("![loss](loss.png)", "")
        if stage.name == "evaluate":
            plot_models(out / "models.png", stage.measured, SHOWN)
            yield from ("## Models, on the half that was not learned from", "", table(stage.measured))
            yield from ("![models](models.png)", "")
        else:
            yield from (f"## {stage.name}", "", "```json", json.dumps(stage.measured, indent=1), "```", "")
