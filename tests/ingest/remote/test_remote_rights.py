"""Who may see what lies at an address: no manifest is taken for none, and none is passed over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import IngestReport, make_access
from assistant.index.catalog import Catalog
from assistant.index.mirrors import address_of
from ingest.remote import s3 as buckets
from ingest.remote.names import sort_names
from ingest.remote.s3 import Listed
from ingest.rights import access_to_index
from tests.commands import Run
from tests.ingest.remote.places import FILES, LEAVE, TRAVEL, Take, names, pipe, put, write
from tests.manifests import access_toml

NOBODY, EVERYONE = 'default = "nobody"\n', 'default = "everyone"\n'
BOARD = access_toml({"z.md": ["board"]})
PLANS, SECRET = "# Plans\n\nNothing is planned for next year.\n", "# Plans\n\nThe plant is sold to Halden soon.\n"


@pytest.mark.parametrize("address", ["s3://corp/policies/hr", "s3://corp/policies/hr/pay.md"])
@pytest.mark.parametrize("at", ["", "policies/"])
def test_a_manifest_above_an_address_in_a_bucket_stops_it(s3: Any, take: Take, address: str, at: str) -> None:
    put(s3, {"hr/pay.md": "# Pay\n"})
    take(address)
    put(s3, {"access.toml": NOBODY}, at)
    with pytest.raises(UsageError, match=rf"s3://corp/{at}access\.toml says who .*Give s3://corp"):
        take(address)
    assert "access.toml" in names(take(f"s3://corp/{at}"))


def test_where_nothing_tells_what_lies_above_an_own_manifest_does(
    memory: Any, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> Any:
        raise PermissionError("Forbidden")

    memory.pipe("/docs/hr/pay.md", b"# Pay\n")
    monkeypatch.setattr(type(memory), "_info", refuse)
    with pytest.raises(UsageError, match=r"s3://docs/access\.toml, .* cannot be told: Forbidden\."):
        take("s3://docs/hr")
    memory.pipe("/docs/hr/access.toml", NOBODY.encode())
    assert names(take("s3://docs/hr")) == ["access.toml", "pay.md"]


@pytest.mark.parametrize("name", ["a//access.toml", "../access.toml", "ACCESS.toml", "a/" * 60 + "access.toml"])
def test_a_refused_name_that_says_who_may_see_files_stops_it(name: str) -> None:
    with pytest.raises(UsageError, match=r"says who may see what is at .*, and is not read"):
        sort_names([Listed("access.toml", "x"), Listed(name, "x")], {"access.toml"})


def test_a_key_that_reads_as_a_version_is_not_fetched(s3: Any, take: Take) -> None:
    put(s3, {**FILES, "pay.md": "# Pay\n", "pay.md?versionId=x.md": "# Evil\n", "?versionId=.md": "# Evil\n"})
    put(s3, {"access.toml": access_toml({"pay.md": ["hr"]})})
    found = take("s3://corp/policies")
    assert sorted(each.source for each in found.unfetched) == ["?versionId=.md", "pay.md?versionId=x.md"]
    assert names(found) == sorted(["access.toml", "pay.md", *FILES])
    with pytest.raises(UsageError, match="names a version"):
        take("s3://corp/policies/pay.md?versionId=x")


def test_a_rule_may_name_what_was_not_fetched(
    memory: Any, take: Take, config: Config, run_ingest: Callable[..., IngestReport]
) -> None:
    pipe(memory, {"leave.md": LEAVE, "access.toml": access_toml({"board.md": ["board"], "HR/pay.md": ["hr"]})})
    memory.pipe("/docs/board.md", b"x" * (2**20 + 1))
    pipe(memory, {"hr/a.md": TRAVEL, "HR/pay.md": "# Pay\n"})
    found = take("s3://docs")
    assert {each.source for each in found.unfetched} == {"board.md", "hr/a.md"}
    assert sorted(run_ingest(config, found.folder).added) == ["HR/pay.md", "leave.md"]
    assert access_to_index(config)[1] == ""


def test_what_stops_an_ingest_is_named_by_its_address(memory: Any, run: Run, config: Config, tmp_path: Path) -> None:
    write(tmp_path / "local", {"here.md": "# Here\n\nThe office opens at 8.\n"})
    pipe(memory, {"leave.md": f"---\naudience: hr\n---\n{LEAVE}"})
    done = run("ingest", "local", "s3://docs", "--data", config.data)
    assert done.code == 2 and "s3://docs/leave.md has an audience" in " ".join(done.err.split()), done.err
    pipe(memory, {"leave.md": LEAVE, "access.toml": NOBODY, "hr/access.toml": NOBODY})
    done = run("ingest", "local", "s3://docs", "--data", config.data)
    told = " ".join(done.err.split())
    assert done.code == 2 and "s3://docs/hr/access.toml lies below s3://docs:" in told, done.err
    assert 'Move its rules to s3://docs/access.toml, with "hr/" before their paths, and delete it.' in told


@pytest.mark.parametrize("are_etags_told", [True, False])
@pytest.mark.parametrize(
    ("before", "key", "text", "told"),
    [
        (EVERYONE, "policies/access.toml", BOARD, r"s3://corp/policies/access\.toml changed .*Ingest again"),
        (EVERYONE, "policies/access.toml", "", r"s3://corp/policies/access\.toml changed .*Ingest again"),
        ("", "policies/access.toml", BOARD, r"s3://corp/policies/access\.toml changed .*Ingest again"),
        (EVERYONE, "policies/hr/access.toml", BOARD, r"s3://corp/policies/hr/access\.toml changed .*Ingest again"),
        ("", "access.toml", BOARD, r"s3://corp/access\.toml says who"),
    ],
)
def test_a_text_that_came_with_its_rule_is_not_ingested_without_it(
    s3: Any,
    take: Take,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    key: str,
    text: str,
    told: str,
    are_etags_told: bool,
) -> None:
    """The rule is put after what says who may see files was fetched, and then the text, of the same size."""
    put(s3, {"z.md": PLANS} | ({"access.toml": before} if before else {}))

    def restrict() -> None:
        s3.delete_object(Bucket="corp", Key=key)
        if text:
            s3.put_object(Bucket="corp", Key=key, Body=text.encode())
        put(s3, {"z.md": SECRET})

    if not are_etags_told:
        monkeypatch.setattr(buckets, "_etag", lambda _: "")
    before_fetching("z.md", restrict, monkeypatch)
    with pytest.raises(UsageError, match=told):
        take("s3://corp/policies")


def test_a_text_that_is_another_than_was_listed_is_not_taken(
    s3: Any, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, {"z.md": PLANS})
    found = take("s3://corp/policies")
    put(s3, {"z.md": PLANS.replace("year", "week")})
    before_fetching("z.md", lambda: put(s3, {"z.md": SECRET}), monkeypatch)
    [late] = take("s3://corp/policies").unfetched
    assert (late.source, late.reason) == ("z.md", "unreadable") and "changed after it was listed" in late.detail
    assert (found.folder / "z.md").read_text() == PLANS
    assert not take("s3://corp/policies").unfetched and (found.folder / "z.md").read_text() == SECRET


def test_a_rule_that_came_while_an_address_was_fetched_is_obeyed(
    s3: Any, run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, {"access.toml": EVERYONE, "z.md": PLANS})
    before_fetching("z.md", lambda: put(s3, {"access.toml": BOARD, "z.md": SECRET}), monkeypatch)
    done = run("ingest", "s3://corp/policies", "--data", config.data)
    assert done.code == 0, done.err
    catalog = Catalog.open(config.data)
    [row] = catalog.sources().values()
    assert row.meta.audience == ("board",) and "Halden" in catalog.text_of(row.document_id)
    catalog.close()


def before_fetching(name: str, change: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Change something, once, just before a file is fetched."""
    fetch, is_due = buckets.S3.fetch, [True]

    def late(self: buckets.S3, file: Listed, *others: Any) -> None:
        if file.name == name and is_due:
            is_due.pop()
            change()
        fetch(self, file, *others)

    monkeypatch.setattr(buckets.S3, "fetch", late)


