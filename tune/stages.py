"""A stage of the recipe on disk: what it was made from, what it made, and whether it must be made again.

WORK/train/started.json    the key of what is being made: inputs, settings and versions
WORK/train/manifest.json   there once it is whole: key, inputs, settings, measurements, and each file's SHA-256
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import resource
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistant.core.files import hash_file, write_atomic

MANIFEST, STARTED = "manifest.json", "started.json"
PACKAGES = ("torch", "transformers", "onnxruntime-genai")
TEMPORARY = "checkpoint-"  # what a trainer leaves behind is no part of a stage's result

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """A finished stage; `made` is a hash of its files, and the input of the next one."""

    folder: Path
    key: str
    made: str
    measured: Json

    @property
    def name(self) -> str:
        """The stage's name, which is its folder's."""
        return self.folder.name


def run_stage(
    root: Path, name: str, inputs: Mapping[str, str], settings: Mapping[str, Any], work: Callable[[Path], Json]
) -> Stage:
    """Do a stage's `work` in its folder, or return what is there if it was made from the same things.

    A folder whose work was stopped is given to `work` again, to go on from what is in it; one that was made from other
    things is made anew.
    """
    folder = root / name
    asked = {"stage": name, "inputs": dict(inputs), "settings": dict(settings)}
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    if (done := read_stage(folder)) and done.key == key:
        return done
    if _read(folder / STARTED).get("key") != key or done:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STARTED).write_text(json.dumps({"key": key}), encoding="utf-8")
    began = time.perf_counter()
    measured = work(folder)
    for left in folder.glob(TEMPORARY + "*"):
        shutil.rmtree(left)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in (STARTED, MANIFEST)]
    files = {path.relative_to(folder).as_posix(): hash_file(path) for path in paths}
    made = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    manifest = {
        "key": key,
        "made": made,
        **asked,
        "measured": measured,
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mib": peak_mib(),
        "versions": _versions(),
        "files": files,
    }
    write_atomic(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    (folder / STARTED).unlink()
    return Stage(folder, key, made, measured)


def read_stage(folder: Path) -> Stage | None:
    """Return a finished stage, or None; one whose files have changed since counts as not there."""
    raw = _read(folder / MANIFEST)
    try:
        whole = all(hash_file(folder / name) == sha for name, sha in raw["files"].items())
        made = Stage(folder, raw["key"], raw["made"], raw["measured"])
        return made if whole else None
    except (KeyError, OSError):
        return None


def peak_mib() -> int:
    """Return the most memory this process, or a child of it, has had so far, in MiB."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // unit


def _read(path: Path) -> Json:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES if find_spec(name.replace("-", "_"))},
    }


QUIET = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TORCH_LOGS": "-all"}


@contextmanager
def libraries_into(path: Path) -> Iterator[None]:
    """Write what is printed and logged into `path`, and ignore warnings: stdout is for our own JSON."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    root = logging.getLogger()
    with path.open("a", encoding="utf-8") as file, redirect_stdout(file), warnings.catch_warnings():
        handler = logging.StreamHandler(file)
        root.addHandler(handler)
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            root.removeHandler(handler)
