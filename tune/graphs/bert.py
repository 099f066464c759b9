"""Write two sentence encoders of BERT's shape as ONNX graphs, and MPNet's reader.

MiniLM is in float32, as transformers' BertModel. MPNet (Song et al. 2020) is of 8-bit integers: columns of 8 bits with
activations rounded as they come are fast, but MPNet's activations have outliers: plainly rounded, its sentence vectors
are at cosine 0.91 to the original's. With the outliers smoothed into the weights, and the few units between a layer's
last two projections whose values are the largest beside the others in float32, they are at 0.999 and hardly slower.
Texts go through MPNet one at a time, so that there is no padding, and a text's result never depends on what it is read
beside. Whoever writes a graph compares its output with the original's (`encoders.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tune.graphs.onnx_graph import CONTRIB, Graph, Weights

MAX_TOKENS = 512  # of MPNet's position embeddings, without padding's two
PROBE_IDS = np.arange(1_000, 1_128)[None, :]  # any tokens, to compare two graphs by
OUTLIERS = "outliers"  # the entry of a layer's smoothing that names the units with the largest values


def write_minilm(weights: Weights, config: Mapping[str, Any], path: Path) -> None:
    """Write the graph [batch, sequence] -> [batch, hidden] to `path`, with mean pooling and L2 normalisation inside.

    Inputs are int64 `input_ids` and `attention_mask`, the output is float32 `embedding`; every token is of segment 0.
    `weights` are named as in transformers' BertModel, `config` is its config.json. Raises ValueError for an activation
    or a position embedding that this graph does not have, KeyError for a weight that is missing.
    """
    import onnx

    if config["hidden_act"] != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError(f"only BERT with gelu and absolute positions can be written, not {config}")
    graph = Graph(weights, float(config["layer_norm_eps"]))
    hidden = _minilm_embeddings(graph)
    for layer in range(config["num_hidden_layers"]):
        hidden = _minilm_layer(graph, hidden, layer, config["num_attention_heads"])
    _pooling(graph, hidden)
    tokens = np.int64, ("batch", "sequence")
    output = np.float32, ("batch", config["hidden_size"])
    model = graph.model({"input_ids": tokens, "attention_mask": tokens}, {"embedding": output})
    onnx.save(model, str(path))


def _minilm_embeddings(graph: Graph) -> str:
    """Look words and positions up and normalise; the segment is always 0, so the positions carry its embedding."""
    graph.cast("attention_mask", "mask", np.int32)  # the layers' attention reads it too
    prefix = "embeddings."
    segment = graph.weights[prefix + "token_type_embeddings.weight"][0]
    positions = graph.weights[prefix + "position_embeddings.weight"] + segment
    return graph.node(
        "EmbedLayerNormalization",
        [
            graph.cast("input_ids", "ids", np.int32),
            "",
            graph.weight(prefix + "word_embeddings.weight"),
            graph.constant(prefix + "positions", positions.astype(np.float32)),
            "",
            graph.weight(prefix + "LayerNorm.weight"),
            graph.weight(prefix + "LayerNorm.bias"),
        ],
        ["embedded", ""],  # its shape inference wants the second output mentioned, though it is optional
        CONTRIB,
        epsilon=graph.epsilon,
    )


def _minilm_layer(graph: Graph, hidden: str, index: int, heads: int) -> str:
    """Add one transformer layer: attention, then gelu between two linear layers, each with its residual and norm."""
    prefix = f"encoder.layer.{index}."
    attended = _minilm_attention(graph, hidden, prefix + "attention.self.", heads)
    hidden = _minilm_residual(graph, attended, hidden, prefix + "attention.output.")
    inner = prefix + "intermediate.dense."
    wide = graph.node("MatMul", [hidden, graph.weight(inner + "weight", transpose=True)], inner + "product")
    wide = graph.node("BiasGelu", [wide, graph.weight(inner + "bias")], inner + "gelu", CONTRIB)
    return _minilm_residual(graph, wide, hidden, prefix + "output.")


def _minilm_attention(graph: Graph, hidden: str, prefix: str, heads: int) -> str:
    parts = [prefix + part for part in ("query", "key", "value")]
    weight = np.concatenate([graph.weights[part + ".weight"].T for part in parts], axis=1).astype(np.float32)
    bias = np.concatenate([graph.weights[part + ".bias"] for part in parts]).astype(np.float32)
    inputs = [hidden, graph.constant(prefix + "weight", weight), graph.constant(prefix + "bias", bias), "mask"]
    return graph.node("Attention", inputs, prefix + "output", CONTRIB, num_heads=heads)


def _minilm_residual(graph: Graph, branch: str, hidden: str, prefix: str) -> str:
    """Return norm(branch · W + b + hidden)."""
    product = graph.node("MatMul", [branch, graph.weight(prefix + "dense.weight", transpose=True)], prefix + "product")
    return graph.residual(product, hidden, prefix + "LayerNorm", prefix + "dense.bias", prefix + "norm")


def _pooling(graph: Graph, hidden: str) -> None:
    """Add up the vectors of the real tokens; dividing by their number would not outlive the normalisation."""
    last = graph.constant("last", np.array([2], np.int64))
    real = graph.cast("attention_mask", "real", np.float32)
    masked = graph.node("Mul", [hidden, graph.node("Unsqueeze", [real, last], "column")], "masked")
    total = graph.node("ReduceSum", [masked, graph.constant("tokens", np.array([1], np.int64))], "total", keepdims=0)
    graph.node("LpNormalization", [total], "embedding", axis=-1, p=2)


def write_reader(
    weights: Weights,
    heads: Weights,
    smoothing: Mapping[str, NDArray[Any]],
    config: Mapping[str, Any],
    path: Path,
) -> None:
    """Write `path`: int64 `input_ids` [1, tokens] and float32 `pooling` [units, tokens] -> `logits` [1 + units].

    Each row of `pooling` averages the tokens of one unit (a sentence, item or row); the first logit is that of "nothing
    here answers", from the first token. `weights` are named as in transformers' MPNetModel, `heads` as in
    `tune/train_reader.py`, `smoothing` as `tune/lora.py` measures it. Raises KeyError for a weight that is missing.
    """
    import onnx

    graph = Graph(weights, float(config["layer_norm_eps"]))
    hidden = _encoder(graph, smoothing, config)
    _heads(graph, heads, hidden)
    inputs = {"input_ids": (np.int64, (1, "tokens")), "pooling": (np.float32, ("units", "tokens"))}
    onnx.save(graph.model(inputs, {"logits": (np.float32, ("candidates",))}), str(path))


def write_mpnet(weights: Weights, smoothing: Mapping[str, NDArray[Any]], config: Mapping[str, Any], path: Path) -> None:
    """Write `path`: int64 `input_ids` [1, tokens] -> `embedding` [1, hidden], the tokens' mean at unit length.

    Weights and smoothing as for `write_reader`; mean pooling as in sentence-transformers/all-mpnet-base-v2.
    """
    import onnx

    graph = Graph(weights, float(config["layer_norm_eps"]))
    hidden = _encoder(graph, smoothing, config)
    mean = graph.node("ReduceMean", [hidden], "mean", axes=[1], keepdims=0)
    graph.node("LpNormalization", [mean], "embedding", axis=-1, p=2)
    output = np.float32, (1, config["hidden_size"])
    onnx.save(graph.model({"input_ids": (np.int64, (1, "tokens"))}, {"embedding": output}), str(path))


def _encoder(graph: Graph, smoothing: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> str:
    """Return the hidden states [1, tokens, hidden]."""
    for name, value in (("zero", 0), ("one", 1), ("two", 2)):
        graph.constant(name, np.array([value], np.int64))
    graph.node("Slice", [graph.node("Shape", ["input_ids"], "shape"), "one", "two"], "length")
    hidden = _embeddings(graph)
    bias = _position_bias(graph, config["relative_attention_num_buckets"])
    for layer in range(config["num_hidden_layers"]):
        hidden = _layer(graph, hidden, bias, layer, config["num_attention_heads"], smoothing)
    return hidden


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
