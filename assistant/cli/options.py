"""The options that commands share, and the exit codes of an answer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assistant.evaluate.splits import Split

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings; config.toml here, if it is your own.")]
Data = Annotated[Path | None, typer.Option("--data", help="The index folder, instead of the configured one.")]
Roles = Annotated[str, typer.Option("--as", metavar="ROLE[,ROLE]", help="Ask as someone with these roles.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Ask of the documents in force that day.")]
Hits = Annotated[int | None, typer.Option("-k", min=1, max=100, help="Passages to retrieve.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Also say how the answer came about.")]
Batch = Annotated[str, typer.Option("--batch", metavar="FILE", help="JSON lines, '-' for stdin; one result a line.")]
Jobs = Annotated[
    int, typer.Option("--jobs", min=1, metavar="N", help="Questions asked at once; an endpoint batches them.")
]
Foreign = Annotated[
    list[Path] | None, typer.Option("--foreign", metavar="FILE", help="Also ask another corpus's questions.")
]
ForeignLimit = Annotated[int, typer.Option(min=1, metavar="N", help="Questions of each --foreign.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write JUnit XML.")]
Half = Annotated[Split, typer.Option(help="One half of the documents, or all.")]
EXIT = {"answered": 0, "abstained": 3, "blocked": 4}


class FailOn(StrEnum):
    """From which severity on findings fail a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"


class GuardStage(StrEnum):
    """Where a text comes from, as `Stage` says it."""

    INPUT = "input"
    DOCUMENT = "document"
    OUTPUT = "output"
