"""Both vector stores, a folder and a real Chroma server, against the same expectations."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.answer.assistant import Assistant
from assistant.core.config import Config, RetrievalSection
from assistant.core.errors import AssistantError, IndexMissing
from assistant.core.records import IngestReport, make_access
from assistant.index import vectors
from assistant.index.vectors import FolderStore, Row, ServerStore, VectorStore, open_store
from assistant.models.encoder import Encoder
from tests.commands import free_port
from tests.manifests import access_toml


def unit(seed: int, dimensions: int = 8) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def row(i: int, dimensions: int = 8) -> Row:
    return i, unit(i, dimensions).tobytes()


def found(store: VectorStore, generation: str, vector: NDArray[np.float32], limit: int = 100) -> list[int]:
    return [i for i, _ in store.query(generation, vector, limit)]


def copied(store: VectorStore, parent: str, removed: Sequence[int], added: Iterable[Row]) -> str:
    child = store.copy_with_changes(parent, removed, added)
    assert child
    return child


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A `chroma run` server on the loopback, with its data in a temporary folder."""
    url = f"http://127.0.0.1:{free_port()}"
    with chroma_server(tmp_path_factory.mktemp("chroma"), url):
        yield url


@contextlib.contextmanager
def chroma_server(folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, or it is killed."""
    program = Path(sys.executable).with_name("chroma")
    if not program.exists():
        pytest.skip("the chroma command is not beside this Python")
    folder.mkdir(exist_ok=True)
    with (folder / "log.txt").open("ab") as log:
        server = subprocess.Popen(
            [program, "run", "--path", str(folder / "data"), "--host", "127.0.0.1", "--port", url.rpartition(":")[2]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        wait_for(url, server)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api/v2/heartbeat", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"chroma did not start (exit status {server.poll()})")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderStore]:
    with closing(FolderStore(tmp_path / "generations")) as folder:
        yield folder


@pytest.fixture(params=["folder", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "folder":
        with closing(FolderStore(tmp_path / "generations")) as folder:
            yield folder
        return
    with closing(ServerStore(request.getfixturevalue("chroma_url"))) as server:
        yield server
        server.keep_only([])


def test_what_is_built_is_found_best_first(store: VectorStore) -> None:
    generation = store.build(row(i) for i in range(20))
    assert store.count(generation) == 20 and store.has(generation)
    hits = store.query(generation, unit(7), 5)
    assert len(hits) == 5 and hits[0] == (7, pytest.approx(1.0, abs=1e-5))
    expected = sorted(((float(unit(7) @ unit(i)), i) for i in range(20)), reverse=True)[:5]
    assert [i for i, _ in hits] == [i for _, i in expected]
    assert [score for _, score in hits] == pytest.approx([score for score, _ in expected], abs=1e-5)


def test_an_empty_generation_finds_nothing(store: VectorStore) -> None:
    generation = store.build([])
    assert store.has(generation) and store.count(generation) == 0 and not found(store, generation, unit(1))


def test_an_empty_generation_can_grow(folder: FolderStore) -> None:
    grown = copied(folder, folder.build([]), [], [row(3)])
    assert found(folder, grown, unit(3)) == [3]


def test_the_limit_may_exceed_what_there_is(store: VectorStore) -> None:
    generation = store.build(row(i) for i in range(3))
    assert sorted(found(store, generation, unit(1), limit=1000)) == [0, 1, 2]


def test_deriving_leaves_the_parent_as_it_was(folder: FolderStore) -> None:
    parent = folder.build(row(i) for i in range(10))
    child = copied(folder, parent, [2, 3, 4], [(4, unit(40).tobytes()), row(11)])
    assert child != parent
    assert sorted(found(folder, parent, unit(1))) == list(range(10))
    assert sorted(found(folder, child, unit(1))) == [0, 1, 4, 5, 6, 7, 8, 9, 11]
    assert folder.count(parent) == 10 and folder.count(child) == 9
    assert folder.query(parent, unit(4), 1)[0] == (4, pytest.approx(1.0, abs=1e-5))
    assert folder.query(child, unit(40), 1)[0] == (4, pytest.approx(1.0, abs=1e-5))  # replaced, not kept


def test_keep_only_deletes_the_others(store: VectorStore) -> None:
    one, two, three = (store.build([row(i)]) for i in range(3))
    store.keep_only([one, three, "", "generation-unknown"])
    assert [store.has(name) for name in (one, two, three)] == [True, False, True]
    assert found(store, one, unit(0)) == [0] and found(store, three, unit(2)) == [2]
    for read in (lambda: store.count(two), lambda: store.query(two, unit(1), 1)):
        with pytest.raises(IndexMissing, match=r"Rebuild it: assistant ingest PATH"):
            read()


@pytest.mark.parametrize("generation", ["", "generation-0000000000000000"])
def test_a_generation_that_never_was_is_missing(store: VectorStore, generation: str) -> None:
    assert not store.has(generation)
    with pytest.raises(IndexMissing):
        store.query(generation, unit(1), 1)


def test_a_build_that_fails_leaves_nothing(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "batched", partial(vectors.batched, most=10))
    kept = store.build([row(1)])

    def rows() -> Iterator[Row]:
        yield from (row(i) for i in range(10))
        raise RuntimeError("the catalog is gone")

    writes: list[Callable[[], object]] = [lambda: store.build(rows())]
    if isinstance(store, FolderStore):
        writes.append(lambda: copied(store, kept, [], rows()))
    for write in writes:
        with pytest.raises((RuntimeError, AssistantError), match="the catalog is gone"):
            write()
    assert generations(store) == {kept}


def generations(store: VectorStore) -> set[str]:
    if isinstance(store, FolderStore):
        return {path.name for path in store._root.iterdir()}
    assert isinstance(store, ServerStore)
    return {collection.name for collection in store._client.list_collections()}


def test_more_rows_than_one_batch_takes(store: VectorStore) -> None:
    """Chroma takes 5,461 at once; a generation has more, and so may what is removed."""
    many = 5_461 + 40
    values = np.random.default_rng(0).standard_normal((many, 8)).astype(np.float32)
    generation = store.build((i, values[i].tobytes()) for i in range(many))
    assert store.count(generation) == many
    assert [found(store, generation, values[i], limit=1)[0] for i in (0, 5_000, many - 1)] == [0, 5_000, many - 1]
    if isinstance(store, FolderStore):
        child = copied(store, generation, range(10, many), [])
        assert sorted(found(store, child, unit(1))) == list(range(10)) and store.count(child) == 10


# --- a folder --------------------------------------------------------------------------------------------------------


def test_a_deleted_folder_is_missing_even_to_a_store_that_has_it_open(tmp_path: Path) -> None:
    with closing(FolderStore(tmp_path)) as store:
        generation = store.build([row(1)])
        assert found(store, generation, unit(1)) == [1]
        shutil.rmtree(tmp_path / generation)
        with pytest.raises(IndexMissing, match=rf"{generation} is missing\. Rebuild it: assistant ingest PATH"):
            store.query(generation, unit(1), 1)


def test_no_vector_is_on_the_disk_twice(tmp_path: Path) -> None:
    many, dimensions = 2_500, 256  # more than are written at once
    rows = (row(i, dimensions) for i in range(many))
    with closing(FolderStore(tmp_path)) as store:
        built = store.build(rows)
        grown = copied(store, built, [0], [(many, unit(0, dimensions).tobytes())])
        assert found(store, grown, unit(7, dimensions), limit=1) == [7]
    for generation in (built, grown):
        size = sum(path.stat().st_size for path in (tmp_path / generation).rglob("*") if path.is_file())
        assert size < 1.8 * many * dimensions * 4


def halves(i: int) -> Row:
    """Return a row whose vector of four halves is the same, byte for byte, wherever it is kept."""
    vector = np.zeros(64, np.float32)
    vector[[i, i + 20, i + 30, i + 43]] = 0.5
    return i, vector.tobytes()


def files_with(row: Row, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and row[1] in path.read_bytes()]


def test_what_is_removed_is_in_no_file(folder: FolderStore, tmp_path: Path) -> None:
    rest = [row(i, dimensions=64) for i in range(100, 2_200)]  # more than are written at once
    built = folder.build([halves(1), halves(2), halves(3), *rest])
    assert files_with(halves(1), tmp_path) and files_with(halves(2), tmp_path)
    child = copied(folder, built, [1, 2], [halves(2), halves(4)])
    grandchild = copied(folder, child, [2], [])
    folder.keep_only([grandchild])
    assert files_with(halves(1), tmp_path) == files_with(halves(2), tmp_path) == []
    assert files_with(halves(3), tmp_path) and folder.count(grandchild) == len(rest) + 2
    nearest = np.frombuffer(halves(4)[1], np.float32)
    assert folder.query(grandchild, nearest, 1)[0] == (4, pytest.approx(1.0, abs=1e-5))


def test_a_lock_of_chromas_own_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine ingests that removed something failed."""
    monkeypatch.setattr(vectors, "PAUSE", 0)
    locked = RuntimeError("Database error: error returned from database: (code: 5) database is locked")
    once = Mock(modify=Mock(side_effect=[locked, locked, None]))
    vectors._flush_after(2, once)
    assert once.modify.call_count == 3
    for error, tries in ((locked, vectors.TRIES + 1), (RuntimeError("disk is full"), 1)):
        never = Mock(modify=Mock(side_effect=error))
        with pytest.raises(RuntimeError):
            vectors._flush_after(2, never)
        assert never.modify.call_count == tries


def test_a_generation_that_may_hold_what_was_removed_is_not_copied(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of earlier versions deleted vectors without writing over them."""
    with monkeypatch.context() as patch:
        patch.setattr(vectors, "ERASES", None)
        built = folder.build([row(1), row(2)])
    assert folder.copy_with_changes(built, [1], []) is None


def test_a_panic_of_chromas_is_damage_and_ctrl_c_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As pyo3 raises it: no Exception."""

    generation = FolderStore(tmp_path).build([row(1)])
    for raised, expected in ((PanicException("not UTF-8"), IndexMissing), (KeyboardInterrupt(), KeyboardInterrupt)):
        monkeypatch.setattr(vectors, "_query", Mock(side_effect=raised))
        with closing(FolderStore(tmp_path)) as store, pytest.raises(expected):
            store.query(generation, unit(1), 1)


def test_a_damaged_folder_says_what_to_delete(tmp_path: Path) -> None:
    generation = FolderStore(tmp_path).build([row(1)])
    (tmp_path / generation / "chroma.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(
        IndexMissing, match=rf"{generation} cannot be read: [^\n]*delete that folder and rebuild"
    ) as error:
        FolderStore(tmp_path).count(generation)
    assert "\n" not in str(error.value)


def test_one_store_going_on_to_a_new_generation_does_not_close_anothers(tmp_path: Path) -> None:
    with closing(FolderStore(tmp_path)) as one, closing(FolderStore(tmp_path)) as other:
        old = one.build([row(1)])
        assert found(one, old, unit(1)) == found(other, old, unit(1)) == [1]
        new = copied(one, old, [], [row(2)])
        assert found(one, new, unit(1)) == [1, 2]
        assert found(other, old, unit(1)) == [1]
        one.close()
        assert found(other, old, unit(1)) == [1]
        assert found(one, new, unit(1)) == [1, 2]


def test_generations_that_are_left_do_not_stay_open(tmp_path: Path) -> None:
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("needs /proc")

    def settles_at(most: int) -> bool:
        """Tell whether soon at most so many files below tmp_path are open; Chroma closes them in the background."""
        until = time.monotonic() + 10
        while (count := opened()) > most and time.monotonic() < until:
            time.sleep(0.05)
        return count <= most

    def opened() -> int:
        count = 0
        for handle in handles.iterdir():
            with contextlib.suppress(OSError):
                count += str(tmp_path) in str(handle.readlink())
        return count

    with closing(FolderStore(tmp_path)) as store:
        generation = store.build([row(0)])
        assert settles_at(0) and found(store, generation, unit(1)) == [0]
        one = opened()
        for i in range(1, 6):
            generation = copied(store, generation, [], [row(i)])
            assert len(found(store, generation, unit(1))) == i + 1
        assert settles_at(2 * one)  # six generations have been open
    assert settles_at(0)


# --- a server --------------------------------------------------------------------------------------------------------

FILES = {
    "leave.md": "# Annual Leave\n\nFull-time employees have 27 days of annual leave a year.\n",
    "access.toml": access_toml({"pay.md": "hr"}),
    "pay.md": "# Pay\n\nThe salary band of a senior engineer ends at 88,000 euros.\n",
}
MORE_LEAVE = "# Annual Leave\n\nEveryone may take 31 days of annual leave.\n"


def on_server(make_config: Callable[..., Config], url: str) -> Config:
    config = make_config(retrieval=RetrievalSection(full_scan=0))
    return replace(config, index=replace(config.index, chroma_url=url))


@pytest.mark.timeout(30)
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "http://127.0.0.1:no-port"])
def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path, url: str) -> None:
    url = url.format(port=free_port())
    with pytest.raises(IndexMissing, match=r"the Chroma server .* does not answer: [^\n]+\. Is it running") as error:
        open_store(tmp_path, url)
    assert url in str(error.value) and "\n" not in str(error.value)


