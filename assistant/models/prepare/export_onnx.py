"""Convert a transformers folder to what `llm_onnx.py` runs: the builder's graph, changed so that it is fast on a CPU.

Most of an answer's time goes into reading its prompt. With the builder's 8-bit blocks, two cores read 560 tokens in
0.62 s; with columns of 8 bits, and activations rounded as they come, their integer instructions do it in 0.37. The
input of a layer's last projection has outliers too large for that, so it keeps its blocks (KL to float32 0.003 instead
of 0.010; with blocks of 128 everywhere 0.001).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from assistant.core.errors import AssistantError
from assistant.models.llm_onnx import GUESSES

INT8, INT4 = "int8", "int4"
# accuracy_level 1 decodes 2-4 tokens a second.
OPTIONS = {INT8: ("is_symmetric=false", "block_size=128", "accuracy_level=4"), INT4: ("accuracy_level=4",)}
# The projections whose inputs are normalised, or mixed by attention, by the builder's names: others keep their blocks.
WIDE = ("attn/qkv_proj", "attn/o_proj", "mlp/gate_proj", "mlp/up_proj")
# Logits of the prompt's last token alone: the output layer is a fifth of the work of reading a prompt.
BUILDER_OPTIONS = ("hf_token=false", "prune_lm_head=true")
PRUNE = ("/lm_head/prune/Gather", "/lm_head/prune/Unsqueeze")  # the nodes that take the last token
LAST = 1 + max(
    GUESSES.values()
)  # tokens that logits are kept of instead, so that words which were guessed can be checked at once
GRAPH, DATA = "model.onnx", "model.onnx.data"
REPORT = "Please report this with the output of `pip freeze`."


def build_runtime(model: Path, folder: Path, precision: str, options: tuple[str, ...] = ()) -> None:
    """Convert a transformers folder for the CPU, with a thread for each physical core.

    `precision` is int4 or int8, `options` are more of the builder's; with tied embeddings, 0.18 makes a graph that
    does not load of int4 with is_symmetric=false. The builder runs in a process of its own: it sets up logging,
    changes `sys.path`, prints, and takes memory. Raises AssistantError with the end of what it printed.
    """
    options = (*OPTIONS[precision], *options)
    if precision == INT8:
        options += (f"nodes_to_exclude={','.join(_wide_nodes(model))}",)
    _run_builder(model, folder, precision, options)
    if precision == INT8:
        _round_columns(folder)
    _keep_last_logits(folder / GRAPH)
    path = folder / "genai_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    session = config["model"]["decoder"]["session_options"]
    session["intra_op_num_threads"] = physical_cores()  # left out, it uses one thread
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def physical_cores() -> int:
    """Count the cores this process may use; two threads of one core, where the system tells, count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text(encoding="ascii") if siblings.is_file() else str(cpu))
    return len(cores)


def _run_builder(model: Path, folder: Path, precision: str, options: tuple[str, ...]) -> None:
    # -P: no module of the working folder may stand in for one of the builder's, which have names like `loaders`.
    cache = folder / "cache"
    command = [sys.executable, "-P", "-m", "onnxruntime_genai.models.builder", "-m", str(model), "-i", str(model)]
    command += ["-o", str(folder), "-p", precision, "-e", "cpu", "-c", str(cache)]
    command += ["--extra_options", *BUILDER_OPTIONS, *options]
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | offline
    )
    shutil.rmtree(cache, ignore_errors=True)
    if result.returncode or not (folder / "genai_config.json").is_file():
        tail = result.stdout.decode(errors="replace")[-2000:]
        cause = f"the model builder failed (exit code {result.returncode}):\n{tail}\n"
        raise AssistantError(cause, REPORT)


def _wide_nodes(model: Path) -> list[str]:
    layers = json.loads((model / "config.json").read_text(encoding="utf-8")).get("num_hidden_layers", 0)
    return [f"/model/layers.{layer}/{part}/MatMul" for layer in range(layers) for part in WIDE]


def _round_columns(folder: Path) -> None:
    """Round the weights that the builder left in float32 to 8 bits a column."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    model = onnx.load(folder / GRAPH)
    add_pre_process_metadata(model)  # or it warns that nothing was fused, which there is not
    rounded = folder / "rounded"
    rounded.mkdir()
    quantize_dynamic(
        model, rounded / GRAPH, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8,
        use_external_data_format=True, extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip
    for name in (GRAPH, DATA):
        (rounded / name).replace(folder / name)
    shutil.copymode(folder / GRAPH, folder / DATA)  # it is written for its owner alone
    rounded.rmdir()


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
