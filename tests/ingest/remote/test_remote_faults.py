"""What a place does wrong: what it takes of time, memory and disk is bounded, and the rest goes on."""

from __future__ import annotations

import gzip
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import fsspec
import pytest
from rich.console import Console

from assistant.core.config import Config
from assistant.core.errors import NotWritable
from assistant.core.records import IngestReport, Quote
from assistant.index.mirrors import FOLDER as MIRRORS
from assistant.terminal.views import sources_view
from ingest.moves_and_removals import forget
from ingest.remote import kept
from ingest.remote import sitemap as sitemap_module
from ingest.remote.mirror import mirror
from ingest.remote.sitemap import LONGEST_LINK, Allowance, NoSitemapError, read_sitemap
from ingest.watch import changes
from tests.commands import Run
from tests.ingest.remote.places import FILES, LEAVE, TRAVEL, Take, names, pipe, write
from tests.ingest.remote.servers import Asked, Sftp, Web


def test_an_interruption_ends_what_is_being_fetched(web: Web, take: Take) -> None:
    dripping = threading.Event()

    def drip(asked: Asked) -> None:
        asked.send_response(200)
        asked.send_header("Content-Type", "text/html")
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        dripping.set()
        for _ in range(100):
            asked.wfile.write(b"x")
            time.sleep(0.1)

    def hang(asked: Asked) -> None:
        time.sleep(10)

    web.pages |= {"/drip": drip, "/hang": hang}
    web.list_pages("/drip", "/hang")

    def interrupt() -> None:
        dripping.wait(5)
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began, before = time.monotonic(), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        take(f"{web.url}/sitemap.xml", seconds=30.0)
    assert time.monotonic() - began < 4
    left = [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
    assert not [thread for thread in left if thread.name.startswith("ThreadPool")]


def test_a_local_secret_is_forgotten_while_an_address_is_slow(
    memory: Any, config: Config, run_ingest: Callable[..., IngestReport], write_files: Callable[..., Path]
) -> None:
    run_ingest(config, write_files({"secret.md": LEAVE}))
    memory.pipe("/docs/travel.md", TRAVEL.encode())
    with mirror("memory://docs", config, most_gone=0.5) as found:
        assert forget(["secret.md"], config) == ["secret.md"]
        run_ingest(config, found.folder)
        left = found.folder.with_name(f"{found.folder.name}.new")
        left.mkdir()  # as another run would have it, at work
        assert forget(["travel.md"], config) == ["travel.md"] and left.exists()


def test_a_local_change_does_not_wait_for_an_address(
    memory: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "local", {"here.md": "# Here\n\nThe office opens at 8.\n"})
    memory.pipe("/docs/leave.md", LEAVE.encode())

    def look(*_: Any) -> Iterator[bool]:
        memory.pipe("/docs/travel.md", TRAVEL.encode())
        write(tmp_path / "local", {"new.md": "# New\n\nThe canteen closes at 3.\n"})
        yield False

    monkeypatch.setattr("ingest.watch.changes", look)
    done = run("ingest", "memory://docs", "local", "--watch", "--data", config.data, "--json")
    assert [sorted(report["added"]) for report in done.lines] == [["here.md", "leave.md"], ["new.md"]]


def test_a_watch_tells_changes_here_from_looks_elsewhere(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    threading.Timer(0.5, lambda: (docs / "new.md").write_text("# New\n")).start()
    assert next(changes([docs], tmp_path / "index", 60.0)) is False


def test_pruning_stops_at_the_first_look_of_a_watch_too(
    memory: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service is started anew just as the address is out of reach."""
    monkeypatch.setattr("ingest.watch.changes", lambda *_: iter(()))
    pipe(memory, FILES)
    base = ("ingest", "memory://docs", "--prune", "--data", config.data)
    assert run(*base).code == 0
    memory.rm("/docs/leave.md")
    memory.rm("/docs/travel.md")
    done = run(*base, "--watch")
    assert done.code == 2 and "2 of 3 files at memory://docs are gone" in done.err
    assert run(*base).code == 0  # whoever looks on may say so


# --- sitemaps ----------------------------------------------------------------------------------------------------


def sitemap(*entries: str) -> bytes:
    return f"<urlset>{''.join(entries)}</urlset>".encode()


@pytest.mark.parametrize(
    ("what", "is_refused"),
    [
        (b"<urlset>" + b"<a/>" * 100_000 + b"</urlset>", True),
        (b"<urlset><url>" + b"<a>" * 100_000, True),
        (b"<urlset>" + b"<url><loc>" + b"a" * 1_500_000 + b"</loc></url></urlset>", False),
        (b"<urlset>" + b" " * 3_000_000 + b"</urlset>", True),
    ],
    ids=["wide", "deep", "long", "large"],
)
def test_what_a_small_sitemap_unpacks_to_takes_no_memory(
    what: bytes, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap_module, "MAX_ELEMENTS", 20_000)
    monkeypatch.setattr(sitemap_module, "MAX_SITEMAP", 2_000_000)
    packed = gzip.compress(what, 1)
    tracemalloc.start()
    try:
        with pytest.raises(NoSitemapError) if is_refused else nullcontext():
            assert read_sitemap(packed, Allowance()).entries == []
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_all_sitemaps_of_a_site_have_one_allowance() -> None:
    allowance = Allowance(left=1_000)
    body = sitemap("<url><loc>http://h/a</loc></url>" * 20)
    assert len(read_sitemap(body, allowance).entries) == 20
    with pytest.raises(NoSitemapError, match="too large"):
        read_sitemap(body, allowance)


def test_a_link_that_is_none_is_passed_over(web: Web, take: Take) -> None:
    web.list_pages("http://[::1/x", "http://h:x/y", "/leave", f"/{'a' * LONGEST_LINK}")
    web.pages["/leave"] = "<h1>Leave</h1>"
    found = take(f"{web.url}/sitemap.xml")
    assert names(found) == ["leave.html"] and found.unfetched == ()


def test_a_page_that_is_listed_twice_is_one(web: Web, take: Take) -> None:
    web.pages |= {"/": "<h1>Home</h1>", "/index.html": "<h1>Home</h1>", "/leave": "<h1>Leave</h1>"}
    web.list_pages("/", "/index.html", "/leave#days", "/leave#hours", "/leave")
    found = take(f"{web.url}/sitemap.xml")
    assert (names(found), found.unfetched) == (["index.html", "leave.html"], ())


def test_a_stamp_is_that_of_its_address(web: Web, take: Take) -> None:
    web.pages |= {"/leave": "<h1>Old</h1>", "/leave.html": "<h1>New</h1>"}
    days = {"leave": "2026-01-01", "leave.html": "2026-01-01"}
    web.list_pages("/leave", **days)
    assert (take(f"{web.url}/sitemap.xml").folder / "leave.html").read_text() == "<h1>Old</h1>"
    web.list_pages("/leave.html", **days)
    assert (take(f"{web.url}/sitemap.xml").folder / "leave.html").read_text() == "<h1>New</h1>"


def test_a_page_is_not_taken_for_a_document(web: Web, take: Take) -> None:
    web.list_pages("/leave.pdf")
    web.pages["/leave.pdf"] = b"%PDF"
    take(f"{web.url}/sitemap.xml")
    web.pages["/leave.pdf"] = lambda asked: asked.answer("<h1>Please sign in</h1>", Content_Type="text/html")
    found = take(f"{web.url}/sitemap.xml")
    assert [each.reason for each in found.unfetched] == ["unsupported"]
    assert (found.folder / "leave.pdf").read_bytes() == b"%PDF"


def test_what_is_configured_for_https_is_not_sent_in_the_open(
    web: Web, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    for protocol in ("http", "https"):
        login = {"client_kwargs": {"headers": {"Authorization": f"Bearer of-{protocol}"}}}
        monkeypatch.setitem(fsspec.config.conf, protocol, login)
    web.list_pages("/leave")
    web.pages["/leave"] = "<h1>Leave</h1>"
    take(f"{web.url}/sitemap.xml")
    assert {headers["Authorization"] for headers in web.headers} == {"Bearer of-http"}


# --- folders -----------------------------------------------------------------------------------------------------


def test_a_name_in_another_encoding_is_told_and_the_rest_is_read(sftp: Sftp, take: Take) -> None:
    policies = sftp.root / "policies"
    write(policies, FILES)
    (policies / "caf\udce9.md").write_text("# Coffee\n")
    (policies / "th\udce9").mkdir()
    found = take(f"sftp://127.0.0.1:{sftp.port}/policies")
    assert names(found) == sorted(FILES)
    assert sorted(each.source for each in found.unfetched) == ["caf\ufffd.md", "th\ufffd"]
    assert all("not valid UTF-8" in each.detail for each in found.unfetched)


def test_the_root_of_a_host_is_a_folder(sftp: Sftp, take: Take) -> None:
    write(sftp.root, FILES)
    found = take(f"sftp://127.0.0.1:{sftp.port}/")
    assert names(found) == sorted(FILES)


def test_what_was_fetched_aside_is_deleted_though_the_disk_is_full(
    memory: Any, take: Take, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(memory, FILES)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_atomic", full)
    with pytest.raises(NotWritable, match="No space left"):
        take("memory://docs")
    assert not [path for path in (config.data / MIRRORS).iterdir() if path.suffix == ".new"]


def test_an_address_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    quote = Quote(1, "A quote.", "leave.md", "Leave", (), None, 0, 8, "hash")
    with (tmp_path / "out").open("w+", encoding="utf-8") as out:
        console = Console(file=out, force_terminal=True, color_system="truecolor", legacy_windows=False)
        console.print(sources_view([quote], {("leave.md", "hash"): "http://h/?\x9b2J"}))
        out.seek(0)
        shown = out.read()
    assert "http://h/?" in shown and "\x9b" not in shown
