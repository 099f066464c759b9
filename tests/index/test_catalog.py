"""The catalog: who sees what on which day, one consistent state a question, and files that are damaged."""

from __future__ import annotations

import itertools
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from assistant.core.config import Config
from assistant.core.errors import IndexMismatch, IndexMissing
from assistant.core.records import Access, Audience, Document, Flag, IngestReport, Meta, Term
from assistant.index.catalog import Catalog
from assistant.index.schema import FILE_NAME, NewPassage, SourceRow, translate_sqlite_errors
from assistant.text.words import normalise_term
from tests import fakes

encoder, parser = fakes.encoder, fakes.parser

DAY = "2026-06-15"
TEXT = "Employees have 27 days of leave. A CISO is the chief information security officer."


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(Catalog.open(tmp_path, create=True)) as catalog:
        yield catalog


def add(catalog: Catalog, name: str, *metas: Meta, text: str = TEXT, terms: Sequence[Term] = ()) -> str:
    """Index a document under one source for each of `metas`: `name-0.md`, `name-1.md`; return its id."""
    passage = NewPassage(0, len(text), ("Leave",), None, text, name.encode())
    document = Document(name, f"{name}.md", name.title(), text, "text/markdown", f"sha of {name}")
    with catalog.transaction():
        catalog.add_document(document, [passage], terms, [])
        catalog.add_vectors([(name.encode(), bytes(4))])
        for i, meta in enumerate(metas):
            source = f"{name}-{i}.md"
            catalog.put_source(SourceRow(f"/{source}", "/", source, name, 1, 1, 1, document.sha256, meta))
    return name


def access(*roles: str, day: str = DAY) -> Access:
    return Access(frozenset(roles), day)


def seen(catalog: Catalog, who: Access) -> dict[str, bool]:
    """Tell, for each way out of the catalog, whether `who` gets anything through it; they must agree."""
    ids = [passage_id for passage_id, _ in catalog.vector_rows()]
    return {
        "sources": bool(catalog.sources(who)),
        "words": bool(catalog.queries.search_words(["leave"], 10, who)[0]),
        "visible": bool(catalog.queries.visible(ids, who)),
        "all visible": bool(catalog.queries.all_visible(who)),
        "hits": bool(catalog.queries.hits([(i, 1.0, ("dense",)) for i in ids], who)),
        "terms": bool(catalog.queries.terms(who)),
        "named": bool(catalog.queries.terms(who, ["ciso"])),
        "document": any(catalog.queries.document(f"doc-{i}.md", who) for i in range(3)),
        "by hash": catalog.queries.document("sha of doc", who) is not None,
    }


CISO = Term("CISO", ("chief information security officer",), "", "doc", 33, len(TEXT), "organisation")
AUDIENCES: list[Audience] = [None, ("hr",), ("board", "hr"), ()]  # everyone, some, and nobody
DATES = [(None, None), ("2026-06-15", None), ("2026-06-16", None), (None, "2026-06-15"), (None, "2026-06-14")]
ROLES: list[tuple[str, ...]] = [(), ("hr",), ("board",), ("sales",), ("hr", "sales")]


@pytest.mark.parametrize(("effective", "expires"), DATES)
def test_a_document_is_seen_by_its_audience_between_its_dates(
    catalog: Catalog, effective: str | None, expires: str | None
) -> None:
    in_force = (effective or "") <= DAY <= (expires or "9999")
    for audience in AUDIENCES:
        add(catalog, "doc", Meta(audience=audience, effective=effective, expires=expires), terms=[CISO])
        for roles in ROLES:
            expected = in_force and (audience is None or bool(set(audience) & set(roles)))
            assert set(seen(catalog, access(*roles)).values()) == {expected}, (audience, roles)
        assert catalog.outside_validity(DAY) == (not in_force)
        with catalog.transaction():
            catalog.drop_source("/doc-0.md")
            catalog.drop_unused()


