"""Time a whole warm answer by engine, in one run:  python -m bench.engines [--model ID]...

A prompt of some 600 tokens, laid out as the assistant does, and 40 tokens of answer; greedy. No two prompts quote
the same, so that an engine may keep what it read of the system message and no more. Each engine runs in a process of
its own, taking turns: the packaged generator and any other model (`assistant tune list`), the same weights by
transformers in bfloat16, which is what a tutorial would do, and by OpenVINO GenAI from GGUF, if
`pip install openvino-genai` was done. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from assistant.core.records import Turn
from assistant.models.llm import PACKAGED_ID
from assistant.models.llm_onnx import OnnxModel
from assistant.models.registry import Registry
from assistant.text.prompts import build_messages
from bench.common import console, note_load, parser, settings, write_json
from bench.make_base import base_folder
from tune.graphs.originals import SMOLLM2, open_base
from tune.train import prompt_text

PROMPT, ANSWER = 600, 40  # tokens
WARM_UP, RUNS, TURNS = 1, 3, 2
TUTORIAL, OPENVINO = "transformers bfloat16", "openvino GGUF Q4_1"
BAR = 3.0  # times faster than transformers
QUESTION = "How many days of annual leave may a part-time employee carry over into the next year?"
SENTENCE = "Employees of grade {n} may carry over at most {n} days of annual leave with the consent of their manager."

Generate = Callable[[Sequence[Turn]], None]  # reads a prompt, writes ANSWER tokens


def prompt_of(tokenizer: Any, first: int) -> tuple[Turn, ...]:
    """Return a prompt of about PROMPT tokens; its sentences are numbered from `first` on."""
    for count in range(1, 100):
        messages = build_messages(QUESTION, [SENTENCE.format(n=first + n) for n in range(count)])
        if len(tokenizer(prompt_text(tokenizer, messages))["input_ids"]) >= PROMPT:
            return messages
    raise ValueError("the prompt does not grow")


def by_onnx(folder: Path) -> Generate:
    model = OnnxModel(folder, folder.name)
    model.ends = frozenset()  # never stop early

    def generate(messages: Sequence[Turn]) -> None:
        model.complete(messages, ANSWER)

    return generate


def by_transformers(folder: Path) -> Generate:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def generate(messages: Sequence[Turn]) -> None:
        inputs = tokenizer(prompt_text(tokenizer, messages), return_tensors="pt")
        with torch.inference_mode():
            model.generate(**inputs, max_new_tokens=ANSWER, min_new_tokens=ANSWER, do_sample=False)

    return generate


def by_openvino(gguf: Path, tokenizer: Any) -> Generate:
    import openvino_genai

    pipeline = openvino_genai.LLMPipeline(str(gguf), "CPU")
    options = openvino_genai.GenerationConfig()
    options.max_new_tokens = options.min_new_tokens = ANSWER
    options.ignore_eos, options.apply_chat_template, options.do_sample = True, False, False

    def generate(messages: Sequence[Turn]) -> None:
        pipeline.generate(prompt_text(tokenizer, messages), options)

    return generate


def measure_here(kind: str, path: Path) -> dict[str, float]:
    """Time one engine in this process."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base_folder("bfloat16"))
    prompts = [prompt_of(tokenizer, 100 * run) for run in range(1, WARM_UP + RUNS + 1)]
    began = time.perf_counter()
    engines: dict[str, Callable[[Path], Any]] = {
        "onnx": by_onnx,
        "transformers": by_transformers,
        "openvino": partial(by_openvino, tokenizer=tokenizer),
    }
    generate = engines[kind](path)
    loaded = time.perf_counter() - began
    seconds = []
    for prompt in prompts:
        began = time.perf_counter()
        generate(prompt)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"load": loaded, "seconds": statistics.median(seconds[WARM_UP:]), "peak_mib": peak}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    config = settings(options, Path())
    registry = Registry(config.models_dir)
    with console.status("making the models"):
        subprocess.run([sys.executable, "-m", "bench.make_base", "--dtype", "bfloat16"], check=True)
    engines = {TUTORIAL: ("transformers", base_folder("bfloat16"))}
    engines |= {name: ("onnx", registry.path(name)) for name in dict.fromkeys([PACKAGED_ID, *options.model])}
    if not subprocess.run([sys.executable, "-c", "import openvino_genai"], capture_output=True).returncode:
        engines[OPENVINO] = ("openvino", open_base(SMOLLM2).path)
    load = note_load()
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in engines}
    for turn in range(TURNS):
        for name, (kind, path) in engines.items():
            with console.status(f"{name}, turn {turn + 1}"):
                command = [sys.executable, "-m", "bench.engines", "--one", kind, str(path)]
                turns[name].append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    found = {
        name: {key: statistics.median(turn[key] for turn in measured) for key in measured[0]}
        for name, measured in turns.items()
    }
    for name, (_, path) in engines.items():
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        found[name]["mib"] = sum(file.stat().st_size for file in files) / 2**20
        found[name]["ratio"] = found[TUTORIAL]["seconds"] / found[name]["seconds"]
    return {"load": load, "prompt": PROMPT, "answer": ANSWER, "engines": found}


def show(found: dict[str, Any]) -> None:
    table = Table("engine", "answer, s", "times faster", "load, s", "peak MiB", "MiB on disk", title="A warm answer")
    for name, m in found["engines"].items():
        table.add_row(
            name,
            f"{m['seconds']:.2f}",
            f"{m['ratio']:.2f}",
            f"{m['load']:.1f}",
            f"{m['peak_mib']:.0f}",
            f"{m['mib']:.0f}",
        )
    console.print(table)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        sys.stdout.write(json.dumps(measure_here(sys.argv[2], Path(sys.argv[3]))))
        return
    options = parser(__doc__)
    options.add_argument("--model", action="append", default=[], metavar="ID", help="another model")
    chosen = options.parse_args()
    found = measure(chosen)
    show(found)
    write_json(chosen.json, found)
    ours = max(m["ratio"] for name, m in found["engines"].items() if name not in (TUTORIAL, OPENVINO))
    sys.exit(0 if ours >= BAR else 7)


if __name__ == "__main__":
    main()
