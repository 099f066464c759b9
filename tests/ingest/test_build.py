"""The ingest recipe over real files, a real catalog and real vectors: what an ingest changes, and what it must not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.answer.retrieve import Retriever
from assistant.core.config import Config, IngestSection
from assistant.core.errors import AssistantError, DocumentRejected, IndexLocked, IndexMismatch, IndexMissing, UsageError
from assistant.core.records import Access, Hit, IngestReport
from assistant.index.catalog import Catalog
from assistant.index.vectors import FOLDER, FolderStore
from assistant.models.encoder import Encoder
from ingest import build, document_reader, embedding
from ingest.build import ingest
from ingest.formats import Parsed
from ingest.moves_and_removals import forget
from ingest.sources import MANIFEST
from tests import fakes
from tests.ingest.bad_files import office
from tests.manifests import access_toml

encoder, parser = fakes.encoder, fakes.parser

LEAVE = "# Annual Leave\n\nFull-time employees have 27 days of annual leave a year.\n"
TRAVEL = "# Travel\n\nThe limit for a hotel night is 140 euros.\n"
PARKING = "# Parking\n\nVisitors leave their cars in bay 7 behind the canteen.\n"
FILES = {"leave.md": LEAVE, "travel.md": TRAVEL, "site/parking.md": PARKING}
EVERYONE = Access(frozenset(), "2026-01-01")
BOARD = Access(frozenset({"board"}), "2026-01-01")
ALWAYS_DERIVE, ALWAYS_REBUILD = IngestSection(rebuild_share=1e9), IngestSection(rebuild_share=0.0)

MakeConfig = Callable[..., Config]
Run = Callable[..., IngestReport]
Write = Callable[[dict[str, str]], Path]


class Index:
    """Reads an index as a question does."""

    def __init__(self, config: Config, encoder: Encoder) -> None:
        self._config, self._encoder = config, encoder

    def search(self, query: str, access: Access = EVERYONE, k: int = 8, full_scan: int = 0) -> tuple[Hit, ...]:
        with closing(Catalog.open(self._config.data)) as catalog, closing(self.store()) as store:
            settings = replace(self._config.retrieval, full_scan=full_scan)
            return Retriever(catalog, store, self._encoder.encode, settings).search(query, access, k)

    def sources(self, access: Access = EVERYONE) -> list[str]:
        with closing(Catalog.open(self._config.data)) as catalog:
            return sorted(row.source for row in catalog.sources(access).values())

    def dense(self, query: str) -> list[str]:
        """Return the texts that the vectors alone lead to."""
        with closing(Catalog.open(self._config.data)) as catalog, closing(self.store()) as store:
            found = store.query(catalog.meta("generation") or "", self._encoder.encode([query])[0], 1000)
            hits = catalog.queries.hits([(i, score, ("dense",)) for i, score in found], EVERYONE)
            assert len(hits) == len(found), "the vectors hold a passage that the catalog does not"
            return [hit.passage.text for hit in hits]

    def lexical(self, word: str) -> list[str]:
        """Return the texts that hold a word."""
        with closing(Catalog.open(self._config.data)) as catalog:
            found, _ = catalog.queries.search_words([word], 1000, EVERYONE)
            return [
                hit.passage.text for hit in catalog.queries.hits([(i, s, ("lexical",)) for i, s in found], EVERYONE)
            ]

    def counts(self) -> tuple[int, int]:
        """Return (documents, passages), after checking that Chroma holds as many vectors."""
        with closing(Catalog.open(self._config.data)) as catalog, closing(self.store()) as store:
            info = catalog.info()
            assert store.count(info.generation) == info.passages
            return info.documents, info.passages

    def meta(self, key: str) -> str | None:
        with closing(Catalog.open(self._config.data)) as catalog:
            return catalog.meta(key)

    def store(self) -> FolderStore:
        return FolderStore(self._config.data / FOLDER)

    def generations(self) -> set[str]:
        return {path.name for path in (self._config.data / FOLDER).iterdir()}


class Dying:
    """An encoder, a text at a time, which fails after `lives` texts."""

    def __init__(self, encoder: Encoder, lives: int, failure: BaseException, sha: str = "") -> None:
        self._encoder, self._lives, self._failure = encoder, lives, failure
        self.sha = sha or encoder.sha

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        for i, text in enumerate(texts):
            if i == self._lives:
                raise self._failure
            yield [i], self._encoder.encode([text])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode(texts)


@pytest.fixture
def config(make_config: MakeConfig) -> Config:
    return make_config()


@pytest.fixture
def index(config: Config, encoder: Encoder) -> Index:
    return Index(config, encoder)


@pytest.fixture
def docs(write_files: Write) -> Path:
    """FILES, written long enough ago that their times can be trusted."""
    return aged(write_files(FILES))


def aged(root: Path) -> Path:
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, ns=(10**18, 10**18))
    return root


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def govern(docs: Path, rules: dict[str, str], default: str = "everyone", more: str = "") -> None:
    write(docs / MANIFEST, access_toml(rules, default, more))


def unused(encoder: Encoder, sha: str = "") -> Dying:
    return Dying(encoder, 0, AssertionError("something was encoded"), sha)


# --- what is new, changed, gone --------------------------------------------------------------------------------------


def test_a_first_ingest_adds_everything(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    report = run_ingest(config, docs)
    assert sorted(report.added) == sorted(FILES) and report.passages == report.embedded == 3
    assert not (report.updated or report.unchanged or report.removed or report.rejected or report.missing)
    assert index.counts() == (3, 3)
    assert index.search("where can visitors park")[0].source == "site/parking.md"


def test_an_unchanged_file_is_not_read_again(
    config: Config, docs: Path, encoder: Encoder, run_ingest: Run, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    run_ingest(config, docs)
    generation = index.meta("generation")
    monkeypatch.setattr(document_reader, "read_bytes", lambda *args: pytest.fail("read"))
    report = ingest([docs], config, unused(encoder))
    assert report.unchanged == 3 and report.passages == 3 and not report.embedded
    assert not (report.added or report.updated or report.rejected)
    assert index.meta("generation") == generation


def test_a_touched_file_is_read_but_is_unchanged(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    run_ingest(config, docs)
    generation = index.meta("generation")
    os.utime(docs / "leave.md")
    report = run_ingest(config, docs)
    assert report.unchanged == 3 and not report.updated and not report.embedded
    assert index.meta("generation") == generation


def test_a_change_within_the_same_time_stamp_is_seen(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    """A file written while it is read keeps its size and, on a coarse clock, its time."""
    now = time.time_ns()
    os.utime(docs / "travel.md", ns=(now, now))
    run_ingest(config, docs)
    write(docs / "travel.md", TRAVEL.replace("140", "155"))
    os.utime(docs / "travel.md", ns=(now, now))
    assert run_ingest(config, docs).updated == ("travel.md",)
    assert "155" in index.search("hotel night limit")[0].passage.text


def test_an_update_replaces(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    run_ingest(config, docs)
    write(docs / "travel.md", "# Travel\n\nA zeppelin cabin may cost 180 euros.\n")
    report = run_ingest(config, docs)
    assert report.updated == ("travel.md",) and report.unchanged == 2 and report.embedded == 1
    assert index.counts() == (3, 3)
    assert not [text for text in (*index.dense("limit for a hotel night"), *index.lexical("hotel")) if "hotel" in text]
    assert "zeppelin" in index.dense("zeppelin cabin price")[0]
    assert "zeppelin" in index.lexical("zeppelin")[0]


def test_only_the_changed_passages_of_a_document_are_embedded(config: Config, docs: Path, run_ingest: Run) -> None:
    sections = [f"## Part {i}\n\nRule number {i} of the handbook holds.\n" for i in range(5)]
    write(docs / "book.md", "# Book\n\n" + "\n".join(sections))
    run_ingest(config, docs)
    sections[3] = sections[3].replace("holds", "is void")
    write(docs / "book.md", "# Book\n\n" + "\n".join(sections))
    assert run_ingest(config, docs).embedded == 1


def test_a_rename_embeds_nothing(config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run) -> None:
    run_ingest(config, docs)
    (docs / "leave.md").rename(docs / "holidays.md")
    (docs / "site").rename(docs / "campus")
    report = ingest([docs], config, unused(encoder))
    assert sorted(report.added) == ["campus/parking.md", "holidays.md"]
    assert report.embedded == report.missing == 0 and not report.removed
    assert index.counts() == (3, 3)
    assert index.sources() == ["campus/parking.md", "holidays.md", "travel.md"]
    assert index.search("days of annual leave")[0].source == "holidays.md"


def test_a_rename_to_another_format_is_read_as_that(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    write(docs / "page.txt", "<h1>Gifts</h1><p>Gifts above 50 euros are <b>declared</b>.</p>")
    run_ingest(config, docs)
    assert "<b>" in index.lexical("gifts")[0]
    (docs / "page.txt").rename(docs / "page.html")
    assert run_ingest(config, docs).added == ("page.html",)
    assert index.counts()[0] == 4
    assert "Gifts above 50 euros are declared." in index.lexical("gifts")[0]
    assert len(index.lexical("gifts")) == 1


def test_a_changed_audience_embeds_nothing_and_holds_at_once(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    govern(docs, {"site/**": "guards"})
    report = ingest([docs], config, unused(encoder))
    assert report.updated == ("site/parking.md",) and not report.embedded
    assert index.counts() == (3, 3)
    guard = replace(EVERYONE, roles=frozenset({"guards"}))
    assert "site/parking.md" not in [hit.source for hit in index.search("bay 7 for visitors")]
    assert index.search("bay 7 for visitors", guard)[0].source == "site/parking.md"
    govern(docs, {})
    ingest([docs], config, unused(encoder))
    assert index.search("bay 7 for visitors")[0].source == "site/parking.md"


def test_a_subfolder_ingested_alone_keeps_its_sources_and_its_audience(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    govern(docs, {"**": "staff"})
    run_ingest(config, docs)
    report = run_ingest(config, docs / "site")
    assert report.unchanged == 1 and not report.updated and not report.missing
    assert index.sources() == []
    assert "site/parking.md" in index.sources(replace(EVERYONE, roles=frozenset({"staff"})))


def test_a_changed_title_in_the_manifest_reads_the_file_again(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    govern(docs, {}, more='[[documents]]\npath = "leave.md"\ntitle = "Holiday Rules"\n')
    report = run_ingest(config, docs)
    assert report.updated == ("leave.md",) and report.embedded == 1 and index.counts() == (3, 3)
    assert index.search("annual leave days")[0].title == "Holiday Rules"


def test_a_changed_passage_size_splits_again(
    config: Config, index: Index, docs: Path, run_ingest: Run, encoder: Encoder
) -> None:
    write(docs / "long.md", "\n\n".join(f"Paragraph {i} has exactly eight words in it." for i in range(12)))
    run_ingest(config, docs)
    assert index.counts() == (4, 4)
    small = replace(config, ingest=replace(config.ingest, passage_words=20, passage_max_words=30))
    report = run_ingest(small, aged(docs))
    assert set(report.updated) == {*FILES, "long.md"} and index.counts()[0] == 4 and index.counts()[1] > 6
    assert run_ingest(small, docs).unchanged == 4


def test_a_missing_file_stays_until_it_is_pruned(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    run_ingest(config, docs)
    (docs / "leave.md").unlink()
    report = run_ingest(config, docs)
    assert (report.missing, report.removed, report.unchanged) == (1, (), 2)
    assert "leave.md" in index.sources() and index.counts() == (3, 3)
    report = run_ingest(config, docs, prune=True)
    assert (report.missing, report.removed) == (0, ("leave.md",))
    assert index.sources() == ["site/parking.md", "travel.md"] and index.counts() == (2, 2)
    assert not index.lexical("annual") and not [t for t in index.dense("annual leave") if "annual" in t]


def test_a_rule_holds_for_all_that_it_matches_when_one_of_them_is_ingested(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    write(docs / "site" / "gates.md", "# Gates\n\nThe west gate opens at six.\n")
    run_ingest(config, docs)
    govern(docs, {"site/**": "guards"})
    report = run_ingest(config, docs / "site" / "gates.md")
    assert sorted(report.updated) == ["site/gates.md", "site/parking.md"] and not report.embedded
    assert index.sources() == ["leave.md", "travel.md"]
    govern(docs, {"site/**": "guards", "**": "board"})  # no role may see what lies in the folder
    run_ingest(config, docs / "leave.md")
    assert sorted(index.sources(BOARD)) == ["leave.md", "travel.md"] and not index.sources()
    assert "site" not in str(index.sources(replace(BOARD, roles=frozenset({"board", "guards", ""}))))


def test_a_file_that_is_edited_and_moved_to_a_restricted_folder_is_gone_from_its_old_place(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    (docs / "board").mkdir()
    (docs / "leave.md").rename(docs / "board" / "leave.md")
    write(docs / "board" / "leave.md", LEAVE.replace("27", "28"))
    govern(docs, {"board/**": "board"})
    assert run_ingest(config, docs / "board").added == ("board/leave.md",)
    assert index.sources() == ["site/parking.md", "travel.md"] and "27 days" not in str(index.search("days of leave"))
    assert "board/leave.md" in index.sources(BOARD) and "leave.md" not in index.sources(BOARD)
    (docs / "board" / "leave.md").rename(docs / "leave.md")
    govern(docs, {})
    with pytest.raises(UsageError, match=r"assistant forget board/leave\.md"):
        run_ingest(config, docs)
    forget(["board/leave.md"], config)
    run_ingest(config, docs)
    assert index.sources() == ["leave.md", "site/parking.md", "travel.md"]


def test_below_a_manifest_a_missing_file_is_hidden_until_it_is_back(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    govern(docs, {"site/**": "guards"})
    run_ingest(config, docs)
    (docs / "leave.md").rename(docs / ".leave.md")
    for part in (docs / "site", docs):
        report = ingest([part], config, unused(encoder))
        assert report.missing == 1 and not report.removed and index.sources() == ["travel.md"]
    (docs / ".leave.md").rename(docs / "leave.md")
    assert ingest([docs], config, unused(encoder)).updated == ("leave.md",)
    assert index.sources() == ["leave.md", "travel.md"]
    (docs / "leave.md").unlink()
    assert run_ingest(config, docs, prune=True).removed == ("leave.md",)


def test_a_missing_file_stays_where_one_of_its_name_arrives_that_all_may_see(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    (docs / "leave.md").unlink()
    write(docs / "site" / "leave.md", LEAVE.replace("27", "28"))
    assert run_ingest(config, docs).missing == 1
    assert {"leave.md", "site/leave.md"} <= set(index.sources())


def test_pruning_leaves_other_folders_alone(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    run_ingest(config, docs)
    shutil.rmtree(docs / "site")
    (docs / "travel.md").unlink()
    write(docs / "leave.md", LEAVE.replace("27", "28"))
    report = run_ingest(config, docs / "leave.md", prune=True)
    assert not report.removed and report.updated == ("leave.md",)
    assert index.sources() == ["leave.md", "site/parking.md", "travel.md"]


def test_what_cannot_be_listed_is_hidden_and_back_when_it_can(
    config: Config, index: Index, docs: Path, run_ingest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ingest(config, docs)

    def locked(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: str | Path, *args: object, **options: object) -> object:
            if "site" in Path(path).parts and (real is not lstat or Path(path).name != "site"):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **options)

        return call

    lstat = os.lstat
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", locked(os.scandir))
        patch.setattr(os, "lstat", locked(lstat))
        report = run_ingest(config, docs, prune=True)
    assert not report.removed and [(r.source, r.reason) for r in report.rejected] == [("site", "unreadable")]
    assert report.rejected[0].detail.endswith(build.HIDDEN) and "site/parking.md" not in index.sources()
    assert run_ingest(config, docs).added == ("site/parking.md",)


def test_deleted_text_is_not_kept_in_the_catalog(config: Config, docs: Path, run_ingest: Run) -> None:
    run_ingest(config, docs)
    (docs / "leave.md").unlink()
    run_ingest(config, docs, prune=True)
    # Not the .bin files: hnswlib writes unused slots as it got them from malloc, with whatever this very process had
    # read before; that is about processes, not about what is kept (docs/plan.md).
    for path in config.data.rglob("*"):
        kept = path.is_file() and path.suffix != ".bin"
        assert not kept or b"27 days of annual leave" not in path.read_bytes(), path


def test_the_same_content_twice_is_one_document_with_two_sources(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    shutil.copy(docs / "leave.md", docs / "site" / "leave-copy.md")
    report = run_ingest(config, docs)
    assert len(report.added) == 4 and report.embedded == report.passages == 3
    assert index.counts() == (3, 3) and len(index.sources()) == 4
    assert [hit.source for hit in index.search("annual leave")].count("leave.md") == 1
    (docs / "leave.md").unlink()
    report = run_ingest(config, docs, prune=True)
    assert report.removed == ("leave.md",) and index.counts() == (3, 3)
    assert index.search("annual leave")[0].source == "site/leave-copy.md"


def test_ingesting_again_what_two_sources_share_changes_nothing(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    for name in ("a.md", "b.md"):
        write(docs / name, "# Shared\n\nOne text under two names.\n")
    govern(docs, {"a.md": "zeta", "b.md": "alpha"})
    run_ingest(config, docs)
    generation = index.meta("generation")
    os.utime(docs / "a.md")
    assert run_ingest(config, docs).unchanged == 5
    assert index.meta("generation") == generation


# --- files that cannot be read ---------------------------------------------------------------------------------------


def test_a_bad_file_is_reported_and_the_rest_is_indexed(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    write(docs / "empty.md", "")
    write(docs / "blank.txt", " \n\t\n")
    write(docs / "torn.pdf", "%PDF-1.7 and then nothing")
    write(docs / "typo.md", "---\naudience; hr\n---\n" + PARKING.replace("bay 7", "bay 8"))
    report = run_ingest(config, docs)
    assert {r.source: r.reason for r in report.rejected} == {
        "empty.md": "empty",
        "blank.txt": "empty",
        "torn.pdf": "damaged",
        "typo.md": "metadata",
    }
    assert all(r.detail.endswith((".", "?")) for r in report.rejected)
    assert sorted(report.added) == sorted(FILES) and index.counts() == (3, 3)


def test_a_file_that_cannot_be_read_is_not_tried_again_until_it_changes(
    config: Config, docs: Path, run_ingest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "scan.pdf").write_bytes(b"%PDF-1.7 and no more")
    (docs / "slow.pdf").write_bytes(b"%PDF-1.7 and so on")
    tried: list[str] = []
    read = fakes.InProcessParser.read

    def watched(self: fakes.InProcessParser, data: bytes, name: str) -> Parsed:
        tried.append(name)
        if name == "slow.pdf":
            raise DocumentRejected("too_slow", "Reading the file took longer than 1 s.")
        return read(self, data, name)

    monkeypatch.setattr(fakes.InProcessParser, "read", watched)
    first = run_ingest(config, docs)
    assert {"scan.pdf", "slow.pdf"} < set(tried)
    tried.clear()
    assert run_ingest(config, docs).rejected == first.rejected
    assert tried == ["slow.pdf"]  # that may have been the machine's doing
    (docs / "scan.pdf").write_bytes(b"%PDF-1.7 and a little more")
    run_ingest(config, docs)
    assert set(tried) == {"slow.pdf", "scan.pdf"}


def test_a_file_that_may_not_be_read_is_reported(
    config: Config, index: Index, docs: Path, run_ingest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def forbid(path: str | Path, *args: int, **options: int) -> int:
        if Path(path).name == "travel.md":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", forbid)
    report = run_ingest(config, docs)
    assert [(r.source, r.reason) for r in report.rejected] == [("travel.md", "unreadable")]
    assert "Permission denied" in report.rejected[0].detail and index.counts() == (2, 2)


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_a_name_that_is_not_utf8_stops_nothing(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    try:
        Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9.md")).write_text(LEAVE, encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    report = run_ingest(config, docs)
    assert [(r.source, r.reason) for r in report.rejected] == [("caf\ufffd.md", "unreadable")]
    assert report.rejected[0].detail.endswith(build.HIDDEN) and index.counts() == (3, 3)


@pytest.mark.parametrize(
    ("text", "reason", "stays"),
    [
        ("", "empty", True),
        ("<!-- nothing to see -->", "no_text", True),
        ("---\ntitle: Travel: now\n---\n# Travel\n\nThe limit is 1 euro.\n", "metadata", False),
        ("---\naudience; board\n---\n# Travel\n\nThe limit is 1 euro.\n", "metadata", False),
        ("---\nexpires: 31.12.2020\n---\n# Travel\n\nThe limit is 1 euro.\n", "metadata", False),
        ("/etc/hostname", "outside", False),
    ],
)
def test_a_bad_revision_leaves_the_older_one_serving_unless_it_may_say_that_it_no_longer_holds(
    config: Config, index: Index, docs: Path, run_ingest: Run, text: str, reason: str, stays: bool
) -> None:
    run_ingest(config, docs)
    if reason == "outside":
        (docs / "travel.md").unlink()
        (docs / "travel.md").symlink_to(text)
    else:
        write(docs / "travel.md", text)
    report = run_ingest(config, docs, prune=True)
    [refused] = report.rejected
    assert refused.reason == reason and not report.removed
    assert refused.detail.endswith(build.STAYS if stays else build.HIDDEN)
    assert ("travel.md" in index.sources(BOARD)) == stays == bool(index.lexical("hotel"))
    [again] = run_ingest(config, docs).rejected
    assert again.reason == reason and ("travel.md" in index.sources(BOARD)) == stays
    (docs / "travel.md").unlink()
    write(docs / "travel.md", TRAVEL.replace("140", "150"))
    report = run_ingest(config, docs)
    assert not report.rejected and "travel.md" in (*report.added, *report.updated) and index.counts() == (3, 3)


@pytest.mark.parametrize("to", ["board", "nobody", "everyone"])
def test_a_damaged_file_keeps_its_old_version_with_the_rights_of_today(
    config: Config, index: Index, docs: Path, run_ingest: Run, to: str
) -> None:
    (docs / "rates.xlsx").write_bytes(office("xlsx"))
    govern(docs, {"rates.xlsx": "hr"})
    run_ingest(config, docs)
    write(docs / "rates.xlsx", "torn")
    govern(docs, {"rates.xlsx": to})
    [refused] = run_ingest(config, docs).rejected
    assert refused.reason == "damaged" and refused.detail.endswith(build.STAYS)
    hr = replace(EVERYONE, roles=frozenset({"hr"}))
    seen = ["rates.xlsx" in index.sources(who) for who in (EVERYONE, BOARD, hr)]
    assert seen == {"board": [False, True, False], "nobody": [False] * 3, "everyone": [True] * 3}[to]


def test_what_is_no_longer_a_file_is_hidden(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    """A folder linked to is passed over, so that nothing would ever tell of its files again."""
    run_ingest(config, docs)
    (docs / "travel.md").unlink()
    (docs / "travel.md").mkdir()
    (docs / "site").rename(docs / ".site")
    (docs / "site").symlink_to(docs / ".site")
    report = run_ingest(config, docs)
    assert {r.source: r.reason for r in report.rejected} == {"travel.md": "unreadable", "site/parking.md": "unreadable"}
    assert index.sources() == ["leave.md"] and all(r.detail.endswith(build.HIDDEN) for r in report.rejected)


def test_below_a_manifest_what_no_walk_looks_at_is_hidden(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    (docs / ".store").mkdir()
    write(docs / ".store" / "plan.md", PLAN)
    run_ingest(config, docs, docs / ".store")
    govern(docs, {"**": "board"})
    run_ingest(config, docs)
    assert index.sources() == []


def test_no_document_has_the_name_of_another_file_for_a_title(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    (docs / "board").mkdir()
    for name in ("board/falcon-layoffs.txt", "memo.txt"):
        write(docs / name, "DRAFT\n\nThe canteen opens at eight.\n")
    govern(docs, {"board/**": "board"})
    run_ingest(config, docs)
    assert "memo [DRAFT]" in str(index.search("canteen")) and "falcon" not in str(index.search("falcon canteen"))


def test_a_first_ingest_of_a_subfolder_or_a_file_has_the_audience_above_it(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    govern(docs, {"**": "board"})
    run_ingest(config, docs / "site")
    run_ingest(config, docs / "leave.md")
    assert index.sources() == [] and index.sources(BOARD) == ["leave.md", "site/parking.md"]


def test_a_file_over_the_limit_is_rejected_and_the_limit_is_the_settings(
    config: Config, docs: Path, run_ingest: Run
) -> None:
    write(docs / "big.txt", "word " * 1000)
    tight = replace(config, ingest=replace(config.ingest, max_file_mb=0.001))
    assert [(r.source, r.reason) for r in run_ingest(tight, docs).rejected] == [("big.txt", "too_large")]
    assert run_ingest(replace(config, ingest=replace(config.ingest, max_file_mb=0.01)), docs).added == ("big.txt",)


def test_nothing_to_index_makes_an_empty_index(config: Config, index: Index, docs: Path, run_ingest: Run) -> None:
    for name in FILES:
        write(docs / name, "")
    report = run_ingest(config, docs)
    assert len(report.rejected) == 3 and index.counts() == (0, 0)
    assert index.search("anything at all") == ()
    for name, text in FILES.items():
        write(docs / name, text)
    run_ingest(config, docs)
    assert index.counts() == (3, 3)


# --- runs that end in the middle -------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_a_run_that_dies_while_embedding_leaves_the_old_index_and_is_resumed(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run, failure: BaseException
) -> None:
    run_ingest(config, docs)
    generation = index.meta("generation")
    write(docs / "travel.md", "# Travel\n\nA zeppelin cabin may cost 180 euros.\n")
    for i in range(5):
        write(docs / f"new{i}.md", f"# Rule {i}\n\nRule {i} of the new handbook is in force.\n")
    with pytest.raises(type(failure)):
        ingest([docs], config, Dying(encoder, 4, failure))
    assert index.meta("generation") == generation and index.counts() == (3, 3)
    assert "140 euros" in index.search("limit for a hotel night")[0].passage.text
    assert not index.lexical("zeppelin") and not index.lexical("handbook")
    report = run_ingest(config, docs)  # the lock is free, too
    assert report.embedded == 6 - 4 and len(report.added) == 5 and report.updated == ("travel.md",)
    assert index.counts() == (8, 8)
    assert index.lexical("zeppelin") and not index.lexical("hotel")


def test_a_first_run_that_dies_is_no_index_yet(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    with pytest.raises(RuntimeError):
        ingest([docs], config, Dying(encoder, 2, RuntimeError("no")))
    assert index.meta("encoder") is None and index.sources() == []
    assert run_ingest(config, docs).embedded == 1
    assert index.counts() == (3, 3)


@pytest.mark.parametrize(
    ("section", "failure"),
    [(ALWAYS_DERIVE, OSError(28, "No space left on device")), (ALWAYS_REBUILD, KeyboardInterrupt())],
    ids=["derive, disk full", "rebuild, Ctrl-C"],
)
def test_a_run_that_dies_while_it_writes_vectors_leaves_the_old_index_and_nothing_else(
    make_config: MakeConfig,
    docs: Path,
    encoder: Encoder,
    run_ingest: Run,
    section: IngestSection,
    failure: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = make_config(ingest=section)
    index = Index(config, encoder)
    run_ingest(config, docs)
    before = index.generations()
    write(docs / "travel.md", "# Travel\n\nA zeppelin cabin may cost 180 euros.\n")
    with monkeypatch.context() as patch:
        from assistant.index import vectors

        def fail(*args: object) -> None:
            raise failure

        patch.setattr(vectors, "sync_to_disk", fail)
        told = "No space left.*Make room" if isinstance(failure, OSError) else None
        with pytest.raises((AssistantError, KeyboardInterrupt), match=told):
            run_ingest(config, docs)
    assert index.generations() == before and index.counts() == (3, 3)
    assert index.lexical("hotel") and not index.lexical("zeppelin")
    assert run_ingest(config, docs).embedded == 0
    assert index.lexical("zeppelin") and not index.lexical("hotel") and index.counts() == (3, 3)


def test_what_an_abandoned_run_wrote_ahead_is_dropped(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    write(docs / "draft.md", "# Draft\n\nThe merger with Initech is a secret.\n")
    with pytest.raises(RuntimeError):
        ingest([docs], config, Dying(encoder, 1, RuntimeError("no")))
    (docs / "draft.md").unlink()
    run_ingest(config, docs)
    assert index.counts() == (3, 3)
    assert b"Initech" not in b"".join(path.read_bytes() for path in config.data.glob("catalog*"))


def test_what_an_abandoned_run_wrote_ahead_is_dropped_even_if_nothing_else_changed(
    config: Config, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    aged(docs)
    run_ingest(config, docs)
    write(docs / "draft.md", "# Draft\n\nThe merger with Initech is a secret.\n")
    with pytest.raises(RuntimeError):
        ingest([docs], config, Dying(encoder, 0, RuntimeError("no")))
    (docs / "draft.md").unlink()
    assert run_ingest(config, docs).unchanged == 3
    with closing(Catalog.open(config.data)) as catalog:
        assert catalog._db.execute("SELECT COUNT(*) FROM documents").fetchone() == (3,)
    assert b"Initech" not in b"".join(path.read_bytes() for path in config.data.glob("catalog*"))


def test_a_second_ingest_refuses_while_another_process_writes(config: Config, docs: Path, run_ingest: Run) -> None:
    config.data.mkdir(parents=True)
    code = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(config.data / "ingest.lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout and other.stdout.readline().strip() == b"held"
        with pytest.raises(IndexLocked, match=r"another ingest is writing to .*index.* Wait for it to finish"):
            run_ingest(config, docs)
    finally:
        other.kill()  # a killed holder must not lock the index for ever
        other.communicate()
    assert len(run_ingest(config, docs).added) == 3


def test_while_an_ingest_runs_another_one_refuses_and_questions_are_answered(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    write(docs / "travel.md", "# Travel\n\nA zeppelin cabin may cost 180 euros.\n")
    reached, go_on = threading.Event(), threading.Event()

    class Slow(Dying):
        def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
            reached.set()
            assert go_on.wait(20)
            return super().batches(texts)

    slow = Slow(encoder, 9, AssertionError("more than the changed file was encoded"))

    reports: list[IngestReport] = []
    thread = threading.Thread(target=lambda: reports.append(ingest([docs], config, slow)))
    thread.start()
    try:
        assert reached.wait(20)
        with pytest.raises(IndexLocked):
            run_ingest(config, docs)
        assert "140 euros" in index.search("limit for a hotel night")[0].passage.text
        assert index.counts() == (3, 3)
    finally:
        go_on.set()
        thread.join(20)
    assert reports[0].updated == ("travel.md",)
    assert index.lexical("zeppelin")


def test_two_indexes_may_be_written_at_once_in_one_process(
    make_config: MakeConfig, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    configs = [make_config(name) for name in ("one", "two")]
    failures: list[BaseException] = []

    def work(config: Config) -> None:
        try:
            for prune in (False, True, False):
                run_ingest(config, docs)
                shutil.rmtree(config.data / FOLDER)
                run_ingest(config, docs, prune=prune)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(config,)) for config in configs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [Index(config, encoder).counts() for config in configs] == [(3, 3)] * 2


def test_an_index_folder_that_cannot_be_made_is_wrong_usage(config: Config, docs: Path, run_ingest: Run) -> None:
    config.data.write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(UsageError, match=r"the index folder .*index cannot be written"):
        run_ingest(config, docs)


# --- generations -----------------------------------------------------------------------------------------------------


def test_deriving_rebuilding_and_starting_afresh_find_the_same(
    make_config: MakeConfig, docs: Path, encoder: Encoder, run_ingest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(8):
        write(
            docs / f"rule{i}.md",
            f"# Rule {i}\n\nRule {i} is about {'cats dogs trees cars tea ink fog ice'.split()[i]}.\n",
        )
    derived, rebuilt, fresh = (
        make_config("d", ingest=ALWAYS_DERIVE),
        make_config("r", ingest=ALWAYS_REBUILD),
        make_config("f"),
    )
    for config in (derived, rebuilt):
        run_ingest(config, docs)
    write(docs / "travel.md", "# Travel\n\nA zeppelin cabin may cost 180 euros.\n")
    govern(docs, {"rule3.md": "drivers"})
    write(docs / "rule9.md", "# Rule 9\n\nRule 9 is about rain.\n")
    (docs / "rule0.md").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "build", lambda *args: pytest.fail("rebuilt"))
        run_ingest(derived, docs, prune=True)
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "copy_with_changes", lambda *args: pytest.fail("derived"))
        run_ingest(rebuilt, docs, prune=True)
        run_ingest(fresh, docs)
    found = []
    for config in (derived, rebuilt, fresh):
        index = Index(config, encoder)
        assert index.counts() == (11, 11)
        drivers = replace(EVERYONE, roles=frozenset({"drivers"}))
        found.append(
            [
                (hit.source, hit.passage.text, round(hit.score, 3), hit.methods)
                for query in ("price of a zeppelin", "rule about cars", "rain", "cats", "annual leave", "where to park")
                for access in (EVERYONE, drivers)
                for hit in index.search(query, access, k=5)
            ]
        )
    assert found[0] == found[1] == found[2]


def test_one_generation_before_the_current_is_kept_and_strays_are_removed(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    seen = []
    for i in range(3):
        write(docs / "travel.md", TRAVEL.replace("140", str(200 + i)))
        run_ingest(config, docs)
        seen.append(index.meta("generation") or "")
        assert index.generations() == set(seen[-2:])
    assert len(set(seen)) == 3
    stray = config.data / FOLDER / "generation-of-a-killed-run"
    stray.mkdir()
    (stray / "half.bin").write_bytes(b"x")
    report = run_ingest(config, aged(docs))
    assert report.unchanged == 3
    assert index.generations() == set(seen[-2:])


def test_a_deleted_generation_is_missing_until_the_next_ingest_makes_it_again(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    shutil.rmtree(config.data / FOLDER)
    with pytest.raises(IndexMissing, match=r"the folder of vectors .* is missing\. Rebuild it: assistant ingest PATH"):
        index.search("annual leave")
    assert index.search("annual leave", full_scan=3)[0].source == "leave.md", "the catalog has all vectors"
    assert ingest([docs], config, unused(encoder)).unchanged == 3
    assert index.counts() == (3, 3) and index.search("annual leave")[0].source == "leave.md"


def test_a_change_after_the_generation_was_deleted_makes_all_of_it_again(
    make_config: MakeConfig, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    config = make_config(ingest=ALWAYS_DERIVE)
    run_ingest(config, docs)
    shutil.rmtree(config.data / FOLDER)
    write(docs / "travel.md", TRAVEL.replace("140", "150"))
    run_ingest(config, docs)
    assert Index(config, encoder).counts() == (3, 3)


def test_a_generation_that_lost_its_vectors_is_not_derived_from(
    make_config: MakeConfig, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    config = make_config(ingest=ALWAYS_DERIVE)
    index = Index(config, encoder)
    run_ingest(config, docs)
    for path in (config.data / FOLDER / (index.meta("generation") or "")).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(IndexMissing, match=r"cannot be read: .* delete that folder and rebuild it"):
        index.search("annual leave")
    write(docs / "travel.md", TRAVEL.replace("140", "150"))
    run_ingest(config, docs)
    assert index.counts() == (3, 3)


def test_another_encoder_is_refused_and_nothing_changes(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    generation = index.meta("generation")
    write(docs / "travel.md", TRAVEL.replace("140", "150"))
    with pytest.raises(IndexMismatch, match="made with another encoder"):
        ingest([docs], config, unused(encoder, "1" * 64))
    assert index.meta("generation") == generation and index.counts() == (3, 3)
    assert run_ingest(config, docs).updated == ("travel.md",)


def test_progress_only_goes_forward(
    config: Config, docs: Path, run_ingest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "EMBED_CHUNK", 2)
    for i in range(5):
        write(docs / f"new{i}.md", f"# Rule {i}\n\nRule {i} of the new handbook is in force.\n")
    told: list[tuple[str, float, float]] = []
    run_ingest(config, docs, progress=lambda stage, done, total: told.append((stage, done, total)))
    for stage in ("reading", "embedding", "indexing"):
        steps = [(done, total) for name, done, total in told if name == stage]
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)
        assert all(0 <= done <= total for done, total in steps)
        assert steps[-1][0] == steps[-1][1]
    assert {stage for stage, _, _ in told} == {"reading", "embedding", "indexing"}


# --- one manifest ----------------------------------------------------------------------------------------------------

PLAN = "# Plan\n\nThe zeppelin costs 900 euros.\n"


def test_a_change_of_rights_alone_holds_for_the_next_question_over_the_vectors_that_are_there(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    run_ingest(config, docs)
    generation = index.meta("generation")
    people = {role: Access(frozenset({role}), EVERYONE.as_of) for role in ("board", "hr", "sales")}
    with closing(Catalog.open(config.data)) as catalog, closing(index.store()) as store:
        retriever = Retriever(catalog, store, encoder.encode, config.retrieval)

        def finders() -> list[str]:
            found = {role: retriever.search("limit for a hotel night", who, 8) for role, who in people.items()}
            return [role for role, hits in found.items() if any(hit.source == "travel.md" for hit in hits)]

        assert finders() == list(people)
        for audience, see in (("board", ["board"]), ("hr", ["hr"]), ("nobody", []), ("everyone", list(people))):
            govern(docs, {"travel.md": audience})
            assert run_ingest(config, docs).updated == ("travel.md",)
            assert finders() == see and index.meta("generation") == generation


@pytest.mark.parametrize("edited", [PLAN, PLAN.replace("900", "950")])
def test_a_restricted_file_that_is_renamed_and_edited_opens_to_nobody(
    config: Config, index: Index, docs: Path, run_ingest: Run, edited: str
) -> None:
    write(docs / "plan.md", PLAN)
    govern(docs, {"plan.md": "board"})
    run_ingest(config, docs)
    (docs / "plan.md").rename(docs / "plan-2026.md")
    write(docs / "plan-2026.md", edited)
    for part in (docs, docs / "plan-2026.md", docs / "site"):
        with pytest.raises(UsageError, match=r'paths "plan\.md" matches no document\. Did you mean "plan-2026\.md"'):
            run_ingest(config, part)
        assert "900" in str(index.search("zeppelin", BOARD)) and "plan" not in str(index.sources())
    govern(docs, {"plan*": "board"})
    run_ingest(config, docs)
    assert "plan-2026.md" in index.sources(BOARD) and "plan" not in str(index.sources())


@pytest.mark.parametrize("wrong", ["torn", "unmatched", "gone", "nested", "sidecar", "front matter"])
def test_wrong_rights_publish_nothing_and_the_old_index_serves(
    config: Config, index: Index, docs: Path, run_ingest: Run, wrong: str
) -> None:
    govern(docs, {"travel.md": "board"})
    run_ingest(config, docs)
    generation = index.meta("generation")
    spoil(docs, wrong)
    write(docs / "leave.md", LEAVE.replace("27", "28"))
    write(docs / "new.md", PLAN)
    with pytest.raises(UsageError):
        run_ingest(config, docs, prune=True)
    assert index.meta("generation") == generation and "27 days" in str(index.search("days of leave"))
    assert index.sources() == ["leave.md", "site/parking.md"] and "travel.md" in index.sources(BOARD)


@pytest.mark.parametrize("wrong", ["torn", "unmatched", "nested", "sidecar", "front matter"])
def test_wrong_rights_at_a_first_ingest_show_nobody_anything(
    config: Config, index: Index, docs: Path, run_ingest: Run, wrong: str
) -> None:
    spoil(docs, wrong)
    with pytest.raises(UsageError):
        run_ingest(config, docs)
    with suppress(IndexMissing):
        assert not index.sources(BOARD) and not index.search("zeppelin", BOARD)


def spoil(docs: Path, wrong: str) -> None:
    match wrong:
        case "torn":
            write(docs / MANIFEST, "default = ")
        case "unmatched":
            govern(docs, {"travle.md": "board"})
        case "gone":
            (docs / MANIFEST).unlink()
        case "nested":
            write(docs / "site" / MANIFEST, access_toml({"parking.md": "board"}))
        case "sidecar":
            write(docs / "leave.md.meta.toml", 'audience = "board"')
        case _:
            write(docs / "plan.md", f"---\naudience: board\n---\n{PLAN}")


def test_front_matter_with_an_audience_is_an_error_that_shows_the_rules_to_write(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    write(docs / "a.md", f"---\nAudience: [hr, Board]\n---\n{PLAN}")
    write(docs / "site" / "b.txt", f"+++\naudiences = 'staff, hr'\n+++\n{PLAN}")
    write(docs / "c.md", f"---\naudience:\n---\n{PLAN}")
    with pytest.raises(UsageError, match=r"the front matter of a\.md, c\.md, site/b\.txt has an audience") as error:
        run_ingest(config, docs)
    text = error.value.hint.partition("\n\n")[2]
    rules = [(rule["paths"], rule["audience"]) for rule in tomllib.loads(text)["access"]]
    assert rules == [(["a.md"], ["hr", "Board"]), (["c.md"], ["ROLE"]), (["site/b.txt"], ["staff", "hr"])]


def test_a_whole_manifest_that_opens_names_who_may_see_the_rest(
    config: Config, index: Index, docs: Path, run_ingest: Run
) -> None:
    govern(docs, {"leave.md": "everyone", "site/**": "board"}, default="nobody")
    run_ingest(config, docs)
    assert index.sources() == ["leave.md"] and index.sources(BOARD) == ["leave.md", "site/parking.md"]
    assert not index.search("limit for a hotel night", BOARD) or "hotel" not in str(index.search("hotel", BOARD))


def test_a_root_that_is_governed_from_now_on_keeps_its_documents(
    config: Config, index: Index, docs: Path, encoder: Encoder, run_ingest: Run
) -> None:
    run_ingest(config, docs / "site")
    assert index.sources() == ["parking.md"]
    govern(docs, {"site/**": "board"})
    report = ingest([docs / "site"], config, unused(encoder))
    assert report.updated == ("site/parking.md",) and not report.embedded
    assert index.sources() == [] and index.sources(BOARD) == ["site/parking.md"]
