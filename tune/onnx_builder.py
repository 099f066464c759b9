"""Convert a transformers folder to what `llm_onnx.py` runs on a CPU.

A Llama in 8 bits is written as the packaged generator is; what else there is (4 bits, which the builder takes from a
GPTQ checkpoint as they are, and other architectures) by the builder of onnxruntime-genai.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from assistant.core.errors import REPORT, AssistantError
from assistant.models.onnx_session import GRAPH, OPT_OUT
from tune.gptq_weights import read_raw
from tune.graphs.llama import LAST, LAYOUT, writable, write_generator

INT8, INT4 = "int8", "int4"
# accuracy_level 1 decodes 2-4 tokens a second.
OPTIONS = {INT8: ("is_symmetric=false", "block_size=128", "accuracy_level=4"), INT4: ("accuracy_level=4",)}
# Logits of the prompt's last token alone: the output layer is a fifth of the work of reading a prompt.
BUILDER_OPTIONS = ("hf_token=false", "prune_lm_head=true")
PRUNE = ("/lm_head/prune/Gather", "/lm_head/prune/Unsqueeze")  # the nodes that take the last token
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def build_runtime(model: Path, folder: Path, precision: str) -> None:
    """Fill `folder` with a transformers folder's model, in int4 or int8.

    Raises AssistantError with the end of what the builder printed, if it fails.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    if precision == INT8 and writable(config):
        write_generator(read_raw(model), config, folder)
        for name in TOKENIZER:
            shutil.copyfile(model / name, folder / name)
    else:
        _run_builder(model, folder, precision)
        _keep_last_logits(folder / GRAPH)


def _run_builder(model: Path, folder: Path, precision: str) -> None:
    """Run the builder in a process of its own: it sets up logging, changes `sys.path`, prints, and takes memory."""
    # -P: no module of the working folder may stand in for one of the builder's, which have names like `loaders`.
    cache = folder / "cache"
    command = [sys.executable, "-P", "-m", "onnxruntime_genai.models.builder", "-m", str(model), "-i", str(model)]
    command += ["-o", str(folder), "-p", precision, "-e", "cpu", "-c", str(cache)]
    command += ["--extra_options", *BUILDER_OPTIONS, *OPTIONS[precision]]
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONIOENCODING": "utf-8", **OPT_OUT}
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | offline
    )
    shutil.rmtree(cache, ignore_errors=True)
    if result.returncode or not (folder / LAYOUT).is_file():
        tail = result.stdout.decode(errors="replace")[-2000:]
        cause = f"the model builder failed (exit code {result.returncode}):\n{tail}\n"
        raise AssistantError(cause, REPORT)


def _keep_last_logits(path: Path) -> None:
    """Let the graph give the logits of the last tokens, where it gives those of one; other graphs stay as they are."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    found = {node.name: node for node in graph.node if node.name in PRUNE}
    if len(found) != len(PRUNE):
        return
    gather, unsqueeze = (found[name] for name in PRUNE)
    inputs = {"starts": -LAST, "ends": sys.maxsize, "axes": 1}
    for name, value in inputs.items():
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), f"last/{name}"))
    names = [gather.input[0], *(f"last/{name}" for name in inputs)]
    gather.CopyFrom(helper.make_node("Slice", names, list(unsqueeze.output), name="/lm_head/last/Slice"))
    graph.node.remove(unsqueeze)
    logits = next(output for output in graph.output if output.name == "logits")
    logits.type.tensor_type.shape.dim[1].dim_param = "last_tokens"
    for shape in [shape for shape in graph.value_info if shape.name in gather.output]:
        graph.value_info.remove(shape)  # of one token
    onnx.save(model, path)
