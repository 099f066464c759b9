"""What the measurements share: folders, settings, the question sets, the console, and how busy the machine is."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

from rich.console import Console
from rich.table import Table

from assistant.core.config import Config, GeneratorSection, IndexSection, ModelsSection, load_config
from assistant.core.records import IngestReport

ROOT = Path(__file__).resolve().parent.parent
BUSY = 0.7  # a load average above this spoils timings on the two cores that FACTS were measured on
COMMAND = (sys.executable, "-c", "from assistant.cli import main; main()")  # the assistant's own, of this tree
MOST_FAULTS = 20  # that are printed
PATIENCE = 120  # seconds until a server answers
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A folder of ../shared/data and the ids of ../shared/bench/samples that are asked of it."""

    name: str
    data: str
    docs: str


SETS = (
    QuestionSet("tts_faq", "qa_tts_handbook", "docs"),
    QuestionSet("tts_glossary", "qa_tts_handbook", "docs"),
    QuestionSet("datica_glossary", "qa_datica_glossary", "docs"),
    QuestionSet("white_sharc", "qa_white_sharc", "docs"),
    QuestionSet("contoso", "qa_contoso_benefits", "pdf"),
)
HANDBOOK = SETS[0]


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="data and samples (../shared)")
    made.add_argument("--models", type=Path, help="tuned models (the configured folder)")
    made.add_argument("--config", type=Path, help="settings (config.toml here, or the defaults)")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    return made


def shared_folder(path: Path) -> Path:
    """Return the shared folder, or exit saying what is missing."""
    for name in ("data", "bench/samples", "bench/score.py"):
        if not (path / name).exists():
            console.print(f"There is no {path / name}; give the folder that holds data/ and bench/ with --shared.")
            sys.exit(2)
    return path.resolve()


def settings(options: argparse.Namespace, data: Path) -> Config:
    """Return the configuration with its index in `data`, and --models if given."""
    config = load_config(options.config)
    models = ModelsSection(dir=str(options.models.resolve())) if options.models else config.models
    return replace(config, index=replace(config.index, data=str(data)), models=models)


def config_text(config: Config) -> str:
    """Write as TOML what a command line needs to run with this configuration."""
    lines = []
    for name in ("index", "models", "ingest", "reader", "answer", "generator"):
        section = getattr(config, name)
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(getattr(section, key))}" for key in section.__dataclass_fields__]
    return "\n".join(lines) + "\n"


def quiet_config(data: Path, models: Path) -> Config:
    """Return the default configuration with these folders and no generator."""
    return Config(
        index=IndexSection(data=str(data)),
        models=ModelsSection(dir=str(models)),
        generator=GeneratorSection(runtime="none"),
        base=data.parent,
    )


def run_ingest(paths: Iterable[Path], config: Config) -> IngestReport:
    """Run the recipe as the command line does."""
    from ingest.build import ingest

    return ingest(list(paths), config, prune=True)


def questions(shared: Path, of: QuestionSet, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the set's sampled questions in the sample's order, `asked` being the scenario and the question."""
    rows = read_jsonl(shared / "data" / of.data / "qa.jsonl")
    by_id = {row["id"]: row for row in rows}
    ids = (shared / "bench" / "samples" / f"{of.name}.ids").read_text(encoding="utf-8").split()
    return [
        {**by_id[i], "asked": " ".join(part for part in (by_id[i].get("scenario"), by_id[i]["question"]) if part)}
        for i in ids[:limit]
    ]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def load_script(path: Path) -> ModuleType:
    """Import a scorer of ../shared/bench by its path."""
    spec = importlib.util.spec_from_file_location(f"shared_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_json(path: Path | None, value: Any) -> None:
    if path:
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Give a temporary folder that is removed whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix=f"assistant-bench-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(config: Config) -> Iterator[tuple[str, int]]:
    """Serve an index on a free port of loopback; yields the address and the server's process ID."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*COMMAND, "serve", "--port", str(port), "--data", str(config.data)])
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/healthz")
        yield address, server.pid
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str) -> None:
    """Return once an address answers; raises URLError if it does not in time."""
    for left in range(PATIENCE, -1, -1):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except URLError:
            if not left:
                raise
            time.sleep(1)


def show_counts(title: str, kinds: str, columns: Mapping[str, Counter[str]], faults: Sequence[str]) -> None:
    """Print what was counted by kind, a column each, with the sums, and the first of the faults."""
    table = Table(title=title)
    table.add_column(kinds)
    for name in columns:
        table.add_column(name, justify="right")
    for kind in next(iter(columns.values())):
        table.add_row(kind, *(f"{counts[kind]:,}" for counts in columns.values()))
    table.add_section()
    table.add_row("all", *(f"{counts.total():,}" for counts in columns.values()))
    console.print(table)
    for fault in faults[:MOST_FAULTS]:
        console.print(fault, style="red", markup=False)


def note_load() -> float:
    """Print the load average, with a warning where it spoils timings; return it."""
    load = os.getloadavg()[0]
    console.print(f"load average {load:.2f}, {os.cpu_count()} cores")
    if load > BUSY:
        console.print(f"[yellow]The machine is busy (over {BUSY}): do not report these timings.[/yellow]")
    return load


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
