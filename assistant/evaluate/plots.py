"""Plots as PNG, for reports; colours that a colour-blind reader tells apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from assistant.evaluate.metrics import label
from assistant.evaluate.statistics import Bools, Floats, risk_curve

BEFORE, AFTER, QUIET = "#0072b2", "#d55e00", "#888888"
BAR = 0.38  # of a metric's row


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator[Axes]:
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    yield figure.subplots()
    figure.savefig(path, format="png", metadata={"Software": None})


def plot_risk(path: Path, confidence: Floats, wrong: Bools, threshold: float) -> None:
    """Plot the share of wrong answers against the share of questions answered, and where the threshold lies."""
    risk = risk_curve(confidence, wrong)
    coverage = np.arange(1, len(risk) + 1) / len(risk)
    at = float((confidence >= threshold).mean())
    with _figure(path, 6, 4) as axes:
        axes.plot(coverage, risk, color=BEFORE)
        axes.axvline(at, color=QUIET, linestyle="--", label=f"threshold {threshold:g}: {at:.0%} answered")
        axes.set(xlabel="coverage (share of questions answered)", ylabel="risk (share of answers wrong)")
        axes.set(xlim=(0, 1), ylim=(0, max(0.05, float(risk.max()) * 1.05)))
        axes.legend(loc="best")


def plot_reliability(path: Path, bins: Sequence[Mapping[str, float]]) -> None:
    """Plot the share of right answers against the confidence, in bins of equal size."""
    with _figure(path, 5, 5) as axes:
        axes.plot((0, 1), (0, 1), color=QUIET, linestyle="--", label="calibrated")
        axes.plot(
            [b["confidence"] for b in bins],
            [b["right"] for b in bins],
            "o-",
            color=BEFORE,
            label="measured",
            clip_on=False,
        )
        axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="best")


def plot_comparison(path: Path, metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Plot each metric before and after, as bars."""
    names = list(metrics)
    at = np.arange(len(names))
    with _figure(path, 8, 1 + 0.32 * len(names)) as axes:
        for shift, side, colour in ((-BAR / 2, "before", BEFORE), (BAR / 2, "after", AFTER)):
            axes.barh(at + shift, [metrics[name][side] for name in names], BAR, color=colour, label=side)
        axes.set_yticks(at, [label(name) for name in names])
        axes.invert_yaxis()
        axes.margins(y=0.01)
        axes.legend(loc="best")


def plot_loss(path: Path, log: Sequence[Mapping[str, float]]) -> None:
    """Plot the loss of training and validation against the step."""
    with _figure(path, 6, 4) as axes:
        for key, colour, told in (("loss", BEFORE, "training"), ("eval_loss", AFTER, "validation")):
            points = [(row["step"], row[key]) for row in log if key in row]
            axes.plot([x for x, _ in points], [y for _, y in points], ".-", color=colour, label=told)
        axes.set(xlabel="step", ylabel="loss of the answers' tokens")
        axes.set_ylim(bottom=0)
        axes.legend(loc="best")


def plot_models(path: Path, means: Mapping[str, Mapping[str, float]], metrics: Sequence[str]) -> None:
    """Plot metrics as groups of bars, a bar a model."""
    at = np.arange(len(metrics))
    width = 0.8 / len(means)
    with _figure(path, 9, 4) as axes:
        for place, (name, values) in enumerate(means.items()):
            heights = [values.get(metric, 0.0) for metric in metrics]
            axes.bar(at + (place - (len(means) - 1) / 2) * width, heights, width, label=name)
        axes.set_xticks(at, [label(metric).replace("_", "\n") for metric in metrics])
        axes.legend(loc="best")
