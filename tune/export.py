"""Export to the CPU runtime: the GPTQ checkpoint, and beside it the merged model, which it is compared with.

The builder of onnxruntime-genai reads the checkpoint's own 4-bit groups; nothing is rounded again. The merged model is
exported in 8 bits: a Llama as the packaged generator is, other architectures by the builder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from assistant.core.errors import REPORT, AssistantError
from assistant.core.records import Progress
from assistant.models.onnx_session import OPT_OUT
from assistant.models.registry import Registry
from tune.graphs.install import install
from tune.graphs.llama import LAYOUT, writable, write_generator

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


INT8, INT4 = "int8", "int4"
# accuracy_level 1 decodes 2-4 tokens a second.
OPTIONS = {INT8: ("is_symmetric=false", "block_size=128", "accuracy_level=4"), INT4: ("accuracy_level=4",)}
# Logits of the prompt's last token alone: the output layer is a fifth of the work of reading a prompt.
BUILDER_OPTIONS = ("hf_token=false", "prune_lm_head=true")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def build_runtime(model: Path, folder: Path, precision: str) -> None:
    """Fill `folder` with a transformers folder's model, in int4 or int8.

    Raises AssistantError with the end of what the builder printed, if it fails.
    """
    from safetensors.numpy import load_file

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    if precision == INT8 and writable(config):
        weights = {k: v for path in sorted(model.glob("*.safetensors")) for k, v in load_file(path).items()}
        write_generator(weights, config, folder)
        for name in TOKENIZER:
            shutil.copyfile(model / name, folder / name)
    else:
        _run_builder(model, folder, precision)


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
