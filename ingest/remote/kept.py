"""The copy of what lies at an address: a folder like any other, and beside it of which version each file is.

`.mirrors/NAME` in the index folder is the copy, `NAME.json` the versions; files wait in `NAME.new` until whole.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.files import PRIVATE_FOLDER, write_atomic
from assistant.core.records import Rejection
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.index.mirrors import is_web
from ingest.remote.place import Listed
from ingest.sources import is_document, is_picture, says_rights

SAVE_EVERY = 500  # files, after which what was fetched is kept in mind, should the rest not come
STAYS = "The copy of before stays."

State = dict[str, tuple[str, int, str]]  # name -> the stamp and the size of what was fetched, and its address


@dataclass(frozen=True, slots=True)
class Task:
    """A file to fetch to a path aside, and the stamp of the copy that there is."""

    file: Listed
    aside: Path
    known: str


class Copy:
    """The files of an address in a folder of ours, and of which version each is."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self._unsaved = 0  # files put since the versions were written
        self._aside, self._state_file = _aside(folder), folder.with_name(f"{folder.name}.json")
        self._state: State = {}

    def walk(self) -> Iterator[tuple[str, Path]]:
        """Yield the name and the path of all that is no folder, links included."""
        for at, folders, files in os.walk(self.folder):
            links = [name for name in folders if (Path(at) / name).is_symlink()]
            for name in (*files, *links):
                path = Path(at) / name
                yield path.relative_to(self.folder).as_posix(), path

    @contextmanager
    def changing(self, files: Mapping[str, Listed]) -> Iterator[list[Task]]:
        """Delete what is gone, yield what is to be fetched, and keep in mind what was, whatever happens."""
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self._state = {name: known for name, known in self._read_state().items() if name in files}
        self._sweep(files)
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(mode=PRIVATE_FOLDER)
        tasks = []
        for number, (name, file) in enumerate(files.items()):
            stamp, size, _ = self._state.get(name, ("", 0, ""))
            known = stamp if self._size(name) == size else ""
            task = Task(file, self._aside / str(number), known)
            if is_picture(name) and not is_document(name):  # a rule may name it
                task.aside.touch()
                self._put(task)
            elif not file.stamp or known != file.stamp:
                tasks.append(task)
        try:
            yield tasks
        finally:
            self._write_state()
            shutil.rmtree(self._aside, ignore_errors=True)

    def put(self, task: Task, stamp: str, size: int) -> None:
        """Put a fetched file in its place; raises UsageError for a link on the way."""
        self._put(task)
        name, at = task.file.name, task.file.at
        self._state[name] = stamp, size, at if is_web(at) else self._address_of(name)
        self._unsaved += 1
        if self._unsaved == SAVE_EVERY:
            self._write_state()

    def _address_of(self, name: str) -> str:
        alone = self.address.endswith(f"/{name}")  # a single file
        return self.address if alone else f"{self.address}/{name}"

    def left_out(self, name: str, error: DocumentRejected) -> Rejection:
        """Return what is said of a file that did not come; raises UsageError for one that says who may see others."""
        if says_rights(name):
            cause = f"{name} of {self.address} cannot be fetched, which says who may see what is there. {error.detail}"
            raise UsageError(cause, "Nothing was ingested.")
        stays = f" {STAYS}" if self._size(name) is not None else ""
        return Rejection(name, error.reason, f"{error.detail}{stays}")

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
        for name, path in [*self.walk()]:
            if name not in files or path.is_symlink():
                path.unlink()
        for at, _, _ in os.walk(self.folder, topdown=False):
            if Path(at) != self.folder:
                with suppress(OSError):
                    Path(at).rmdir()

    def _read_state(self) -> State:
        """Return what was fetched; nothing, so that all is fetched anew, from a file that is missing or damaged."""
        try:
            files = json.loads(self._state_file.read_text(encoding="utf-8"))["files"]
            return {name: (str(stamp), int(size), str(address)) for name, (stamp, size, address) in files.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write_state(self) -> None:
        self._unsaved = 0
        write_atomic(self._state_file, json.dumps({"address": self.address, "files": self._state}))


def drop_copies(paths: Iterable[str], data: Path) -> None:
    """Delete what was fetched of some documents; a path that is none of ours is left alone."""
    for path in map(Path, paths):
        if path.is_relative_to(data / MIRRORS):
            path.unlink(missing_ok=True)
            top = data / MIRRORS / path.relative_to(data / MIRRORS).parts[0]
            shutil.rmtree(_aside(top), ignore_errors=True)  # a run that was killed may have left it there


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.new")
