"""Chroma: a rebuildable *generation* of the catalog's vectors, in a folder of its own or on a server.

A generation is written once, aside, checked, and never written again; the catalog names the current one. Why so
strict: a Chroma store killed during an index flush can be left broken while SQLite calls it sound, and two writers
lose vectors without an error (measured with chromadb 1.5.9).

Vectors have a third of the catalog's dimensions here: a third of the memory, the files, and the time to copy and open
them. They find who is near; who is nearest, the whole vectors say: ask for more than are wanted, and rank those.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from assistant.core.errors import AssistantError, IndexMissing, NotWritable, first_line
from assistant.core.files import PACKAGED, PRIVATE_FOLDER, hash_file, keep_private, sync_to_disk

AXES = PACKAGED / "encoder" / "axes.npy"
COLLECTION = "passages"
FOLDER, PREFIX = "generations", "generation-"
SEAL = "seal.json"
ENDS = (KeyboardInterrupt, SystemExit, GeneratorExit)  # what is no fault of Chroma's
TIMEOUT_SECONDS = 60.0  # of a server's reply
# One flush near the end of a build instead of one every thousand vectors; opening replays what is not flushed.
FLUSHED = 1_000
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32, "sync_threshold": FLUSHED}
TRIES, PAUSE, LOCKED = 50, 0.1, "database is locked"
AT_ONCE = 2  # the least that Chroma takes: what is erased must not wait in its log
ERASES = {"erases": True}  # of a collection that never held, in its files, a vector of what it has not

Row = tuple[int, bytes]  # a passage's id, and its vector, float32
Found = list[tuple[int, float]]
T = TypeVar("T")


class VectorStore(ABC):
    """Where generations live: a folder or a server."""

    def build(self, rows: Iterable[Row]) -> str:
        """Write a whole new generation and return its name."""
        name = self._new_name()
        with self._writing(name) as collection:
            _add(collection, rows)
        return name

    def copy_with_changes(self, parent: str, removed: Sequence[int], added: Iterable[Row]) -> str | None:
        """Write a new generation that is `parent` without and with some rows; return its name.

        None where a copy would take as long as a new one.
        """
        return None

    def query(self, generation: str, vector: NDArray[np.float32], limit: int) -> Found:
        """Return (passage id, about its cosine) best first, whoever may see it."""
        with self._reading(generation) as collection:
            return _query(collection, vector, limit)

    def count(self, generation: str) -> int:
        """Return how many vectors a generation holds; raises IndexMissing when it is gone."""
        with self._reading(generation) as collection:
            return int(collection.count())

    @abstractmethod
    def has(self, generation: str) -> bool:
        """Tell whether a generation is there, with the files that were written; what they hold is not looked at."""

    @abstractmethod
    def keep_only(self, generations: Sequence[str]) -> None:
        """Delete every other generation of this index."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open; the next call opens it again."""

    @abstractmethod
    def _writing(self, name: str) -> AbstractContextManager[Any]:
        """Give the collection of a new generation, and remove what was written of it if the block fails."""

    @abstractmethod
    def _reading(self, generation: str) -> AbstractContextManager[Any]:
        """Give a generation's collection; raises IndexMissing."""

    def _new_name(self) -> str:
        return f"{PREFIX}{uuid.uuid4().hex[:16]}"


def open_store(data: Path, chroma_url: str, index_id: str = "") -> VectorStore:
    """Open the vector store of an index folder, or of a Chroma server if a URL is configured.

    Several indexes may share a server; whoever writes says by `index_id` which one's generations it may delete.
    """
    return ServerStore(chroma_url, index_id) if chroma_url else FolderStore(data / FOLDER)


