"""Chroma: a rebuildable *generation* of the catalog's vectors, in a folder of its own or on a server.

A generation is written once, aside, checked, and never written again; the catalog names the current one. Why so
strict: a Chroma store killed during an index flush can be left broken while SQLite calls it sound, and two writers
lose vectors without an error (measured with chromadb 1.5.9).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.core.catalog import VectorRow
from assistant.core.errors import AssistantError, IndexMissing
from assistant.core.types import Access

COLLECTION = "passages"
FOLDER = "generations"
BATCH = 5_000  # Chroma takes 5,461 at most
# One flush near the end of a build instead of one every thousand vectors; opening replays what is not flushed.
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32, "sync_threshold": 1_000}


class VectorStore(Protocol):
    """Where generations live: a folder or a server."""

    def build(self, rows: Iterable[VectorRow]) -> str:
        """Write a whole new generation and return its name."""

    def derive(self, parent: str, removed: Sequence[int], added: Iterable[VectorRow]) -> str:
        """Write a new generation that is `parent` without and with some rows; return its name."""

    def query(self, generation: str, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
        """Return (passage id, cosine) best first; `access` None means that no filter is needed."""

    def count(self, generation: str) -> int:
        """Return how many vectors a generation holds; raises IndexMissing when it is gone."""

    def keep_only(self, generations: Sequence[str]) -> None:
        """Delete every other generation."""


Found = list[tuple[int, float]]


def open_store(data: Path, chroma_url: str) -> VectorStore:
    """Open the vector store of an index folder, or of a Chroma server if a URL is configured."""
    return ServerStore(chroma_url) if chroma_url else FolderStore(data / FOLDER)


class FolderStore:
    """Generations as folders; a new path each time, since Chroma reuses stale state for a path made again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: tuple[str, Any] | None = None

    def build(self, rows: Iterable[VectorRow]) -> str:
        name = _new_name()
        with self._writing(name) as collection:
            _add(collection, rows)
        return name

    def derive(self, parent: str, removed: Sequence[int], added: Iterable[VectorRow]) -> str:
        name = _new_name()
        shutil.copytree(self._root / parent, self._root / name)
        with self._writing(name) as collection:
            _remove(collection, removed)
            _add(collection, added)
        return name

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[Any]:
        path = self._root / name
        try:
            client = _folder_client(path)
            yield client.get_or_create_collection(COLLECTION, configuration={"hnsw": HNSW}, embedding_function=None)
            _close(client)
            _sync_folder(path)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise

    def query(self, generation: str, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
        return _query(self._collection(generation), vector, limit, access)

    def count(self, generation: str) -> int:
        return int(self._collection(generation).count())

    def _collection(self, generation: str) -> Any:
        if self._opened is None or self._opened[0] != generation:
            path = self._root / generation
            if not generation or not path.is_dir():
                raise IndexMissing(f"the vector generation {path} is gone.", "Rebuild it: assistant ingest PATH")
            self._opened = generation, _folder_client(path).get_collection(COLLECTION, embedding_function=None)
        return self._opened[1]

    def keep_only(self, generations: Sequence[str]) -> None:
        for path in self._root.iterdir() if self._root.is_dir() else ():
            if path.name not in generations:
                shutil.rmtree(path, ignore_errors=True)


class ServerStore:
    """Generations as collections of a Chroma server; its own log keeps what it has acknowledged."""

    def __init__(self, url: str) -> None:
        import chromadb
        from chromadb.config import Settings

        scheme, _, rest = url.rpartition("://")
        host, _, port = rest.strip("/").partition(":")
        ssl = scheme == "https"
        try:
            settings = Settings(anonymized_telemetry=False)
            self._client = chromadb.HttpClient(host, int(port or (443 if ssl else 8000)), ssl=ssl, settings=settings)
        except ValueError as error:
            raise IndexMissing(f"the Chroma server {url} does not answer: {error}.", "Is it running?") from error

    def build(self, rows: Iterable[VectorRow]) -> str:
        name = _new_name()
        try:
            collection = self._client.create_collection(name, configuration={"hnsw": HNSW}, embedding_function=None)
            _add(collection, rows)
        except BaseException:
            with contextlib.suppress(Exception):
                self._client.delete_collection(name)
            raise
        return name

    def derive(self, parent: str, removed: Sequence[int], added: Iterable[VectorRow]) -> str:
        """Copy the parent collection's rows; a server has no cheaper way that leaves the parent serving."""
        gone = {str(i) for i in removed}
        return self._derive(self._collection(parent), gone, added)

    def _derive(self, parent: Any, gone: set[str], added: Iterable[VectorRow]) -> str:
        name = self.build(added)
        collection = self._collection(name)
        known = set(collection.get(include=[])["ids"])
        for at in range(0, parent.count(), BATCH):
            page = parent.get(limit=BATCH, offset=at, include=["embeddings", "metadatas"])
            keep = [i for i, key in enumerate(page["ids"]) if key not in gone and key not in known]
            if keep:
                collection.add(
                    ids=[page["ids"][i] for i in keep],
                    embeddings=[page["embeddings"][i] for i in keep],
                    metadatas=[page["metadatas"][i] for i in keep],
                )
        return name

    def query(self, generation: str, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
        return _query(self._collection(generation), vector, limit, access)

    def count(self, generation: str) -> int:
        return int(self._collection(generation).count())

    def _collection(self, generation: str) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._client.get_collection(generation, embedding_function=None)
        except (NotFoundError, ValueError) as error:
            cure = "Rebuild it: assistant ingest PATH"
            raise IndexMissing(f"the Chroma server has no collection {generation!r}.", cure) from error

    def keep_only(self, generations: Sequence[str]) -> None:
        for collection in self._client.list_collections():
            if collection.name.startswith(PREFIX) and collection.name not in generations:
                self._client.delete_collection(collection.name)


PREFIX = "generation-"


def _new_name() -> str:
    return f"{PREFIX}{uuid.uuid4().hex[:16]}"


def _folder_client(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def _close(client: Any) -> None:
    client._system.stop()  # flushes and closes the files; the public close() came after 1.5
    client.clear_system_cache()


def _add(collection: Any, rows: Iterable[VectorRow]) -> None:
    iterator = iter(rows)
    last: VectorRow | None = None
    while batch := list(islice(iterator, BATCH)):
        collection.add(
            ids=[str(row.passage_id) for row in batch],
            embeddings=np.frombuffer(b"".join(row.vector for row in batch), np.float32).reshape(len(batch), -1),
            metadatas=[_metadata(row) for row in batch],
        )
        last = batch[-1]
    if last is not None:
        found = collection.get(ids=[str(last.passage_id)], include=[])["ids"]
        if found != [str(last.passage_id)]:
            raise AssistantError("Chroma did not keep a vector that it took.", "Run `assistant ingest` again.")


def _remove(collection: Any, passage_ids: Sequence[int]) -> None:
    for at in range(0, len(passage_ids), BATCH):
        collection.delete(ids=[str(i) for i in passage_ids[at : at + BATCH]])


def _metadata(row: VectorRow) -> dict[str, Any]:
    roles = {f"role:{role}": True for role in row.roles}
    return {"from": _day(row.effective), "to": _day(row.expires), "open": not row.roles, **roles}


def _query(collection: Any, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
    total = collection.count()
    if total == 0:
        return []
    found = collection.query(
        query_embeddings=[vector], n_results=min(limit, total), include=["distances"],
        where=_where(access) if access else None,
    )  # fmt: skip
    return [(int(i), 1.0 - float(d)) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]


def _where(access: Access) -> dict[str, Any]:
    day = _day(access.as_of)
    allowed: list[dict[str, Any]] = [{"open": True}, *({f"role:{role}": True} for role in sorted(access.roles))]
    who = allowed[0] if len(allowed) == 1 else {"$or": allowed}
    return {"$and": [{"from": {"$lte": day}}, {"to": {"$gte": day}}, who]}


def _day(iso: str) -> int:
    """Make a number of an ISO date, since Chroma compares only numbers."""
    digits = "".join(c for c in iso if c.isdigit())[:8]
    return int(digits) if digits else 0


def _sync_folder(path: Path) -> None:
    for entry in [*path.rglob("*"), path, path.parent]:
        handle = os.open(entry, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
