"""Time the assistant against bench/tutorial.py, as ratios taken in one run:  python -m bench.speed

A cold answer (each a process of its own, taking turns), `--help`, the ingest of the handbook (whole processes, and
without the tutorial's imports), an ingest of nothing new; with the peak memory of each process. The tutorial's encoder
is the small one that tutorials use; some of the files are ingested again with our encoder on both sides. Numbers mean
something on a quiet machine only: the load average is printed first. About 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.common import (
    HANDBOOK,
    config_text,
    console,
    note_load,
    parser,
    scratch,
    settings,
    shared_folder,
    write_json,
)
from bench.make_base import ENCODER, GENERATOR

TUTORIAL = Path(__file__).with_name("tutorial.py")
QUESTION = "What happens if my flight gets cancelled?"
BARS = {"ask": 4.5, "help": 0.2, "same": 3.5, "again": 100.0}
SAME = 50  # files that both ingest with one encoder


@dataclass(frozen=True, slots=True)
class Timed:
    """One process: wall-clock seconds, peak resident MiB, and the JSON of its last line."""

    seconds: float
    peak_mib: float
    said: dict[str, Any]


def timed(command: list[str], allowed: tuple[int, ...] = (0,), env: Mapping[str, str] | None = None) -> Timed:
    """Run a process to its end; exits with its error output if its code is not an allowed one."""
    with scratch("speed-output") as folder, (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode not in allowed:
            console.print(err.read().decode(errors="replace")[-3000:], style="red", markup=False)
            sys.exit(f"{' '.join(command)} exits {process.returncode}")
        lines = out.read().decode().strip().splitlines()
    said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return Timed(seconds, peak, said)


def assistant(*args: str) -> list[str]:
    """Return the command line: the installed script, or the same entry point."""
    script = Path(sys.executable).with_name("assistant")
    start = [str(script)] if script.exists() else [sys.executable, "-c", "from assistant.cli import main; main()"]
    return [*start, *args]


def tutorial(*args: str) -> list[str]:
    return [sys.executable, str(TUTORIAL), *args]


def time_ingest(docs: Path, config: Path, db: Path, encoder: Path | None = None) -> dict[str, Any]:
    """Ingest the same files with both, the tutorial with another encoder if one is given, then again with ours."""
    env = {"TUTORIAL_ENCODER": str(encoder)} if encoder else {}
    theirs = timed(tutorial("ingest", str(docs), str(db)), env=env)
    ours = timed(assistant("ingest", str(docs), "--config", str(config), "--json"), (0, 6))
    again = timed(assistant("ingest", str(docs), "--config", str(config), "--json"), (0, 6))
    if again.said["added"] or again.said["updated"]:
        console.print("[red]The second ingest found something new: its time means nothing.[/red]")
    passages, chunks = ours.said["passages"], theirs.said["chunks"]
    return {
        "passages": passages,
        "chunks": chunks,
        "ours_seconds": ours.seconds,
        "theirs_seconds": theirs.seconds,
        "rate_ratio": (passages / ours.seconds) / (chunks / theirs.seconds),
        # Ours counts the imports that happen during the ingest, theirs none.
        "rate_ratio_without_imports": (passages / ours.said["seconds"]) / (chunks / theirs.said["seconds"]),
        "time_ratio": theirs.seconds / ours.seconds,
        "ours_peak_mib": ours.peak_mib,
        "theirs_peak_mib": theirs.peak_mib,
        "again_seconds": again.seconds,
        "again_ratio": ours.seconds / again.seconds,
        "again_ratio_in_process": ours.said["seconds"] / max(again.said["seconds"], 0.001),
    }


def time_ask(config: Path, db: Path, model: Path, question: str, runs: int) -> dict[str, Any]:
    """Ask both the same question, taking turns; the first turn warms the disk's cache and does not count."""
    ask = assistant("ask", question, "--config", str(config), "--json")
    ours, theirs = [], []
    for _ in range(runs + 1):
        ours.append(timed(ask, (0, 3)))
        theirs.append(timed(tutorial("ask", str(db), str(model), question)))
    status = ours[-1].said["status"]
    if status != "answered":
        console.print(f"[red]The assistant {status}: it worded nothing, so the ratio flatters it.[/red]")
    mine, other = median(ours[1:]), median(theirs[1:])
    return {
        "question": question,
        "status": status,
        "ours_seconds": mine,
        "theirs_seconds": other,
        "ratio": other / mine,
        "theirs_seconds_without_imports": statistics.median(run.said["seconds"] for run in theirs[1:]),
        "ours_timings_ms": ours[-1].said["timings_ms"],
        "ours_peak_mib": max(run.peak_mib for run in ours),
        "theirs_peak_mib": max(run.peak_mib for run in theirs),
        "ours_answer": ours[-1].said["answer"],
        "theirs_answer": theirs[-1].said["answer"],
    }


