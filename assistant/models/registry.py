"""Model folders on disk: each is built aside, hashed, described by `manifest.json`, and only then given its name.

models/
  all-minilm-l6-v2/        manifest.json, verified.json (a stat stamp), the files
  .all-minilm-l6-v2.lock   held while that model is built
  .all-minilm-l6-v2.812.tmp/   a build in progress, or one that died
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from assistant.core.errors import AssistantError, ModelDamaged, ModelMissing, UsageError
from assistant.core.files import hash_file, write_atomic
from assistant.core.records import ModelRecord

Kind = Literal["encoder", "reader", "base", "adapter", "merged", "gptq", "runtime"]
Build = Callable[[Path], Mapping[str, str] | None]

MANIFEST = "manifest.json"
STAMP = "verified.json"


class Registry:
    """The models under one folder; the folder need not exist until something is installed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, model_id: str) -> Path:
        """Return the folder of a model, there or not; raises UsageError for an id that is not a plain name."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", model_id):
            raise UsageError(f"{model_id!r} cannot name a model.", "Use letters, digits, '.', '_' and '-'.")
        return self.root / model_id

    def has(self, model_id: str) -> bool:
        """Say whether the model is installed; its files are not looked at."""
        return (self.path(model_id) / MANIFEST).is_file()

    def load(self, model_id: str) -> ModelRecord:
        """Read a model's manifest; raises ModelMissing, or ModelDamaged if the manifest cannot be understood."""
        folder = self.path(model_id)
        try:
            return _parse(folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            hint = "`assistant prepare` makes the packaged ones; see `assistant tune list`."
            raise ModelMissing(f"there is no model {model_id} in {self.root}.", hint) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(folder, f"{folder / MANIFEST} is not a model's manifest: {error}.") from None

    def all(self) -> list[ModelRecord]:
        """Return every installed model, by name."""
        names = sorted(path.parent.name for path in self.root.glob(f"[!.]*/{MANIFEST}"))
        return [self.load(name) for name in names]

    def verify(self, record: ModelRecord) -> None:
        """Check every file against the manifest; raises ModelDamaged naming the first one that is missing or differs.

        Files are hashed only if a size or a modification time differs from the stamp of the last check, so that
        a start does not read 100 MB; a change that keeps both goes unseen until the stamp is deleted.
        """
        folder = Path(record.path)
        try:
            stats = _stats(folder, record.files)
        except OSError as error:
            raise _damaged(folder, f"{error.filename} cannot be read: {error.strerror}.") from None
        if stats == _read_stamp(folder):
            return
        for name, expected in record.files.items():
            if (found := hash_file(folder / name)) != expected:
                raise _damaged(folder, f"{folder / name} has SHA-256 {found[:12]}…, not {expected[:12]}… as when made.")
        with contextlib.suppress(OSError):  # a read-only folder is hashed at each start, which is slow but right
            _write_stamp(folder, stats)

    def install(
        self, model_id: str, kind: Kind, parent_id: str | None, settings: Mapping[str, str], build: Build
    ) -> ModelRecord:
        """Have `build` fill a temporary folder, then describe it and rename it into place; return what is there.

        A model already installed is returned as it is. Processes that install the same model take turns, and all but
        the first find it done. What `build` returns (its measurements) is added to the settings. Whatever it raises
        passes through, and nothing is left behind.
        """
        from filelock import FileLock

        folder = self.path(model_id)
        if self.has(model_id):
            return self.load(model_id)
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / f".{model_id}.lock"):
            if self.has(model_id):
                return self.load(model_id)
            if folder.exists():
                raise _damaged(folder, f"{folder} is not empty, yet has no {MANIFEST}.")
            self._remove_stale(model_id)
            temporary = self.root / f".{model_id}.{os.getpid()}.tmp"
            try:
                temporary.mkdir()
                measured = build(temporary) or {}
                _describe(temporary, model_id, kind, parent_id, {**settings, **measured})
                temporary.rename(folder)
            except BaseException:  # Ctrl-C too
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            _sync_folder(self.root)
        return self.load(model_id)

    def _remove_stale(self, model_id: str) -> None:
        """Remove what a killed build left; whoever holds the lock knows that no live process is at work in there."""
        for folder in self.root.glob(f".{model_id}.*.tmp"):
            if re.fullmatch(rf"\.{re.escape(model_id)}\.\d+\.tmp", folder.name):
                shutil.rmtree(folder)


@contextlib.contextmanager
def opening(record: ModelRecord) -> Iterator[None]:
    """Turn whatever a runtime raises over a model that it cannot open into ModelDamaged."""
    try:
        yield
    except AssistantError:
        raise
    except Exception as error:  # each runtime has errors of its own
        told = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise _damaged(Path(record.path), f"the model in {record.path} cannot be opened: {told}.") from error


def _describe(folder: Path, model_id: str, kind: Kind, parent_id: str | None, settings: Mapping[str, str]) -> None:
    """Hash every file of the folder, write manifest and stamp, and flush it all to the disk."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: hash_file(folder / name) for name in names}
    manifest = {"id": model_id, "kind": kind, "parent_id": parent_id, "files": files, "settings": dict(settings)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _write_stamp(folder, _stats(folder, files))
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync_folder(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    _sync_folder(folder)


def _parse(folder: Path, raw: Any) -> ModelRecord:
    """Check a manifest's shape; raises ValueError, KeyError, TypeError or AttributeError."""
    if raw["id"] != folder.name:
        raise ValueError(f"it describes {raw['id']!r}")
    if raw["kind"] not in get_args(Kind):
        raise ValueError(f"unknown kind {raw['kind']!r}")
    for name in raw["files"]:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"the file {name!r} lies outside the folder")
    return ModelRecord(
        id=raw["id"],
        kind=raw["kind"],
        path=str(folder),
        parent_id=raw["parent_id"],
        files={str(name): str(sha) for name, sha in raw["files"].items()},
        settings={str(key): str(value) for key, value in raw["settings"].items()},
    )


def _damaged(folder: Path, cause: str) -> ModelDamaged:
    return ModelDamaged(cause, f"Delete the folder {folder} and run `assistant prepare` again.")


def _stats(folder: Path, names: Iterable[str]) -> dict[str, list[int]]:
    """Map each file, and the manifest, to its size in bytes and modification time in ns; raises OSError."""
    stats = {name: (folder / name).stat() for name in (*names, MANIFEST)}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def _read_stamp(folder: Path) -> Any:
    try:
        return json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_stamp(folder: Path, stats: Mapping[str, list[int]]) -> None:
    write_atomic(folder / STAMP, json.dumps(stats))


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, where the system can (Windows cannot open a folder)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
