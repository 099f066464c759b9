"""Make the generator that the assistant runs, once, from weights that came along, as an ONNX graph of 8-bit weights.

It needs no torch afterwards, and is made to answer before it is installed. Nothing is printed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from assistant.core.errors import GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord, Turn
from assistant.models.active import PACKAGED_ID
from assistant.models.prepare.export_onnx import INT8, OPTIONS, REPORT, build_runtime
from assistant.models.registry import Registry
from assistant.models.weights import GGUF, packaged_weights

Progress = Callable[[str, float], None]

BASE_ID = "smollm2-135m-instruct-base"
START_ID = f"{PACKAGED_ID}-base"
ADAPTER = PACKAGED / "generator"
# The weights are 4-bit already (Q4_1: a scale and an offset for 32 weights). ONNX Runtime's fast 4-bit blocks have no
# offset: rounding the weights once more changes 42% of the next-token choices (KL 0.42, and the model rambles), 8 bits
# change 1%. Reading a prompt is faster, too.
GENERATOR_PROBES = {  # prompt -> a word of the answer; half must be right, since processors round differently
    "Quotes:\n[1] Visitors park in bay 7.\n\nQuestion: Where do visitors park?": "bay 7",
    "Quotes:\n[1] The office closes at 18:30 on Fridays.\n\nQuestion: When does the office close?": "18:30",
    "Quotes:\n[1] Only the treasurer may open a bank account.\n\nQuestion: Who may open an account?": "treasurer",
    "Quotes:\n[1] An employee receives 27 days of leave.\n\nQuestion: How much leave do I get?": "27 days",
}


def prepare_generator(registry: Registry, progress: Progress) -> ModelRecord:
    """Install SmolLM2-135M-Instruct and its adapter for ONNX Runtime, with tokenizer and chat template.

    Takes half a minute, 1.6 GB of memory, and 1.3 GB of disk for a while. Raises ModelMissing or ModelDamaged for the
    weights, AssistantError if the builder fails, GateFailed if the model does not answer a simple question.
    """

    def build(folder: Path) -> dict[str, str]:
        settings = build_generator(folder, ADAPTER, progress)
        progress("generator: asking it questions", 0.9)
        replies = _ask(folder, list(GENERATOR_PROBES))
        right = sum(word in reply for word, reply in zip(GENERATOR_PROBES.values(), replies, strict=True))
        if right * 2 < len(replies):
            raise GateFailed(f"the generator answers simple questions wrongly: {replies}.", REPORT)
        return {**settings, "probes": f"{right}/{len(replies)}"}

    settings = {
        "precision": INT8,
        "options": " ".join(OPTIONS[INT8]),
        "onnxruntime-genai": version("onnxruntime-genai"),
        "transformers": version("transformers"),
        "license": "Apache-2.0",
    }
    record = registry.install(PACKAGED_ID, "runtime", None, settings, build)
    progress("generator: ready", 1.0)
    return record


def build_generator(folder: Path, adapter: Path, progress: Progress) -> dict[str, str]:
    """Fill `folder` with SmolLM2-135M-Instruct and an adapter, for ONNX Runtime; return what was used."""
    work = folder / "work"  # on the models' disk, and gone with the folder if this dies
    progress("generator: unpacking the weights", 0.05)
    settings = unpack_generator(work, adapter)
    progress("generator: quantising", 0.3)
    build_runtime(work, folder, INT8)
    shutil.rmtree(work)
    return settings


def prepare_base(registry: Registry, progress: Progress, adapter: Path | None = None) -> ModelRecord:
    """Install the generator's float32 weights as transformers reads them, for tuning; 540 MB.

    With `adapter`, the packaged one, it is merged in. Raises ModelMissing or ModelDamaged for the weights.
    """

    def build(folder: Path) -> dict[str, str]:
        progress("base: unpacking the weights", 0.1)
        settings = unpack_generator(folder / "unpacked", adapter)
        for path in (folder / "unpacked").iterdir():
            path.rename(folder / path.name)
        (folder / "unpacked").rmdir()
        return settings

    model_id = START_ID if adapter else BASE_ID
    record = registry.install(model_id, "base", None, {"precision": "float32", "license": "Apache-2.0"}, build)
    progress("base: ready", 1.0)
    return record


def unpack_generator(folder: Path, adapter: Path | None) -> dict[str, str]:
    """Write the generator's float32 weights to the new `folder`, and merge an adapter in; return what was used."""
    from assistant.models.prepare.import_gguf import unpack_llama
    from assistant.models.prepare.merge_lora import WEIGHTS, merge_adapter

    unpack_llama(packaged_weights(GGUF), folder)
    if adapter is None:
        return {"weights_sha256": GGUF.sha256}
    merge_adapter(folder, adapter)
    return {"weights_sha256": GGUF.sha256, "adapter_sha256": hash_file(adapter / WEIGHTS)}


def _ask(folder: Path, questions: list[str], max_tokens: int = 24) -> list[str]:
    """Return the greedy answers of the model in `folder`."""
    from assistant.models.llm_onnx import OnnxModel

    model = OnnxModel(folder, PACKAGED_ID)
    return [model.complete([Turn("user", question)], max_tokens) for question in questions]
