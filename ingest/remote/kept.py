"""The copy of what lies at an address: a folder like any other, and beside it of which version each file is.

`.mirrors/NAME` in the index folder is the copy, `NAME.json` the versions; files wait in `NAME.new` until whole.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from assistant.core.errors import DocumentRejected, IndexLocked, UsageError
from assistant.core.files import PRIVATE_FOLDER, write_atomic
from assistant.core.records import Rejection
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.index.publish import writer_lock
from ingest.remote.s3 import Listed
from ingest.sources import is_document, is_picture, says_rights

STAYS = "The copy of before stays."

State = dict[str, tuple[str, int, str]]  # name -> the stamp and the size of what was fetched, and whence


@dataclass(frozen=True, slots=True)
class Task:
    """A file to fetch, and the path aside where it waits."""

    file: Listed
    aside: Path


class Copy:
    """The files of an address in a folder of ours, and of which version each is."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self.refused: list[Rejection] = []  # what is at the address, and not fetched now
        self._found: dict[str, Path] = {}
        self._folders: list[Path] = []  # those that lie in others first
        self._aside, self._state_file = _aside(folder), folder.with_name(f"{folder.name}.json")
        self._state: State = {}

    def look(self) -> Collection[str]:
        """Return the names of all that is there and no folder, links included."""
        for at, folders, files in os.walk(self.folder, topdown=False):
            self._folders.append(Path(at))
            links = [name for name in folders if (Path(at) / name).is_symlink()]
            for path in (Path(at) / name for name in (*files, *links)):
                self._found[path.relative_to(self.folder).as_posix()] = path
        return self._found.keys()

    @contextmanager
    def changing(self, files: Mapping[str, Listed], refused: Sequence[Rejection]) -> Iterator[list[Task]]:
        """Delete what is gone, yield what is to be fetched, and keep in mind what was, whatever happens."""
        self.refused += refused
        self.folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self._state = {name: known for name, known in self._read_state().items() if name in files}
        self._sweep(files)
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(mode=PRIVATE_FOLDER)
        tasks = []
        for number, (name, file) in enumerate(files.items()):
            task = Task(file, self._aside / str(number))
            if is_picture(name) and not is_document(name):  # a rule may name it
                task.aside.touch()
                self._put(task)
            elif not file.stamp or self._state.get(name) != (file.stamp, self._size(name), file.address):
                tasks.append(task)
        try:
            yield tasks
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)  # first: the disk may be full
            self._write_state()

    def put(self, task: Task, size: int) -> None:
        """Put a fetched file in its place; raises UsageError for a link on the way."""
        self._put(task)
        self._state[task.file.name] = task.file.stamp, size, task.file.address

    def leave(self, name: str, error: DocumentRejected) -> None:
        """Refuse a file that did not come; raises UsageError for one that says who may see others."""
        if says_rights(name):
            cause = f"{name} of {self.address} cannot be fetched, which says who may see what is there. {error.detail}"
            raise UsageError(cause, "Nothing was ingested.")
        stays = f" {STAYS}" if self._size(name) is not None else ""
        self.refused.append(Rejection(name, error.reason, f"{error.detail}{stays}"))

    def _put(self, task: Task) -> None:
        path = self.folder / task.file.name
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if os.path.realpath(path.parent) != str(path.parent):
            raise UsageError(f"{path.parent} is reached by a link.", f"Delete {self.folder}: it is fetched anew.")
        task.aside.replace(path)

    def _size(self, name: str) -> int | None:
        """Return the size of a regular file; None where there is none."""
        try:
            found = (self.folder / name).lstat()
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _sweep(self, files: Mapping[str, Listed]) -> None:
        """Delete what is not to be there, whoever put it there, and folders that are then empty."""
        for name, path in self._found.items():
            if name not in files or path.is_symlink():
                path.unlink()
        for folder in self._folders:
            if folder != self.folder:
                with suppress(OSError):
                    folder.rmdir()

    def _read_state(self) -> State:
        """Return what was fetched; nothing, so that all is fetched anew, from a file that is missing or damaged."""
        try:
            files = json.loads(self._state_file.read_text(encoding="utf-8"))["files"]
            return {name: (str(stamp), int(size), str(address)) for name, (stamp, size, address) in files.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write_state(self) -> None:
        refused = [rejection.source for rejection in self.refused]
        said = {"address": self.address, "files": self._state, "refused": refused}
        write_atomic(self._state_file, json.dumps(said))


def drop_copies(paths: Iterable[str], data: Path) -> None:
    """Delete what was fetched of some documents; a path that is none of ours is left alone."""
    for path in map(Path, paths):
        if path.is_relative_to(data / MIRRORS):
            path.unlink(missing_ok=True)
            top = data / MIRRORS / path.relative_to(data / MIRRORS).parts[0]
            with suppress(IndexLocked), writer_lock(data, 0, lock_name(top)):  # whoever fetches deletes it in the end
                shutil.rmtree(_aside(top), ignore_errors=True)  # a run that was killed may have left it there


def lock_name(folder: Path) -> str:
    """Return the name, in the index folder, of the lock of whoever changes a copy or reads it as a whole."""
    return f"{MIRRORS}/{folder.name}.lock"


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.new")
