"""Put a model into its folder: it is built aside, hashed, described by `manifest.json`, and only then given its name.

models/
  tuned-1a2b3c4d-gptq/         manifest.json, the files
  .tuned-1a2b3c4d-gptq.lock    held while that model is built
  .tuned-1a2b3c4d-gptq.812.tmp/   a build in progress, or one that died
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from assistant.core.errors import ModelDamaged
from assistant.core.files import hash_file, sync_to_disk
from assistant.core.records import ModelRecord
from assistant.models.registry import MANIFEST, Kind, read_model

Build = Callable[[Path], Mapping[str, str] | None]


def install(
    root: Path, model_id: str, kind: Kind, parent_id: str | None, settings: Mapping[str, str], build: Build
) -> ModelRecord:
    """Have `build` fill a temporary folder, then describe it and rename it to `root/model_id`; return what is there.

    A model already installed is returned as it is. Processes that install the same model take turns, and all but the
    first find it done. What `build` returns (its measurements) is added to the settings. Whatever it raises passes
    through, and nothing is left behind. Raises ModelDamaged if the folder holds something that is not a model.
    """
    folder = root / model_id
    if (folder / MANIFEST).is_file():
        return read_model(folder)
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f".{model_id}.lock"):
        if (folder / MANIFEST).is_file():
            return read_model(folder)
        if folder.exists():
            raise ModelDamaged(f"{folder} is not empty, yet has no {MANIFEST}.", "Move what is in it elsewhere.")
        _remove_stale(root, model_id)
        temporary = root / f".{model_id}.{os.getpid()}.tmp"
        try:
            temporary.mkdir()
            measured = build(temporary) or {}
            _describe(temporary, model_id, kind, parent_id, {**settings, **measured})
            temporary.rename(folder)
        except BaseException:  # Ctrl-C too
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_to_disk([root])
    return read_model(folder)


def _remove_stale(root: Path, model_id: str) -> None:
    """Remove what a killed build left; whoever holds the lock knows that no live process is at work in there."""
    for folder in root.glob(f".{model_id}.*.tmp"):
        if re.fullmatch(rf"\.{re.escape(model_id)}\.\d+\.tmp", folder.name):
            shutil.rmtree(folder)


def _describe(folder: Path, model_id: str, kind: Kind, parent_id: str | None, settings: Mapping[str, str]) -> None:
    """Hash every file of the folder, write the manifest, and flush it all to the disk."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    manifest = {
        "id": model_id,
        "kind": kind,
        "parent_id": parent_id,
        "files": dict(zip(names, map(hash_file, paths), strict=True)),
        "bytes": dict(zip(names, (path.stat().st_size for path in paths), strict=True)),
        "settings": dict(settings),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    sync_to_disk([*folder.rglob("*"), folder])