class FolderStore(VectorStore):
    """Generations as folders; a new path each time, since Chroma reuses stale state for a path made again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: tuple[str, Any, Any] | None = None  # generation, client, collection
        self._lock = RLock()  # a thread may be asking of a generation that another one closes

    def copy_with_changes(self, parent: str, removed: Sequence[int], added: Iterable[Row]) -> str | None:
        with self._reading(parent) as collection:
            if collection.metadata != ERASES:
                return None
        name = self._new_name()
        with self._writing(name, parent) as collection:
            _erase(collection, removed)
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
                yield client.get_or_create_collection(
                    COLLECTION, configuration={"hnsw": HNSW}, metadata=ERASES, embedding_function=None
                )
            finally:
                client.close()  # flushes and closes the files
            # Chroma's log of writes held every vector once more: deleted, and left in the file.
            with contextlib.closing(sqlite3.connect(path / "chroma.sqlite3")) as db:
                db.execute("VACUUM")
            (path / SEAL).write_text(json.dumps(_index_files(path)), encoding="utf-8")
            sync_to_disk([*path.rglob("*"), path, path.parent])
        except BaseException as error:
            shutil.rmtree(path, ignore_errors=True)
            if isinstance(error, (AssistantError, *ENDS)):
                raise
            hint = "Make room on the disk if it is full, and run it again; nothing is lost."
            raise NotWritable(f"the vectors cannot be written: {first_line(error)}.", hint) from error

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
            cause = f"the vector generation {path} cannot be read: {first_line(error)}."
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


class ServerStore(VectorStore):
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
            cause = f"the Chroma server {self._url} does not answer: {first_line(error)}."
            raise IndexMissing(cause, "Is it running, and is index.chroma_url right?") from error

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[Any]:
        try:
            with self._answering(name):
                yield self._client.create_collection(name, configuration={"hnsw": HNSW}, embedding_function=None)
        except BaseException:
            with contextlib.suppress(Exception):
                self._client.delete_collection(name)
            raise

    @contextlib.contextmanager
    def _reading(self, generation: str) -> Iterator[Any]:
        with self._answering(generation):
            yield self._client.get_collection(generation, embedding_function=None)

    def has(self, generation: str) -> bool:
        with self._answering():
            return generation in {collection.name for collection in self._client.list_collections()}

    def keep_only(self, generations: Sequence[str]) -> None:
        with self._answering():
            for collection in self._client.list_collections():
                if collection.name.startswith(self._prefix) and collection.name not in generations:
                    self._client.delete_collection(collection.name)

    def close(self) -> None:
        self._client.close()

    def _new_name(self) -> str:
        return super()._new_name().replace(PREFIX, self._prefix)


def _folder_client(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def reduced(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors [n, dimensions] along the axes on which texts differ most; another encoder's as they are.

    The axes are the first right singular vectors of passages' vectors, so cosines keep as near to what they were as
    so few numbers can (Eckart and Young, "The approximation of one matrix by another of lower rank", 1936).
    """
    axes = _axes()
    return vectors @ axes if vectors.shape[-1] == len(axes) else vectors


@cache
def _axes() -> NDArray[np.float32]:
    """Return the packaged axes of MPNet's vectors, [dimensions, fewer]."""
    axes: NDArray[np.float32] = np.load(AXES).astype(np.float32)
    return axes


def _add(collection: Any, rows: Iterable[Row]) -> None:
    last = ""
    for batch in batched(rows):
        whole = np.frombuffer(b"".join(vector for _, vector in batch), np.float32).reshape(len(batch), -1)
        ids = [str(passage_id) for passage_id, _ in batch]
        collection.add(ids=ids, embeddings=reduced(whole))
        last = ids[-1]
    if last and collection.get(ids=[last], include=[])["ids"] != [last]:
        raise AssistantError("Chroma did not keep a vector that it took.", "Run `assistant ingest` again.")


def _erase(collection: Any, removed: Sequence[int]) -> None:
    """Delete vectors and what the index's file holds of them: a deleted one stays there, one written over does not."""
    if not removed:
        return
    _flush_after(AT_ONCE, collection)  # before anything opens the index
    blank = np.eye(1, len(collection.peek(1)["embeddings"][0]), dtype=np.float32)  # of no text; zeros have no cosine
    for some in batched(removed):
        ids = list(map(str, some))
        collection.update(ids=ids, embeddings=blank.repeat(len(ids), 0))
        collection.delete(ids=ids)
    _flush_after(FLUSHED, collection)


def _flush_after(count: int, collection: Any) -> None:
    """Have Chroma write its index after so many changes.

    Its transaction reads first and writes then. Where another of its own writes in between, on a busy machine, SQLite
    calls the database locked at once, whatever the time to wait (chroma-core/chroma issue 7375); the next try is new.
    """
    for left in range(TRIES, -1, -1):
        try:
            collection.modify(configuration={"hnsw": {"sync_threshold": count}})
            return
        except Exception as error:
            if not left or LOCKED not in str(error):
                raise
            time.sleep(PAUSE)


def batched(items: Iterable[T], most: int = 5_000) -> Iterator[list[T]]:
    """Yield items in lists that Chroma takes at once: it takes 5,461 at most."""
    iterator = iter(items)
    while batch := list(islice(iterator, most)):
        yield batch


def _query(collection: Any, vector: NDArray[np.float32], limit: int) -> Found:
    found = collection.query(query_embeddings=[reduced(vector)], n_results=limit, include=["distances"])
    return [(int(i), 1.0 - float(d)) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]


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
