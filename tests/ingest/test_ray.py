"""An ingest whose passages are encoded on a cluster gives the index of one machine, whatever dies meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config
from assistant.core.errors import AssistantError, UsageError
from assistant.core.records import IngestReport
from ingest import embedding
from ingest.build import ingest
from tests.commands import free_port

HAS_RAY = find_spec("ray") is not None
TABLES = {
    "documents": "SELECT * FROM documents ORDER BY id",
    "passages": 'SELECT document_id, "start", "end", headings, page, vector FROM passages ORDER BY 1, 2',
    "vectors": "SELECT * FROM vectors ORDER BY key",
    "terms": "SELECT name, aliases, document_id, scope FROM terms ORDER BY 1, 3",
    "sources": "SELECT path, document_id, meta FROM sources ORDER BY 1",
}
Make = Callable[..., Config]


def on_ray(config: Config, address: str = "") -> Config:
    return replace(config, ingest=replace(config.ingest, engine="ray", ray_address=address))


def rows(config: Config) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(config.data / "catalog.sqlite3")) as db:
        return {name: list(db.execute(query)) for name, query in TABLES.items()}


@pytest.fixture
def docs(write_files: Callable[[dict[str, str]], Path]) -> Path:
    text = "\n\n".join(
        f"Rule {n} of the book says what is done on floor {n}, and by whom of hall {n}." for n in range(90)
    )
    return write_files({f"{name}.md": f"# Book of {name}\n\n{text}\n" for name in ("Ada", "Ben", "Cem", "Dua")})


@pytest.fixture
def local(make_config: Make, docs: Path, run_ingest: Callable[..., IngestReport]) -> dict[str, list[Any]]:
    """What one machine makes of the documents."""
    config = make_config("local")
    run_ingest(config, docs)
    return rows(config)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes of one core each, on the loopback."""
    pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": embedding.STORE_BYTES}
    made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    made.add_node(**node)
    yield made
    made.shutdown()


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_extra_is_named_before_any_work(make_config: Make, docs: Path) -> None:
    config = on_ray(make_config())
    with pytest.raises(UsageError, match=r"needs the extra 'ray'.*policy-assistant\[ray\]"):
        ingest([docs], config)
    assert not config.data.exists()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "nonsense"])
def test_a_cluster_that_is_not_there_is_one_sentence(make_config: Make, docs: Path, address: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(UsageError, match=r"no Ray cluster answers at ingest\.ray_address"):
        ingest([docs], on_ray(make_config(), address.format(port=free_port())))


@pytest.mark.slow
def test_the_index_is_that_of_one_machine(cluster: Any, make_config: Make, docs: Path, local: dict[str, Any]) -> None:
    config, told = on_ray(make_config(), cluster.address), []
    report = ingest([docs], config, progress=lambda *step: told.append(step))
    assert len(report.added) == 4 and rows(config) == local
    assert [step[1] for step in told if step[0] == "embedding"][-1] == report.embedded == len(local["vectors"])
    assert ingest([docs], config).unchanged == 4


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["worker", "node"])
def test_what_dies_in_the_middle_loses_nothing(
    cluster: Any, make_config: Make, docs: Path, local: dict[str, Any], dies: str
) -> None:
    config = make_config(encoder=replace(Config().encoder, batch=2))
    config, killed = on_ray(config, cluster.address), list[float]()

    def progress(stage: str, done: float, total: float) -> None:
        if stage == "embedding" and done and not killed:  # before the first batch is done nobody may encode
            killed.append(done)
            if dies == "node":
                cluster.remove_node(cluster.list_all_nodes()[-1])
            else:
                os.kill(busy_worker(), signal.SIGKILL)

    report = ingest([docs], config, progress=progress)
    assert killed and killed[0] < report.embedded and rows(config) == local


def busy_worker() -> int:
    """Return a process that encodes, of a node that this process started."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            encodes = (folder / "cmdline").read_bytes().startswith(b"ray::encode_there")
            if encodes and parent(parent(int(folder.name))) == os.getpid():
                return int(folder.name)
    raise AssertionError("nobody encodes")


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("__version__", "9.9", "it has version .*, not 9.9"), ("sha", "f00d", "its encoder is not the one")],
)
def test_a_node_that_would_encode_otherwise_is_refused(
    cluster: Any, make_config: Make, docs: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    config = on_ray(make_config(), cluster.address)
    if name == "sha":
        with closing(embedding.RayEncoder(config)) as encoder, pytest.raises(AssistantError, match=told):
            encoder.sha = value
            list(encoder.batches(["a text"]))
        return
    monkeypatch.setattr(embedding, name, value)  # here alone: the nodes import their own
    with pytest.raises(AssistantError, match=rf"a node of the Ray cluster cannot encode: {told}"):
        ingest([docs], config)
