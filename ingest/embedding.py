"""Passages that wait to be encoded, texts of like length together: on this machine, or on the cores of a Ray cluster.

What one machine spends nearly all of an ingest on is encoding; the rest, and the one writer, stay where they are.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import Config, EncoderSection
from assistant.core.errors import AssistantError, UsageError
from assistant.core.package import __version__, need
from assistant.core.records import Progress
from assistant.index.catalog import Catalog
from assistant.index.schema import NewPassage
from assistant.models.encoder import Encoder, LazyEncoder, open_encoder
from assistant.models.registry import Registry

EMBED_CHUNK = 1_024  # passages sorted by length together
CONNECT_TIMEOUT_SECONDS = 10.0
RETRIES = 5  # of a batch whose worker or node dies
STORE_BYTES = 100 * 2**20  # of shared memory, where we start Ray ourselves: it takes a third of the machine's otherwise


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


class RayEncoder:
    """Encodes as `LazyEncoder` does, over a cluster; over this machine's cores if no address is given.

    A passage's vector depends on nothing but its text, so the index is the same. Ray gives the batch of a worker or a
    node that died to another one.
    """

    def __init__(self, config: Config) -> None:
        """Look for Ray and the encoder; raises UsageError without Ray, ModelMissing for one that is not there."""
        need("ray", 'ingest.engine = "ray"')
        self.sha = LazyEncoder(Registry(config.models_dir), config.encoder).sha
        self._config = config
        self._encode: Any = None

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors) as they come, texts of like length together.

        Raises UsageError for a cluster that does not answer, AssistantError for a node that cannot encode.
        """
        encode = self._encode = self._encode or self._connect()
        import ray
        from ray.exceptions import RayError

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        size = self._config.encoder.batch
        waiting = {
            encode([texts[i] for i in rows]): rows
            for rows in (order[at : at + size] for at in range(0, len(order), size))
        }
        try:
            while waiting:
                (done, *_), _ = ray.wait(list(waiting))
                yield waiting.pop(done), np.array(ray.get(done))  # a copy: what Ray gives lies in its shared memory
        except RayError as error:
            cause = f"a node of the Ray cluster cannot encode: {_cause(error)}."
            hint = f"Every node needs this assistant ({__version__}) with its models."
            raise AssistantError(cause, f"{hint} What was encoded stays.") from error
        finally:
            for task in waiting:
                ray.cancel(task, force=True)

    def _connect(self) -> Any:
        """Return what encodes a batch somewhere."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
        import ray

        address = self._config.ingest.ray_address
        if address:
            _check_address(address)
            own: dict[str, Any] = {"address": address}
        else:
            own = {"address": "local", "include_dashboard": False, "object_store_memory": STORE_BYTES}
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _unreachable(address, error) from error
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(encode_there)
        settings = replace(self._config.encoder, threads=1)
        return partial(task.remote, str(self._config.models_dir), settings, self.sha, __version__)

    def close(self) -> None:
        """Leave the cluster, or end it if it is ours."""
        if self._encode is not None:
            import ray

            ray.shutdown()
            self._encode = None


def encode_there(
    models: str, settings: EncoderSection, sha: str, version: str, texts: list[str]
) -> NDArray[np.float32]:
    """Encode on a node; raises ValueError where it would give other vectors."""
    if version != __version__:
        raise ValueError(f"it has version {__version__}, not {version}")
    encoder = _opened(models, settings)
    if encoder.sha != sha:
        raise ValueError("its encoder is not the one that this index is made with")
    return encoder.encode(texts)


@cache  # Ray keeps its workers
def _opened(models: str, settings: EncoderSection) -> Encoder:
    return open_encoder(Registry(Path(models)), settings)


def _check_address(address: str) -> None:
    """Knock first: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str, error: Exception) -> UsageError:
    cause = f"no Ray cluster answers at ingest.ray_address = {address!r}: {_cause(error)}."
    return UsageError(cause, 'Is it HOST:PORT or ray://HOST:PORT, and running? `ingest.engine = "local"` needs none.')


def _cause(error: Exception) -> str:
    told = getattr(error, "cause", None) or error
    return (str(told).strip().splitlines() or [type(told).__name__])[0].rstrip(".")
