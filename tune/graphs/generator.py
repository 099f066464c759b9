"""Make the generator as an ONNX graph of 8-bit weights; it answers simple questions, or there is none.

It needs no torch. The weights are 4-bit already (Q4_1: a scale and an offset for 32 weights). ONNX Runtime's fast 4-bit
blocks have no offset: rounding the weights once more changes 42% of the next-token choices (KL 0.42, and the model
rambles), 8 bits change 1%. Reading a prompt is faster, too.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord, Turn
from assistant.models.active import PACKAGED_ID
from assistant.models.llm_onnx import OnnxModel
from tune.graphs.import_gguf import Llama, read_llama
from tune.graphs.install import install
from tune.graphs.llama import write_generator
from tune.graphs.merge_lora import WEIGHTS, merged
from tune.graphs.originals import LICENSE, SMOLLM2, Base, open_base

BASE_ID = "smollm2-135m-instruct-base"
START_ID = f"{PACKAGED_ID}-base"
ADAPTER = PACKAGED / "generator"
PROBES = {  # prompt -> a word of the answer; half must be right, since processors round differently
    "Quotes:\n[1] Visitors park in bay 7.\n\nQuestion: Where do visitors park?": "bay 7",
    "Quotes:\n[1] The office closes at 18:30 on Fridays.\n\nQuestion: When does the office close?": "18:30",
    "Quotes:\n[1] Only the treasurer may open a bank account.\n\nQuestion: Who may open an account?": "treasurer",
    "Quotes:\n[1] An employee receives 27 days of leave.\n\nQuestion: How much leave do I get?": "27 days",
}
PROBE_TOKENS = 24  # of an answer


def build_generator(base: Base, folder: Path, adapter: Path | None) -> dict[str, str]:
    """Fill `folder` with SmolLM2-135M-Instruct and an adapter, tokenizer and chat template; return what was used.

    Takes ten seconds and 1.6 GB of memory. Raises GateFailed if it does not answer simple questions.
    """
    model, settings = read_generator(base, adapter)
    write_generator(model.weights, model.config, folder)
    model.write_tokenizer(folder)
    shutil.copyfile(base.path.with_name(LICENSE), folder / "LICENSE")
    replies = ask(folder, list(PROBES))
    right = sum(word in reply for word, reply in zip(PROBES.values(), replies, strict=True))
    if right * 2 < len(replies):
        raise GateFailed(f"the generator answers simple questions wrongly: {replies}.", REPORT)
    return {**settings, "precision": "int8", "probes": f"{right}/{len(replies)}"}


def install_base(root: Path, adapter: Path | None = None) -> ModelRecord:
    """Install the generator's float32 weights as transformers reads them, for tuning; 540 MB.

    With `adapter`, the packaged one, it is merged in. Raises NotReady if the weights cannot be fetched.
    """

    def build(folder: Path) -> dict[str, str]:
        model, settings = read_generator(open_base(SMOLLM2), adapter)
        model.write(folder)
        return settings

    model_id = START_ID if adapter else BASE_ID
    return install(root, model_id, "base", None, {"precision": "float32", "license": "Apache-2.0"}, build)


def read_generator(base: Base, adapter: Path | None) -> tuple[Llama, dict[str, str]]:
    """Read the generator's float32 weights, and merge an adapter in; return also what was used."""
    model = read_llama(base.path)
    if adapter is None:
        return model, {}
    return replace(model, weights=merged(model.weights, adapter)), {"adapter_sha256": hash_file(adapter / WEIGHTS)}


def ask(folder: Path, questions: list[str]) -> list[str]:
    """Return the greedy answers of the model in `folder`."""
    model = OnnxModel(folder, PACKAGED_ID)
    return [model.complete([Turn("user", question)], PROBE_TOKENS) for question in questions]
