"""Chroma: a rebuildable *generation* of the catalog's vectors, in a folder of its own or on a server.

A generation is written once, aside, checked, and never written again; the catalog names the current one. Why so
strict: a Chroma store killed during an index flush can be left broken while SQLite calls it sound, and two writers
lose vectors without an error (measured with chromadb 1.5.9).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import AssistantError, IndexMissing, NotWritable
from assistant.core.files import PRIVATE_FOLDER, hash_file, keep_private
from assistant.core.records import Access
from assistant.index.reduced import reduced
from assistant.index.schema import VectorRow, drop_free_pages

COLLECTION = "passages"
FOLDER = "generations"
SEAL = "seal.json"
ENDS = (KeyboardInterrupt, SystemExit, GeneratorExit)  # what is no fault of Chroma's
BATCH = 5_000  # Chroma takes 5,461 at most
TIMEOUT_SECONDS = 60.0  # of a server's reply
# One flush near the end of a build instead of one every thousand vectors; opening replays what is not flushed.
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32, "sync_threshold": 1_000}


class VectorStore(Protocol):
    """Where generations live: a folder or a server."""

    def build(self, rows: Iterable[VectorRow]) -> str:
        """Write a whole new generation and return its name."""

    def copy_with_changes(self, parent: str, removed: Sequence[int], added: Iterable[VectorRow]) -> str:
        """Write a new generation that is `parent` without and with some rows; return its name."""

    def query(self, generation: str, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
        """Return (passage id, about its cosine) best first; `access` None means that no filter is needed."""

    def count(self, generation: str) -> int:
        """Return how many vectors a generation holds; raises IndexMissing when it is gone."""

    def has(self, generation: str) -> bool:
        """Tell whether a generation is there, with the files that were written; what they hold is not looked at."""

    def keep_only(self, generations: Sequence[str]) -> None:
        """Delete every other generation of this index."""

    def close(self) -> None:
        """Let go of what is open; the next call opens it again."""


Found = list[tuple[int, float]]


def open_store(data: Path, chroma_url: str, index_id: str = "") -> VectorStore:
    """Open the vector store of an index folder, or of a Chroma server if a URL is configured.

    Several indexes may share a server; whoever writes says by `index_id` which one's generations it may delete.
    """
    return ServerStore(chroma_url, index_id) if chroma_url else FolderStore(data / FOLDER)


class FolderStore:
    """Generations as folders; a new path each time, since Chroma reuses stale state for a path made again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: tuple[str, Any, Any] | None = None  # generation, client, collection
        self._lock = RLock()  # a thread may be asking of a generation that another one closes

    def build(self, rows: Iterable[VectorRow]) -> str:
        name = _new_name()
        with self._writing(name) as collection:
            _add(collection, rows)
        return name

    def copy_with_changes(self, parent: str, removed: Sequence[int], added: Iterable[VectorRow]) -> str:
        name = _new_name()
        with self._writing(name, parent) as collection:
            _remove(collection, removed)
            _add(collection, added)
        return name

    @contextlib.contextmanager
    def _writing(self, name: str, parent: str = "") -> Iterator[Any]:
        path = self._root / name
        try:
            path.mkdir(mode=PRIVATE_FOLDER, parents=True)
            keep_private(self._root)
            if parent:
                shutil.copytree(self._root / parent, path, dirs_exist_ok=True)
                keep_private(path)  # the parent may be of a time when it was open to others
            client = _folder_client(path)
            try:
                yield client.get_or_create_collection(COLLECTION, configuration={"hnsw": HNSW}, embedding_function=None)
            finally:
                client.close()  # flushes and closes the files
            # Chroma's log of writes held every vector once more: deleted, and left in the file.
            drop_free_pages(path / "chroma.sqlite3")
            (path / SEAL).write_text(json.dumps(_index_files(path)), encoding="utf-8")
            _sync_folder(path)
        except BaseException as error:
            shutil.rmtree(path, ignore_errors=True)
            if isinstance(error, (AssistantError, *ENDS)):
                raise
            hint = "Make room on the disk if it is full, and run it again; nothing is lost."
            raise NotWritable(f"the vectors cannot be written: {_first_line(error)}.", hint) from error

    def query(self, generation: str, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
        with self._reading(generation) as collection:
            return _query(collection, vector, limit, access)

    def count(self, generation: str) -> int:
        with self._reading(generation) as collection:
            return int(collection.count())

    @contextlib.contextmanager
    def _reading(self, generation: str) -> Iterator[Any]:
        path = self._root / generation
        if not generation or not path.is_dir():
            raise IndexMissing(f"the folder of vectors {path} is missing.", "Rebuild it: assistant ingest PATH")
        try:
            with self._lock:
                if self._opened is None or self._opened[0] != generation:
                    if not _is_whole(path):  # Chroma may crash on damaged index files, or fill the disk
                        raise ValueError(f"its files are not those that {SEAL} names")
                    client = _folder_client(path)
                    collection = client.get_collection(COLLECTION, embedding_function=None)
                    self.close()  # each generation that is open is an index in memory
                    self._opened = generation, client, collection
                yield self._opened[2]
        except ENDS:
            raise
        except BaseException as error:  # Chroma raises anything at all on damaged files, and panics in Rust
            cause = f"the vector generation {path} cannot be read: {_first_line(error)}."
            hint = "Unless the disk is full or read-only, delete that folder and rebuild it: assistant ingest PATH"
            raise IndexMissing(cause, hint) from error

    def has(self, generation: str) -> bool:
        return bool(generation) and _is_whole(self._root / generation)

    def keep_only(self, generations: Sequence[str]) -> None:
        for path in self._root.iterdir() if self._root.is_dir() else ():
            if path.name not in generations:
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened[1].close()
                self._opened = None


class ServerStore:
    """Generations as collections of a Chroma server; its own log keeps what it has acknowledged."""

    def __init__(self, url: str, index_id: str = "") -> None:
        import chromadb
        import httpx
        from chromadb.config import Settings

        self._url = url
        self._prefix = f"{PREFIX}{index_id}-" if index_id else PREFIX
        scheme, _, rest = url.rpartition("://")
        host, _, port = rest.strip("/").partition(":")
        ssl = scheme == "https"
        with self._answering():
            number = int(port or (443 if ssl else 8000))
            where = f"{'https' if ssl else 'http'}://{host}:{number}"
            httpx.get(f"{where}/api/v2/heartbeat", timeout=TIMEOUT_SECONDS).raise_for_status()
            settings = Settings(anonymized_telemetry=False)
            self._client = chromadb.HttpClient(host, number, ssl=ssl, settings=settings)
            # Chroma's own waits without end for a server that hangs, and has no setting.
            self._client._server._session.timeout = TIMEOUT_SECONDS

    @contextlib.contextmanager
    def _answering(self, generation: str = "") -> Iterator[None]:
        """Turn what the client raises when the server is gone, or is no Chroma, into one error."""
        from chromadb.errors import ChromaError, NotFoundError
        from httpx import HTTPError

        try:
            yield
        except NotFoundError as error:
            cause = f"the Chroma server {self._url} has no collection {generation!r}."
            raise IndexMissing(cause, "Rebuild it: assistant ingest PATH") from error
        except Exception as error:
            # Of an answer that it does not know, the client makes a bare Exception.
            if not isinstance(error, (ChromaError, HTTPError, ValueError)) and type(error) is not Exception:
                raise
            cause = f"the Chroma server {self._url} does not answer: {_first_line(error)}."
            raise IndexMissing(cause, "Is it running, and is index.chroma_url right?") from error

    def build(self, rows: Iterable[VectorRow]) -> str:
        name = _new_name(self._prefix)
        try:
            with self._answering(name):
                collection = self._client.create_collection(name, configuration={"hnsw": HNSW}, embedding_function=None)
                _add(collection, rows)
        except BaseException:
            with contextlib.suppress(Exception):
                self._client.delete_collection(name)
            raise
        return name

    def copy_with_changes(self, parent: str, removed: Sequence[int], added: Iterable[VectorRow]) -> str:
        """Copy the parent collection's rows; a server has no cheaper way that leaves the parent serving."""
        name = self.build(added)
        with self._answering(parent):
            self._copy(self._get(parent), self._get(name), {str(i) for i in removed})
        return name

    @staticmethod
    def _copy(parent: Any, collection: Any, gone: set[str]) -> None:
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

    def query(self, generation: str, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
        with self._answering(generation):
            return _query(self._get(generation), vector, limit, access)

    def count(self, generation: str) -> int:
        with self._answering(generation):
            return int(self._get(generation).count())

    def has(self, generation: str) -> bool:
        from chromadb.errors import NotFoundError

        with self._answering(generation):
            try:
                return bool(generation and self._get(generation))
            except NotFoundError:
                return False

    def _get(self, generation: str) -> Any:
        return self._client.get_collection(generation, embedding_function=None)

    def keep_only(self, generations: Sequence[str]) -> None:
        with self._answering():
            for collection in self._client.list_collections():
                if collection.name.startswith(self._prefix) and collection.name not in generations:
                    self._client.delete_collection(collection.name)

    def close(self) -> None:
        self._client.close()


PREFIX = "generation-"


def _new_name(prefix: str = PREFIX) -> str:
    return f"{prefix}{uuid.uuid4().hex[:16]}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _folder_client(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def _add(collection: Any, rows: Iterable[VectorRow]) -> None:
    iterator = iter(rows)
    last: VectorRow | None = None
    while batch := list(islice(iterator, BATCH)):
        whole = np.frombuffer(b"".join(row.vector for row in batch), np.float32).reshape(len(batch), -1)
        collection.add(
            ids=[str(row.passage_id) for row in batch],
            embeddings=reduced(whole),
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
    roles = {f"role:{role}": True for role in row.audience or ()}
    return {"from": _day(row.effective), "to": _day(row.expires), "open": row.audience is None, **roles}


def _query(collection: Any, vector: NDArray[np.float32], limit: int, access: Access | None) -> Found:
    found = collection.query(
        query_embeddings=[reduced(vector)],
        n_results=limit,
        include=["distances"],
        where=_where(access) if access else None,
    )
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


def _is_whole(path: Path) -> bool:
    """Tell whether the files of a generation are those that its build wrote, byte for byte."""
    try:
        return bool(json.loads((path / SEAL).read_text(encoding="utf-8")) == _index_files(path))
    except (OSError, ValueError):
        return False


def _index_files(path: Path) -> dict[str, str]:
    """Hash the files of the vector index, if it was flushed; Chroma writes to the others as it opens them."""
    flushed = (marker.parent for marker in path.glob("*/index_metadata.pickle"))
    return {file.relative_to(path).as_posix(): hash_file(file) for folder in flushed for file in folder.iterdir()}


def _sync_folder(path: Path) -> None:
    for entry in [*path.rglob("*"), path, path.parent]:
        handle = os.open(entry, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
