"""Write a Llama (Touvron et al. 2023) as an ONNX graph of 8-bit integers that reads a prompt fast on a CPU.

Most of an answer's time goes into reading its prompt, so the projections are columns of 8 bits. The input of a layer's
last projection has outliers too large for that: it has blocks, as has the output layer (KL to float32 0.003, with
columns alone 0.010). Keys and values are written in place, into room that whoever runs the graph gives it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assistant.models.onnx_session import GRAPH
from tune.graphs.onnx_graph import CONTRIB, Graph, Weights

DATA, LAYOUT = "model.onnx.data", "genai_config.json"
LAST = 1  # token, of which alone logits are given: the output layer is a fifth of the work of reading a prompt
PARTS = ("key", "value")


def writable(config: Mapping[str, Any]) -> bool:
    """Say whether `write_generator` knows the architecture that a transformers' config.json describes."""
    more = (config.get(name) for name in ("attention_bias", "mlp_bias", "rope_scaling"))
    rotary = config.get("rope_parameters", {}).get("rope_type", "default")
    return (config.get("model_type"), config.get("hidden_act"), rotary, any(more)) == (
        "llama",
        "silu",
        "default",
        False,
    )


def write_generator(weights: Weights, config: Mapping[str, Any], folder: Path) -> None:
    """Write `model.onnx`, its data beside it, and the layout that `llm_onnx.py` reads, into `folder`.

    Inputs are int64 `input_ids` [1, tokens] and `attention_mask` [1, tokens read so far], and for each layer the keys
    and values, [1, heads, room, size]; outputs are float32 `logits` [1, 1, vocabulary] and the keys and
    values anew. `weights` are named as in transformers' LlamaForCausalLM, `config` is its config.json, of which
    `writable` is true. Raises KeyError for a weight that is missing.
    """
    import onnx

    graph = Graph(weights, float(config["rms_norm_eps"]))
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    hidden = graph.node("Gather", [graph.weight("model.embed_tokens.weight"), "input_ids"], "embedded")
    lengths = _lengths(graph)
    rotary = _rotary(graph, config, head)
    layers = range(config["num_hidden_layers"])
    branch = ""
    for layer in layers:
        hidden, branch = _layer(graph, hidden, branch, layer, config, (*lengths, *rotary))
    _logits(graph, _norm(graph, hidden, branch, "model.norm.weight")[0])
    cache = (1, config["num_key_value_heads"], "room", head)
    inputs: dict[str, Any] = {"input_ids": (np.int64, (1, "tokens")), "attention_mask": (np.int64, (1, "read"))}
    inputs |= {_past(part, layer): (np.float32, cache) for part in PARTS for layer in layers}
    outputs: dict[str, Any] = {"logits": (np.float32, (1, LAST, config["vocab_size"]))}
    outputs |= {_present(part, layer): (np.float32, cache) for part in PARTS for layer in layers}
    model = graph.model(inputs, outputs, "generator")
    onnx.save(model, str(folder / GRAPH), save_as_external_data=True, location=DATA)
    shutil.copymode(folder / GRAPH, folder / DATA)  # it is written for its owner alone
    (folder / LAYOUT).write_text(json.dumps({"model": _layout(config, head)}, indent=1) + "\n", encoding="utf-8")


def _past(part: str, layer: int | str) -> str:
    return f"past_key_values.{layer}.{part}"


def _present(part: str, layer: int | str) -> str:
    return f"present.{layer}.{part}"


def _layout(config: Mapping[str, Any], head: int) -> dict[str, Any]:
    """Describe the graph as onnxruntime-genai's builder does."""
    return {
        "context_length": config["max_position_embeddings"],
        "eos_token_id": config["eos_token_id"],
        "decoder": {
            "head_size": head,
            "num_hidden_layers": config["num_hidden_layers"],
            "num_key_value_heads": config["num_key_value_heads"],
            "inputs": {f"past_{part}_names": _past(part, "%d") for part in PARTS},
            "outputs": {f"present_{part}_names": _present(part, "%d") for part in PARTS},
        },
    }


