"""The models on disk, each a folder with a manifest: those that came along, which only pip changes, and the user's own.

assistant/packaged/models/     made when the wheel is built (`hatch_build.py`)
  all-mpnet-base-v2/           manifest.json, the files
[models] dir                   what `assistant tune` made, the same way (`tune/graphs/install.py`)

A start checks that each file is there in its size; `assistant status` and a promotion hash every file, too.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from assistant.core.errors import AssistantError, ModelDamaged, ModelMissing, UsageError, first_line
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord

Kind = Literal["encoder", "reader", "judge", "base", "adapter", "merged", "gptq", "runtime"]

MANIFEST = "manifest.json"
UNSIGNED_SHA = "unsigned_sha256"  # the setting that keeps a graph's hash before its weights were made signed
POINTER = "models.path"  # where an editable installation has them instead: a folder of the build's cache
REINSTALL = "Install the assistant again, without ASSISTANT_WITHOUT_MODEL=1 and where pip reaches a package index."


class Registry:
    """The models that came along, and those under one folder, which need not exist."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, model_id: str) -> Path:
        """Return the folder of a model, there or not; raises UsageError for an id that is not a plain name.

        No model of the user's stands in for one that came along.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", model_id):
            raise UsageError(f"{model_id!r} cannot name a model.", "Use letters, digits, '.', '_' and '-'.")
        packaged = packaged_models() / model_id
        return packaged if packaged.is_dir() else self.root / model_id

    def has(self, model_id: str) -> bool:
        """Say whether the model is there; its files are not looked at."""
        return (self.path(model_id) / MANIFEST).is_file()

    def load(self, model_id: str) -> ModelRecord:
        """Read a manifest; raises ModelMissing, or ModelDamaged for one that is wrong, or a file of another size."""
        return read_model(self.path(model_id))

    def all(self) -> list[ModelRecord]:
        """Return every model, by name."""
        folders = (path.parent for root in (packaged_models(), self.root) for path in root.glob(f"[!.]*/{MANIFEST}"))
        return [self.load(name) for name in sorted({folder.name for folder in folders})]

    def verify(self, record: ModelRecord) -> None:
        """Hash every file; raises ModelDamaged naming the first that is not as when it was made."""
        for name, expected in record.files.items():
            path = Path(record.path) / name
            try:
                found = hash_file(path)
            except OSError as error:
                raise _damaged(Path(record.path), f"{path} cannot be read: {error.strerror}.") from None
            if found != expected:
                cause = f"{path} has SHA-256 {found[:12]}…, not {expected[:12]}… as when made."
                raise _damaged(Path(record.path), cause)


def packaged_models() -> Path:
    """Return the folder of the models that came along; there is none after ASSISTANT_WITHOUT_MODEL=1."""
    folder, pointer = PACKAGED / "models", PACKAGED / POINTER
    if folder.is_dir() or not pointer.is_file():
        return folder
    return Path(pointer.read_text(encoding="utf-8").strip())


def read_model(folder: Path) -> ModelRecord:
    """Read a folder's manifest; raises ModelMissing, or ModelDamaged as `Registry.load` says."""
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        record = _parse(folder, raw)
        sizes = {str(name): int(size) for name, size in raw.get("bytes", {}).items()}  # models of before have none
    except (FileNotFoundError, NotADirectoryError):
        hint = f"`assistant tune list` says which there are. If it came along: {REINSTALL[0].lower()}{REINSTALL[1:]}"
        raise ModelMissing(f"there is no model {folder.name} in {folder.parent}.", hint) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"{folder / MANIFEST} is not a model's manifest: {error}.") from None
    for name in record.files:
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise _damaged(folder, f"{folder / name} cannot be read: {error.strerror}.") from None
        if size != sizes.get(name, size):
            raise _damaged(folder, f"{folder / name} has {size:,} bytes, not {sizes[name]:,} as when made.")
    return record


@contextlib.contextmanager
def opening(record: ModelRecord) -> Iterator[None]:
    """Turn whatever a runtime raises over a model that it cannot open into ModelDamaged."""
    try:
        yield
    except AssistantError:
        raise
    except Exception as error:  # each runtime has errors of its own
        cause = f"the model in {record.path} cannot be opened: {first_line(error)}."
        raise _damaged(Path(record.path), cause) from error


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
    came_along = folder.is_relative_to(packaged_models())
    return ModelDamaged(cause, REINSTALL if came_along else f"Delete the folder {folder}, and make the model again.")
