"""An append-only log of what was asked and answered: each line holds the hash of the one before it.

DATA/audit.jsonl   a line an answer, personal data and secrets masked; moved to audit.1.jsonl when it is full
DATA/audit.head    how the last line must hash: a log that was cut short does not verify
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant import __version__
from assistant.core.config import Config
from assistant.core.errors import GateFailed, NotWritable, UsageError
from assistant.core.registry import write_whole
from assistant.core.types import Access, Answer, Turn
from assistant.guards.run import redacted
from assistant.records import dumps

FILE_NAME, BEFORE, HEAD, LOCK = "audit.jsonl", "audit.1.jsonl", "audit.head", ".audit.lock"
SHAPE = {
    "time": str, "question": str, "history": list, "roles": list, "as_of": str, "status": str, "answer_sha256": str,
    "sources": list,
}  # fmt: skip
ID = 12  # hexadecimal digits of a line's hash that name it

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log, and its hash."""

    sha256: str
    raw: Json

    @property
    def id(self) -> str:
        """What the line is called."""
        return self.sha256[:ID]


class Audit:
    """The log beside an index."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folder = config.data

    def append(self, answer: Answer, history: Sequence[Turn], access: Access) -> str:
        """Add an answer and return the id of its line; processes take turns. Raises NotWritable."""
        from filelock import FileLock

        raw = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "question": redacted(answer.question),
            "history": [redacted(turn.content) for turn in history if turn.role == "user"],
            "roles": sorted(access.roles), "as_of": access.as_of,
            "status": answer.status, "answer_sha256": answer_hash(answer),
            "sources": [
                {"source": c.source, "sha256": c.document_sha256, "start": c.start, "end": c.end}
                for c in answer.citations
            ],
            **made_by(answer, self._config),
        }  # fmt: skip
        path = self._folder / FILE_NAME
        try:
            with FileLock(self._folder / LOCK):
                line = dumps({**raw, "previous": self._head() or ""})
                if path.exists() and path.stat().st_size > self._config.audit.max_mb * 2**20:
                    path.replace(self._folder / BEFORE)
                with path.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                write_whole(self._folder / HEAD, hash_of(line))
        except OSError as error:
            cause = f"the log {path} cannot be written: {error.strerror}."
            raise NotWritable(cause, "Make the folder writable, or set audit.enabled = false.") from error
        return hash_of(line)[:ID]

    def entries(self) -> Iterator[Entry]:
        """Yield the lines, oldest first; raises GateFailed naming one that was not written by `append`."""
        for name in (BEFORE, FILE_NAME):
            path = self._folder / name
            for number, line in enumerate(_read(path).splitlines(), 1):
                try:
                    raw = json.loads(line)
                    if not all(isinstance(raw[key], kind) for key, kind in SHAPE.items()):
                        raise ValueError("a value is of another kind")
                    yield Entry(hash_of(line), raw)
                except (ValueError, TypeError, KeyError) as error:
                    raise GateFailed(f"{path}, line {number} is no line of the log: {error}.", CURE) from error

    def find(self, id: str) -> Entry:
        """Return the line of that id, or whose id begins so; raises UsageError if there is not just one."""
        found = [entry for entry in self.entries() if entry.id.startswith(id)]
        if len(found) != 1:
            raise UsageError(f"{len(found)} lines of the log are called {id!r}.", "See `assistant log`.")
        return found[0]

    def verify(self) -> int:
        """Return how many lines follow each other unbroken; raises GateFailed naming the first that does not."""
        before, count = None, 0
        for count, entry in enumerate(self.entries(), 1):
            if before is not None and entry.raw.get("previous") != before:
                raise GateFailed(f"line {count} ({entry.id}) does not follow the line before it.", CURE)
            before = entry.sha256
        if before != self._head():
            raise GateFailed(f"the log does not end as {HEAD} says: lines at its end are missing or added.", CURE)
        return count

    def _head(self) -> str | None:
        return _read(self._folder / HEAD).strip() or None


def _read(path: Path) -> str:
    """Return what a file of the log holds, nothing if there is none; bytes that are no text only break its hash."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


CURE = "The log was changed, or the disk is failing: compare it with a backup."


def made_by(answer: Answer, config: Config) -> Json:
    """Return what an answer depends on besides the question."""
    return {
        "version": __version__, "config": config.sha, "model": asdict(answer.model),
        "generation": answer.index.generation,
    }  # fmt: skip


def answer_hash(answer: Answer) -> str:
    """Return a hash of what was answered, and from where."""
    places = [(c.key, c.claim, c.document_sha256, c.start, c.end) for c in answer.citations]
    return hash_of(json.dumps([answer.status, answer.text, places]))


def differences(entry: Entry, answer: Answer, config: Config) -> list[str]:
    """Say in words what has changed since an answer was given; empty if it is the same answer."""
    if entry.raw["answer_sha256"] == answer_hash(answer):
        return []
    now = made_by(answer, config)
    changed = [f"{name} was {entry.raw[name]}, is {now[name]}" for name in now if entry.raw[name] != now[name]]
    if "removed]" in entry.raw["question"]:
        changed.append("the question was masked in the log")
    return changed or ["nothing that the log knows of"]


def history_of(entry: Entry) -> tuple[Turn, ...]:
    """Return what was asked before the question, in the same conversation."""
    return tuple(Turn("user", text) for text in entry.raw["history"])


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
