"""What lies at an address, on real servers of this machine: what is fetched, what is kept, and what gets no further."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import filelock
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile

from assistant.answer.assistant import Assistant
from assistant.core import package
from assistant.core.config import Config
from assistant.core.errors import AssistantError, IndexLocked, UsageError
from assistant.core.records import IngestReport, make_access
from assistant.index.catalog import Catalog
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.index.mirrors import address_of
from ingest import sources
from ingest.moves_and_removals import forget
from ingest.remote import s3 as buckets
from ingest.remote.mirror import mirror
from ingest.remote.names import MOST_PARTS, sort_names
from ingest.remote.s3 import Listed
from ingest.watch import changes
from tests.commands import Run
from tests.ingest.remote.places import FILES, LEAVE, TRAVEL, Take, fetched, names, pipe, put, write
from tests.ingest.remote.servers import S3
from tests.manifests import access_toml

DENIED = b"<Error><Code>AccessDenied</Code><Message>No [31m</Message></Error>"

# --- S3 ----------------------------------------------------------------------------------------------------------


def test_only_what_changed_in_a_bucket_is_fetched(
    s3: Any, s3_server: S3, take: Take, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SUFFIXES", sources.SUFFIXES - sources.PICTURES)  # as without OCR
    put(s3, {**FILES, "notes.xyz": "?", ".git/x.md": "?", "access.toml": 'default = "everyone"\n', "scan.png": "P"})
    found = take("s3://corp/policies/")
    assert found.unfetched == () and found.folder.parent == config.data / MIRRORS
    assert names(found) == ["access.toml", "leave.md", "scan.png", "site/parking.md", "travel.md"]
    assert (found.folder / "leave.md").read_text() == LEAVE
    assert address_of(str(found.folder / "site" / "parking.md")) == "s3://corp/policies/site/parking.md"
    assert (found.folder / "scan.png").read_bytes() == b"" and "/corp/policies/scan.png" not in s3_server.fetched()
    assert take("s3://corp/policies") == found and s3_server.fetched() == []
    put(s3, {"leave.md": LEAVE.replace("27", "28")})
    s3.delete_object(Bucket="corp", Key="policies/site/parking.md")
    take("s3://corp/policies")
    assert s3_server.fetched() == ["/corp/policies/leave.md"]
    assert names(found) == ["access.toml", "leave.md", "scan.png", "travel.md"] and not (found.folder / "site").exists()
    assert "28 days" in (found.folder / "leave.md").read_text()


def test_a_single_object_is_a_folder_of_one(s3: Any, take: Take) -> None:
    put(s3, {**FILES, "leave.md.old/more.md": "# No\n"})
    found = take("s3://corp/policies/leave.md")
    assert names(found) == ["leave.md"] and address_of(str(found.folder / "leave.md")) == found.address


def test_a_bucket_that_is_suddenly_empty_stays_until_prune_says_otherwise(s3: Any, take: Take) -> None:
    put(s3, {"leave.md": LEAVE})
    found = take("s3://corp/policies")
    s3.delete_object(Bucket="corp", Key="policies/leave.md")
    with pytest.raises(UsageError, match=r"1 of 1 files at s3://corp/policies are gone\. .* --prune"):
        take("s3://corp/policies")
    assert names(found) == ["leave.md"]
    assert names(take("s3://corp/policies", most_gone=1.0)) == []


@pytest.mark.parametrize("address", ["s3://no-such-bucket/policies", "s3://corp/nowhere"])
def test_an_address_of_nothing_is_told(s3: Any, take: Take, address: str) -> None:
    with pytest.raises(UsageError, match=r"there is nothing at|has no documents"):
        take(address)


def test_a_bucket_that_refuses_is_no_empty_bucket(s3: Any, s3_server: S3, take: Take) -> None:
    put(s3, FILES)
    found = take("s3://corp/policies")
    s3_server.spoil = lambda line: DENIED if "list-type" in line else None
    with pytest.raises(UsageError, match=r"s3://corp/policies cannot be listed: .*Nothing was changed"):
        take("s3://corp/policies", most_gone=1.0)
    assert names(found) == sorted(FILES)


def test_a_listing_that_fails_in_the_middle_removes_nothing(s3: Any, s3_server: S3, take: Take) -> None:
    put(s3, {f"{n}/page.md": "# Page\n" for n in range(3)})
    found = take("s3://corp/policies")
    page = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    first = f"<ListBucketResult><Name>corp</Name>{page}<Contents><Key>policies/1/page.md</Key><Size>7</Size></Contents>"

    def fail(line: str) -> bytes | None:
        if "list-type" not in line:
            return None
        return DENIED if "continuation-token" in line else f"{first}</ListBucketResult>".encode()

    s3_server.spoil = fail
    with pytest.raises(UsageError, match="cannot be listed: No "):
        take("s3://corp/policies", most_gone=1.0)
    assert len(names(found)) == 3


def test_an_object_that_is_refused_leaves_the_old_copy(s3: Any, s3_server: S3, take: Take) -> None:
    put(s3, FILES)
    found = take("s3://corp/policies")
    put(s3, {name: f"{text}\nMore.\n" for name, text in FILES.items()})
    s3_server.asked.clear()
    s3_server.spoil = lambda line: DENIED if line.startswith("GET") and "/leave.md" in line else None
    [lost] = take("s3://corp/policies").unfetched
    assert (lost.source, lost.reason) == ("leave.md", "unreadable") and "copy of before stays" in lost.detail
    assert (found.folder / "leave.md").read_text() == LEAVE
    assert (found.folder / "travel.md").read_text().endswith("More.\n")
    assert sum(line.startswith("GET") and "/leave.md" in line for line in s3_server.asked) == 1


def test_hostile_names_in_a_bucket_lead_nowhere(s3: Any, take: Take, config: Config, tmp_path: Path) -> None:
    hostile = ["../../../up.md", "/abs.md", "a//b.md", "back\\slash.md", "bell\x07.md", "./here.md", "Leave.md"]
    put(s3, {**FILES, **dict.fromkeys(hostile, "# Evil\n"), "leave.md/inner.md": "# Evil\n", "n" * 250 + ".md": "x"})
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(config.data)}
    found = take("s3://corp/policies")
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(config.data)} == before
    kept = names(found)
    assert "travel.md" in kept and not [name for name in kept if "vil" in (found.folder / name).read_text()][1:]
    assert {each.reason for each in found.unfetched} == {"outside"}
    assert all(each.source.isprintable() for each in found.unfetched)
    assert len(kept) + len(found.unfetched) == len(FILES) + len(hostile) + 2


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x.md", "lead out"),
        ("a/../../x.md", "lead out"),
        ("/etc/x.md", "lead out"),
        ("a//x.md", "lead out"),
        ("a\\..\\x.md", "lead out"),
        ("x\0.md", "control"),
        ("x\x1b[2J.md", "control"),
        ("x\udcff.md", "UTF-8"),
        ("LEAVE.md", "only by case"),
        ("SITE/other.md", "only by case"),
        ("leave.md/x.md", "folder of a file"),
        ("y" * 241 + ".md", "too long"),
        ("a/" * MOST_PARTS + "x.md", "more than 49 folders"),
    ],
)
def test_a_hostile_name_is_refused_and_said(name: str, why: str) -> None:
    ordinary = [Listed(each, each) for each in ("leave.md", "site/parking.md")]
    kept, refused = sort_names([*ordinary, Listed(name, name)], ("leave.md", "site/parking.md"))
    assert len(refused) == 1 and why in refused[0].detail and len(kept) == 2


def test_names_of_many_folders_take_neither_memory_nor_disk() -> None:
    listed = [Listed(f"{n}/" + "a/" * 900 + "x.md", "x") for n in range(200)]
    deepest = Listed("b/" * (MOST_PARTS - 1) + "x.md", "x")
    tracemalloc.start()
    try:
        kept, refused = sort_names([*listed, deepest], ())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [*kept] == [deepest.name] and len(refused) == 200 and peak < 5 * 2**20


# --- what an address may be -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "sftp://reader:s3cret-word@host/policies",
        "s3://AKIA:s3cret-word@corp/policies",
        "s3://reader:s3cret/word@host/x",
        "https://reader:s3cret-word@host/x",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(take: Take, config: Config, address: str) -> None:
    with pytest.raises(UsageError, match="holds a password") as error:
        take(address)
    assert "cret" not in str(error.value) and "FSSPEC_" in error.value.hint and not config.data.exists()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc",
        "memory://x",
        "sftp://reader@host/policies",
        "zip://a::s3://corp/x.zip",
        "gs::s3://corp",
        "gs://corp",
        "https://host/x?key=s3cret",
    ],
)
def test_other_protocols_are_refused(take: Take, address: str) -> None:
    with pytest.raises(UsageError, match=r"is not s3://\.") as error:
        take(address)
    assert "cret" not in str(error.value) and "wget --mirror" in error.value.hint


def test_other_addresses_that_cannot_be_read_are_told(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="names no place"):
        take("s3:///")
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'policy-assistant\[remote\]'"):
        take("s3://corp/policies")


# --- a bucket of this process -------------------------------------------------------------------------------------


def test_a_copy_that_was_changed_or_deleted_here_is_fetched_again(
    memory: Any, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(memory, FILES)
    found = take("s3://docs")
    (found.folder / "leave.md").unlink()
    (found.folder / "travel.md").write_text("shorter")
    (found.folder / "planted.md").write_text("# Planted\n")
    opened = fetched(monkeypatch)
    take("s3://docs")
    assert sorted(opened) == ["leave.md", "travel.md"]
    assert names(found) == sorted(FILES) and (found.folder / "travel.md").read_text() == TRAVEL


def test_a_link_in_a_copy_is_not_followed(memory: Any, take: Take, tmp_path: Path) -> None:
    pipe(memory, FILES)
    found = take("s3://docs")
    write(tmp_path / "elsewhere", {"mine.md": "mine"})
    (found.folder / "travel.md").unlink()
    (found.folder / "travel.md").symlink_to(tmp_path / "elsewhere" / "mine.md")
    shutil.rmtree(found.folder / "site")
    (found.folder / "site").symlink_to(tmp_path / "elsewhere")
    take("s3://docs")
    assert names(tmp_path / "elsewhere") == ["mine.md"] and (tmp_path / "elsewhere" / "mine.md").read_text() == "mine"
    assert not (found.folder / "site").is_symlink() and not (found.folder / "travel.md").is_symlink()
    assert names(found) == sorted(FILES)


def test_a_link_that_comes_while_files_do_is_not_followed(
    memory: Any, take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(memory, {"site/parking.md": ""})
    (tmp_path / "elsewhere").mkdir()

    def link(self: buckets.S3, file: Listed, *others: Any) -> None:
        [folder] = (path.with_suffix("") for path in (tmp_path / "index" / MIRRORS).glob("*.new"))
        (folder / "site").symlink_to(tmp_path / "elsewhere")

    monkeypatch.setattr(buckets.S3, "fetch", link)
    with pytest.raises(UsageError, match="is reached by a link"):
        take("s3://docs")
    assert names(tmp_path / "elsewhere") == []


def test_more_than_half_that_is_gone_stops_it_and_half_does_not(memory: Any, take: Take) -> None:
    pipe(memory, {f"{n}.md": f"# Page {n}\n" for n in range(4)})
    found = take("s3://docs")
    for n in range(3):
        memory.rm(f"/docs/{n}.md")
    with pytest.raises(UsageError, match=r"3 of 4 files at s3://docs are gone\. .* --prune"):
        take("s3://docs")
    assert len(names(found)) == 4
    pipe(memory, {"2.md": "# Page 2\n"})
    assert names(take("s3://docs")) == ["2.md", "3.md"]


@pytest.mark.parametrize("name", ["access.toml", "hr/access.toml", "leave.md.meta.toml"])
def test_what_says_who_may_see_comes_first_or_stops_it(
    memory: Any, take: Take, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pipe(memory, {**FILES, "a.md": "# A\n", name: 'default = "nobody"\n'})
    opened = fetched(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(UsageError, match="who may see what is there"):
        patch.setattr("ingest.remote.mirror.Sink", lambda *_: (_ for _ in ()).throw(OSError("reset")))
        take("s3://docs")
    assert opened == []
    take("s3://docs")
    assert opened[0] == name


def test_a_size_that_is_not_the_listings_is_not_kept(memory: Any, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/docs/leave.md", LEAVE.encode())
    memory.pipe("/docs/large.md", b"x" * (2**20 + 1))
    tell = type(memory)._told

    def lie(info: Any) -> Any:
        return {**tell(info), "size": 7}

    assert [each.reason for each in take("s3://docs").unfetched] == ["too_large"]
    memory.pipe("/docs/leave.md", b"# Another version\n")
    monkeypatch.setattr(type(memory), "_told", staticmethod(lie))
    told = {each.source: each for each in take("s3://docs").unfetched}
    assert "18 bytes came, and 7 were listed" in told["leave.md"].detail
    assert told["large.md"].reason == "too_large"  # whatever the listing says


@pytest.mark.slow
def test_ten_thousand_files_are_listed_once(memory: Any, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(10_000):
        path = f"/docs/{n % 10}/{n}.md"
        memory.store[path] = MemoryFile(memory, path, b"# Page\n")
    began = time.process_time()
    assert len(names(take("s3://docs"))) == 10_000
    opened = fetched(monkeypatch)
    take("s3://docs")
    assert opened == [] and time.process_time() - began < 15  # seconds, whatever else the machine does


def test_what_was_fetched_is_remembered_if_the_rest_never_comes(
    memory: Any, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(8):
        memory.pipe(f"/docs/{n}.md", b"# Page\n")
    fetch = buckets.S3.fetch

    def stop(self: buckets.S3, file: Listed, *others: Any) -> None:
        if file.name == "7.md":
            time.sleep(0.2)
            raise KeyboardInterrupt
        fetch(self, file, *others)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(buckets.S3, "fetch", stop)
        take("s3://docs")
    opened = fetched(monkeypatch)
    assert len(names(take("s3://docs"))) == 8 and opened == ["7.md"]


def test_a_copy_is_changed_by_one_ingest_at_a_time(memory: Any, take: Take, config: Config) -> None:
    memory.pipe("/docs/leave.md", LEAVE.encode())
    config.data.mkdir()
    with mirror("s3://docs", config, most_gone=0.5), pytest.raises(IndexLocked, match="another ingest"):
        take("s3://docs")
    with filelock.FileLock(config.data / "ingest.lock"):  # the index is not waited for
        assert names(take("s3://docs")) == ["leave.md"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights in another way")
def test_copies_are_their_owners_alone(memory: Any, take: Take, config: Config) -> None:
    memory.pipe("/docs/leave.md", LEAVE.encode())
    config.data.mkdir(mode=0o755)
    found = take("s3://docs")
    assert (found.folder.parent.stat().st_mode & 0o077, found.folder.stat().st_mode & 0o077) == (0, 0)


# --- with the index ----------------------------------------------------------------------------------------------


def test_a_copy_is_a_root_of_its_own_wherever_the_index_lies(
    memory: Any, take: Take, config: Config, run_ingest: Callable[..., IngestReport], tmp_path: Path
) -> None:
    """The index lies in the folder that is ingested, and both have a manifest: neither governs the other."""
    write(tmp_path, {"local.md": LEAVE, "access.toml": 'default = "everyone"\n'})
    memory.pipe("/docs/board.md", TRAVEL.encode())
    memory.pipe("/docs/access.toml", access_toml({"board.md": ["board"]}).encode())
    found = take("s3://docs")
    shutil.rmtree(tmp_path / "afar", ignore_errors=True)
    first = run_ingest(config, tmp_path, found.folder)
    assert sorted(first.added) == ["board.md", "local.md"] and not first.rejected
    again = run_ingest(config, tmp_path, prune=True)
    assert (again.unchanged, again.removed, again.rejected, again.missing) == (1, (), (), 0)
    rows = {row.source: row for row in Catalog.open(config.data).sources().values()}
    assert rows["board.md"].meta.audience == ("board",) and rows["local.md"].meta.audience is None
    memory.rm("/docs/access.toml")
    with pytest.raises(UsageError, match=r"access\.toml is gone"):
        run_ingest(config, take("s3://docs").folder)


def test_a_document_says_where_it_lives(
    memory: Any, take: Take, config: Config, run_ingest: Callable[..., IngestReport]
) -> None:
    memory.pipe("/docs/leave.md", LEAVE.encode())
    found = take("s3://docs")
    run_ingest(config, found.folder)
    catalog = Catalog.open(config.data)
    answer: Any = SimpleNamespace(sources=[SimpleNamespace(source="leave.md")])
    [sha256] = (row.sha256 for row in catalog.sources().values())
    assistant: Any = SimpleNamespace(_engine=SimpleNamespace(reading=lambda: nullcontext(catalog)))
    everyone = make_access()
    document = catalog.queries.document("leave.md", everyone)
    assert document is not None
    assert Assistant.address(assistant, document, everyone) == "s3://docs/leave.md"
    copy = (found.folder / "leave.md").as_uri()  # which is there for whoever runs the index, and opens in a terminal
    assert Assistant.files(assistant, answer, everyone) == {("leave.md", sha256): copy}
    catalog.close()


def test_forgetting_a_document_deletes_its_copy(
    memory: Any, take: Take, config: Config, run_ingest: Callable[..., IngestReport]
) -> None:
    memory.pipe("/docs/secret.md", b"# Paying\n\nZanzibarite invoices are paid by Quuxley.\n")
    memory.pipe("/docs/leave.md", LEAVE.encode())
    found = take("s3://docs")
    run_ingest(config, found.folder)
    left = found.folder.with_name(f"{found.folder.name}.new")  # by a run that was killed
    left.mkdir()
    (left / "0").write_bytes(b"Zanzibarite invoices")
    assert forget(["secret.md"], config) == ["secret.md"]
    files = [path for path in config.data.rglob("*") if path.is_file()]
    assert not [path for path in files if b"anzibarite" in path.read_bytes()] and names(found) == ["leave.md"]
    assert run_ingest(config, take("s3://docs").folder).added == ("secret.md",)


def test_the_command_takes_addresses_beside_paths(s3: Any, run: Run, config: Config, tmp_path: Path) -> None:
    put(s3, {**FILES, "../up.md": "# Up\n"})
    write(tmp_path / "local", {"here.md": "# Here\n\nThe office opens at 8.\n"})
    base = ("--data", config.data, "--json")
    done = run("ingest", "s3://corp/policies", "local", *base)
    assert done.code == 6, done.err
    assert sorted(done.json["added"]) == ["here.md", *sorted(FILES)]
    assert [each["source"] for each in done.json["rejected"]] == ["../up.md"]
    assert "not-for-logs" not in "".join(
        path.read_text(errors="replace") for path in config.data.rglob("*") if path.is_file()
    )
    for name in FILES:
        s3.delete_object(Bucket="corp", Key=f"policies/{name}")
    s3.delete_object(Bucket="corp", Key="policies/../up.md")
    done = run("ingest", "s3://corp/policies", "local", *base)
    assert (done.code, "3 of 3 files at s3://corp/policies are gone" in done.err) == (2, True), done.err
    done = run("ingest", "s3://corp/policies", "local", "--prune", *base)
    assert (done.code, sorted(done.json["removed"])) == (0, sorted(FILES)), done.err
    put(s3, {"access.toml": 'default = "nobody at all"\n', **FILES})
    done = run("ingest", "s3://corp/policies", *base)
    assert done.code == 2 and "s3://corp/policies/access.toml" in done.err and MIRRORS not in done.err


def test_watching_goes_on_where_an_address_fails(
    memory: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "local", {"here.md": "# Here\n\nThe office opens at 8.\n"})
    memory.pipe("/docs/leave.md", LEAVE.encode())

    def look(paths: list[Path], data: Path, look_seconds: float) -> Iterator[bool]:
        assert (paths, look_seconds) == ([Path("local")], 60.0)
        yield False  # it listens, and the first ingest begins
        memory.pipe("/docs/travel.md", TRAVEL.encode())
        yield True
        memory.store.clear()
        write(tmp_path / "local", {"new.md": "# New\n\nThe canteen closes at 3.\n"})
        yield False
        yield True

    monkeypatch.setattr("ingest.watch.changes", look)
    done = run("ingest", "s3://docs", "local", "--watch", "--prune", "--data", config.data, "--json")
    assert done.code == 0 and "files at s3://docs are gone" in done.err
    assert [sorted(report["added"]) for report in done.lines] == [["here.md", "leave.md"], ["travel.md"], ["new.md"]]
    assert len(Catalog.open(config.data).sources()) == 4


def test_a_watch_looks_again_though_nothing_tells_of_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.watch.QUIET_MS", 50)
    began = time.monotonic()
    alone = changes([], tmp_path, 0.05)
    assert [next(alone) for _ in range(4)] == [False, True, True, True] and time.monotonic() - began < 2
    (tmp_path / "docs").mkdir()
    beside = changes([tmp_path / "docs"], tmp_path / "index", 0.2)
    began = time.monotonic()
    assert [next(beside) for _ in range(3)] == [False, True, True]
    assert 0.3 < time.monotonic() - began < 4


def test_a_watch_looks_again_though_what_does_not_count_changes_all_the_time(tmp_path: Path) -> None:
    docs, stop = tmp_path / "docs", threading.Event()
    docs.mkdir()

    def disturb() -> None:
        while not stop.wait(0.1):
            (docs / ".hidden").write_text(str(time.monotonic()))

    threading.Thread(target=disturb, daemon=True).start()
    try:
        began = time.monotonic()
        watched = changes([docs], tmp_path / "index", 1.0)
        assert [next(watched), next(watched)] == [False, True]
        assert time.monotonic() - began < 9
    finally:
        stop.set()


def test_no_server_at_all_is_told_in_one_sentence(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        there = {"endpoint_url": f"http://127.0.0.1:{closed.getsockname()[1]}", "key": "k", "secret": "not-for-logs"}
        monkeypatch.setitem(fsspec.config.conf, "s3", there)
        with pytest.raises(AssistantError, match=r"cannot be (listed|opened): .*\. ") as error:
            take("s3://corp/policies")
    assert "\n" not in str(error.value)
