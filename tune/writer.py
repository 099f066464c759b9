"""The packaged question writer: asks what a sentence answers, where no chat model is configured to."""

from __future__ import annotations

from pathlib import Path

from assistant.core.llm_onnx import OnnxModel
from assistant.core.prepare import build_generator
from assistant.core.registry import Registry
from assistant.core.runtime import INT8
from assistant.core.types import Progress

WRITER = Path(__file__).parent / "models" / "writer"
WRITER_ID = "smollm2-135m-writer-1"  # counts its versions


def open_writer(registry: Registry, progress: Progress) -> OnnxModel:
    """Open the packaged writer, which takes half a minute to make. Raises ModelMissing or ModelDamaged."""

    def build(folder: Path) -> dict[str, str]:
        return build_generator(folder, WRITER, lambda step, share: progress("making the question writer", share, 1))

    progress("making the question writer", 0, 1)
    record = registry.install(WRITER_ID, "runtime", None, {"precision": INT8, "license": "Apache-2.0"}, build)
    registry.verify(record)
    progress("making the question writer", 1, 1)
    return OnnxModel(Path(record.path), record.id)