def test_a_document_with_two_sources_is_seen_through_either(catalog: Catalog) -> None:
    metas = [Meta(audience=a, effective=d[0], expires=d[1]) for a, d in itertools.product(AUDIENCES[:2], DATES[1:4])]
    for pair in itertools.combinations(metas, 2):
        add(catalog, "doc", *pair, terms=[CISO])
        for roles in ((), ("hr",)):
            through = [
                (m.effective or "") <= DAY <= (m.expires or "9999") and (m.audience is None or "hr" in roles)
                for m in pair
            ]
            assert set(seen(catalog, access(*roles)).values()) == {any(through)}, (pair, roles)
            assert sorted(row.source for row in catalog.sources(access(*roles)).values()) == [
                f"doc-{i}.md" for i, sees in enumerate(through) if sees
            ]
        with catalog.transaction():
            catalog.drop_source("/doc-0.md")
            catalog.drop_source("/doc-1.md")
            catalog.drop_unused()


def test_dates_and_audiences_of_two_sources_are_not_mixed(catalog: Catalog) -> None:
    """Open but expired, and in force but restricted: an outsider sees it through neither."""
    add(catalog, "doc", Meta(expires="2020-01-01"), Meta(audience=("hr",)), terms=[CISO])
    assert set(seen(catalog, access()).values()) == {False}
    assert catalog.queries.hits([(1, 1.0, ("dense",))], access("hr"))[0].source == "doc-1.md"


def test_a_hit_names_only_a_source_that_may_be_seen(catalog: Catalog) -> None:
    add(catalog, "doc", Meta(audience=("board",)), Meta(audience=("hr",)), terms=[CISO])
    assert catalog.queries.hits([(1, 1.0, ("dense",))], access("hr"))[0].source == "doc-1.md"
    assert [source for _, source, _ in catalog.queries.terms(access("hr"))] == ["doc-1.md"]
    assert catalog.queries.document("doc-0.md", access("hr")) is None


def test_a_document_for_nobody_is_seen_by_nobody_whatever_else_is_asked(catalog: Catalog) -> None:
    """An empty audience is not a missing one, and people without roles are not everybody."""
    add(catalog, "doc", Meta(audience=()), terms=[CISO])
    for roles in ROLES:
        assert set(seen(catalog, access(*roles)).values()) == {False}
    catalog.check()


def test_a_document_for_nobody_at_one_place_is_for_others_at_another(catalog: Catalog) -> None:
    add(catalog, "doc", Meta(audience=()), Meta(audience=("hr",)))
    assert sorted(row.source for row in catalog.sources(access("hr")).values()) == ["doc-1.md"]


def test_an_audience_that_is_not_what_was_written_is_damage(catalog: Catalog) -> None:
    for change in (
        "UPDATE sources SET open = 1",
        "DELETE FROM audience",
        "INSERT INTO audience VALUES ('/doc-0.md', 'sales')",
    ):
        add(catalog, "doc", Meta(audience=("board", "hr")))
        catalog.check()
        with catalog.transaction():
            catalog._db.execute(change)
        with pytest.raises(IndexMismatch, match="told in two ways"):
            catalog.check()
        with catalog.transaction():
            catalog.drop_source("/doc-0.md")
            catalog.drop_unused()


def test_roles_do_not_reach_into_sql(catalog: Catalog) -> None:
    add(catalog, "doc", Meta(audience=("hr",)))
    for role in ("%", "*", "hr' OR '1'='1", '"', "h_", "HR"):
        assert not catalog.sources(access(role))


def test_a_document_without_a_source_is_invisible_and_then_dropped(catalog: Catalog) -> None:
    add(catalog, "ahead", terms=[CISO])
    assert set(seen(catalog, access()).values()) == {False}
    assert catalog.info().documents == catalog.info().passages == catalog.queries.count_terms() == 0
    assert list(catalog.vector_rows()) == [] and catalog.document_meta("ahead") == Meta()
    with catalog.transaction():
        catalog.drop_unused()
    assert catalog.document_meta("ahead") is None and catalog.missing_vectors([b"ahead"]) == {b"ahead"}