def test_a_document_is_told_by_its_own_source_where_two_share_its_name(
    memory: Any, take: Take, config: Config, run_ingest: Callable[..., IngestReport], write_files: Callable[..., Path]
) -> None:
    """A local document, and one of an address with its name: each has its own place, owner and standing."""
    local = write_files({"leave.md": f"---\nowner: HR\n---\n{LEAVE}"})
    pipe(memory, {"leave.md": f"---\nowner: Mallory\n---\n{TRAVEL}"})
    run_ingest(config, local, take("s3://docs").folder)
    catalog, everyone = Catalog.open(config.data), make_access()
    rows = {bool(address_of(path)): row for path, row in catalog.sources().items()}
    files = catalog.queries.files({"leave.md"}, everyone)
    assert files == {(row.source, row.sha256): row.path for row in rows.values()} and len(files) == 2
    for is_afar, owner in ((False, "HR"), (True, "Mallory")):
        meta = catalog.queries.meta_of("leave.md", rows[is_afar].sha256, everyone)
        assert meta is not None and meta.owner == owner
    catalog.close()


@pytest.mark.parametrize("first", ["hr/pay.md", "HR/pay.md", "pay.md/x.md"])
def test_what_came_later_takes_no_name(first: str) -> None:
    names_of = ("HR/pay.md", "hr/pay.md") if first.lower() == "hr/pay.md" else ("pay.md", "pay.md/x.md")
    kept, _ = sort_names([Listed(first, "x")], ())
    for _ in range(2):
        kept, refused = sort_names([Listed(name, name) for name in names_of], kept.keys())
        assert [*kept] == [first] and len(refused) == 1
