"""The progress of long work: a bar for each stage, and the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from math import prod

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

PARTS = {"reading": "files", "embedding": "passages"}  # of an ingest, which go on in turns
WHOLE = "in all"
WHOLE_STEPS = 1_000  # of the bar of a whole ingest


class IngestShare:
    """How much of an ingest is done: the share of its files that were read, times that of their passages embedded.

    How many passages the other files hold is not known; like those that were read, on average.
    """

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}

    def update(self, part: str, done: float, total: float) -> float:
        """Take how far a part is, and return the share of the whole, from 0 to 1."""
        self._shares[part] = done / total if total else 1.0
        return prod(self._shares.values())


@contextmanager
def show_progress(console: Console) -> Iterator[Callable[[str, float, float], None]]:
    """Show a bar a stage, and one with the time left for a whole ingest; yields (stage, done, total) -> None."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), _TimeLeft()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}
        whole = IngestShare()

        def show(stage: str, done: float, total: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, unit=PARTS.get(stage, ""), is_part=stage in PARTS)
            bars.update(tasks[stage], completed=done, total=total)

        def update(stage: str, done: float, total: float) -> None:
            show(stage, done, total)
            if stage in PARTS:
                show(WHOLE, round(WHOLE_STEPS * whole.update(stage, done, total)), WHOLE_STEPS)

        yield update


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "")
        return Text(f"{speed:,.0f} {unit}/s" if speed and unit else "", style="dim")


class _TimeLeft(TimeRemainingColumn):
    """The time left: for a whole ingest by all the time it took, since its parts go on in turns; for parts none."""

    def render(self, task: Task) -> Text:
        if task.fields.get("is_part"):
            return Text("")
        if task.description != WHOLE:
            return super().render(task)
        share = task.completed / WHOLE_STEPS
        if not share or task.elapsed is None:
            return Text("-:--:--", style="progress.remaining")
        return Text(f"about {timedelta(seconds=round(task.elapsed * (1 - share) / share))}", style="progress.remaining")
