"""Kill an ingest at random moments, and look that nothing is lost.

    python -m tests.campaigns.kill_ingest [-n 200] [--seed 1]

Each round edits, adds, removes, renames and restricts files of a small corpus, starts an ingest in a process of its
own, and kills it with SIGKILL: at a moment drawn from its whole duration or, every other time, from its last stages,
where the vector generation and the catalog change. Then the index must be wholly as before or, if the switch was
made, wholly as after; every sentence must be found, none of the other state's, and Chroma must hold what the catalog
names. The ingest is run again (sometimes killed again) and the new state must be there. Every tenth round uses the
command line. Leftovers are not losses: rows and folders that nothing names, which a later ingest must clear.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from rich.table import Table

from assistant.core.config import Config, EncoderSection, IngestSection
from bench.common import config_text, console, parser, quiet_config, scratch, settings, write_json
from tests.campaigns import kill_worker
from tests.campaigns.kill_worker import ROLE, Entry, Report, State, question, sentence
from tests.manifests import access_toml

FILES = 40
KINDS = ("derive", "derive", "rebuild", "rebuild", "first")
CLI_EVERY = 10
AGAIN = 0.2  # share of killed ingests whose repetition is killed too
TIMEOUT_SECONDS = 120.0  # after which a process counts as hanging
WORDS = """archive audit badge basement bicycle binder blanket boiler calendar canteen cellar clerk clock contract
copper corridor counter courier courtyard cupboard curtain desk drawer elevator envelope escort exhibit fabric
filing floor forecast fountain furnace garden gate glass harbour heating helmet hinge inventory invoice janitor kettle
keyring label ladder lantern ledger letter library locker manual mirror morning museum notice office orchard paper
parcel pencil permit piano plaster porter postcard pump receipt roof rota scaffold screen shelf signal stairs stamp
storage tariff ticket timber tower tray tunnel umbrella vault visitor wagon warehouse window winter workshop""".split()
STAGES = (
    "starting",
    "reading",
    "loading",
    "embedding",
    "indexing",
    "build",
    "derive",
    "commit",
    "cleanup",
    "closing",
    "command line",
)


@dataclass(slots=True)
class Result:
    """What the kills came to; `failures` must be empty."""

    kills: int = 0
    rounds: int = 0
    finished_first: int = 0  # ingests that were done before their kill
    by_stage: Counter[str] = field(default_factory=Counter)
    switched: Counter[str] = field(default_factory=Counter)  # kills after the switch, by stage
    by_kind: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    leftovers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(slots=True)
class Killed:
    """One ingest: whether it was killed, at which stage, and what it raised if it raised."""

    killed: bool
    stage: str
    error: str = ""
    stamps: dict[str, float] = field(default_factory=dict)  # stage -> seconds after the start


def run_kills(
    n: int,
    seed: int,
    folder: Path,
    models: Path | None = None,
    ballast: int = 0,
    progress: Callable[[Result], None] = lambda result: None,
) -> Result:
    """Kill `n` ingests under `folder`, which is left as it was found; `ballast` adds that many unchanging passages.

    With a thousand of them Chroma flushes its index while a generation is built. About 2 s a kill.
    """
    began = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="kill-", dir=folder))
    try:
        with _nursery() as context:
            run = _Kills(work, random.Random(seed), context, models or Config().models_dir, ballast)
            run.calibrate()
            while run.result.kills < n and run.result.rounds < 3 * n + 5 and len(run.result.failures) < 10:
                run.round(n)
                progress(run.result)
        run.result.seconds = time.monotonic() - began
        return run.result
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _nursery() -> Iterator[ForkServerContext]:
    """Start the process that the others are forked from: everything imported, and no thread started."""
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    before = {name: os.environ.get(name) for name in single}
    os.environ.update(single)
    try:
        context = mp.get_context("forkserver")
        context.set_forkserver_preload(
            [
                "__main__",
                "tests.campaigns.kill_worker",
                "chromadb",
                "chromadb.config",
                "chromadb.api.rust",
                "tokenizers",
            ]
        )
        threads = _ask(context, kill_worker.nursery)
        if threads > 1:
            raise RuntimeError(f"the fork server has {threads} threads: what is forked from it may hang")
        yield context
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _ask(context: ForkServerContext, function: Callable[..., None], *args: Any) -> Any:
    """Run `function(*args, connection)` in a process of its own and return what it sends."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(*args, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(TIMEOUT_SECONDS):
            raise TimeoutError(f"{function.__name__} hangs")
        return ours.recv()
    finally:
        _end(process, 5.0)
        ours.close()


