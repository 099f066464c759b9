"""Passages that wait to be encoded, so that texts of like length go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import Config
from assistant.core.records import Progress
from assistant.index.catalog import Catalog
from assistant.index.schema import NewPassage
from assistant.models.encoder import LazyEncoder
from assistant.models.registry import Registry

EMBED_CHUNK = 1_024  # passages sorted by length together


class Embedder(Protocol):
    """What an ingest needs of an encoder: its graph's SHA-256, and vectors."""

    @property
    def sha(self) -> str: ...

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]: ...


@contextmanager
def open_embedder(config: Config) -> Iterator[Embedder]:
    """Give the configured encoder, on this machine or on a cluster; raises ModelMissing, UsageError without Ray."""
    if config.ingest.engine == "local":
        yield LazyEncoder(Registry(config.models_dir), config.encoder)
        return
    from ingest.ray_encoder import RayEncoder

    with closing(RayEncoder(config)) as encoder:
        yield encoder


class EmbedQueue:
    """Encodes in chunks; each batch is committed, so that a killed run resumes. `done` are the passages encoded."""

    def __init__(self, catalog: Catalog, encoder: Embedder, progress: Progress) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._progress = progress
        self._waiting: dict[bytes, str] = {}
        self.done = 0

    def add(self, passages: Sequence[NewPassage]) -> None:
        """Take those that have no vector yet."""
        missing = self._catalog.missing_vectors(p.vector for p in passages)
        if missing:
            self._waiting |= {p.vector: p.embed_text for p in passages if p.vector in missing}
            self._progress("embedding", self.done, self.done + len(self._waiting))
        if len(self._waiting) >= EMBED_CHUNK:
            self.flush()

    def flush(self) -> None:
        """Encode what waits."""
        if not self._waiting:
            return
        keys, texts = list(self._waiting), list(self._waiting.values())
        total = self.done + len(keys)
        for rows, vectors in self._encoder.batches(texts):
            with self._catalog.transaction():
                self._catalog.add_vectors((keys[i], vectors[n].tobytes()) for n, i in enumerate(rows))
            self.done += len(rows)
            self._progress("embedding", self.done, total)
        self._waiting.clear()
