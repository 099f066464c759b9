"""Plots as PNG, for reports; colours that a colour-blind reader tells apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from assistant.evaluate.metrics import label

COLOURS = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"
QUIET = "#888888"

Points = tuple[Any, Any]  # sequences or arrays of numbers, for x and y


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator[Axes]:
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    axes = figure.subplots()
    yield axes
    axes.legend(loc="best")
    figure.savefig(path, format="png", metadata={"Software": None})


def plot_lines(
    path: Path, lines: Mapping[str, Points], expected: tuple[str, Points] | None = None, **axes: Any
) -> None:
    """Plot named lines and, dashed, what would be `expected`; `axes` are labels and limits."""
    with _figure(path, 6, 4) as plot:
        if expected:
            name, points = expected
            plot.plot(*points, color=QUIET, linestyle="--", label=name)
        for (name, points), colour in zip(lines.items(), cycle(COLOURS), strict=False):
            plot.plot(*points, ".-", color=colour, label=name)
        plot.set(**axes)


def plot_bars(path: Path, metrics: Sequence[str], values: Mapping[str, Mapping[str, float]]) -> None:
    """Plot each metric as a group of bars, one for each of the named results."""
    at, width = np.arange(len(metrics)), 0.8 / len(values)
    with _figure(path, 8, 1 + 0.32 * len(metrics)) as plot:
        for place, ((name, found), colour) in enumerate(zip(values.items(), cycle(COLOURS), strict=False)):
            shift = (place - (len(values) - 1) / 2) * width
            plot.barh(at + shift, [found.get(metric, 0.0) for metric in metrics], width, color=colour, label=name)
        plot.set_yticks(at, [label(metric) for metric in metrics])
        plot.invert_yaxis()
        plot.margins(y=0.01)
