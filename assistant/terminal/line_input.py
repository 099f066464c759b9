"""Reading a line at the terminal: completion, and a private history of masked questions."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.core.files import open_private
from assistant.core.records import MAX_QUESTION
from assistant.guards.run import redacted_together

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History

HISTORY_LINES = 1_000


def read_plainly() -> str:
    """Read a line of stdin, which is a pipe or a file."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def name_completer(helps: Mapping[str, str]) -> Completer:
    """Complete `/` at the start of a line to the commands, each with what it does."""
    from prompt_toolkit.completion import WordCompleter

    meta: dict[str, Any] = {f"/{name}": text for name, text in helps.items()}
    return WordCompleter(list(meta), meta_dict=meta, sentence=True)


def open_history(path: Path) -> History:
    """Open the file of earlier lines, private, masked, cut to its last thousand; in memory if that cannot be."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class Questions(FileHistory):
        before = ""  # it may name what the next line holds

        def store_string(self, string: str) -> None:
            try:
                if len(string) <= MAX_QUESTION:
                    _keep_private(path)
                    *_, told = redacted_together([self.before, string])
                    self.before = string
                    super().store_string(told)
            except OSError:
                pass  # a full disk is no reason to refuse a question

    try:
        _keep_private(path)
        lines = path.read_bytes().splitlines(keepends=True)
        if len(lines) > HISTORY_LINES:
            kept = lines[-HISTORY_LINES:]
            begin = next((i for i, line in enumerate(kept) if not line.startswith(b"+")), len(kept))
            path.write_bytes(b"".join(kept[begin:]))
    except OSError:
        return InMemoryHistory()
    return Questions(path)


def _keep_private(path: Path) -> None:
    os.close(open_private(path, os.O_WRONLY))
