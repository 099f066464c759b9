"""The progress of long work: a bar for each stage and the time that is left, or a line now and then in a log."""

from __future__ import annotations

import time
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
SHORT, PAUSE = 10.0, 30.0  # seconds of work that a log says nothing of, and from one of its lines to the next

Update = Callable[[str, float, float], None]  # takes a stage, how much of it is done, and of how much


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
def show_progress(console: Console) -> Iterator[Update]:
    """Show a bar a stage, and one with the time left for a whole ingest; lines where the console is no terminal."""
    if not console.is_terminal:
        yield progress_lines(lambda line: console.print(line, style="dim", markup=False))
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), _TimeLeft()
    with Progress(*columns, console=console, transient=True) as bars:
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


def progress_lines(write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> Update:
    """Return what says in lines how far long work is: each stage as it begins, and then now and then."""
    began = told = clock()
    stages: dict[str, float] = {}  # and when they began

    def update(stage: str, done: float, total: float) -> None:
        nonlocal told
        now = clock()
        is_new = stage not in stages
        since = now - stages.setdefault(stage, now)
        if done >= total or now - began < SHORT or not (is_new or now - told >= PAUSE):
            return
        told = now
        left = f", about {timedelta(seconds=round(since * (total - done) / done))} left" if done and since else ""
        write(f"{stage}: {done:,.0f} of {total:,.0f}{left}" if done else f"{stage} ...")

    return update


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
