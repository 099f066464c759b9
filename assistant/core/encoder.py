"""Text -> vectors with the ONNX export of all-MiniLM-L6-v2; no torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import EncoderSection
from assistant.core.onnx_session import open_session
from assistant.core.registry import Registry, opening
from assistant.core.types import ModelRecord

DIMENSIONS = 384
MAX_TOKENS = 256  # sentence-transformers' max_seq_length for this model; what is longer is cut
TOKEN_BUDGET = 1_024  # padded tokens a batch: activations stay in the cache, 15% faster than with 4,096
WIDTH = 8  # a text is padded to a multiple of this, whatever it is encoded beside
REMEMBERED = 20_000  # texts; 40 MB


Encode = Callable[[Sequence[str]], NDArray[np.float32]]

ENCODER_ID = "all-minilm-l6-v2"


def open_encoder(registry: Registry, settings: EncoderSection) -> Encoder:
    """Open the prepared encoder; raises ModelMissing or ModelDamaged."""
    record = registry.load(ENCODER_ID)
    registry.verify(record)
    with opening(record):
        return Encoder(registry.path(ENCODER_ID), record, batch=settings.batch, threads=settings.threads)


def remember(encode: Encode, most: int = REMEMBERED) -> Encode:
    """Return an `encode` that remembers the texts it met last.

    A guard and retrieval ask for the same question, and the sentences of a passage are read for every question that
    finds it. What is remembered changes nothing: a text's vector does not depend on what it is encoded beside.
    """
    known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def remembering(texts: Sequence[str]) -> NDArray[np.float32]:
        new = list(dict.fromkeys(text for text in texts if text not in known))
        for text, vector in zip(new, encode(new) if new else (), strict=True):
            known[text] = vector.copy()  # a view would keep the whole batch
        for text in texts:
            known.move_to_end(text)
        found = np.array([known[text] for text in texts], np.float32).reshape(-1, DIMENSIONS)
        while len(known) > most:
            known.popitem(last=False)
        return found

    return remembering


class Encoder:
    """Encodes texts to unit vectors, float32 [n, 384]; the same for a text whatever it is encoded beside.

    Source: sentence-transformers/all-MiniLM-L6-v2 (mean pooling, L2 norm); see `prepare.prepare_encoder`.
    """

    def __init__(self, folder: Path, record: ModelRecord, *, batch: int = 32, threads: int = 0) -> None:
        from tokenizers import Tokenizer

        self._session = open_session(folder / "model.onnx", threads)
        self._inputs = {i.name for i in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._batch = batch
        self.id = record.id
        self.sha = record.files["model.onnx"]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, in order; [0, 384] for none."""
        out = np.empty((len(texts), DIMENSIONS), np.float32)
        for rows, vectors in self.batches(texts):
            out[rows] = vectors
        return out

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors), texts of like length together."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        widths = [-(-len(line) // WIDTH) * WIDTH for line in ids]
        for width, same in groupby(sorted(range(len(texts)), key=widths.__getitem__), widths.__getitem__):
            order = list(same)
            size = max(1, min(self._batch, TOKEN_BUDGET // width))
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