@pytest.mark.timeout(30)
def test_something_else_at_the_url_is_one_clear_error(tmp_path: Path) -> None:
    import http.server
    import threading

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        try:
            with pytest.raises(IndexMissing, match="does not answer"):
                open_store(tmp_path, f"http://127.0.0.1:{other.server_address[1]}")
        finally:
            other.shutdown()


@pytest.mark.timeout(30)
def test_a_server_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "TIMEOUT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(IndexMissing, match="answer: timed out"):
        open_store(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_server_that_dies_is_one_sentence_and_once_it_is_back_all_goes_on(
    tmp_path: Path,
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    config = on_server(make_config, url)
    root = write_files(FILES)
    with chroma_server(tmp_path / "chroma", url) as server:
        run_ingest(config, root)
        assistant = Assistant(config)
        assert sources(assistant, "how many days of annual leave") == ["leave.md"]
        server.kill()
        server.wait(10)
        (root / "leave.md").write_text(MORE_LEAVE, encoding="utf-8")
        asks: list[Callable[[], object]] = [
            lambda: run_ingest(config, root),
            lambda: assistant.search("days of annual leave"),
        ]
        for ask in asks:
            with pytest.raises(IndexMissing, match=r"the Chroma server .* does not answer: [^\n]+\. Is it running"):
                ask()
    with closing(assistant), chroma_server(tmp_path / "chroma", url):
        assert "27 days" in assistant.search("days of annual leave").hits[0].passage.text
        assert run_ingest(config, root).updated == ("leave.md",)
        assert "31 days" in assistant.search("days of annual leave").hits[0].passage.text


def test_a_server_that_dies_while_vectors_are_written_keeps_the_old_ones(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with chroma_server(tmp_path / "chroma", url) as server:
        store = ServerStore(url)
        old = store.build(row(i) for i in range(4))

        def dying() -> Iterator[Row]:
            yield row(7)
            server.kill()
            server.wait(10)
            yield row(8)

        with pytest.raises(IndexMissing, match="does not answer"):
            store.build(dying())
    with closing(store), chroma_server(tmp_path / "chroma", url):
        assert sorted(found(store, old, unit(1))) == [0, 1, 2, 3]
        new = store.build([row(7), row(8)])
        assert sorted(found(store, new, unit(1))) == [7, 8]
        store.keep_only([old, new])
        assert generations(store) == {old, new}  # and what was half written is gone


def test_two_indexes_on_one_server_leave_each_other_alone(chroma_url: str) -> None:
    with closing(ServerStore(chroma_url, "one")) as one, closing(ServerStore(chroma_url, "two")) as two:
        ours, theirs = one.build([row(1)]), two.build([row(2)])
        newer = one.build([row(1), row(3)])
        one.keep_only([newer])
        assert not one.has(ours) and sorted(found(one, newer, unit(1))) == [1, 3]
        assert found(two, theirs, unit(1)) == [2]


def test_an_index_whose_vectors_are_on_a_server(
    chroma_url: str,
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
    encoder: Encoder,
) -> None:
    config = on_server(make_config, chroma_url)
    root = write_files(FILES)
    assert run_ingest(config, root).embedded == 2
    with closing(Assistant(config)) as assistant:
        assert not (config.data / "generations").exists()
        assert sources(assistant, "how many days of annual leave") == ["leave.md"]
        assert assistant.search("days of leave", access=make_access(("hr",))).hits[0].methods == ("dense", "lexical")
        (root / "leave.md").write_text(MORE_LEAVE, encoding="utf-8")
        (root / "car.md").write_text("# Cars\n\nA company car is electric.\n", encoding="utf-8")
        assert run_ingest(config, root).embedded == 2
        answer = assistant.search("how many days of annual leave")
        assert answer.index.documents == 2 and "31 days" in answer.hits[0].passage.text
        assert set(sources(assistant, "salary band", "hr")) == {"leave.md", "pay.md", "car.md"}
        with closing(ServerStore(chroma_url)) as store:
            assert store.count(assistant.catalog.meta("generation") or "") == 3
            store.keep_only([])  # somebody wipes the server
        with pytest.raises(IndexMissing, match=r"has no collection .* Rebuild it: assistant ingest PATH"):
            assistant.search("annual leave")
        assert run_ingest(config, root).unchanged == 3  # and that was no empty promise
        assert "31 days" in assistant.search("how many days of annual leave").hits[0].passage.text


def sources(assistant: Assistant, query: str, *roles: str) -> Sequence[str]:
    return [hit.source for hit in assistant.search(query, access=make_access(roles)).hits]
