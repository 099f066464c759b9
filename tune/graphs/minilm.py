"""Write all-MiniLM-L6-v2 as an ONNX graph in float32, as transformers' BertModel.

Whoever writes the graph compares its output with the original's (`encoders.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tune.graphs.onnx_graph import CONTRIB, Graph, Weights


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
