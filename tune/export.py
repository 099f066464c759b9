"""Export to the CPU runtime: the GPTQ checkpoint, and beside it what it is compared with.

The ONNX Runtime builder reads the checkpoint's own 4-bit groups; nothing is rounded again. The merged model is exported
in 8 bits, as the packaged generator is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from assistant.core.records import Progress
from assistant.models.registry import Registry
from tune.graphs.install import install
from tune.onnx_builder import INT4, INT8, build_runtime

MODELS = "models.json"
GPTQ, MERGED = "gptq", "merged"


def export(
    merged: Path,
    quantized: Path,
    name: str,
    registry: Registry,
    folder: Path,
    progress: Progress,
    reader: Path | None = None,
) -> dict[str, Any]:
    """Install the runtimes as `NAME-gptq` and `NAME-merged`; return the bytes of each.

    With them goes the reader that picked the evidence they learned from, if it was fitted with them.
    """
    variants = {GPTQ: (quantized, INT4), MERGED: (merged, INT8)}
    sizes = {}
    for done, (variant, (source, precision)) in enumerate(variants.items()):
        progress(f"exporting {variant}", done, len(variants))

        def build(target: Path, source: Path = source, precision: str = precision) -> None:
            build_runtime(source, target, precision)
            if reader:
                shutil.copy(reader, target / reader.name)

        record = install(registry.root, f"{name}-{variant}", "runtime", name, {"precision": precision}, build)
        sizes[variant] = sum((Path(record.path) / file).stat().st_size for file in record.files)
    progress("exporting", len(variants), len(variants))
    (folder / MODELS).write_text(json.dumps({v: f"{name}-{v}" for v in variants}, indent=1) + "\n", encoding="utf-8")
    return {"bytes": sizes}


def read_models(folder: Path) -> dict[str, str]:
    """Return the ids that `export` installed, by variant."""
    raw = json.loads((folder / MODELS).read_text(encoding="utf-8"))
    return {str(variant): str(model_id) for variant, model_id in raw.items()}
