"""Train the reader: LoRA on MPNet as a cross-encoder, one softmax over "nothing answers" and the parts of all passages.

An example is a question with passages, its label the parts that answer, or none: what retrieval brings of the same
documents and does not answer is what the reader meets. Each passage is read by itself, as when it serves; that one
softmax goes over all of them makes their scores comparable ("shared normalisation", Clark and Gardner, "Simple and
Effective Multi-Paragraph Reading Comprehension", ACL 2018). What makes it fast on a CPU: the base is in bfloat16 where
the processor has it, the adapter is added to its weights once a batch instead of to every activation, and batches hold
passages of like length.
`graphs/encoders.py` makes the runtime of what is saved here.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import Progress
from assistant.models.cross_encoder import layout, open_tokenizer
from tune.graphs.encoders import HEADS, PROBES, SMOOTHING
from tune.graphs.merge_lora import CONFIG, PREFIX, WEIGHTS
from tune.graphs.originals import MPNET, open_base

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ReaderTraining:
    """How a reader is trained; as the packaged one was, unless `docs/log/experiments.md` says otherwise."""

    rank: int = 32  # of the adapter, which is 11 MB
    alpha: int = 64
    inner: int = 256  # units of the two scoring heads
    head_rate: float = 1e-3  # learning rate of the heads, which start from nothing
    warm_up: float = 0.06  # share of the steps
    last_rate: float = 0.03  # share of the learning rate that is left at the end
    tokens: int = 4096  # of a batch
    batches: int = 2  # of a step
    measured: int = 60  # passages that the outliers are measured on
    probed: int = 12  # passages that the runtime is compared on


SETTINGS = ReaderTraining()
CUT_OFF = -1e3  # log-odds below which a part was not read
OUT_OF_IT = -1e4  # those of what could not answer


@dataclass(frozen=True, slots=True)
class ReaderPassage:
    """A passage's header and parts; `gold` are those that answer.

    Where there are `choices`, so many of the parts, from the first on, could answer; the others are read with them.
    """

    header: str
    units: tuple[str, ...]
    gold: tuple[int, ...] = ()
    choices: int | None = None


@dataclass(frozen=True, slots=True)
class ReaderExample:
    """A question with passages, of which any or none answers."""

    question: str
    passages: tuple[ReaderPassage, ...]


Read = tuple[NDArray[np.int64], NDArray[np.int64]]  # a question with one passage: token ids and the part of each


def train(
    examples: Sequence[ReaderExample],
    out: Path,
    progress: Progress,
    *,
    start: Path | None = None,
    rate: float = 3e-4,
    seed: int = 5,
    frozen: int = 0,
) -> dict[str, Any]:
    """Train on the examples, from the adapter in `start` or anew, and save it in `out`; return what was measured.

    The first `frozen` layers stay as they are, and are not saved.
    """
    import torch

    torch.manual_seed(seed)
    model = make_model(start)
    freeze(model, frozen)
    tokenizer = open_tokenizer(open_base(MPNET).tokenizer)
    read = [[layout(tokenizer, e.question, p.header, p.units) for p in e.passages] for e in examples]
    batches = list(batched([(len(of), max(len(ids) for ids, _ in of)) for of in read], seed))
    steps = math.ceil(len(batches) / SETTINGS.batches)
    groups: list[dict[str, Any]] = [
        {"params": [p for name, p in named(model) if ".lora_" in name], "lr": rate},
        {"params": [p for name, p in named(model) if ".lora_" not in name], "lr": SETTINGS.head_rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    warm_up, last_rate = max(1, SETTINGS.warm_up * steps), SETTINGS.last_rate
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warm_up) * max(last_rate, 1 - step / steps)
    )
    losses: list[float] = []
    began = time.perf_counter()
    for number, chosen in enumerate(batches):
        progress("training the reader", number, len(batches))
        loss = loss_of(model, [examples[i] for i in chosen], [read[i] for i in chosen])
        (loss / SETTINGS.batches).backward()
        losses.append(float(loss.detach()))
        if (number + 1) % SETTINGS.batches == 0 or number + 1 == len(batches):
            torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
    progress("training the reader", len(batches), len(batches))
    save(model, examples, tokenizer, out)
    return {
        "questions": len(examples),
        "passages": sum(len(e.passages) for e in examples),
        "batches": len(batches),
        "seconds": round(time.perf_counter() - began, 1),
        "loss": round(float(np.mean(losses[-20:])), 4) if losses else None,
    }


def make_model(start: Path | None = None) -> torch.nn.Module:
    """Return MPNet with an adapter on every linear layer, and the heads; from `start`, if given."""
    import torch
    from safetensors.torch import load_file

    from tune.lora import Adapted, open_mpnet
    from tune.train import use_bf16

    dtype = torch.bfloat16 if use_bf16() else torch.float32
    encoder = open_mpnet(open_base(MPNET)).to(dtype).requires_grad_(False)
    for module in list(encoder.encoder.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear):
                setattr(module, name, Adapted(child, SETTINGS.rank, SETTINGS.alpha))
    size = encoder.config.hidden_size
    heads = torch.nn.ModuleDict(
        {
            f"{kind}_{part}": torch.nn.Linear(*shape)
            for kind in ("null", "unit")
            for part, shape in (("hidden", (size, SETTINGS.inner)), ("out", (SETTINGS.inner, 1)))
        }
    )
    model = torch.nn.ModuleDict({"encoder": encoder, "heads": heads})
    if start:
        adapter = load_file(start / WEIGHTS)
        _load_heads(model, {name: value.float() for name, value in load_file(start / HEADS).items()})
        own = dict(encoder.named_parameters())
        with torch.no_grad():
            for name, value in adapter.items():
                own[name.removeprefix(PREFIX).removesuffix(".weight")].copy_(value.float())
    return model


def freeze(model: Any, layers: int) -> None:
    """Leave the first layers as they are."""
    for layer in model["encoder"].encoder.layer[:layers]:
        layer.requires_grad_(False)


def named(model: torch.nn.Module) -> list[tuple[str, Any]]:
    """Return the parameters that are trained."""
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def batched(sizes: Sequence[tuple[int, int]], seed: int) -> Iterator[list[int]]:
    """Yield batches of examples whose passages are of like length, in random order; `sizes` count and measure them."""
    rng = random.Random(seed)
    order = sorted(range(len(sizes)), key=lambda i: sizes[i][1] + rng.random() * 16)
    batches: list[list[int]] = [[]]
    for i in order:
        counts, lengths = zip(*(sizes[k] for k in (*batches[-1], i)), strict=True)
        if batches[-1] and sum(counts) * max(lengths) > SETTINGS.tokens:
            batches.append([])
        batches[-1].append(i)
    rng.shuffle(batches)
    yield from (batch for batch in batches if batch)


def scores(model: Any, read: Sequence[Read]) -> torch.Tensor:
    """Return the logits [passages, 1 + units], null first; what a passage has not is far below."""
    import torch
    from torch.nn.functional import one_hot

    width = max(len(ids) for ids, _ in read)
    ids = torch.full((len(read), width), model["encoder"].config.pad_token_id)
    mask, owner = torch.zeros_like(ids), torch.zeros_like(ids)
    for at, (tokens, units) in enumerate(read):
        ids[at, : len(tokens)] = torch.from_numpy(tokens)
        mask[at, : len(tokens)] = 1
        owner[at, : len(units)] = torch.from_numpy(units)
    hidden = model["encoder"](input_ids=ids, attention_mask=mask).last_hidden_state.float()
    member = one_hot(owner, int(owner.max()) + 1).float()[:, :, 1:]
    count = member.sum(1)
    units = torch.einsum("btu,bth->buh", member, hidden) / count.clamp(min=1)[..., None]
    heads = model["heads"]
    parts = [
        heads[f"{kind}_out"](torch.tanh(heads[f"{kind}_hidden"](values)))
        for kind, values in (("null", hidden[:, :1]), ("unit", units))
    ]
    said = parts[1][..., 0].masked_fill(count == 0, OUT_OF_IT)
    return torch.cat([parts[0][..., 0], said], 1)


def loss_of(model: Any, examples: Sequence[ReaderExample], read: Sequence[Sequence[Read]]) -> torch.Tensor:
    """Return the mean loss: half of "one of the gold parts", half of "all of them alike"."""
    import torch
    from torch.nn.functional import pad

    logits = scores(model, [one for of in read for one in of])
    odds = pad(logits[:, 1:] - logits[:, :1], (1, 0))  # each passage's own null is 0: the example's
    total, at = logits.sum() * 0, 0
    for example in examples:
        own = odds[at : at + len(example.passages)]
        at += len(example.passages)
        own = own.masked_fill(torch.tensor([_barred(p, own.shape[1]) for p in example.passages]), OUT_OF_IT)
        whole = torch.logsumexp(torch.cat([own[:, 1:].flatten(), own[0, :1]]), 0)
        gold = [(n, k + 1) for n, p in enumerate(example.passages) for k in p.gold if k + 1 < own.shape[1]]
        read_gold = [place for place in gold if own[place] > CUT_OFF]
        found = torch.stack([own[place] for place in read_gold or [(0, 0)]]) - whole
        total = total - 0.5 * (torch.logsumexp(found, 0) + found.mean())
    return total / len(examples)


def _barred(passage: ReaderPassage, width: int) -> list[bool]:
    """Say of null and each part of a passage whether it could not be the answer."""
    return [passage.choices is not None and at > passage.choices for at in range(width)]


def save(model: Any, examples: Sequence[ReaderExample], tokenizer: Any, out: Path) -> None:
    """Write the adapter as peft does, the heads, how the graph is to be smoothed, and probes; all of 16 bits."""
    import torch
    from safetensors.numpy import save_file

    from tune.lora import folded, smoothing_of, watched

    out.mkdir(parents=True, exist_ok=True)
    half = {name: p.detach().numpy().astype(np.float16) for name, p in named(model)}
    adapter = {
        f"{PREFIX}{name.removeprefix('encoder.')}.weight": value for name, value in half.items() if ".lora_" in name
    }
    save_file(adapter, out / WEIGHTS, metadata={"format": "pt"})
    settings = {
        "peft_type": "LORA",
        "base_model_name_or_path": "sentence-transformers/all-mpnet-base-v2",
        "r": SETTINGS.rank,
        "lora_alpha": SETTINGS.alpha,
        "target_modules": ["q", "k", "v", "o", "dense"],
        "bias": "none",
        "lora_dropout": 0.0,
    }
    (out / CONFIG).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    save_file(_heads_of(half), out / HEADS)
    exact = folded(model)
    rows = [(example.question, passage) for example in examples for passage in example.passages]
    sample = random.Random(2).sample(rows, min(len(rows), SETTINGS.measured))
    probes: list[dict[str, Any]] = []
    with torch.no_grad(), watched(exact["encoder"]) as largest:
        for question, passage in sample:
            logits = scores(exact, [layout(tokenizer, question, passage.header, passage.units)])[0]
            odds = (logits[1:] - logits[0]).tolist()
            if len(probes) < SETTINGS.probed and len(odds) == len(passage.units) and min(odds) > -100:
                told = {"question": question, "header": passage.header, "units": list(passage.units)}
                probes.append({**told, "log_odds": [round(value, 3) for value in odds]})
    (out / PROBES).write_text(json.dumps(probes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    save_file(smoothing_of(largest), out / SMOOTHING)


def _heads_of(half: dict[str, Any]) -> dict[str, Any]:
    """Name the heads as the graph does."""
    return {
        f"{kind}.{part}.{what}": half[f"heads.{kind}_{part}.{what}"]
        for kind in ("null", "unit")
        for part in ("hidden", "out")
        for what in ("weight", "bias")
    }


def _load_heads(model: Any, found: dict[str, Any]) -> None:
    import torch

    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in found.items():
            kind, part, what = name.split(".")
            own[f"heads.{kind}_{part}.{what}"].copy_(value)
