"""An append-only file of numbered lines, each holding the hash of the one before it: crashes heal, changes show.

FOLDER/audit.jsonl    the lines; moved to audit.1.jsonl when it is full, in place of the lines that were there
FOLDER/audit.head     how many lines there are, how the last one hashes, and what the first that is kept follows
FOLDER/.audit.lock    held while a line is written, and while all are checked; never there before a head was

The head says where the log is going before a line is written, and that it is there afterwards. Whoever is killed in
between leaves a log that ends in one of the two states, and the next line begins with clearing up.
With a key the hashes are HMACs, and the head is signed (after Schneier and Kelsey, "Secure audit logs to support
computer forensics", 1999). Who has no key can still put log and head back as they were at
some time, or delete all files.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from assistant.contract import dumps
from assistant.core.errors import GateFailed, NotWritable
from assistant.core.files import PRIVATE_FILE, open_private

FILE_NAME, BEFORE, HEAD, LOCK = "audit.jsonl", "audit.1.jsonl", "audit.head", ".audit.lock"
UNFINISHED = "A line was begun, and nothing of it was written."
HINT = "The log was changed, or the disk is failing: compare it with a backup."
NEW_LOG_HINT = f"Or move {FILE_NAME}, {BEFORE}, {HEAD} and {LOCK} elsewhere: a new log then begins."
LOST = "lost"  # in place of the hash that a line follows, where nobody knows it any more
ID_DIGITS = 12  # hexadecimal digits of a line's hash that name it
HEAD_BYTES = 1_024  # blanks at its end
PARSE_ERRORS = (ValueError, TypeError, KeyError, RecursionError)  # what parsing raises

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log, and its hash."""

    sha256: str
    raw: Json

    @property
    def id(self) -> str:
        """What the line is called."""
        return self.sha256[:ID_DIGITS]


