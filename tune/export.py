"""Export to the CPU runtime: the GPTQ checkpoint, and beside it what it is compared with.

The ONNX Runtime builder reads the checkpoint's own 4-bit groups; nothing is rounded again. Where GGUF's blocks hold the
same groups, `model.gguf` lies beside, for llama.cpp and Ollama. The merged model is exported in 8 bits, as
the packaged generator is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from assistant.core.config import TuneSection
from assistant.core.records import Progress
from assistant.models.registry import Registry
from assistant.models.weights import GGUF as GGUF_WEIGHTS
from assistant.models.weights import packaged_weights
from tune.gguf_export import BLOCK, write_gguf
from tune.onnx_builder import INT4, INT8, build_runtime

MODELS = "models.json"
GGUF = "model.gguf"
GPTQ, MERGED = "gptq", "merged"


def export(
    merged: Path,
    quantized: Path,
    name: str,
    settings: TuneSection,
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
            if source is quantized and not settings.base and settings.group_size == BLOCK and not settings.act_order:
                write_gguf(quantized, packaged_weights(GGUF_WEIGHTS), target / GGUF)

        record = registry.install(f"{name}-{variant}", "runtime", name, {"precision": precision}, build)
        sizes[variant] = sum((Path(record.path) / file).stat().st_size for file in record.files)
    progress("exporting", len(variants), len(variants))
    (folder / MODELS).write_text(json.dumps({v: f"{name}-{v}" for v in variants}, indent=1) + "\n", encoding="utf-8")
    return {"bytes": sizes}


def read_models(folder: Path) -> dict[str, str]:
    """Return the ids that `export` installed, by variant."""
    raw = json.loads((folder / MODELS).read_text(encoding="utf-8"))
    return {str(variant): str(model_id) for variant, model_id in raw.items()}
