"""The command line in a process forked from one that has imported everything, with limits that stop a runaway."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from assistant.cli import main

# A damaged vector index made Chroma write 34 GB once.
LIMITS = {resource.RLIMIT_FSIZE: 200 * 2**20, resource.RLIMIT_AS: 8 * 2**30, resource.RLIMIT_CORE: 0}
PRELOAD = [
    "tests.chaos_worker",
    "assistant.answer.assistant",
    "assistant.terminal.chat",
    "assistant.terminal.status",
    "ingest.moves_and_removals",
    "chromadb",
    "chromadb.config",
    "chromadb.api.rust",
    "onnxruntime",
    "tokenizers",
    "filelock",
]


def limit() -> None:
    """Let this process neither fill the disk nor the memory, whatever damaged files make it do."""
    for kind, most in LIMITS.items():
        resource.setrlimit(kind, (most, most))


def run(arguments: Sequence[str], folder: Path, stdin: str, name: str) -> None:
    """Run one command in `folder`, its streams the files `name`.in, .out and .err."""
    limit()
    os.chdir(folder)
    Path(f"{name}.in").write_text(stdin, encoding="utf-8")
    for number, (end, flags) in enumerate((("in", os.O_RDONLY), ("out", os.O_WRONLY), ("err", os.O_WRONLY))):
        os.dup2(os.open(f"{name}.{end}", flags | os.O_CREAT), number)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = ["assistant", *arguments]
    main()
