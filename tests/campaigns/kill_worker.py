"""What runs in the processes of kill_ingest: the ingest that is killed, and the check of what it left behind.

Nothing is imported at the top that starts a thread: the fork server imports this module and is forked for each process.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.answer.retrieve import Retriever
from assistant.core.config import Config
from assistant.core.errors import IndexMissing
from assistant.core.records import Access
from assistant.index.catalog import Catalog
from assistant.index.schema import FILE_NAME
from assistant.index.vectors import FOLDER, FolderStore, reduced
from assistant.models.encoder import LazyEncoder, open_encoder
from assistant.models.registry import Registry
from ingest import build

ROLE = "auditor"
TOKEN = re.compile(r"\bq[a-z0-9]{9}\b")
ANYONE = Access(as_of="2026-06-01")
AUDITOR = Access(roles=frozenset({ROLE}), as_of="2026-06-01")
K = 50  # hits: a sentence must be found, and which passages are as near to its question is no loss
GONE = 12  # tokens that must not be found, in one check


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of the test corpus: the token of each of its passages, and whether only auditors may see it."""

    tokens: tuple[str, ...]
    restricted: bool = False


State = dict[str, Entry]  # source -> its document


@dataclass(slots=True)
class Report:
    """What a check found; `state` says which of the two acceptable states the index is in."""

    state: str = ""
    problems: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)


def sentence(token: str) -> str:
    """Return the sentence that holds a token."""
    return f"The duty officer entered mark {token}"


def question(token: str) -> str:
    """Return what is searched for to find that sentence: all sentences are alike but for the token."""
    return f"What is mark {token}?"


def victim(config: Config, docs: Path, marks: Connection) -> None:
    """Run the ingest recipe, telling through `marks` how far it is."""

    def mark(stage: str) -> None:
        marks.send((stage, time.monotonic()))

    class Marking(LazyEncoder):
        def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
            mark("loading")
            self._open()
            mark("embedding")
            return super().batches(texts)

    stages = {
        "build": ("build", "commit"),
        "copy_with_changes": ("derive", "commit"),
        "keep_only": ("cleanup", "closing"),
    }
    _mark_calls(FolderStore, stages, mark)
    try:
        mark("starting")
        build.ingest(
            [docs],
            config,
            Marking(Registry(config.models_dir), config.encoder),
            prune=True,
            progress=lambda stage, done, total: None if stage == "indexing" and done else mark(stage),
        )
        mark("done")
    except BaseException:
        marks.send(("error", traceback.format_exc()))
        raise


def _mark_calls(owner: type, stages: dict[str, tuple[str, str]], mark: Callable[[str], None]) -> None:
    """Have methods tell the stage they begin and the one that follows them."""
    for name, (before, after) in stages.items():
        original = getattr(owner, name)

        def call(*args: Any, _original: Any = original, _before: str = before, _after: str = after) -> Any:
            mark(_before)
            result = _original(*args)
            mark(_after)
            return result

        setattr(owner, name, call)


def checker(config: Config, old: State, new: State, stale: Sequence[str], settled: bool, reply: Connection) -> None:
    """Check that the index is wholly in one state, `new` if `settled`; send a Report."""
    try:
        reply.send(check(config, old, new, stale, settled))
    except BaseException:
        reply.send(Report(problems=[f"the check died: {traceback.format_exc()}"]))


def check(config: Config, old: State, new: State, stale: Sequence[str], settled: bool) -> Report:
    report = Report()
    try:
        catalog = Catalog.open(config.data)
        if catalog.meta("encoder") is None:
            raise IndexMissing("no ingest has finished.")
    except IndexMissing as error:
        report.state = "none"
        if settled or old:
            report.problems.append(f"there was an index, and now: {error}")
        return report
    with closing(catalog):
        held = _held(config)
        report.state = "new" if held == new else "old" if held == old else "neither"
        if report.state == "neither" or (settled and report.state == "old"):
            wrong = sorted(k for k in {*held, *new} if held.get(k) != new.get(k))
            report.problems.append(f"the catalog is in state {report.state!r}; not as new: {wrong[:5]}")
            return report
        _check_vectors(config, catalog, report)
        other = old if report.state == "new" else new
        _check_search(config, catalog, held, [*_tokens(other), *stale], 1 if settled else 4, report)
        if settled:
            _check_settled(config, report)
    return report