def median(runs: list[Timed]) -> float:
    return statistics.median(run.seconds for run in runs)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    shared = shared_folder(options.shared)
    with scratch("speed") as folder:
        config = settings(options, folder / "index")
        # An abstention words nothing, and would flatter the ratio.
        config = replace(config, answer=replace(config.answer, max_risk=1.0))
        (folder / "config.toml").write_text(config_text(config), encoding="utf-8")
        aside = replace(config, index=replace(config.index, data=str(folder / "same")))
        (folder / "same.toml").write_text(config_text(aside), encoding="utf-8")
        docs = shared / "data" / HANDBOOK.data / HANDBOOK.docs
        some = first_files(docs, SAME, folder / "some")
        if options.limit:
            docs = first_files(docs, options.limit, folder / "docs")
        with console.status("making the models"):
            # In a process of its own: a child's peak memory starts from its parent's on Linux.
            timed([sys.executable, "-m", "bench.make_base"])
        load = note_load()
        with console.status("--help"):
            helps = [timed(assistant("--help")) for _ in range(7)]
        with console.status("ingesting"):
            ingest = time_ingest(docs, folder / "config.toml", folder / "chroma")
        with console.status("asking"):
            ask = time_ask(folder / "config.toml", folder / "chroma", GENERATOR, options.question, options.runs)
        with console.status("ingesting with one encoder"):
            same = time_ingest(some, folder / "same.toml", folder / "chroma-same", ENCODER)
    return {"load": load, "help_seconds": median(helps), "ingest": ingest, "same": same, "ask": ask}


def first_files(docs: Path, limit: int, into: Path) -> Path:
    """Copy some of the files; their times stay, so that they do not look freshly changed."""
    for path in sorted(docs.rglob("*.md"))[:limit]:
        target = into / path.relative_to(docs)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return into


def show(found: dict[str, Any]) -> None:
    ingest, ask = found["ingest"], found["ask"]
    table = Table("what", "ours", "tutorial", "ratio", "bar", title="Speed")

    def row(what: str, ours: str, theirs: str, value: float | None, key: str = "", most: bool = False) -> None:
        bar = BARS.get(key)
        shown = "" if value is None else f"{value:.2f}"
        if value is not None and bar is not None:
            good = value < bar if most else value >= bar
            shown = f"[{'green' if good else 'red'}]{shown}[/]"
        table.add_row(what, ours, theirs, shown, "" if bar is None else f"{'<' if most else '>='} {bar:g}")

    row("cold answer, s", f"{ask['ours_seconds']:.2f}", f"{ask['theirs_seconds']:.2f}", ask["ratio"], "ask")
    row(
        "its peak memory, MiB",
        f"{ask['ours_peak_mib']:.0f}",
        f"{ask['theirs_peak_mib']:.0f}",
        ask["theirs_peak_mib"] / ask["ours_peak_mib"],
    )
    row("--help, s", f"{found['help_seconds']:.3f}", "", found["help_seconds"], "help", most=True)
    row("ingest, passages or chunks", str(ingest["passages"]), str(ingest["chunks"]), None)
    row(
        "ingest, whole process, s",
        f"{ingest['ours_seconds']:.1f}",
        f"{ingest['theirs_seconds']:.1f}",
        ingest["time_ratio"],
    )
    for what, of, bar in (("the same", ingest, ""), (f"{SAME} files, one encoder", found["same"], "same")):
        paces = f"{of['passages'] / of['ours_seconds']:.1f}", f"{of['chunks'] / of['theirs_seconds']:.1f}"
        row(f"{what}, pieces a second", *paces, of["rate_ratio"], bar)
        row("without import time", "", "", of["rate_ratio_without_imports"], bar)
    row(
        "its peak memory, MiB",
        f"{ingest['ours_peak_mib']:.0f}",
        f"{ingest['theirs_peak_mib']:.0f}",
        ingest["theirs_peak_mib"] / ingest["ours_peak_mib"],
    )
    row("ingest of nothing new, process, s", f"{ingest['again_seconds']:.2f}", "", ingest["again_ratio"], "again")
    row("the same, inside the process", "", "", ingest["again_ratio_in_process"], "again")
    console.print(table)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=5, help="cold answers of each")
    options.add_argument("--limit", type=int, help="ingest only so many files, to try the script out")
    options.add_argument("--question", default=QUESTION)
    given = options.parse_args()
    found = measure(given)
    show(found)
    write_json(given.json, found)


if __name__ == "__main__":
    main()
