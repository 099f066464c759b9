"""Make the generator as an ONNX graph of 8-bit weights; it answers simple questions, or there is none.

It needs no torch. The weights come in a GGUF file, and are read as transformers, peft and model builders know them;
transformers reads GGUF itself, in four times as long, and gives the tokenizer no rule for digits.

The weights are 4-bit already (Q4_1: a scale and an offset for 32 weights). ONNX Runtime's fast 4-bit blocks have no
offset: rounding the weights once more changes 42% of the next-token choices (KL 0.42, and the model rambles), 8 bits
change 1%. Reading a prompt is faster, too.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import REPORT, GateFailed
from assistant.core.files import PACKAGED, hash_file
from assistant.core.records import ModelRecord, Turn
from assistant.models.llm import PACKAGED_ID
from assistant.models.llm_onnx import OnnxModel
from tune.graphs.install import install
from tune.graphs.llama import write_generator
from tune.graphs.merge_lora import WEIGHTS, merged
from tune.graphs.originals import LICENSE, SMOLLM2, Base, open_base

BASE_ID = "smollm2-135m-instruct-base"
START_ID = f"{PACKAGED_ID}-base"
ADAPTER = PACKAGED / "generator"
PROBES = {  # prompt -> a word of the answer; half must be right, since processors round differently
    "Quotes:\n[1] Visitors park in bay 7.\n\nQuestion: Where do visitors park?": "bay 7",
    "Quotes:\n[1] The office closes at 18:30 on Fridays.\n\nQuestion: When does the office close?": "18:30",
    "Quotes:\n[1] Only the treasurer may open a bank account.\n\nQuestion: Who may open an account?": "treasurer",
    "Quotes:\n[1] An employee receives 27 days of leave.\n\nQuestion: How much leave do I get?": "27 days",
}
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


def build_generator(base: Base, folder: Path, adapter: Path | None) -> dict[str, str]:
    """Fill `folder` with SmolLM2-135M-Instruct and an adapter, tokenizer and chat template; return what was used.

    Takes ten seconds and 1.6 GB of memory. Raises GateFailed if it does not answer simple questions.
    """
    model, settings = read_generator(base, adapter)
    write_generator(model.weights, model.config, folder)
    model.write_tokenizer(folder)
    shutil.copyfile(base.path.with_name(LICENSE), folder / "LICENSE")
    replies = ask(folder, list(PROBES))
    right = sum(word in reply for word, reply in zip(PROBES.values(), replies, strict=True))
    if right * 2 < len(replies):
        raise GateFailed(f"the generator answers simple questions wrongly: {replies}.", REPORT)
    return {**settings, "precision": "int8", "probes": f"{right}/{len(replies)}"}


def install_base(root: Path, adapter: Path | None = None) -> ModelRecord:
    """Install the generator's float32 weights as transformers reads them, for tuning; 540 MB.

    With `adapter`, the packaged one, it is merged in. Raises NotReady if the weights cannot be fetched.
    """

    def build(folder: Path) -> dict[str, str]:
        model, settings = read_generator(open_base(SMOLLM2), adapter)
        model.write(folder)
        return settings

    model_id = START_ID if adapter else BASE_ID
    return install(root, model_id, "base", None, {"precision": "float32", "license": "Apache-2.0"}, build)


def read_generator(base: Base, adapter: Path | None) -> tuple[Llama, dict[str, str]]:
    """Read the generator's float32 weights, and merge an adapter in; return also what was used."""
    model = read_llama(base.path)
    if adapter is None:
        return model, {}
    return replace(model, weights=merged(model.weights, adapter)), {"adapter_sha256": hash_file(adapter / WEIGHTS)}


def ask(folder: Path, questions: list[str], most: int = 24) -> list[str]:
    """Return the greedy answers of the model in `folder`, of `most` tokens."""
    model = OnnxModel(folder, PACKAGED_ID)
    return [model.ask([Turn("user", question)], most).result() for question in questions]


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