def _held(config: Config) -> State:
    """Read the visible documents without the product's code."""
    with closing(sqlite3.connect(f"file:{config.data / FILE_NAME}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT s.source, d.text, s.open FROM sources s JOIN documents d ON d.id = s.document_id")
        return {
            source: Entry(tuple(TOKEN.findall(text)), not is_open)
            for source, text, is_open in rows
            if TOKEN.search(text)
        }


def _check_vectors(config: Config, catalog: Catalog, report: Report) -> None:
    """Compare Chroma's current generation with the catalog, entry by entry."""
    import chromadb
    from chromadb.config import Settings

    info = catalog.info()
    store = FolderStore(config.data / FOLDER)
    if (count := store.count(info.generation)) != info.passages:
        report.problems.append(f"Chroma counts {count}, the catalog {info.passages} passages")
    client = chromadb.PersistentClient(
        str(config.data / FOLDER / info.generation), settings=Settings(anonymized_telemetry=False)
    )
    found = client.get_collection("passages", embedding_function=None).get(include=["embeddings"])
    vectors = {int(i): v for i, v in zip(found["ids"], found["embeddings"], strict=True)}
    rows = {passage_id: np.frombuffer(vector, np.float32) for passage_id, vector in catalog.vector_rows()}
    if vectors.keys() != rows.keys():
        report.problems.append(
            f"Chroma lacks {sorted(rows.keys() - vectors.keys())[:5]}, "
            f"has {sorted(vectors.keys() - rows.keys())[:5]} too many"
        )
    for i, own in rows.items():
        if i in vectors and not np.allclose(_unit(reduced(own)), _unit(vectors[i]), atol=1e-4):
            report.problems.append(f"the vector of passage {i} is not the catalog's")
    for i, own in list(rows.items())[:: max(1, len(rows) // 100)]:
        best = store.query(info.generation, own, 3)
        if not best or best[0][1] < 0.999:
            report.problems.append(f"the vector of passage {i} is not found by itself: {best[:1]}")


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.float32(np.linalg.norm(vector))


def _check_search(
    config: Config, catalog: Catalog, held: State, others: Iterable[str], every: int, report: Report
) -> None:
    """Search for sentences: those held must be found, by who may see them, and none of the others'.

    One of each document, `every` so many documents; of the documents themselves `_held` has compared them all.
    """
    mine = {token for entry in held.values() for token in entry.tokens}
    gone = list(dict.fromkeys(token for token in others if token not in mine))[:GONE]
    owners = {random.choice(entry.tokens): (source, entry.restricted) for source, entry in held.items()}
    owners = dict(list(owners.items())[random.randrange(every) :: every])
    encoder = open_encoder(Registry(config.models_dir), config.encoder)
    texts = [question(token) for token in [*owners, *gone]]
    known = dict(zip(texts, encoder.encode(texts), strict=True))
    store = FolderStore(config.data / FOLDER)
    settings = replace(config.retrieval, full_scan=0)
    retriever = Retriever(catalog, store, lambda asked: np.stack([known[text] for text in asked]), settings)

    def finds(token: str, access: Access) -> set[str]:
        return {hit.source for hit in retriever.search(question(token), access, K) if token in hit.passage.text}

    for token, (source, restricted) in owners.items():
        if finds(token, AUDITOR) != {source}:
            report.problems.append(f"{token} of {source} is not found")
        if restricted and finds(token, ANYONE):
            report.problems.append(f"{token} of {source} is found by someone who may not see it")
    for token in gone:
        if found := finds(token, AUDITOR):
            report.problems.append(f"{token}, which is not indexed, is found in {sorted(found)}")


def _tokens(state: State) -> list[str]:
    return [token for entry in state.values() for token in entry.tokens]


def _check_settled(config: Config, report: Report) -> None:
    """Check that the catalog is sound and note what an earlier, killed run left in it."""
    queries = {
        "documents that no source names": "documents WHERE id NOT IN (SELECT document_id FROM sources)",
        "vectors that no passage uses": "vectors WHERE key NOT IN (SELECT vector FROM passages)",
        "words of no passage": "words WHERE rowid NOT IN (SELECT id FROM passages)",
    }
    with closing(sqlite3.connect(f"file:{config.data / FILE_NAME}?mode=ro", uri=True)) as db:
        for name, query in queries.items():
            if count := db.execute(f"SELECT COUNT(*) FROM {query}").fetchone()[0]:
                report.leftovers.append(f"{count} {name}")
        lost = db.execute("SELECT COUNT(*) FROM passages WHERE vector NOT IN (SELECT key FROM vectors)").fetchone()[0]
        if lost:
            report.problems.append(f"{lost} passages have no vector")
        if (said := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            report.problems.append(f"SQLite: {said}")
        if db.execute("PRAGMA foreign_key_check").fetchone():
            report.problems.append("SQLite: a foreign key points nowhere")
        named = {row[0] for row in db.execute("SELECT value FROM meta WHERE key IN ('generation', 'previous')")}
    if extra := {path.name for path in (config.data / FOLDER).iterdir()} - named:
        report.leftovers.append(f"{len(extra)} generation folders that the catalog does not name")


def nursery(reply: Connection) -> None:
    """Send how many threads the process had that this one was forked from."""
    status = Path(f"/proc/{os.getppid()}/status")
    text = status.read_text(encoding="utf-8", errors="replace") if status.is_file() else ""
    found = re.search(r"^Threads:\s*(\d+)", text, re.MULTILINE)
    reply.send(int(found[1]) if found else 0)
