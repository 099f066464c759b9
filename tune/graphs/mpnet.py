"""Write MPNet (Song et al. 2020) as ONNX graphs of 8-bit integers: the encoder, the reader, and the judge.

Columns of 8 bits with activations rounded as they come are fast, but MPNet's activations have outliers: plainly
rounded, its sentence vectors are at cosine 0.91 to the original's. With the outliers smoothed into the weights, and the
few units between a layer's last two projections whose values are the largest beside the others in float32, they are at
0.999 and hardly slower. Texts go through MPNet one at a time, so that there is no padding, and a text's result never
depends on what it is read beside. Whoever writes a graph compares its output with the original's (`encoders.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tune.graphs.onnx_graph import CONTRIB, Graph, Weights

MAX_TOKENS = 512  # of MPNet's position embeddings, without padding's two
PROBE_IDS = np.arange(1_000, 1_128)[None, :]  # any tokens, to compare two graphs by
SHARED = 4  # layers that the judge has from the reader
POOLING: tuple[Any, Sequence[Any]] = (np.float32, ("units", "tokens"))
LOGITS: tuple[Any, Sequence[Any]] = (np.float32, ("candidates",))
OUTLIERS = "outliers"  # the entry of a layer's smoothing that names the units with the largest values


def write_reader(
    weights: Weights,
    heads: Weights,
    smoothing: Mapping[str, NDArray[Any]],
    config: Mapping[str, Any],
    path: Path,
) -> None:
    """Write `path`: int64 `input_ids` [1, tokens] and float32 `pooling` [units, tokens] -> `logits` [1 + units].

    Each row of `pooling` averages the tokens of one unit (a sentence, item or row); the first logit is that of "nothing
    here answers", from the first token. A second output, `shared`, is what the first `SHARED` layers give, [1, tokens,
    hidden]. `weights` are named as in transformers' MPNetModel, `heads` as in `tune/train_reader.py`, `smoothing` as
    `tune/lora.py` measures it. Raises KeyError for a weight that is missing.
    """
    import onnx

    graph = Graph(weights, float(config["layer_norm_eps"]))
    _length(graph, "input_ids")
    hidden = _embeddings(graph)
    bias = _position_bias(graph, config["relative_attention_num_buckets"])
    layers = range(config["num_hidden_layers"])
    shared = _layers(graph, hidden, bias, layers[:SHARED], smoothing, config)
    _heads(graph, heads, _layers(graph, shared, bias, layers[SHARED:], smoothing, config))
    graph.node("Identity", [shared], "shared")
    inputs = {"input_ids": (np.int64, (1, "tokens")), "pooling": POOLING}
    outputs = {"logits": LOGITS, "shared": _hidden_of(config)}
    onnx.save(graph.model(inputs, outputs), str(path))


def write_judge(
    weights: Weights,
    heads: Weights,
    smoothing: Mapping[str, NDArray[Any]],
    config: Mapping[str, Any],
    path: Path,
) -> None:
    """Write `path`: float32 `shared` [1, tokens, hidden], a reader's, and `pooling` -> `logits`, as `write_reader`'s.

    Of `weights` and `smoothing` those of the layers from `SHARED` on are written.
    """
    import onnx

    graph = Graph(weights, float(config["layer_norm_eps"]))
    _length(graph, "shared")
    bias = _position_bias(graph, config["relative_attention_num_buckets"])
    layers = range(SHARED, config["num_hidden_layers"])
    _heads(graph, heads, _layers(graph, "shared", bias, layers, smoothing, config))
    inputs = {"shared": _hidden_of(config), "pooling": POOLING}
    onnx.save(graph.model(inputs, {"logits": LOGITS}), str(path))


def write_mpnet(weights: Weights, smoothing: Mapping[str, NDArray[Any]], config: Mapping[str, Any], path: Path) -> None:
    """Write `path`: int64 `input_ids` [1, tokens] -> `embedding` [1, hidden], the tokens' mean at unit length.

    Weights and smoothing as for `write_reader`; mean pooling as in sentence-transformers/all-mpnet-base-v2.
    """
    import onnx

    graph = Graph(weights, float(config["layer_norm_eps"]))
    _length(graph, "input_ids")
    hidden = _embeddings(graph)
    bias = _position_bias(graph, config["relative_attention_num_buckets"])
    hidden = _layers(graph, hidden, bias, range(config["num_hidden_layers"]), smoothing, config)
    mean = graph.node("ReduceMean", [hidden], "mean", axes=[1], keepdims=0)
    graph.node("LpNormalization", [mean], "embedding", axis=-1, p=2)
    output = np.float32, (1, config["hidden_size"])
    onnx.save(graph.model({"input_ids": (np.int64, (1, "tokens"))}, {"embedding": output}), str(path))


def _length(graph: Graph, tokens: str) -> None:
    """Name the number of tokens, and some small numbers."""
    for name, value in (("zero", 0), ("one", 1), ("two", 2)):
        graph.constant(name, np.array([value], np.int64))
    graph.node("Slice", [graph.node("Shape", [tokens], "shape"), "one", "two"], "length")


def _layers(
    graph: Graph,
    hidden: str,
    bias: str,
    layers: Sequence[int],
    smoothing: Mapping[str, NDArray[Any]],
    config: Mapping[str, Any],
) -> str:
    """Return the hidden states [1, tokens, hidden] behind these layers."""
    for layer in layers:
        hidden = _layer(graph, hidden, bias, layer, config["num_attention_heads"], smoothing)
    return hidden


def _hidden_of(config: Mapping[str, Any]) -> tuple[Any, Sequence[Any]]:
    return np.float32, (1, "tokens", config["hidden_size"])


def _embeddings(graph: Graph) -> str:
    """Look words and positions up and normalise; the words' vectors are of 8 bits, a scale a word."""
    words = graph.weights["embeddings.word_embeddings.weight"].astype(np.float32)
    scale = np.maximum(np.abs(words).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
    table = graph.constant("words", np.round(words / scale).astype(np.int8))
    rows = graph.cast(graph.node("Gather", [table, "input_ids"], "rows"), "values", np.float32)
    scales = graph.node("Gather", [graph.constant("scales", scale), "input_ids"], "row_scales")
    places = graph.weights["embeddings.position_embeddings.weight"][2:].astype(np.float32)
    positions = graph.node("Slice", [graph.constant("places", places[:MAX_TOKENS]), "zero", "length"], "positions")
    total = graph.node("Add", [graph.node("Mul", [rows, scales], "embedded_words"), positions], "embedded")
    norm = [graph.weight("embeddings.LayerNorm.weight"), graph.weight("embeddings.LayerNorm.bias")]
    return graph.node("LayerNormalization", [total, *norm], "hidden", axis=-1, epsilon=graph.epsilon)


def _position_bias(graph: Graph, number: int) -> str:
    """Return what the distance of two tokens adds to their attention, [1, heads, tokens, tokens]; layers share it."""
    table = graph.constant("buckets", buckets(MAX_TOKENS, number))
    corner = [
        graph.constant("corner", np.array([0, 0], np.int64)),
        graph.node("Concat", ["length", "length"], "square", axis=0),
    ]
    near = graph.node("Slice", [table, *corner], "near")
    values = graph.node("Gather", [graph.weight("encoder.relative_attention_bias.weight"), near], "distances")
    return graph.node("Unsqueeze", [graph.node("Transpose", [values], "by_head", perm=[2, 0, 1]), "zero"], "bias")


def buckets(length: int, number: int, farthest: int = 128) -> NDArray[np.int32]:
    """Return the bucket of each distance, [length, length]: single up to a quarter of `number`, then logarithmic."""
    distance = np.arange(length)[:, None] - np.arange(length)[None, :]
    side, single = number // 2, number // 4
    size = np.abs(distance)
    spread = np.log(np.maximum(size, 1) / single) / math.log(farthest / single) * (side - single)
    wide = np.minimum(single + spread.astype(np.int64), side - 1)
    found: NDArray[np.int32] = ((distance < 0) * side + np.where(size < single, size, wide)).astype(np.int32)
    return found


def _layer(graph: Graph, hidden: str, bias: str, index: int, heads: int, smoothing: Mapping[str, NDArray[Any]]) -> str:
    """Add one transformer layer: attention, then gelu between two linear layers, each with its residual and norm."""
    prefix = f"encoder.layer.{index}."
    weights = graph.weights
    parts = [f"{prefix}attention.attn.{part}" for part in "qkv"]
    joined = np.concatenate([weights[f"{part}.weight"].T for part in parts], axis=1).astype(np.float32)
    offset = graph.constant(f"{prefix}offset", np.concatenate([weights[f"{part}.bias"] for part in parts]))
    product = graph.smooth_columns(hidden, f"{index}/qkv", joined, smoothing[f"{index}/qkv"])
    names = [f"{index}/{part}" for part in ("query", "key", "value")]
    graph.node("Split", [graph.node("Add", [product, offset], f"{index}/joined")], names, axis=-1)
    attended = graph.node("MultiHeadAttention", [*names, "", "", bias], f"{index}/attended", CONTRIB, num_heads=heads)
    outer = weights[f"{prefix}attention.attn.o.weight"].T.astype(np.float32)
    branch = graph.smooth_columns(attended, f"{index}/attention", outer, smoothing[f"{index}/attention"])
    norm = f"{prefix}attention.LayerNorm"
    hidden = graph.residual(branch, hidden, norm, f"{prefix}attention.attn.o.bias", f"{norm}/output")
    branch = _feed_forward(graph, hidden, index, smoothing)
    norm = f"{prefix}output.LayerNorm"
    return graph.residual(branch, hidden, norm, f"{prefix}output.dense.bias", f"{norm}/output")


def _feed_forward(graph: Graph, hidden: str, index: int, smoothing: Mapping[str, NDArray[Any]]) -> str:
    """Return gelu between two linear layers; the units with outliers stand beside the others, in float32.

    One value a hundred times the others leaves those hardly a level of 8 bits, and smoothing does not help against
    values of a single token (LLM.int8(), Dettmers et al. 2022).
    """
    prefix = f"encoder.layer.{index}."
    inner = graph.weights[f"{prefix}intermediate.dense.weight"].T.astype(np.float32)
    outer = graph.weights[f"{prefix}output.dense.weight"].T.astype(np.float32)
    offset = graph.weights[f"{prefix}intermediate.dense.bias"].astype(np.float32)
    large = smoothing[f"{index}/{OUTLIERS}"]
    small = np.delete(np.arange(len(offset)), large)

    def activated(wide: str, units: NDArray[Any], name: str) -> str:
        return graph.node("BiasGelu", [wide, graph.constant(f"{name}/offset", offset[units])], f"{name}/gelu", CONTRIB)

    wide = graph.smooth_columns(hidden, f"{index}/inner", inner[:, small], smoothing[f"{index}/inner"])
    rounded = graph.columns(activated(wide, small, f"{index}/inner"), f"{index}/outer", outer[small])
    few = graph.exact(hidden, f"{index}/large_inner", inner[:, large])
    exact = graph.exact(activated(few, large, f"{index}/large"), f"{index}/large_outer", outer[large])
    return graph.node("Add", [rounded, exact], f"{index}/branch")


def _heads(graph: Graph, heads: Weights, hidden: str) -> None:
    """Score "nothing here answers" and the units, each by a layer of its own."""
    tokens = graph.node("Squeeze", [hidden, "zero"], "tokens")
    first = graph.node("Slice", [tokens, "zero", "one"], "first")
    units = graph.node("MatMul", ["pooling", tokens], "units")
    scores = [_score(graph, heads, "null", first), _score(graph, heads, "unit", units)]
    graph.node("Squeeze", [graph.node("Concat", scores, "scores", axis=0), "one"], "logits")


def _score(graph: Graph, heads: Weights, name: str, values: str) -> str:
    """Return w · tanh(W x + b) + c, [rows, 1]."""
    for part in ("hidden", "out"):
        weight = graph.constant(f"{name}/{part}/weight", heads[f"{name}.{part}.weight"].T.astype(np.float32))
        bias = graph.constant(f"{name}/{part}/bias", heads[f"{name}.{part}.bias"].astype(np.float32))
        product = graph.node("MatMul", [values, weight], f"{name}/{part}/product")
        values = graph.node("Add", [product, bias], f"{name}/{part}/sum")
        if part == "hidden":
            values = graph.node("Tanh", [values], f"{name}/tanh")
    return values