def _end(process: ForkServerProcess, patience: float) -> None:
    """Kill a process that does not end by itself in time; never a number that may be another process's by now."""
    process.join(patience)
    if process.is_alive():
        process.kill()
    process.join()


class _Kills:
    """One corpus, one index, and the rounds played on them."""

    def __init__(self, work: Path, rng: random.Random, context: ForkServerContext, models: Path, ballast: int) -> None:
        self.result = Result()
        self._docs = work / "docs"
        self._config_file = work / "config.toml"
        self._rng = rng
        self._context = context
        base = quiet_config(work / "index", models)
        self._base = replace(base, encoder=EncoderSection(threads=1))
        self._docs.mkdir()
        self._state: State = {}
        self._stale: list[str] = []
        self._durations: dict[str, tuple[float, float]] = {}
        self._number = 0
        for _ in range(FILES):
            self._add(self._state)
        if ballast:
            # Figures: nothing that a sentence of the register is like.
            figures = ([rng.randrange(10_000) for _ in range(8)] for _ in range(ballast))
            sections = (f"## {i}\n\n{' / '.join(map(str, row))}\n" for i, row in enumerate(figures))
            (self._docs / "ballast.md").write_text("# Ballast\n\n" + "\n".join(sections), encoding="utf-8")

    def calibrate(self) -> None:
        """Run each kind once to its end, and learn how long it takes."""
        for kind in ("first", "derive", "rebuild", "command line"):
            old, new = self._prepare("derive" if kind == "command line" else kind)
            ran = self._by_command_line(None) if kind == "command line" else self._in_fork(kind, delay=None)
            if ran.error:
                raise RuntimeError(f"an ingest that nobody killed failed: {ran.error}")
            self._learn(kind, ran)
            self._settle(kind, old, new)

    def _learn(self, kind: str, ran: Killed) -> None:
        """Note when the last stages of an ingest that ran to its end began, and when it was done."""
        seen = ran.stamps.get("indexing", 0.0), ran.stamps["done"]
        known = self._durations.get(kind, seen)
        self._durations[kind] = (known[0] + seen[0]) / 2, (known[1] + seen[1]) / 2

    def round(self, wanted: int) -> None:
        """Change files, kill, check, repeat to the end, check."""
        self.result.rounds += 1
        by_command_line = self.result.rounds % CLI_EVERY == 0
        kind = self._rng.choice(KINDS)
        again = False
        old, new = self._prepare(kind)
        while True:
            ran = self._kill_one("command line" if by_command_line else kind)
            if ran.error:
                self._fail(kind, f"the ingest failed at stage {ran.stage}: {ran.error}")
            if not ran.killed:
                self.result.finished_first += 1
                if not again and "done" in ran.stamps:
                    self._learn("command line" if by_command_line else kind, ran)
                break
            again = True
            report = self._check(old, new, settled=False)
            self._count(kind, ran, report)
            if by_command_line and report.state != "none":
                self._search_by_command_line(old if report.state == "old" else new, kind)
            if self.result.kills >= wanted or self._rng.random() >= AGAIN:
                break
        rest = self._in_fork(kind, delay=None)
        if rest.error or rest.killed:
            self._fail(kind, f"the repetition failed at stage {rest.stage}: {rest.error}")
        self._settle(kind, old, new)

    # --- the corpus ------------------------------------------------------------------------------------------------

    def _prepare(self, kind: str) -> tuple[State, State]:
        """Change files for a round of this kind; return the state that is indexed and the one to come."""
        old = dict(self._state)
        if kind == "first":
            shutil.rmtree(self._base.data, ignore_errors=True)
            old = {}
        share = 0.0 if kind == "rebuild" else 1.0
        self._config = replace(self._base, ingest=IngestSection(rebuild_share=share))
        self._config_file.write_text(config_text(self._config), encoding="utf-8")
        new = dict(self._state)
        changes = [self._edit, self._edit, self._edit, self._add, self._remove, self._rename, self._restrict]
        self._edit(new)
        for _ in range(self._rng.randint(1, 12 if kind == "rebuild" else 4)):
            self._rng.choice(changes)(new)
        return old, new

    def _token(self) -> str:
        return "q" + "".join(self._rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9))

    def _write(self, state: State, name: str) -> None:
        """Write a document of two sections, with a token in each."""
        entry = Entry((self._token(), self._token()), state[name].restricted if name in state else False)
        parts = [f"# The {' '.join(self._rng.sample(WORDS, 2))} register\n"]
        for token in entry.tokens:
            filler = [" ".join(self._rng.sample(WORDS, 9)).capitalize() + "." for _ in range(3)]
            parts.append(f"## {' '.join(self._rng.sample(WORDS, 2)).capitalize()}\n")
            parts.append(f"{filler[0]} {sentence(token)}. {filler[1]} {filler[2]}\n")
        (self._docs / name).write_text("\n".join(parts), encoding="utf-8")
        state[name] = entry

    def _add(self, state: State) -> None:
        self._number += 1
        self._write(state, f"register-{self._number:04d}.md")

    def _edit(self, state: State) -> None:
        self._write(state, self._rng.choice(sorted(state)))

    def _remove(self, state: State) -> None:
        if len(state) > FILES // 2:
            name = self._rng.choice(sorted(state))
            (self._docs / name).unlink()
            del state[name]
            self._govern(state)

    def _rename(self, state: State) -> None:
        name = self._rng.choice(sorted(state))
        self._number += 1
        other = f"register-{self._number:04d}.md"
        (self._docs / name).rename(self._docs / other)
        state[other] = state.pop(name)
        self._govern(state)

    def _restrict(self, state: State) -> None:
        """Make a document the auditors' own, or everyone's again: its metadata changes, its text does not."""
        name = self._rng.choice(sorted(state))
        state[name] = replace(state[name], restricted=not state[name].restricted)
        self._govern(state)

    def _govern(self, state: State) -> None:
        rules = {name: ROLE for name, entry in state.items() if entry.restricted}
        (self._docs / "access.toml").write_text(access_toml(rules), encoding="utf-8")

    # --- the ingest ------------------------------------------------------------------------------------------------

    def _kill_one(self, kind: str) -> Killed:
        switch, done = self._durations[kind]
        if kind == "command line":
            return self._by_command_line(self._rng.uniform(0, done))
        late = self._rng.random() < 0.5
        delay = self._rng.uniform(0, 1.1 * (done - switch) if late else 1.05 * done)
        return self._in_fork(kind, delay, after="indexing" if late else "starting")

    def _in_fork(self, kind: str, delay: float | None, after: str = "starting") -> Killed:
        """Run the ingest in a forked process and kill it `delay` seconds after a stage began."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=kill_worker.victim, args=(self._config, self._docs, theirs))
        process.start()
        theirs.close()
        marks: list[tuple[str, Any]] = []
        try:
            if delay is not None:
                while not marks or marks[-1][0] not in (after, "error", "done"):
                    if not ours.poll(TIMEOUT_SECONDS):
                        break
                    marks.append(ours.recv())
            _end(process, TIMEOUT_SECONDS if delay is None else delay)
            while ours.poll():
                marks.append(ours.recv())
        except EOFError:
            process.join()
        finally:
            ours.close()
        return _outcome(process.exitcode, marks, hangs=delay is None)

    def _by_command_line(self, delay: float | None) -> Killed:
        began = time.monotonic()
        process = subprocess.Popen(
            self._command("ingest", str(self._docs), "--prune", "--json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            _, errors = process.communicate(timeout=TIMEOUT_SECONDS if delay is None else delay)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
            if delay is None:
                errors += b" (it hangs)"
        done = {"done": time.monotonic() - began}
        killed = process.returncode == -signal.SIGKILL
        error = errors.decode(errors="replace")[-2000:] if process.returncode and not (killed and delay) else ""
        return Killed(killed, "command line", error, done)

    def _search_by_command_line(self, state: State, kind: str) -> None:
        token = self._rng.choice([token for entry in state.values() for token in entry.tokens])
        run = subprocess.run(
            self._command("search", question(token), "--json", "--as", ROLE), capture_output=True, text=True
        )
        found = [hit["text"] for hit in json.loads(run.stdout)["hits"]] if run.returncode == 0 else []
        if not any(token in text for text in found):
            self._fail(kind, f"`assistant search` exits {run.returncode} without {token}: {run.stderr[-500:]}")

    def _command(self, name: str, *args: str) -> list[str]:
        code = "from assistant.cli import main; main()"
        return [sys.executable, "-c", code, name, *args, "--config", str(self._config_file)]

    # --- the checks ------------------------------------------------------------------------------------------------

    def _check(self, old: State, new: State, settled: bool) -> Report:
        try:
            report: Report = _ask(
                self._context, kill_worker.checker, self._config, old, new, self._stale[-20:], settled
            )
        except (TimeoutError, EOFError) as error:
            report = Report(problems=[f"the check ended without a word: {error}"])
        return report

    def _settle(self, kind: str, old: State, new: State) -> None:
        report = self._check(old, new, settled=True)
        for problem in report.problems:
            self._fail(kind, f"after the repetition: {problem}")
        self.result.leftovers.update(left.partition(" ")[2] for left in report.leftovers)
        kept = {token for entry in new.values() for token in entry.tokens}
        self._stale += [t for entry in self._state.values() for t in entry.tokens if t not in kept]
        self._state = new

    def _count(self, kind: str, ran: Killed, report: Report) -> None:
        self.result.kills += 1
        self.result.by_stage[ran.stage] += 1
        self.result.by_kind[kind] += 1
        self.result.switched[ran.stage] += report.state == "new"
        for problem in report.problems:
            self._fail(kind, f"killed at stage {ran.stage}: {problem}")

    def _fail(self, kind: str, what: str) -> None:
        self.result.failures.append(f"round {self.result.rounds} ({kind}): {what}")


def _outcome(exitcode: int | None, marks: list[tuple[str, Any]], hangs: bool) -> Killed:
    error = next((str(value) for stage, value in marks if stage == "error"), "")
    stamped = [(stage, at) for stage, at in marks if stage != "error"]
    stage = stamped[-1][0] if stamped else "starting"
    killed = exitcode == -signal.SIGKILL and stage != "done"
    if killed and hangs:
        error = error or f"it was still at stage {stage} after {TIMEOUT_SECONDS:g} s"
    elif exitcode not in (0, -signal.SIGKILL):
        error = error or f"exit code {exitcode}"
    began = stamped[0][1] if stamped else 0.0
    stamps: dict[str, float] = {}
    for name, at in stamped:
        stamps.setdefault(name, at - began)
    return Killed(killed, stage, error, stamps)


def _print(result: Result) -> None:
    table = Table("killed at stage", "kills", "of these after the switch", title="kill -9 of an ingest")
    for stage in STAGES:
        if result.by_stage[stage]:
            table.add_row(stage, str(result.by_stage[stage]), str(result.switched[stage]))
    table.add_section()
    table.add_row("all", str(result.kills), str(result.switched.total()))
    console.print(table)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(result.by_kind.items()))
    console.print(f"{kinds}; {result.finished_first} ingests were done before their kill; {result.seconds:.0f} s")
    for left, count in result.leftovers.items():
        console.print(f"[yellow]left over after {count} of the repetitions: {left}[/yellow]")
    for failure in result.failures:
        console.print(failure, style="red", markup=False)
    console.print(f"{len(result.failures)} failures", style="red" if result.failures else "green")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("-n", type=int, default=200, help="kills")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--ballast", type=int, default=0, help="unchanging passages; over 1,000 make Chroma flush")
    given = options.parse_args()
    with scratch("kill") as folder, console.status("starting") as status:
        models = settings(given, folder).models_dir
        result = run_kills(
            given.n,
            given.seed,
            folder,
            models,
            given.ballast,
            lambda r: status.update(f"{r.kills} kills, {len(r.failures)} failures"),
        )
    _print(result)
    write_json(given.json, {f.name: getattr(result, f.name) for f in fields(result)})
    sys.exit(7 if result.failures else 0)


if __name__ == "__main__":
    main()
