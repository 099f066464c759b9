"""The catalog: one SQLite file that holds the truth - documents, passages, terms, vectors and the word index.

`Catalog` opens it and is the one writer; what a question reads, `Queries` does.

What may be seen is decided by one table: a document is part of the index exactly when a row of `sources` names it.
An ingest writes documents, passages and vectors ahead of time, invisibly, and then switches `sources` and the current
vector generation in one transaction (`switch`). An ingest that dies before that changes nothing that anybody sees.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path

from assistant.core.errors import IndexMissing
from assistant.core.records import Access, Document, Flag, IndexInfo, Meta, Term
from assistant.index.queries import Queries
from assistant.index.schema import (
    BEGUN,
    DIFFERS,
    FILE_NAME,
    FOREVER,
    SCHEMA,
    SCHEMA_VERSION,
    SEEN,
    VISIBLE,
    NewPassage,
    SourceRow,
    document_of,
    make_private,
    meta_from_json,
    ocr_from_json,
    other_schema,
    read_json,
    source_row_of,
    translate_sqlite_errors,
    visible_to,
)
from assistant.index.word_search import PLACES, VOCABULARY
from assistant.text.words import normalise_term

MASKS = "masks"  # the setting that holds by which settings the documents were masked
PURGE = "purge"  # the setting that says that words are to be removed which the documents do not have any more
REFUSED = "refused"  # the setting that holds why files could not be read
UNNAMED = "id, '', title, text, media_type, sha256, pages, ocr"  # what `document_of` reads, without a source


class Catalog:
    """One connection to the catalog; not for use by two threads at once."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder
        self._file = _identity(folder)
        self.queries = Queries(connection)

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Catalog:
        """Open the catalog in `folder`.

        Raises IndexMissing without one, IndexMismatch for a damaged one or another schema, NotWritable.
        """
        path = folder / FILE_NAME
        if not create and not path.is_file():
            raise IndexMissing(f"there is no index in {folder}.", "Make one: assistant ingest PATH")
        if create:
            make_private(path)
        with translate_sqlite_errors(folder):
            db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA temp_store = MEMORY")
            catalog = cls(db, folder)
            begun = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
            version = catalog.meta("schema") if begun or not create else None
            if version != SCHEMA_VERSION and (version or not create):  # before anything of ours is written into it
                db.close()
                raise other_schema(folder, version)
            if create:
                db.executescript(SCHEMA)
                db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
                db.execute("INSERT OR IGNORE INTO meta VALUES ('id', lower(hex(randomblob(8))))")
            db.execute(PLACES)
            db.execute(VOCABULARY)
            if not create:
                db.execute("PRAGMA query_only = ON")
        return catalog

    def close(self) -> None:
        self._db.close()

    @property
    def is_replaced(self) -> bool:
        """Whether another file has the catalog's name by now, or none, and no snapshot of this one is held."""
        return not self._db.in_transaction and _identity(self._folder) != self._file

    def copy_to(self, folder: Path) -> None:
        """Write what is committed as the catalog of another folder, which has none; raises NotWritable."""
        make_private(folder / FILE_NAME)
        with translate_sqlite_errors(folder), closing(sqlite3.connect(folder / FILE_NAME)) as copy:
            self._db.backup(copy)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one consistent state until the block ends, whatever an ingest does meanwhile."""
        if self._db.in_transaction:
            yield
            return
        try:  # BEGIN inside: an interrupt just after it must not leave the snapshot open for ever
            with translate_sqlite_errors(self._folder):
                self._db.execute("BEGIN")
                yield
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Write all of the block, or nothing; `durable` also holds through a power cut, for the cost of an fsync.

        What is written ahead of a switch need not be durable: SQLite stays consistent, and it can be made again.
        """
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- settings of the index ---------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def refusals(self) -> dict[str, tuple[str, str]]:
        """Return why the last ingest could not read files, by the document that each would have been."""
        return {name: (reason, detail) for name, (reason, detail) in json.loads(self.meta(REFUSED) or "{}").items()}

    def keep_refusals(self, found: Mapping[str, tuple[str, str]]) -> None:
        """Remember why files could not be read, and forget all others."""
        self.set_meta(REFUSED, json.dumps(found))

    def info(self, access: Access | None = None) -> IndexInfo:
        """Count what the index holds and name its generation; for `access`, tell of nothing that it may not see."""
        if access is None:
            return self._info("SELECT document_id FROM sources", {}, self.meta("generation") or "")
        return self.queries.once("info", access, lambda: self._info(SEEN, visible_to(access), self._seen_state(access)))

    def _info(self, documents: str, given: Mapping[str, str], generation: str) -> IndexInfo:
        one = self._db.execute(
            f"""SELECT (SELECT COUNT(*) FROM documents WHERE id IN ({documents})),
                       (SELECT COUNT(*) FROM passages WHERE document_id IN ({documents}))""",
            given,
        ).fetchone()
        return IndexInfo(generation=generation, documents=one[0], passages=one[1])

    def _seen_state(self, access: Access) -> str:
        """Name what `access` may see; the generation's own name changes with what is hidden, too."""
        query = f"""SELECT group_concat(line, char(10)) FROM (SELECT s.source || char(9) || s.document_id AS line
                    FROM sources s WHERE {VISIBLE} ORDER BY line)"""
        (lines,) = self._db.execute(query, visible_to(access)).fetchone()
        return f"seen-{hashlib.sha256((lines or '').encode()).hexdigest()[:16]}"

    def check(self) -> None:
        """Look for damage that no question may meet for long, text and rights included; raises IndexMismatch."""
        with translate_sqlite_errors(self._folder):
            (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
            wrong = """SELECT source FROM sources s WHERE open <> (json_extract(meta, '$.audience') IS NULL)
                       OR (SELECT json_group_array(role) FROM (SELECT role FROM audience a WHERE a.path = s.path
                           ORDER BY role)) <> ifnull(json_extract(meta, '$.audience'), '[]')
                       OR effective <> ifnull(json_extract(meta, '$.effective'), '')
                       OR expires <> ifnull(json_extract(meta, '$.expires'), ?)"""
            for (source,) in self._db.execute(wrong, (FOREVER,)):
                raise sqlite3.DatabaseError(f"who may see {source!r}, or when, is told in two ways")
            self.sources()  # reads their metadata
            passages = """SELECT "start", "end", w.body, p.headings FROM passages p JOIN words w ON w.rowid = p.id
                          WHERE document_id = ?"""
            told = "SELECT id, text, title, pages, ocr FROM documents"
            for document_id, text, _, pages, ocr in self._db.execute(told):
                read_json(pages), ocr_from_json(ocr)
                for start, end, body, headings in self._db.execute(passages, (document_id,)):
                    read_json(headings)
                    if text[start:end] != body:
                        raise sqlite3.DatabaseError(DIFFERS)

    # --- sources -----------------------------------------------------------------------------------------------

    def sources(self, access: Access | None = None, *, ended: bool = False) -> dict[str, SourceRow]:
        """Return every indexed file by its absolute path; for `access`, those that it may see, or might have seen."""
        seen = "TRUE" if access is None else BEGUN if ended else VISIBLE
        rows = self._db.execute(
            f"""SELECT s.path, s.root, s.source, s.document_id, s.size, s.mtime_ns, s.seen_ns, d.file_sha256, s.meta
                FROM sources s JOIN documents d ON d.id = s.document_id WHERE {seen}""",
            visible_to(access) if access else {},
        )
        return {row[0]: source_row_of(row) for row in rows}

    def roles(self) -> list[str]:
        """Return the roles that documents are for."""
        return [role for (role,) in self._db.execute("SELECT DISTINCT role FROM audience ORDER BY role")]

    def outside_validity(self, as_of: str) -> int:
        """Count the sources that are not in force on `as_of`."""
        query = "SELECT COUNT(*) FROM sources WHERE effective > ? OR expires < ?"
        return int(self._db.execute(query, (as_of, as_of)).fetchone()[0])

    def expiring(self, first: str, last: str) -> list[tuple[str, str]]:
        """Return (source, its last day) of what is in force for the last time between two days."""
        query = "SELECT source, expires FROM sources WHERE expires BETWEEN ? AND ? ORDER BY expires, source"
        return list(self._db.execute(query, (first, last)))

    def put_source(self, row: SourceRow) -> None:
        """Insert or replace a file's row and its audience."""
        self._db.execute("DELETE FROM sources WHERE path = ?", (row.path,))
        self._db.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.path,
                row.root,
                row.source,
                row.document_id,
                row.size,
                row.mtime_ns,
                row.seen_ns,
                json.dumps(asdict(row.meta)),
                row.meta.effective or "",
                row.meta.expires or FOREVER,
                row.meta.audience is None,
            ),
        )
        roles = [(row.path, role) for role in row.meta.audience or ()]
        self._db.executemany("INSERT INTO audience VALUES (?, ?)", roles)

    def drop_source(self, path: str) -> None:
        self._db.execute("DELETE FROM sources WHERE path = ?", (path,))

    # --- documents ---------------------------------------------------------------------------------------------

    def document_meta(self, document_id: str) -> Meta | None:
        """Return what a document says of itself; None if the catalog does not hold it."""
        row = self._db.execute("SELECT meta FROM documents WHERE id = ?", (document_id,)).fetchone()
        return meta_from_json(row[0]) if row else None

    def document_metas(self) -> dict[str, Meta]:
        """Return what every document says of itself, by its id; most say the same, which is read once."""
        read = cache(meta_from_json)
        return {id: read(meta) for id, meta in self._db.execute("SELECT id, meta FROM documents")}

    def text_of(self, document_id: str) -> str:
        """Return the text of a document; empty if the catalog does not hold it."""
        row = self._db.execute("SELECT text FROM documents WHERE id = ?", (document_id,)).fetchone()
        return str(row[0]) if row else ""

    def add_document(
        self,
        document: Document,
        passages: Sequence[NewPassage],
        terms: Sequence[Term],
        flags: Sequence[Flag],
        masks: str = "",
        file_sha256: str = "",
    ) -> None:
        """Write a document with its passages, words and terms; nobody sees it before `sources` names it.

        `masks` names the settings by which it was masked; `file_sha256` is its file's, where the document's is another.
        """
        self._db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                document.id,
                document.sha256,
                document.title,
                document.text,
                document.media_type,
                json.dumps(document.pages),
                json.dumps(document.ocr),
                json.dumps(asdict(document.meta)),
                json.dumps([[f.reason, f.detail] for f in flags]),
                masks,
                file_sha256 or document.sha256,
            ),
        )
        for p in passages:
            cursor = self._db.execute(
                'INSERT INTO passages (document_id, "start", "end", headings, page, vector) VALUES (?, ?, ?, ?, ?, ?)',
                (document.id, p.start, p.end, json.dumps(p.headings), p.page, p.vector),
            )
            self._db.execute(
                "INSERT INTO words (rowid, title, headings, body) VALUES (?, ?, ?, ?)",
                (cursor.lastrowid, document.title, " > ".join(p.headings), document.text[p.start : p.end]),
            )
        for t in terms:
            cursor = self._db.execute(
                'INSERT INTO terms (name, aliases, document_id, "start", "end", scope) VALUES (?, ?, ?, ?, ?, ?)',
                (t.name, json.dumps(t.aliases), document.id, t.start, t.end, t.scope),
            )
            norms = {normalise_term(n) for n in (t.name, *t.aliases)} - {""}
            self._db.executemany("INSERT INTO term_names VALUES (?, ?)", [(n, cursor.lastrowid) for n in norms])

    def purge(self) -> None:
        """Rewrite the file without what was deleted: words of old index segments, free pages, the write-ahead log."""
        self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def drop_unused(self) -> None:
        """Delete the documents that no source names, and the vectors that no passage uses."""
        gone = "SELECT id FROM documents WHERE id NOT IN (SELECT document_id FROM sources)"
        self._db.execute(f"DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE document_id IN ({gone}))")
        self._db.execute(f"DELETE FROM documents WHERE id IN ({gone})")
        self._db.execute("DELETE FROM vectors WHERE key NOT IN (SELECT vector FROM passages)")

    def lacks_vectors(self, document_id: str) -> Document | None:
        """Return the document if one of its passages has no vector yet, else None."""
        row = self._db.execute(
            f"""SELECT {UNNAMED} FROM documents WHERE id = ? AND EXISTS (
               SELECT 1 FROM passages p WHERE p.document_id = ? AND p.vector NOT IN (SELECT key FROM vectors))""",
            (document_id, document_id),
        ).fetchone()
        return document_of(row, Meta()) if row else None

    def note_masks(self) -> None:
        """Note by which settings the indexed documents are masked, and where that changes that a purge is due."""
        query = "SELECT DISTINCT masks FROM documents WHERE id IN (SELECT document_id FROM sources) ORDER BY masks"
        before, now = self.meta(MASKS), "; ".join(masks for (masks,) in self._db.execute(query))
        self.set_meta(MASKS, now)
        if before and before != now:
            self.set_meta(PURGE, "due")

    def purge_if_due(self) -> None:
        """Purge the file after what it masks has changed: of that the words must not stay."""
        if self.meta(PURGE):
            self.purge()
            self.set_meta(PURGE, "")

    def hashes(self, document_ids: Collection[str]) -> dict[str, str]:
        """Return the SHA-256 of documents."""
        query = "SELECT id, sha256 FROM documents WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(query, (json.dumps(sorted(document_ids)),)).fetchall())

    def whole(self, document_id: str) -> tuple[Document, list[Term]]:
        """Return a document as it was read, whoever may see it, and its terms."""
        found = self._db.execute(f"SELECT {UNNAMED} FROM documents WHERE id = ?", (document_id,)).fetchone()
        document = document_of(found, Meta())
        query = 'SELECT name, aliases, "start", "end", scope FROM terms WHERE document_id = ? ORDER BY "start"'
        rows = self._db.execute(query, (document_id,))
        terms = [Term(n, tuple(read_json(a)), document.text[b:e], document_id, b, e, s) for n, a, b, e, s in rows]
        return document, terms

    def flags(self) -> list[Flag]:
        """Return what was flagged in the indexed documents."""
        rows = self._db.execute(
            "SELECT s.source, d.flags FROM sources s JOIN documents d ON d.id = s.document_id WHERE d.flags <> '[]'"
        )
        return [Flag(source, *flag) for source, flags in rows for flag in read_json(flags)]

    # --- vectors -----------------------------------------------------------------------------------------------

    def missing_vectors(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return the keys that have no vector yet."""
        found = "SELECT 1 FROM vectors WHERE key = ?"
        return {key for key in set(keys) if not self._db.execute(found, (key,)).fetchone()}

    def add_vectors(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Write (key, float32 bytes) rows."""
        self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def generation_rows(self) -> set[int]:
        """Return the passages that a generation must hold: those of every document that a source names."""
        rows = self._db.execute("SELECT id FROM passages WHERE document_id IN (SELECT document_id FROM sources)")
        return {passage_id for (passage_id,) in rows}

    def vector_rows(self, only: Collection[int] | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (passage id, vector) of what a generation must hold, or `only` some of it."""
        query = """SELECT p.id, v.value FROM passages p JOIN vectors v ON v.key = p.vector
                   WHERE p.document_id IN (SELECT document_id FROM sources)"""
        if only is None:
            yield from self._db.execute(f"{query} ORDER BY p.id")
        else:
            some = "AND p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id"
            yield from self._db.execute(f"{query} {some}", (json.dumps(sorted(only)),))


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return which file has the catalog's name; None where there is none."""
    try:
        info = (folder / FILE_NAME).stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