def test_stale_and_unknown_ids_never_come_back(catalog: Catalog) -> None:
    add(catalog, "old", Meta())
    add(catalog, "new", Meta())
    old, new = (passage_id for passage_id, _ in catalog.vector_rows())
    with catalog.transaction():
        catalog.drop_source("/old-0.md")
    scored = [(old, 0.9, ("dense",)), (999, 0.8, ("dense",)), (new, 0.7, ("dense",)), (-1, 0.6, ("dense",))]
    hits = catalog.queries.hits(scored, access())  # type: ignore[arg-type]
    assert [(hit.passage.document_id, hit.rank, hit.score) for hit in hits] == [("new", 1, 0.7)]
    with catalog.transaction():
        catalog.drop_unused()
    add(catalog, "newer", Meta())
    assert old not in catalog.generation_rows()  # an id is never used again


def test_the_limit_counts_what_may_be_seen(catalog: Catalog) -> None:
    add(catalog, "secret", Meta(audience=("board",)))
    for name in ("a", "b", "c"):
        add(catalog, name, Meta())
    assert catalog.queries.visible([4, 99, 1, 2, -1, 3], access()) == [4, 2, 3]
    assert catalog.queries.visible([4, 1], access("board")) == [4, 1] and catalog.queries.visible([], access()) == []
    assert len(catalog.queries.search_words(["leave"], 2, access())[0]) == 2


def test_a_source_comes_back_as_it_was_put(catalog: Catalog) -> None:
    meta = Meta("P-1", "2", "2024-01-01", "2030-01-01", "P-0", "2029-01-01", "HR", "Internal", ("board", "hr"))
    add(catalog, "doc", meta)
    (row,) = catalog.sources().values()
    assert row == SourceRow("/doc-0.md", "/", "doc-0.md", "doc", 1, 1, 1, "sha of doc", meta)


def test_flags_are_kept_with_the_document(catalog: Catalog) -> None:
    document = Document("d", "d.md", "", "x", "text/plain", "sha")
    with catalog.transaction():
        catalog.add_document(document, [], [], [Flag("d.md", "hidden_text", "White text.")])
        catalog.put_source(SourceRow("/d.md", "/", "d.md", "d", 1, 1, 1, "sha", Meta()))
    assert catalog.flags() == [Flag("d.md", "hidden_text", "White text.")]


# --- terms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CISO", "ciso", " Ciso ", "Chief  Information Security Officer", "(CISO)", "“ciso”"])
def test_a_term_is_found_by_name_and_alias_in_any_case(catalog: Catalog, name: str) -> None:
    add(catalog, "doc", Meta(), terms=[CISO])
    ((term, source, title),) = catalog.queries.terms(access(), [normalise_term(name)])
    assert (term.name, term.aliases, source, title) == ("CISO", CISO.aliases, "doc-0.md", "Doc")
    assert term.definition == TEXT[term.start : term.end] == "A CISO is the chief information security officer."


@pytest.mark.parametrize(
    ("one", "same"),
    [("R&D", "r&d"), ("R&D", " (r&d) "), ("Straße", "STRASSE"), ("bring-your-own", "Bring-Your-Own"), ("a  b", "A B")],
)
def test_names_fold_to_one(one: str, same: str) -> None:
    assert normalise_term(one) == normalise_term(same) != ""


def test_other_names_find_nothing(catalog: Catalog) -> None:
    add(catalog, "doc", Meta(), terms=[CISO])
    assert not catalog.queries.terms(access(), ["cis", "officer", "", "%"]) and not catalog.queries.terms(access(), [])
    assert len(catalog.queries.terms(access())) == catalog.queries.count_terms() == 1


