"""Read a Llama-shaped GGUF file: weights, settings and tokenizer, as transformers, peft and model builders know them.

transformers reads GGUF itself (`gguf_file=`), in 16 s where this takes 4, and gives the tokenizer no rule for digits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = {  # GGUF's part of a layer -> transformers'
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
}


@dataclass(frozen=True, slots=True)
class Llama:
    """A model's float32 weights, named as in transformers, its config.json, and the fields of the file it is from."""

    weights: dict[str, NDArray[np.float32]]
    config: dict[str, Any]
    fields: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write what transformers reads into `folder`: weights, settings and tokenizer."""
        from safetensors.numpy import save_file

        save_file(self.weights, folder / "model.safetensors", metadata={"format": "pt"})
        _write_json(folder / "config.json", self.config)
        tokens = {name: self.config[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
        _write_json(folder / "generation_config.json", tokens)
        self.write_tokenizer(folder)

    def write_tokenizer(self, folder: Path) -> None:
        """Write the tokenizer and the chat template into `folder`."""
        _write_tokenizer(self.fields, folder)


def read_llama(gguf: Path) -> Llama:
    """Read a file; the 4 bytes a weight are a dequantised copy: no better than the file, and exactly it.

    Raises ValueError for another architecture, another tokenizer than SmolLM's, or an output layer of its own.
    """
    from gguf import GGUFReader

    reader = GGUFReader(gguf)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    kind = (fields["general.architecture"], fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"])
    if kind != ("llama", "gpt2", "smollm"):
        raise ValueError(f"{gguf} holds {kind}, not a llama model with SmolLM's tokenizer")
    return Llama(_weights(reader, fields), _config(fields), fields)


def _weights(reader: Any, fields: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    from gguf import dequantize

    heads = {"attn_q": fields["llama.attention.head_count"], "attn_k": fields["llama.attention.head_count_kv"]}
    weights = {}
    for tensor in reader.tensors:
        *layer, part, suffix = tensor.name.split(".")  # blk.3.attn_q.weight, output_norm.weight
        if part not in NAMES:
            raise ValueError(f"{tensor.name} is not part of a llama model with tied embeddings")
        value = dequantize(tensor.data, tensor.tensor_type)
        if part in heads:
            value = _halves_from_pairs(value, heads[part])
        prefix = f"model.layers.{layer[1]}." if layer else ""
        weights[f"{prefix}{NAMES[part]}.{suffix}"] = np.ascontiguousarray(value, dtype=np.float32)
    return weights


def _halves_from_pairs(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Reorder rows for rotary embedding: GGUF turns neighbours (2i, 2i + 1), transformers rows i and i + half."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _config(fields: dict[str, Any]) -> dict[str, Any]:
    head = fields["llama.embedding_length"] // fields["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "hidden_size": fields["llama.embedding_length"],
        "head_dim": head,
        "intermediate_size": fields["llama.feed_forward_length"],
        "max_position_embeddings": fields["llama.context_length"],
        "num_attention_heads": fields["llama.attention.head_count"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "rope_parameters": {"rope_theta": fields["llama.rope.freq_base"], "rope_type": "default"},
        "vocab_size": fields["llama.vocab_size"],
        "bos_token_id": fields["tokenizer.ggml.bos_token_id"],
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "pad_token_id": fields["tokenizer.ggml.padding_token_id"],
    }


def _write_tokenizer(fields: dict[str, Any], folder: Path) -> None:
    """Write the byte-level BPE tokenizer, its special tokens and the chat template.

    Each digit is a token of its own, as in llama.cpp's `smollm`. onnxruntime-genai skips that rule, which shows only
    in two or more spaces before a digit: the merges hold no digits.
    """
    from gguf import TokenType
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    digits, byte_level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    types = zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
    control = [token for token, kind in types if kind == TokenType.CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in control])
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {
        "bos_token": tokens[fields["tokenizer.ggml.bos_token_id"]],
        "eos_token": tokens[fields["tokenizer.ggml.eos_token_id"]],
        "pad_token": tokens[fields["tokenizer.ggml.padding_token_id"]],
        "unk_token": tokens[fields["tokenizer.ggml.unknown_token_id"]],
    }
    limit = {"model_max_length": fields["llama.context_length"], "tokenizer_class": "PreTrainedTokenizerFast"}
    _write_json(folder / "tokenizer_config.json", special | limit)
    (folder / "chat_template.jinja").write_text(fields["tokenizer.chat_template"], encoding="utf-8")


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