def _lengths(graph: Graph) -> tuple[str, str]:
    """Return how far into its room the text reaches, as attention wants it: the last place, and the number of them."""
    one = graph.constant("one", np.array([1], np.int64))
    read = graph.node("ReduceSum", ["attention_mask", one], "read", keepdims=0)
    last = graph.cast(graph.node("Sub", [read, one], "before"), "last", np.int32)
    shape = graph.node("Shape", ["attention_mask"], "shape")
    size = graph.node("Gather", [shape, graph.constant("second", np.array(1))], "size")
    return last, graph.cast(size, "total", np.int32)


def _rotary(graph: Graph, config: Mapping[str, Any], head: int) -> tuple[str, str]:
    """Return the cosines and sines by which places turn queries and keys (Su et al. 2021), [places, head / 2]."""
    theta = config["rope_parameters"]["rope_theta"] if "rope_parameters" in config else config["rope_theta"]
    turns = float(theta) ** (-np.arange(0, head, 2) / head)
    angles = np.outer(np.arange(config["max_position_embeddings"]), turns)
    cosines, sines = (
        graph.constant(name, values.astype(np.float32))
        for name, values in (("cosines", np.cos(angles)), ("sines", np.sin(angles)))
    )
    return cosines, sines


def _layer(
    graph: Graph, hidden: str, branch: str, index: int, config: Mapping[str, Any], places: tuple[str, ...]
) -> tuple[str, str]:
    """Add one transformer layer; return the sum so far, and what is yet to be added to it."""
    prefix = f"model.layers.{index}."
    normed, hidden = _norm(graph, hidden, branch, f"{prefix}input_layernorm.weight")
    joined = np.concatenate([graph.weights[f"{prefix}self_attn.{part}_proj.weight"].T for part in "qkv"], axis=1)
    inputs = [graph.columns(normed, f"{index}/qkv", joined), "", "", *(_past(part, index) for part in PARTS), *places]
    heads = {"num_heads": config["num_attention_heads"], "kv_num_heads": config["num_key_value_heads"]}
    outputs = [f"{index}/attended", *(_present(part, index) for part in PARTS)]
    attended = graph.node("GroupQueryAttention", inputs, outputs, CONTRIB, do_rotary=1, **heads)
    branch = graph.columns(attended, f"{index}/attention", graph.weights[f"{prefix}self_attn.o_proj.weight"].T)
    normed, hidden = _norm(graph, hidden, branch, f"{prefix}post_attention_layernorm.weight")
    gate, up = (
        graph.columns(normed, f"{index}/{part}", graph.weights[f"{prefix}mlp.{part}_proj.weight"].T)
        for part in ("gate", "up")
    )
    opened = graph.node("QuickGelu", [gate], f"{index}/silu", CONTRIB, alpha=1.0)
    wide = graph.node("Mul", [opened, up], f"{index}/wide")
    return hidden, graph.blocks(wide, f"{index}/down", graph.weights[f"{prefix}mlp.down_proj.weight"].T)


def _norm(graph: Graph, hidden: str, branch: str, name: str) -> tuple[str, str]:
    """Return norm(hidden + branch), and the sum."""
    weight = graph.weight(name)
    if not branch:
        return graph.node(
            "SimplifiedLayerNormalization", [hidden, weight], f"{name}/output", axis=-1, epsilon=graph.epsilon
        ), hidden
    outputs = [f"{name}/output", "", "", f"{name}/sum"]
    graph.node("SkipSimplifiedLayerNormalization", [hidden, branch, weight], outputs, CONTRIB, epsilon=graph.epsilon)
    return outputs[0], outputs[-1]


def _logits(graph: Graph, hidden: str) -> None:
    bounds = [
        graph.constant(f"last/{name}", np.array([value], np.int64))
        for name, value in (("from", -LAST), ("to", np.iinfo(np.int64).max), ("axis", 1))
    ]
    last = graph.node("Slice", [hidden, *bounds], "last_hidden")
    name = "lm_head.weight" if "lm_head.weight" in graph.weights else "model.embed_tokens.weight"
    graph.blocks(last, "head", graph.weights[name].T, output="logits")