# --- one state a question --------------------------------------------------------------------------------------------


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(catalog: Catalog, tmp_path: Path) -> None:
    add(catalog, "old", Meta())
    with closing(Catalog.open(tmp_path)) as reader:
        with reader.snapshot():
            before = reader.info()
            add(catalog, "new", Meta(), text="Something else about leave.")
            with catalog.transaction():
                catalog.drop_source("/old-0.md")
                catalog.set_meta("generation", "g2")
                catalog.drop_unused()
            with reader.snapshot():  # a snapshot inside is the same one
                assert reader.info() == before
            assert sorted(row.source for row in reader.sources(access()).values()) == ["old-0.md"]
            assert reader.queries.slices("sha of old", 0, 9) == {"Employees"}
            assert reader.queries.search_words(["employees"], 5, access())[0]
            assert not reader.queries.search_words(["something"], 5, access())[0]
        assert sorted(row.source for row in reader.sources(access()).values()) == ["new-0.md"]
        assert reader.info().generation == "g2" and reader.queries.slices("sha of old", 0, 9) == set()


def test_a_writer_sees_its_own_transaction_and_others_do_not(catalog: Catalog, tmp_path: Path) -> None:
    with closing(Catalog.open(tmp_path)) as reader, pytest.raises(RuntimeError), catalog.transaction():
        catalog.set_meta("generation", "g")
        assert catalog.meta("generation") == "g" and reader.meta("generation") is None
        raise RuntimeError("rolled back")
    assert catalog.meta("generation") is None


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), RuntimeError("x")])
def test_a_snapshot_that_ends_in_an_error_is_over(catalog: Catalog, failure: BaseException, tmp_path: Path) -> None:
    with closing(Catalog.open(tmp_path)) as reader:
        with pytest.raises(type(failure)), reader.snapshot():
            reader.info()
            raise failure
        add(catalog, "new", Meta())
        with reader.snapshot():
            assert reader.info().documents == 1


