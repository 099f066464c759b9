"""Compare training with TRL's SFTTrainer as it comes:  python -m bench.tuning EXAMPLES.jsonl [--steps 10]

The same examples (a recipe's `dataset/examples.jsonl`), LoRA, batch and number of steps, each in a process of its own,
taking turns; tokens are those of the examples, padding left out. Needs `pip install trl` and a quiet machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.table import Table

from assistant.core.config import TuneSection
from bench.common import console, note_load, parser, write_json
from bench.make_base import base_folder
from tune.examples import read_examples
from tune.train import LAYERS, encode, load_model, make_trainer

TURNS = 2
BAR = 1.5
SETTINGS = TuneSection()


def count_tokens(rows: list[dict[str, Any]]) -> int:
    return sum(len(row["input_ids"]) for row in rows)


def by_us(path: Path, steps: int) -> float:
    """Return tokens a second."""
    from transformers import AutoTokenizer, set_seed

    set_seed(SETTINGS.seed)
    tokenizer = AutoTokenizer.from_pretrained(base_folder("float32"))
    rows = [encode(tokenizer, example) for example in read_examples(path)][: steps * SETTINGS.batch]
    model = load_model(base_folder("float32"), SETTINGS)
    with tempfile.TemporaryDirectory() as out:
        parts = {"train": rows, "validation": rows[:1]}
        trainer = make_trainer(model, tokenizer, parts, SETTINGS, steps, Path(out), lambda *told: None)
        trainer.args.eval_strategy = trainer.args.save_strategy = "no"
        trainer.args.load_best_model_at_end = False
        trainer.callback_handler.callbacks = []
        began = time.perf_counter()
        trainer.train()
    return count_tokens(rows) / (time.perf_counter() - began)


def by_trl(path: Path, steps: int) -> float:
    """Return tokens a second, with nothing set but the batch, the steps, the processor and where it writes."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(base_folder("float32"))
    examples = read_examples(path)[: steps * SETTINGS.batch]
    tokens = count_tokens([encode(tokenizer, example) for example in examples])
    chats = [
        {
            "prompt": [{"role": turn.role, "content": turn.content} for turn in example.messages],
            "completion": [{"role": "assistant", "content": example.target}],
        }
        for example in examples
    ]
    lora = LoraConfig(r=SETTINGS.rank, lora_alpha=2 * SETTINGS.rank, target_modules=LAYERS, task_type="CAUSAL_LM")
    with tempfile.TemporaryDirectory() as out:
        arguments = SFTConfig(
            output_dir=out,
            use_cpu=not torch.cuda.is_available(),
            max_steps=steps,
            save_strategy="no",
            per_device_train_batch_size=SETTINGS.batch,
            report_to=[],
            disable_tqdm=True,
        )
        trainer = SFTTrainer(
            model=str(base_folder("float32")), args=arguments, train_dataset=Dataset.from_list(chats), peft_config=lora
        )
        began = time.perf_counter()
        trainer.train()
    return tokens / (time.perf_counter() - began)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    with console.status("unpacking the weights"):
        subprocess.run([sys.executable, "-m", "bench.make_base", "--dtype", "float32"], check=True)
    load = note_load()
    rates: dict[str, list[float]] = {"ours": [], "trl": []}
    for turn in range(TURNS):
        for who, found in rates.items():
            with console.status(f"{who}, turn {turn + 1}"):
                command = [
                    sys.executable,
                    "-m",
                    "bench.tuning",
                    "--one",
                    who,
                    str(options.examples),
                    str(options.steps),
                ]
                told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
                found.append(float(told.splitlines()[-1]))
    ours, theirs = statistics.median(rates["ours"]), statistics.median(rates["trl"])
    return {"load": load, "steps": options.steps, "ours": ours, "trl": theirs, "ratio": ours / theirs, "rates": rates}


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        work = {"ours": by_us, "trl": by_trl}[sys.argv[2]]
        sys.stdout.write(f"\n{work(Path(sys.argv[3]), int(sys.argv[4]))}\n")
        return
    options = parser(__doc__)
    options.add_argument("examples", type=Path, help="examples.jsonl of a recipe's dataset stage")
    options.add_argument("--steps", type=int, default=10)
    chosen = options.parse_args()
    found = measure(chosen)
    table = Table("trainer", "tokens a second", "ratio", title="Training, LoRA on all linear layers")
    table.add_row("ours", f"{found['ours']:.0f}", f"{found['ratio']:.2f} (bar {BAR:g})")
    table.add_row("TRL SFTTrainer", f"{found['trl']:.0f}", "1")
    console.print(table)
    write_json(chosen.json, found)
    sys.exit(0 if found["ratio"] >= BAR else 7)


if __name__ == "__main__":
    main()
