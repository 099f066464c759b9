"""Train the generator on examples: LoRA on the full-precision base.

On transformers' Trainer, so that checkpoints and resuming work as everywhere. What makes it fast on a CPU: the loss is
taken of the answer's tokens alone, and so are the logits, which are a fifth of the work at this size; batches hold
examples of like length.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.core.config import TuneSection
from assistant.core.errors import UsageError
from assistant.core.records import Progress, Turn
from tune.examples import Example
from tune.graphs.merge_lora import weight_files

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Row = dict[str, list[int]]

IGNORED = -100  # the label of a token that is no part of the loss
MIN_EXAMPLES = 50
LAYERS = "all-linear"  # what LoRA adapts
LOG = "log.json"
WITH_ACTIVATIONS = 1.25  # of the weights' bytes: the least that a step takes beside them


def train(
    base: Path, examples: Sequence[Example], settings: TuneSection, out: Path, progress: Progress
) -> dict[str, Any]:
    """Train on the examples and write the adapter to `out`; return what was measured.

    `out` may hold checkpoints of a run that was stopped: it goes on from the last. Raises UsageError for too few
    examples, and for a base that does not fit into memory.
    """
    import torch
    from transformers import AutoTokenizer, set_seed

    check_memory(base, free_memory())
    set_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = {part: [encode(tokenizer, e) for e in examples if e.part == part] for part in ("train", "validation")}
    rows = {
        part: [row for row in found if len(row["input_ids"]) <= settings.max_tokens] for part, found in rows.items()
    }
    if len(rows["train"]) < MIN_EXAMPLES or not rows["validation"]:
        cause = f"there are {len(rows['train'])} examples to train on, and {len(rows['validation'])} to validate with."
        raise UsageError(cause, f"Give at least {MIN_EXAMPLES} questions with gold evidence from several documents.")
    model = load_model(base, settings)
    steps = planned_steps(model, rows["train"], settings)
    trainer = make_trainer(model, tokenizer, rows, settings, steps, out, progress)
    checkpoint = any(out.glob("checkpoint-*"))
    began = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.perf_counter() - began
    trainer.model.save_pretrained(out, safe_serialization=True)
    log = trainer.state.log_history
    (out / LOG).write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")
    tokens = sum(len(row["input_ids"]) for row in rows["train"])
    return {
        "steps": trainer.state.global_step,
        "epochs": round(trainer.state.epoch or 0, 2),
        "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens * (trainer.state.epoch or 0) / seconds, 1),
        "validation_loss": min((row["eval_loss"] for row in log if "eval_loss" in row), default=None),
        "dtype": str(torch.bfloat16 if use_bf16() else torch.float32),
    }


def encode(tokenizer: PreTrainedTokenizerBase, example: Example) -> Row:
    """Return the prompt's tokens with the answer's and the end token after them; `labels` ignore the prompt."""
    prompt = tokenizer(prompt_text(tokenizer, example.messages), add_special_tokens=False)["input_ids"]
    answer = [*tokenizer(example.target, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return {"input_ids": [*prompt, *answer], "labels": [IGNORED] * len(prompt) + answer}


def prompt_text(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Turn]) -> str:
    """Lay messages out in the model's chat format, up to where its answer begins."""
    turns = [{"role": turn.role, "content": turn.content} for turn in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def collate(rows: Sequence[Row], pad: int) -> dict[str, torch.Tensor]:
    """Align rows so that every answer begins in one column: prompts are padded on the left, answers on the right.

    Returns input_ids and attention_mask [rows, columns], and the labels of the last columns [rows, answer columns].
    """
    import torch

    sizes = [(sum(label == IGNORED for label in row["labels"]), len(row["labels"])) for row in rows]
    before = max(prompt for prompt, _ in sizes)
    after = max(whole - prompt for prompt, whole in sizes)
    ids = torch.full((len(rows), before + after), pad)
    mask = torch.zeros((len(rows), before + after), dtype=torch.long)
    labels = torch.full((len(rows), after), IGNORED)
    for place, (row, (prompt, whole)) in enumerate(zip(rows, sizes, strict=True)):
        span = slice(before - prompt, before - prompt + whole)
        ids[place, span] = torch.tensor(row["input_ids"])
        mask[place, span] = 1
        labels[place, : whole - prompt] = torch.tensor(row["labels"][prompt:])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def answer_loss(model: Any, inputs: dict[str, torch.Tensor], tokens: torch.Tensor | int | None = None) -> torch.Tensor:
    """Return the cross-entropy of the answers' tokens, with logits for those columns alone; `tokens` is the divisor."""
    import torch

    labels = inputs["labels"]
    output = model(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], logits_to_keep=labels.shape[1] + 1
    )
    logits = output.logits[:, :-1].float()
    total = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total / (tokens if tokens is not None else (labels != IGNORED).sum())