def test_ctrl_c_at_any_moment_leaves_no_snapshot_open(catalog: Catalog, tmp_path: Path) -> None:
    """A real SIGINT, sent while snapshots begin and end."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    main = threading.main_thread().ident
    assert main is not None
    add(catalog, "doc0", Meta())
    interrupted = 0
    with closing(Catalog.open(tmp_path)) as reader:
        for i in range(30):
            timer = threading.Timer(0.0005 + i * 0.0001, signal.pthread_kill, (main, signal.SIGINT))
            try:
                timer.start()
                while True:
                    with reader.snapshot():
                        reader.info()
            except KeyboardInterrupt:
                interrupted += 1
            timer.join()
            add(catalog, f"doc{i + 1}", Meta())
            assert reader.info().documents == i + 2, "the old snapshot is still open"
    assert interrupted == 30


def test_a_reader_cannot_write(catalog: Catalog, tmp_path: Path) -> None:
    import sqlite3

    with (
        closing(Catalog.open(tmp_path)) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
        reader.transaction(),
    ):
        reader.set_meta("generation", "mine")


# --- files -----------------------------------------------------------------------------------------------------------


def test_no_catalog_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=r"there is no index in .* Make one: assistant ingest PATH"):
        Catalog.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize(
    "content", [b"not a database, and long enough to be taken for a header" * 20, b"SQLite format 3\0"]
)
def test_a_file_that_is_no_catalog_is_a_mismatch_in_one_sentence(tmp_path: Path, content: bytes, create: bool) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(
        IndexMismatch, match=r"^the catalog is damaged: [^.\n]*\. Delete .*catalog\.sqlite3 and run"
    ) as error:
        Catalog.open(tmp_path, create=create)
    assert "\n" not in str(error.value)


def test_an_empty_file_is_a_mismatch_to_readers_and_a_start_to_writers(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"")
    with pytest.raises(IndexMismatch, match="is damaged: no such table"):
        Catalog.open(tmp_path)
    Catalog.open(tmp_path, create=True).close()
    Catalog.open(tmp_path).close()


def test_another_schema_is_a_mismatch(catalog: Catalog, tmp_path: Path) -> None:
    with catalog.transaction():
        catalog.set_meta("schema", "0")
    with pytest.raises(IndexMismatch, match="the catalog has schema 0, this version reads 5"):
        Catalog.open(tmp_path)


@pytest.mark.parametrize("create", [True, False])
def test_an_index_of_an_older_version_is_named_and_left_as_it_is(tmp_path: Path, create: bool) -> None:
    """An ingest added its own tables first: the older version, which answered meanwhile, met what it did not know."""
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
        db.executescript("""CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                            CREATE TABLE passages (id INTEGER PRIMARY KEY, document_id TEXT NOT NULL);
                            INSERT INTO meta VALUES ('schema', '3');""")
        before = list(db.iterdump())
    with pytest.raises(
        IndexMismatch, match="the catalog has schema 3, this version reads 5; it is as it was"
    ) as caught:
        Catalog.open(tmp_path, create=create)
    assert "--data FOLDER" in caught.value.hint
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        assert list(db.iterdump()) == before


def test_damage_that_shows_only_later_is_a_mismatch_too(
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
) -> None:
    config = make_config()
    root = write_files({f"{i}.md": f"# Rule {i}\n\n" + f"Rule {i} holds. " * 40 for i in range(8)})
    run_ingest(config, root)
    path = config.data / FILE_NAME
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    for name in (f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
        (config.data / name).unlink(missing_ok=True)
    with pytest.raises(IndexMismatch, match=r"[^.\n]+damaged: [^.\n]*\. Delete "):  # noqa: SIM117
        with closing(Catalog.open(config.data)) as catalog, catalog.snapshot():
            catalog.info()
            catalog.queries.search_words(["rule"], 10, access())
            catalog.sources(access())
    with pytest.raises(IndexMismatch, match="damaged: "):
        run_ingest(config, root)


def test_a_page_of_sources_that_is_half_gone_hides_no_document(tmp_path: Path) -> None:
    """As a file that was cut off has it: SQLite reads its rows as NULLs, which are in force on no day."""
    with closing(Catalog.open(tmp_path, create=True)) as catalog:
        for i in range(12):
            add(catalog, f"document-{i}", Meta())
        assert catalog.info(access()).documents == 12
    path = tmp_path / FILE_NAME
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT MAX(pageno) FROM dbstat WHERE name = 'sources' AND pagetype = 'leaf'").fetchone()
    content = bytearray(path.read_bytes())
    content[page * 4096 - 2048 : page * 4096] = bytes(2048)
    path.write_bytes(content)
    damaged = pytest.raises(IndexMismatch, match="of 12 sources")
    with closing(Catalog.open(tmp_path)) as catalog, damaged, catalog.snapshot():
        catalog.info(access())


def test_what_sqlite_says_of_damage_is_one_line_without_a_documents_text(tmp_path: Path) -> None:
    with pytest.raises(IndexMismatch) as error, translate_sqlite_errors(tmp_path):
        raise sqlite3.OperationalError("Could not decode to UTF-8 column 'x' with text 'The pay\nis 71,000 euros'")
    assert "Could not decode to UTF-8 column 'x'." in str(error.value)
    assert "71,000" not in str(error.value) and "\n" not in str(error.value)


def test_the_confidence_of_a_span_is_the_least_of_its_pages(catalog: Catalog) -> None:
    document = Document("d", "d.md", "D", "a" * 30, "application/pdf", "sha", (0, 10, 20), ocr=((2, 0.97), (3, 0.8)))
    with catalog.transaction():
        catalog.add_document(document, [], [], [])
        catalog.put_source(SourceRow("/d.md", "/", "d.md", "d", 1, 1, 1, "sha", Meta()))
    spans = {(0, 5): None, (0, 10): None, (9, 11): 0.97, (10, 20): 0.97, (12, 21): 0.8, (25, 30): 0.8}
    assert {span: catalog.queries.ocr_of("d", *span) for span in spans} == spans
    assert catalog.queries.document("d.md", access()) == document
    catalog._db.execute("UPDATE documents SET ocr = '[3]'")
    with pytest.raises(sqlite3.DatabaseError):
        catalog.queries.ocr_of("d", 0, 5)
