"""A linear layer with a LoRA adapter (Hu et al. 2021) that is added to its weight, once a batch.

peft adds the adapter to every activation, in its own precision, which is a third of the time of a training step on a
CPU. What is saved is peft's format all the same.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear

from tune.graphs.mpnet import OUTLIERS
from tune.graphs.originals import Base

OUTER, EXACT = "outer", 32  # the projection whose outliers are single tokens', and its units that stay in float32
PARTS = {
    "attention.attn.q": "qkv",
    "attention.attn.o": "attention",
    "intermediate.dense": "inner",
    "output.dense": OUTER,
}
STRENGTH = 0.65  # how much of the activations' outliers moves into the weights (SmoothQuant's alpha)
BESIDE = {"q": ("q", "k", "v")}  # layers that the graph joins


class _Product(torch.autograd.Function):  # type: ignore[misc]
    """x (W + scale B A)' + b, with gradients for x, A and B."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, a: Any, b: Any, scale: float) -> Any:
        total = torch.addmm(weight, b.to(weight.dtype), a.to(weight.dtype), alpha=scale)
        ctx.save_for_backward(x, total, a, b)
        ctx.scale = scale
        return linear(x, total, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, total, a, b = ctx.saved_tensors
        flat, rows = x.reshape(-1, x.shape[-1]), grads[0].reshape(-1, grads[0].shape[-1])
        for_b = (rows.t() @ (flat @ a.to(flat.dtype).t())).float() * ctx.scale
        for_a = ((rows @ b.to(rows.dtype)).t() @ flat).float() * ctx.scale
        return (rows @ total).view_as(x), None, None, for_a, for_b, None


class Adapted(torch.nn.Module):  # type: ignore[misc]
    """A frozen linear layer and its adapter, in float32."""

    def __init__(self, base: torch.nn.Linear, rank: int, alpha: int) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.lora_A = torch.nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.lora_B = torch.nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Product.apply(x, self.base.weight, self.base.bias, self.lora_A, self.lora_B, self.scale)


def folded(model: Any) -> Any:
    """Return a copy in float32 with each adapter, and everything trained, as it is saved: of 16 bits, added in."""
    exact = copy.deepcopy(model).float()
    with torch.no_grad():
        for parameter in exact.parameters():
            if parameter.requires_grad:
                parameter.copy_(parameter.half().float())
        for parent in list(exact.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, Adapted):
                    child.base.weight += child.scale * child.lora_B @ child.lora_A
                    setattr(parent, name, child.base)
    return exact


@contextmanager
def watched(encoder: Any) -> Iterator[dict[str, tuple[torch.Tensor, torch.Tensor]]]:
    """Yield a dict that fills with {layer}/{projection} -> the largest inputs [in], and weights [in], as they run."""
    largest: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    handles = []
    for number, layer in enumerate(encoder.encoder.layer):
        for path, name in PARTS.items():
            module = layer.get_submodule(path)
            parent, _, last = path.rpartition(".")
            joined = [layer.get_submodule(f"{parent}.{each}" if parent else each) for each in BESIDE.get(last, (last,))]
            weights = torch.stack([each.weight.abs().amax(0) for each in joined]).amax(0)

            def note(_: Any, given: Any, __: Any, key: str = f"{number}/{name}", weights: Any = weights) -> None:
                found = given[0].detach().flatten(0, -2).abs().amax(0)
                before = largest.get(key, (torch.zeros_like(found), weights))[0]
                largest[key] = torch.maximum(before, found), weights

            handles.append(module.register_forward_hook(note))
    try:
        yield largest
    finally:
        for handle in handles:
            handle.remove()


def smoothing_of(largest: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> dict[str, NDArray[Any]]:
    """Say how the outliers that were watched are kept from being rounded, as `graphs/mpnet.py` takes it.

    {layer}/{projection} -> float16 [in], by which they move into the weights (SmoothQuant); of the last projection,
    {layer}/outliers -> int16, the inputs with the largest values.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, (inputs, weights) in largest.items():
        layer, _, projection = name.partition("/")
        if projection == OUTER:
            found[f"{layer}/{OUTLIERS}"] = inputs.topk(EXACT).indices.sort().values.numpy().astype(np.int16)
        else:
            moved = inputs.clamp(min=1e-3) ** STRENGTH / weights.clamp(min=1e-4) ** (1 - STRENGTH)
            found[name] = moved.numpy().astype(np.float16)
    return found


def open_mpnet(base: Base) -> Any:
    """Open MPNet in float32."""
    from transformers import MPNetConfig, MPNetModel

    model = MPNetModel(MPNetConfig(**base.config), add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in base.weights().items()}, strict=False)
    return model.eval()