def check_memory(base: Path, free: int) -> None:
    """Raise UsageError where a base's weights, with room for what a step computes, take more bytes than are free."""
    from safetensors import safe_open

    weights = 0
    for path in weight_files(base):
        with safe_open(path, "numpy") as file:
            names = file.keys()
            weights += sum(math.prod(file.get_slice(name).get_shape()) for name in names)
    width = 2 if use_bf16() else 4
    if (needed := int(width * weights * WITH_ACTIVATIONS)) > free:
        cause = f"to train {base} takes {needed / 1e9:,.1f} GB at least, and {free / 1e9:,.1f} GB are free."
        raise UsageError(cause, "Take a smaller tune.base, or a machine with more memory.")


def free_memory() -> int:
    """Return the bytes that are free where a model would be trained: on the GPU, or else in memory."""
    import psutil
    import torch

    return int(torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else psutil.virtual_memory().available)


def load_model(base: Path, settings: TuneSection) -> PreTrainedModel:
    """Load the base to train: bfloat16 where the processor has it, and LoRA's own weights in float32."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if use_bf16() else torch.float32
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation="sdpa")
    model.config.use_cache = False
    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=2 * settings.rank,
        target_modules=LAYERS,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def use_bf16() -> bool:
    """Tell whether this machine multiplies bfloat16 fast: a GPU that does, or a CPU with AVX-512 BF16 or AMX.

    With AVX-512 alone bfloat16 takes three times as long as float32.
    """
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))


def planned_steps(model: Any, rows: Sequence[Row], settings: TuneSection) -> int:
    """Return how many steps there are to take: all of the epochs', or what fits `minutes` by timing a few."""
    import torch

    steps = max(1, round(settings.epochs * len(rows) / settings.batch))
    if not settings.minutes:
        return steps
    middle = sorted(rows, key=lambda row: len(row["input_ids"]))[len(rows) // 2 :][: settings.batch]
    batch = {k: v.to(model.device) for k, v in collate(middle, 0).items()}
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        answer_loss(model, batch).backward()
        seconds.append(time.perf_counter() - began)
        model.zero_grad()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return max(1, min(steps, int(settings.minutes * 60 / min(seconds))))


def make_trainer(
    model: Any,
    tokenizer: Any,
    rows: dict[str, list[Row]],
    settings: TuneSection,
    steps: int,
    out: Path,
    progress: Progress,
) -> Any:
    """Make the Trainer: cosine schedule with a short warm-up, the best checkpoint kept, early stopping."""
    import torch
    from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    class Answers(Trainer):  # type: ignore[misc]
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            loss = answer_loss(model, inputs, num_items_in_batch)
            return (loss, {}) if return_outputs else loss

        def prediction_step(self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: Any = None) -> Any:
            with torch.no_grad():
                return answer_loss(model, self._prepare_inputs(inputs)), None, None

    class Told(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            progress("training", state.global_step, steps)

    every = max(1, steps // 6)  # between evaluations of the validation loss; two without gain end the run
    arguments = TrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, steps // 20),
        weight_decay=0.0,
        bf16=False,
        train_sampling_strategy="group_by_length",
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=10,
        seed=settings.seed,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )
    pad = tokenizer.pad_token_id
    trainer = Answers(
        model=model,
        args=arguments,
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=lambda found: collate(found, pad),
        callbacks=[Told(), EarlyStoppingCallback(2)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer
