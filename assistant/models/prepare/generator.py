"""Make the generator that the assistant runs, once, from weights that came along, as an ONNX graph of 8-bit weights.

It needs no torch afterwards, and is made to answer before it is installed. Nothing is printed.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord, Progress, Turn, no_progress
from assistant.models.active import PACKAGED_ID
from assistant.models.prepare.import_gguf import Llama, read_llama
from assistant.models.prepare.llama_graph import write_generator
from assistant.models.prepare.merge_lora import WEIGHTS, merged
from assistant.models.registry import Registry
from assistant.models.weights import GGUF, packaged_weights

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


def prepare_generator(registry: Registry, progress: Progress = no_progress) -> ModelRecord:
    """Install SmolLM2-135M-Instruct and its adapter for ONNX Runtime, with tokenizer and chat template.

    Takes ten seconds and 1.6 GB of memory. Raises ModelMissing or ModelDamaged for the weights, GateFailed if the model
    does not answer a simple question.
    """

    def build(folder: Path) -> dict[str, str]:
        settings = build_generator(folder, ADAPTER, progress)
        progress("generator: asking it questions", 0.8, 1)
        replies = _ask(folder, list(GENERATOR_PROBES))
        right = sum(word in reply for word, reply in zip(GENERATOR_PROBES.values(), replies, strict=True))
        if right * 2 < len(replies):
            raise GateFailed(f"the generator answers simple questions wrongly: {replies}.", REPORT)
        return {**settings, "probes": f"{right}/{len(replies)}"}

    settings = {"precision": "int8", "onnx": version("onnx"), "license": "Apache-2.0"}
    record = registry.install(PACKAGED_ID, "runtime", None, settings, build)
    progress("generator: ready", 1, 1)
    return record


def build_generator(folder: Path, adapter: Path | None, progress: Progress = no_progress) -> dict[str, str]:
    """Fill `folder` with SmolLM2-135M-Instruct and an adapter, for ONNX Runtime; return what was used."""
    progress("generator: unpacking the weights", 0.1, 1)
    model, settings = read_generator(adapter)
    progress("generator: writing the graph", 0.6, 1)
    write_generator(model.weights, model.config, folder)
    model.write_tokenizer(folder)
    return settings


def prepare_base(registry: Registry, adapter: Path | None = None) -> ModelRecord:
    """Install the generator's float32 weights as transformers reads them, for tuning; 540 MB.

    With `adapter`, the packaged one, it is merged in. Raises ModelMissing or ModelDamaged for the weights.
    """

    def build(folder: Path) -> dict[str, str]:
        model, settings = read_generator(adapter)
        model.write(folder)
        return settings

    model_id = START_ID if adapter else BASE_ID
    return registry.install(model_id, "base", None, {"precision": "float32", "license": "Apache-2.0"}, build)


def read_generator(adapter: Path | None) -> tuple[Llama, dict[str, str]]:
    """Read the generator's float32 weights, and merge an adapter in; return also what was used."""
    model = read_llama(packaged_weights(GGUF))
    if adapter is None:
        return model, {"weights_sha256": GGUF.sha256}
    settings = {"weights_sha256": GGUF.sha256, "adapter_sha256": hash_file(adapter / WEIGHTS)}
    return replace(model, weights=merged(model.weights, adapter)), settings


def _ask(folder: Path, questions: list[str], max_tokens: int = 24) -> list[str]:
    """Return the greedy answers of the model in `folder`."""
    from assistant.models.llm_onnx import OnnxModel

    model = OnnxModel(folder, PACKAGED_ID)
    return [model.complete([Turn("user", question)], max_tokens) for question in questions]