@dataclass(frozen=True, slots=True)
class State:
    """Where a log ends, and the last line that is no longer kept, which the first one follows."""

    number: int = 0
    sha256: str = ""
    gone: int = 0
    gone_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a log; `before` is the one until the line that is being written is there."""

    now: State
    before: State | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """The states that the log may be in."""
        return (self.now,) if self.before is None else (self.now, self.before)


class Ledger:
    """The lines in one folder."""

    def __init__(self, folder: Path, max_mb: float, key: bytes | None, shape: Mapping[str, type]) -> None:
        """Name the folder; a file above `max_mb` is moved, `shape` says which values each line has."""
        self._folder = folder
        self._max_bytes = max_mb * 2**20
        self._key = key
        self._shape = {"number": int, "previous": str, **shape}

    def append(self, raw: Json, note: Callable[[str], Json]) -> str:
        """Add a line and return its hash; processes take turns.

        A line that was not finished is removed first, and a line that `note` makes of what is to be said of it is
        added. Raises NotWritable.
        """
        from filelock import FileLock

        try:
            if not (self._folder / LOCK).exists():  # a lock without a head then says that a head was removed
                os.close(open_private(self._folder / HEAD, os.O_WRONLY))
            with FileLock(self._folder / LOCK, mode=PRIVATE_FILE):
                state, note_text = self._recover()
                if note_text:
                    state = self._write(note(note_text), state)
                return self._write(raw, state).sha256
        except GateFailed as error:
            raise NotWritable(error.cause, error.hint) from error
        except OSError as error:
            cause = f"the log {self._path} cannot be written: {error.strerror}."
            raise NotWritable(cause, "Make the folder writable, or set audit.enabled = false.") from error

    def lines(self, about: str = "") -> Iterator[Entry]:
        """Yield the lines, oldest first; raises GateFailed naming one that was not written by `append`.

        Of all lines those that are called `about` or hold that: to parse the others takes a second for a full log.
        What is behind the last line end is no line yet.
        """
        now, before = _read(self._path), _read(self._folder / BEFORE)
        if before.startswith(now):  # it was moved away between the two
            now = b""
        for path, data in ((self._folder / BEFORE, before), (self._path, now)):
            for number, line in enumerate(data.split(b"\n")[:-1], 1):
                sha256 = self._hash(line)
                if not (sha256.startswith(about) or about.encode() in line):
                    continue
                try:
                    yield Entry(sha256, self._parse(line))
                except PARSE_ERRORS as error:
                    raise GateFailed(f"{path}, line {number} is no line of the log: {error}.", HINT) from error

    def verify(self) -> int:
        """Return how many lines follow each other unbroken; raises GateFailed naming the first that does not.

        Without any of the log's files it returns 0: whoever deletes them all is not noticed.
        """
        if not (begun := [name for name in (LOCK, HEAD, FILE_NAME, BEFORE) if (self._folder / name).exists()]):
            return 0
        with self._locked():
            if (head := self._read_head()) is None and self._is_new():
                return 0
            if head is None:
                raise GateFailed(f"{HEAD} is missing or damaged, though {begun[-1]} says that a log was begun.", HINT)
            follows, last, count = {(s.gone, s.gone_sha256) for s in head.states}, (0, ""), 0
            for count, line in enumerate(self.lines(), 1):
                if line.raw["previous"] == LOST:
                    raise GateFailed(f"the lines before line {count} ({line.id}) were removed, or their {HEAD}.", HINT)
                if (line.raw["number"] - 1, line.raw["previous"]) not in follows:
                    raise GateFailed(f"line {count} ({line.id}) does not follow the line before it.", HINT)
                last = line.raw["number"], line.sha256
                follows = {last}
            finished = _ends_whole(self._folder / BEFORE) and (head.before is not None or _ends_whole(self._path))
            if last not in {(s.number, s.sha256) for s in head.states} or not finished:
                raise GateFailed(f"the log does not end as {HEAD} says: lines at its end are missing or added.", HINT)
            return count

    @property
    def _path(self) -> Path:
        return self._folder / FILE_NAME

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep writers out; whoever may not write here, or not as they do, goes on all the same."""
        from filelock import FileLock

        lock = FileLock(self._folder / LOCK, mode=PRIVATE_FILE)
        with suppress(OSError):
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    # --- writing -----------------------------------------------------------------------------------------------

    def _write(self, raw: Json, state: State) -> State:
        """Write a line that follows `state`, moving the file away if it is full; return the state with it."""
        text = dumps({"number": state.number + 1, **raw, "previous": state.sha256}).encode()
        full = self._path.exists() and self._path.stat().st_size > self._max_bytes
        gone = self._first_follows() if full else (state.gone, state.gone_sha256)
        now = State(state.number + 1, self._hash(text), *gone)
        self._write_head(Head(now, state))
        if full:
            self._path.replace(self._folder / BEFORE)
        self._add(text + b"\n")
        self._write_head(Head(now))
        return now

    def _first_follows(self) -> tuple[int, str]:
        """Return the number and the hash of the line before the first in the file: once it is moved, the last gone."""
        try:
            with self._path.open("rb") as file:
                raw = self._parse(file.readline())
        except PARSE_ERRORS:  # `verify` will find it, wherever it is said to belong
            return 0, ""
        return raw["number"] - 1, raw["previous"]

    def _add(self, data: bytes) -> None:
        with os.fdopen(open_private(self._path, os.O_WRONLY | os.O_APPEND), "ab") as file:
            file.write(data)

    def _write_head(self, head: Head) -> None:
        """Write the head over the old one, as long as it: one call for less than a page is done whole or not at all.

        To put another file in its place, which is as safe, has ext4 wait for the disk: 2 ms a time, of two a line.
        """
        text = dumps({**asdict(head), "signature": self._signature(head)}).encode()
        with os.fdopen(open_private(self._folder / HEAD, os.O_WRONLY), "wb", buffering=0) as file:
            file.write(text.ljust(HEAD_BYTES))

    # --- clearing up -------------------------------------------------------------------------------------------

    def _recover(self) -> tuple[State, str]:
        """Return the state that the next line follows, and what there is to say of one that was not finished."""
        head = self._read_head()
        data = _read(self._path) if head is None or head.before or not _ends_whole(self._path) else b""
        half = data[data.rfind(b"\n") + 1 :]
        note_text = ""
        if half and head and self._hash(half) == head.now.sha256:
            self._add(b"\n")
            return head.now, ""
        if half:
            os.truncate(self._path, len(data) - len(half))
            note_text = f"{len(half):,} bytes of a line that was not finished were removed."
        if head is None and self._is_new():
            return State(), ""
        if head is None:  # what follows says for as long as it is kept that something is missing before it
            return State(sha256=LOST), f"{note_text} {HEAD} was missing or damaged.".strip()
        kept = data[: len(data) - len(half)]
        if head.before and self._last_hash(kept or _read(self._folder / BEFORE)) == head.before.sha256:
            moved = head.now if not kept else head.before
            return replace(head.before, gone=moved.gone, gone_sha256=moved.gone_sha256), note_text or UNFINISHED
        return head.now, note_text

    def _last_hash(self, data: bytes) -> str:
        lines = data.split(b"\n")[:-1]
        return self._hash(lines[-1]) if lines else ""

    # --- reading -----------------------------------------------------------------------------------------------

    def _read_head(self) -> Head | None:
        """Return the head, None if it is missing or damaged; raises GateFailed for one signed in another way."""
        try:
            raw = json.loads(_read(self._folder / HEAD))
            head = Head(_state(raw["now"]), _state(raw["before"]) if raw["before"] else None)
            signature = str(raw["signature"])
        except PARSE_ERRORS:
            return None
        if not hmac.compare_digest(signature.encode(), self._signature(head).encode()):
            raise GateFailed(f"{self._folder / HEAD} {self._unsigned(signature)}.", f"{HINT} {NEW_LOG_HINT}")
        return head

    def _unsigned(self, signature: str) -> str:
        if not signature:
            return "is not signed, though audit.key_file is set: the log was begun without the key, or was forged"
        if self._key is None:
            return "is signed, and audit.key_file names no key to check it with"
        return "is not signed with the key of audit.key_file"

    def _is_new(self) -> bool:
        """Tell whether a log was begun, and no line of it written."""
        head, files = self._folder / HEAD, (self._path, self._folder / BEFORE)
        return head.exists() and not head.stat().st_size and not any(path.exists() for path in files)

    def _parse(self, line: bytes) -> Json:
        """Parse a line; raises ValueError, TypeError, KeyError or RecursionError if `append` did not write it."""
        raw = json.loads(line)
        if not all(isinstance(raw[key], kind) for key, kind in self._shape.items()):
            raise ValueError("a value is of another kind")
        return dict(raw)

    def _signature(self, head: Head) -> str:
        return self._hash(b"head " + dumps(asdict(head)).encode()) if self._key else ""

    def _hash(self, data: bytes) -> str:
        return hmac.new(self._key, data, "sha256").hexdigest() if self._key else hashlib.sha256(data).hexdigest()


def _state(raw: Mapping[str, Any]) -> State:
    state = State(**raw)
    if not all(isinstance(getattr(state, f.name), int if f.name in ("number", "gone") else str) for f in fields(State)):
        raise ValueError("a value is of another kind")
    return state


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _ends_whole(path: Path) -> bool:
    """Tell whether a file ends in a line end, as far as there is anything in it."""
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
