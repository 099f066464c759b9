"""Text -> vectors with the ONNX graphs of two sentence encoders; no torch."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import MINILM, MPNET, Config, EncoderSection
from assistant.core.records import ModelRecord
from assistant.models.onnx_session import GRAPH, open_graph, open_session
from assistant.models.registry import UNSIGNED_SHA, Registry, opening

TOKEN_BUDGET = 1_024  # padded tokens a batch: activations stay in the cache, 15% faster than with 4,096
WIDTH = 8  # a text is padded to a multiple of this, whatever it is encoded beside
REMEMBERED = 1_000  # texts; 3 MB
GUARD_ENCODER = MINILM  # the guards' models read its vectors

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def encoder_graphs(registry: Registry) -> dict[str, str]:
    """Return the SHA-256 of the graph of each encoder that is there, by its name."""
    return {name: encoder_sha(registry.load(name)) for name in (MPNET, MINILM) if registry.has(name)}


class Encoder(ABC):
    """Encodes texts to unit vectors, float32 [n, dimensions]; the same for a text whatever it is encoded beside."""

    dimensions: ClassVar[int]
    max_tokens: ClassVar[int]  # sentence-transformers' max_seq_length for this model; what is longer is cut

    def __init__(self, folder: Path, record: ModelRecord, settings: EncoderSection) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.no_padding()
        self._settings = settings
        self.id = record.id
        self.sha = encoder_sha(record)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, in order; [0, dimensions] for none."""
        out = np.empty((len(texts), self.dimensions), np.float32)
        for rows, vectors in self.batches(texts):
            out[rows] = vectors
        return out

    @abstractmethod
    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors), texts of like length together."""

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]


class MiniLM(Encoder):
    """all-MiniLM-L6-v2 in float32: small; batches are padded.

    Source: sentence-transformers/all-MiniLM-L6-v2 (mean pooling, L2 norm); see `tune/graphs/encoders.py`.
    """

    dimensions = 384
    max_tokens = 256

    def __init__(self, folder: Path, record: ModelRecord, settings: EncoderSection) -> None:
        super().__init__(folder, record, settings)
        self._session = open_session(folder / GRAPH, settings.threads)
        self._inputs = {i.name for i in self._session.get_inputs()}

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors), texts of like length together."""
        ids = self._tokens(texts)
        widths = [-(-len(line) // WIDTH) * WIDTH for line in ids]
        for width, same in groupby(sorted(range(len(texts)), key=widths.__getitem__), widths.__getitem__):
            order = list(same)
            size = max(1, min(self._settings.batch, TOKEN_BUDGET // width))
            for at in range(0, len(order), size):
                rows = order[at : at + size]
                yield rows, self._run([ids[i] for i in rows], width)

    def _run(self, ids: list[list[int]], width: int) -> NDArray[np.float32]:
        if len(ids) == 1:  # a single row goes through other kernels, which round in another way
            return self._run(ids * 2, width)[:1]
        tokens = np.zeros((len(ids), width), np.int64)
        mask = np.zeros((len(ids), width), np.int64)
        for row, line in enumerate(ids):
            tokens[row, : len(line)] = line
            mask[row, : len(line)] = 1
        feeds = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        (vectors,) = self._session.run(None, {k: v for k, v in feeds.items() if k in self._inputs})
        return np.asarray(vectors, np.float32)


class MPNet(Encoder):
    """all-mpnet-base-v2 in 8 bits: finds more, and takes four times as long; a text at a time, a core a text.

    Source: sentence-transformers/all-mpnet-base-v2 (mean pooling, L2 norm); see `tune/graphs/encoders.py`.
    """

    dimensions = 768
    max_tokens = 384

    def __init__(self, folder: Path, record: ModelRecord, settings: EncoderSection) -> None:
        super().__init__(folder, record, settings)
        self._session = open_graph(folder, 1)
        self._workers = settings.threads or os.cpu_count() or 1

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors), texts of like length together."""
        ids = self._tokens(texts)
        if len(ids) == 1:
            yield [0], self._run(ids[0])
            return
        order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
        with ThreadPoolExecutor(self._workers, thread_name_prefix="encode") as pool:
            for at in range(0, len(order), self._settings.batch):
                rows = order[at : at + self._settings.batch]
                yield rows, np.concatenate(list(pool.map(self._run, [ids[i] for i in rows])))

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        (vector,) = self._session.run(None, {"input_ids": np.array([ids], np.int64)})
        return np.asarray(vector, np.float32)


ENCODERS: Final[Mapping[str, type[Encoder]]] = {MPNET: MPNet, MINILM: MiniLM}


def encoder_sha(record: ModelRecord) -> str:
    """Return the hash that an index keeps of its encoder: of the graph, with unsigned weights on every processor."""
    return record.settings.get(UNSIGNED_SHA) or record.files[GRAPH]


def open_encoder(registry: Registry, settings: EncoderSection, model_id: str = "") -> Encoder:
    """Open an encoder, the configured one by default; raises ModelMissing or ModelDamaged."""
    record = registry.load(model_id or settings.model)
    with opening(record):
        return ENCODERS[record.id](registry.path(record.id), record, settings)


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


def remember(encode: Encode, most: int = REMEMBERED) -> Encode:
    """Return an `encode` that remembers the texts it met last: a question is screened, and so is what follows it.

    What is remembered changes nothing: a text's vector does not depend on what it is encoded beside.
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
