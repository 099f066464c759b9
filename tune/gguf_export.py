"""Write a GPTQ checkpoint as GGUF, for llama.cpp and Ollama; nothing is rounded again.

A symmetric 4-bit group of 32 is a block of GGUF's Q4_0: the same half-precision scale, the same integers with 8 for
zero. Vocabulary, chat template and embeddings, which GPTQ leaves alone, are those of the packaged GGUF file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import UsageError
from assistant.models.prepare.import_gguf import NAMES
from tune.gptq_weights import PACKED, ZERO, Array, integers, read_raw

BLOCK = 32  # weights of a Q4_0 block
EMBEDDING = "token_embd"


def write_gguf(quantized: Path, template: Path, out: Path) -> None:
    """Write the checkpoint of a Llama model to `out`, with the metadata of `template`, the GGUF that it was tuned from.

    Raises UsageError for groups that are not of 32 neighbours, or a checkpoint whose embeddings were trained.
    """
    from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType

    reader = GGUFReader(template)
    raw = read_raw(quantized)
    writer = GGUFWriter(out, "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name not in ("general.architecture", "general.file_type"):
            kind = field.types[0]
            inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, inner)
    writer.add_file_type(LlamaFileType.MOSTLY_Q4_0)
    heads = {
        part: reader.fields[f"llama.attention.head_count{suffix}"].contents()
        for part, suffix in (("attn_q", ""), ("attn_k", "_kv"))
    }
    for tensor in reader.tensors:
        *layer, part, _ = tensor.name.split(".")  # blk.3.attn_q.weight, output_norm.weight
        name = (f"model.layers.{layer[1]}." if layer else "") + NAMES[part]
        if part == EMBEDDING:
            _check_embedding(raw[f"{name}.weight"], tensor)
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        elif name + PACKED in raw:
            blocks = q4_0(raw, name, heads.get(part, 0))
            writer.add_tensor(tensor.name, blocks, raw_dtype=GGMLQuantizationType.Q4_0)
        else:
            writer.add_tensor(tensor.name, raw[f"{name}.weight"].astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def q4_0(raw: dict[str, Array], layer: str, heads: int = 0) -> NDArray[np.uint8]:
    """Return a layer as rows of Q4_0 blocks, 18 bytes each; with `heads`, in GGUF's order of rotary rows."""
    values = (integers(raw, layer) + ZERO).astype(np.uint8)  # [outputs, inputs]
    groups = raw[f"{layer}.g_idx"]
    if not (groups == np.arange(values.shape[1]) // BLOCK).all():
        cause = "GGUF's 4-bit blocks are of 32 neighbours, and the groups of this checkpoint are not."
        raise UsageError(cause, "Quantize with tune.group_size = 32 and tune.act_order = false.")
    scales = np.ascontiguousarray(raw[f"{layer}.scales"].T.astype(np.float16))  # [outputs, groups]
    halves = values.reshape(*scales.shape, 2, BLOCK // 2)
    nibbles = halves[..., 0, :] | (halves[..., 1, :] << np.uint8(4))
    blocks = np.concatenate([scales[..., None].view(np.uint8), nibbles], axis=-1).reshape(len(values), -1)
    return _pairs_from_halves(blocks, heads) if heads else blocks


def _pairs_from_halves(rows: NDArray[np.uint8], heads: int) -> NDArray[np.uint8]:
    """Reorder rows for rotary embedding: transformers turns rows i and i + half, GGUF neighbours (2i, 2i + 1)."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _check_embedding(found: Array, tensor: Any) -> None:
    from gguf import dequantize

    ours = dequantize(tensor.data, tensor.tensor_type)
    if not np.allclose(found.astype(np.float32), ours, rtol=2**-7, atol=1e-6):  # it is stored in half precision
        raise UsageError("the embeddings were trained too.", "GGUF export is for LoRA: set tune.full = false.")
