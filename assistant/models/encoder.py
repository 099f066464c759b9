"""Text -> vectors with the ONNX graph of a sentence encoder; no torch."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, Config, EncoderSection
from assistant.core.records import ModelRecord
from assistant.models.onnx_session import GRAPH, open_graph
from assistant.models.registry import UNSIGNED_SHA, Registry, opening

MAX_TOKENS: Mapping[str, int] = {MPNET: 384, MINILM: 256}  # of a text, as sentence-transformers has it; the rest is cut
GUARD_ENCODER = MINILM  # the guards' models read its vectors

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def encoder_graphs(registry: Registry) -> dict[str, str]:
    """Return the SHA-256 of the graph of each encoder that is there, by its name."""
    return {name: encoder_sha(registry.load(name)) for name in (MPNET, MINILM) if registry.has(name)}


class Encoder:
    """Encodes texts to unit vectors, float32 [n, dimensions]: a text at a time, a core a text.

    So there is no padding, and a text's vector is the same whatever it is encoded beside. The models are
    sentence-transformers/all-mpnet-base-v2 in 8 bits, and all-MiniLM-L6-v2 in float32, which finds less and takes a
    quarter of the time; both with mean pooling at unit length. See `tune/graphs/encoders.py`.
    """

    def __init__(self, folder: Path, record: ModelRecord, settings: EncoderSection) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS[record.id])
        self._tokenizer.no_padding()
        self._session = open_graph(folder, 1)
        self._workers = settings.threads or os.cpu_count() or 1
        self._batch = settings.batch
        self._inputs = [port.name for port in self._session.get_inputs()]
        self.dimensions = int(self._session.get_outputs()[0].shape[1])
        self.id = record.id
        self.sha = encoder_sha(record)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, in order; [0, dimensions] for none."""
        out = np.empty((len(texts), self.dimensions), np.float32)
        for rows, vectors in self.batches(texts):
            out[rows] = vectors
        return out

    def knows(self, word: str) -> bool:
        """Tell whether a word is one of the vocabulary's, not put together of pieces."""
        return self._tokenizer.token_to_id(word.casefold()) is not None

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors), texts of like length together."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        if len(ids) == 1:
            yield [0], self._run(ids[0])
            return
        order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
        with ThreadPoolExecutor(self._workers, thread_name_prefix="encode") as pool:
            for at in range(0, len(order), self._batch):
                rows = order[at : at + self._batch]
                yield rows, np.concatenate(list(pool.map(self._run, [ids[i] for i in rows])))

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        tokens = np.array([ids], np.int64)
        feeds = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        (vector,) = self._session.run(None, {name: feeds[name] for name in self._inputs})
        return np.asarray(vector, np.float32)


def encoder_sha(record: ModelRecord) -> str:
    """Return the hash that an index keeps of its encoder: of the graph, with unsigned weights on every processor."""
    return record.settings.get(UNSIGNED_SHA) or record.files[GRAPH]


def open_encoder(registry: Registry, settings: EncoderSection, model_id: str = "") -> Encoder:
    """Open an encoder, the configured one by default; raises ModelMissing or ModelDamaged."""
    record = registry.load(model_id or settings.model)
    with opening(record):
        return Encoder(registry.path(record.id), record, settings)


class LazyEncoder:
    """The configured encoder, opened when the first text comes: an ingest of nothing new needs none."""

    def __init__(self, registry: Registry, settings: EncoderSection) -> None:
        """Look for it; raises ModelMissing if it is not there."""
        self.sha = encoder_sha(registry.load(settings.model))
        self._open = cache(lambda: open_encoder(registry, settings))

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors), texts of like length together."""
        return self._open().batches(texts)


def guard_encode(config: Config) -> Encode:
    """Return what gives the guards their vectors; its encoder is opened at the first text."""

    @cache
    def opened() -> Encoder:
        return open_encoder(Registry(config.models_dir), config.encoder, GUARD_ENCODER)

    return lambda texts: opened().encode(texts)


def remember(encode: Encode, most: int = 1_000) -> Encode:
    """Return an `encode` that remembers the texts it met last: a question is screened, and so is what follows it.

    A text's vector does not depend on what it is encoded beside. The default takes 3 MB.
    """
    known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
    lock = Lock()

    def remembering(texts: Sequence[str]) -> NDArray[np.float32]:
        with lock:
            new = list(dict.fromkeys(text for text in texts if text not in known))
            for text, vector in zip(new, encode(new) if new else (), strict=True):
                known[text] = vector.copy()  # a view would keep the whole batch
            for text in texts:
                known.move_to_end(text)
            found = np.array([known[text] for text in texts], np.float32) if texts else encode(())
            while len(known) > most:
                known.popitem(last=False)
            return found

    return remembering
