"""The only place that prints: rich views on stderr and stdout, JSON on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from assistant.answer.outcomes import BETWEEN, nearest, worded_line
from assistant.answer.proof.verify import Check
from assistant.contract import dumps
from assistant.core.records import Answer, Flag, IngestReport, ModelRecord, SearchResult, Term
from assistant.terminal.progress import show_progress
from assistant.terminal.reports import calibration_line
from assistant.terminal.views import (
    ANSWER_LINES,
    MANY,
    Addresses,
    Indented,
    answer_text,
    earlier_view,
    first_of,
    flag_lines,
    hit_place,
    rejection_line,
    safe,
    sources_view,
)
from assistant.text.canonical import printable
from assistant.text.prompts import counted
from assistant.text.words import shown_title

if TYPE_CHECKING:
    from assistant.audit.ledger import Entry
    from assistant.guards.run import Screened
    from ingest.rights import DocumentAccess

PIPE_WIDTH = 120  # columns of a table that no terminal limits
FIRST_WRITTEN = 20  # questions of a model that are shown


class Renderer:
    """Prints to the terminal; documents, questions and file names reach it only through `printable`."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False, as_json: bool = False) -> None:
        self.out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self.err = Console(stderr=True, highlight=False, quiet=quiet, soft_wrap=not sys.stderr.isatty())
        self.verbose = verbose
        self.as_json = as_json

    def json(self, value: Any) -> None:
        """Write one JSON value and a line end to stdout."""
        sys.stdout.write(dumps(value) + "\n")
        sys.stdout.flush()

    def result(self, value: Any, show: Callable[[], object]) -> None:
        """Write what a command found as JSON where that was asked for, else show it."""
        if self.as_json:
            self.json(value)
        else:
            show()

    def error(self, cause: str, hint: str = "") -> None:
        """Say what went wrong, on stderr, quiet or not."""
        console = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
        with suppress(OSError):  # the exit code still tells
            console.print(
                Text.assemble(("Error: ", "bold red"), safe(cause), (f" {printable(hint)}" if hint else "", "bold"))
            )

    def note(self, text: str) -> None:
        """Say something on stderr unless quiet."""
        self.err.print(safe(text), style="dim")

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, float, float], None]]:
        """Show long work on stderr; yields (stage, done, total) -> None."""
        with show_progress(self.err) as update:
            yield update

    def working(self, text: str) -> Any:
        """Return a spinner context on stderr."""
        return self.err.status(text) if self.err.is_terminal else nullcontext()

    @contextmanager
    def paged(self) -> Iterator[None]:
        """Show what is printed in the user's pager, if it is a terminal that has one and more than a screen."""
        if not self.out.is_terminal or self.out.is_dumb_terminal:
            yield
            return
        os.environ.setdefault("LESS", "-FRX")  # less: leave at once if all fits, with colours, on the same screen
        with self.out.pager(styles=True, links=True):
            yield

    def answer(self, answer: Answer, files: Addresses | None = None, *, around: bool = False) -> None:
        """Print an answer and its numbered sources, with what stands `around` their quotes if that is wanted.

        `files` are their addresses, which a terminal may open.
        """
        self.asked(answer.asked)
        if answer.about:
            self.out.print(Text.assemble("Answered for: ", safe(answer.about), style="dim"))
        text = answer_text(answer)
        self.out.print(text)
        if line := worded_line(answer):
            self.out.print(safe(line), style="dim")
        if sources := answer.sources:
            room = ANSWER_LINES - 1 - len(text.wrap(self.out, self.out.width))
            lines = None if around or self.out.soft_wrap else room
            self.out.print()
            self.out.print(sources_view(sources, files, around=around, lines=lines, width=self.out.width))
        if near := nearest(answer):
            titles = BETWEEN.join(f"{shown_title(hit.title, hit.source)} ({hit.source})" for hit in near)
            self.out.print(Text.assemble("Documents on the subject: ", safe(titles), style="dim"))
        if answer.earlier:
            self.out.print()
            self.out.print(earlier_view(answer.earlier))
        if self.verbose:
            self.details(answer)

    def details(self, answer: Answer) -> None:
        """Print on stderr how an answer came about."""
        times = ", ".join(f"{name} {ms:.0f} ms" for name, ms in answer.timings.items())
        self.note(f"confidence {answer.confidence:.2f} · {times} · model {answer.model.id} · {answer.index.generation}")
        for verdict in answer.verdicts:
            self.note(f"{verdict.guard}: {verdict.reason}")

    def asked(self, question: str) -> None:
        """Say how a question with misspelt words was understood; nothing of another."""
        if question:
            self.out.print(Text.assemble("Asked as: ", safe(question), style="dim"))

    def hits(self, found: SearchResult) -> None:
        """Print retrieved passages."""
        self.asked(found.asked)
        if not found.hits:
            self.out.print("No passage matches.", style="yellow")
        for hit in found.hits:
            self.out.print(Text.assemble((f"{hit.rank}. ", "bold"), hit_place(hit), (f"  {hit.score:.2f}", "dim")))
            self.out.print(Indented(safe(hit.passage.text), 3))
            self.out.print()

    def terms(self, terms: Sequence[tuple[Term, str, str]]) -> None:
        """Print definitions with where they stand."""
        for term, source, title in terms:
            also = f" (also: {'; '.join(term.aliases)})" if term.aliases else ""
            self.out.print(Text.assemble((printable(term.name), "bold"), (printable(also), "dim")))
            self.out.print(Indented(safe(" ".join(term.definition.split())), 3))
            self.out.print(Indented(Text(printable(f"{title} ({source})"), style="dim"), 3))

    def report(self, report: IngestReport) -> None:
        """Print what an ingest did."""
        counts = (
            ("added", len(report.added)),
            ("updated", len(report.updated)),
            ("unchanged", report.unchanged),
            ("removed", len(report.removed)),
            ("rejected", len(report.rejected)),
        )
        files = ", ".join(f"{number:,} {name}" for name, number in counts if number or name == "unchanged")
        indexed = f"{counted(report.passages, 'passage')}, {counted(report.terms, 'term')} indexed"
        self.out.print(f"{files} in {report.seconds:.1f} s; {indexed}.")
        self.show(first_of(report.rejected, rejection_line))
        self.show(flag_lines(report.flagged))
        if report.opened:
            self.out.print(f"More people may see {counted(len(report.opened), 'document')} now:", style="yellow")
            self.show(first_of(report.opened, lambda source: Text(f"  {printable(source)}")))
        if report.missing:
            files = counted(report.missing, "indexed file")
            still = "Below an access.toml nobody sees them; elsewhere they still answer."
            self.out.print(f"Missing on disk: {files}. {still} Remove them with --prune.", style="yellow")

    def screened(self, screened: Screened) -> None:
        """Print what the guards say of a text: each verdict, then the text as it goes on, or the refusal."""
        styles = {"allow": "yellow", "redact": "yellow", "block": "red"}
        for v in screened.verdicts:
            done = "flagged" if v.action == "allow" else "masked" if v.action == "redact" else "refused"
            self.out.print(Text.assemble((f"{done} ", styles[v.action]), (v.guard, "bold"), f": {printable(v.reason)}"))
        self.out.print(safe(screened.refusal or screened.text), style="yellow" if screened.refusal else "")

    def checks(self, checks: Sequence[Check]) -> None:
        """Print what `verify` found."""
        for check in checks:
            mark = ("✗ ", "red") if check.problem else ("✓ ", "green")
            found = check.problem or "the document says exactly this"
            self.out.print(Text.assemble(mark, f"[{check.key}] ", printable(check.source), f": {printable(found)}"))
        self.note(f"{sum(not check.problem for check in checks)} of {len(checks)} hold.")

    def status(self, status: Mapping[str, Any]) -> None:
        """Print the state of index and models."""
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for key, value in status.items():
            if key == "calibration" and value:
                table.add_row(key, safe(calibration_line(value)))
            elif key not in ("problems", "flagged", "expiring"):
                text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
                table.add_row(key.replace("_", " "), safe(str(text)))
        self.out.print(table)
        self.show(flag_lines([Flag(**flag) for flag in status["flagged"]]))
        for row in status["expiring"][:MANY]:
            self.out.print(Text.assemble(("expires ", "yellow"), f"{row['expires']} ", printable(row["source"])))
        for problem in status["problems"]:
            style = "bold red" if problem["fatal"] else "yellow"
            hint = f" {printable(problem['hint'])}", "bold"
            self.out.print(Text.assemble(("problem ", style), printable(problem["problem"]), hint))

    def calibration(self, found: Mapping[str, Any]) -> None:
        """Print what a calibration holds."""
        self.out.print(safe(calibration_line(found)))

    def recorded(self, path: Path, counts: Mapping[str, int]) -> None:
        """Print what `test --record` wrote."""
        statuses = ", ".join(f"{number:,} {status}" for status, number in counts.items())
        self.out.print(safe(f"{counted(sum(counts.values()), 'golden answer')} written to {path}: {statuses}."))
        self.note("Check them before you rely on them: they are today's answers, right or wrong.")

    def verified(self, lines: int, first: Entry | None, *, signed: bool) -> None:
        """Say what a log that holds proves, and what it does not."""
        if first is None:
            self.note("There is no log. Nothing was asked yet, or all of it was deleted: nobody can know which.")
            return
        since = f"the first is number {first.raw['number']:,}, of {first.raw['time']}"
        how = "It is signed." if signed else "It is not signed: without audit.key_file, only accidents are found."
        self.note(f"The log is unbroken; entries: {lines:,}; {since}. {how}")

    def log(self, entries: Iterable[Entry]) -> None:
        """Print lines of the audit log, oldest first."""
        rows = (
            (
                entry.id,
                entry.raw["time"],
                " ".join(filter(None, (entry.raw["command"], entry.raw.get("asker")))),
                entry.raw["status"],
                " ".join(filter(None, (entry.raw.get("of"), entry.raw.get("note") or entry.raw["question"]))),
                ", ".join(dict.fromkeys(source["source"] for source in entry.raw["sources"])),
            )
            for entry in entries
        )
        self._table(("id", "time", "command", "status"), rows, wrapped=("question", "sources"))

    def written(self, rows: Sequence[Mapping[str, Any]], path: Path, cost: Mapping[str, float]) -> None:
        """Print the first questions that a model wrote, and what all of them cost."""
        shown = (
            (row["question"], " ".join(row["evidence"][0].split()), row["docs"][0]) for row in rows[:FIRST_WRITTEN]
        )
        self._table((), shown, wrapped=("question", "answered by", "document"))
        words = f"{cost['sent']:,} words sent, {cost['received']:,} received, {cost['seconds']:,.0f} s"
        self.note(
            f"{counted(len(rows), 'question')} in {path}, of {cost['replies']:,} replies: {words}. Read them first."
        )

    def token(self, shown: str, line: str) -> None:
        """Print a new token, and what the file of tokens is to have of it."""
        self.note("The token, for whoever it is for; it is not shown again:")
        self.out.print(safe(shown))
        self.note("Its line, for the file that serve.tokens names, which is to be yours alone (chmod go= FILE):")
        self.out.print(safe(line))

    def access(self, entries: Sequence[DocumentAccess]) -> None:
        """Print who sees which document, and why."""
        styles = ("" if entry.audience is None else "yellow" for entry in entries)
        rows = ((e.source, Text(printable(e.shown_audience), s), e.why) for e, s in zip(entries, styles, strict=True))
        self._table((), rows, wrapped=("document", "seen by", "because of"))

    def models(self, records: Sequence[ModelRecord], serving: str) -> None:
        """Print the models, and mark the one that serves."""
        rows = (("*" if r.id == serving else "", r.id, r.kind, r.parent_id or "") for r in records)
        self._table(("", "model", "kind", "made from"), rows)

    def show(self, parts: Iterable[RenderableType]) -> None:
        """Print the parts of a report; a table has its width in a pipe, too."""
        for part in parts:
            wide = isinstance(part, Table) and not self.out.is_terminal
            (Console(highlight=False, width=PIPE_WIDTH) if wide else self.out).print(part)

    def _table(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], wrapped: Sequence[str] = ()) -> None:
        """Print rows of text of unknown origin, the last columns `wrapped` where a terminal is too narrow."""
        table = Table(*(Column(name, no_wrap=True) for name in columns), box=None, pad_edge=False)
        for name in wrapped:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else safe(cell) for cell in row))
        self.show([table])
