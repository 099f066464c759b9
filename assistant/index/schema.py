"""The catalog's tables, who may see their rows, the rows as records, and what SQLite says in our errors' words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.core.errors import IndexMismatch, NotWritable
from assistant.core.files import PRIVATE_FILE, PRIVATE_FOLDER, keep_private
from assistant.core.records import Access, Document, Meta, Passage

SCHEMA_VERSION = "5"
FILE_NAME = "catalog.sqlite3"
FOREVER = "9999-12-31"
TOKENIZE = "porter unicode61 remove_diacritics 2"
DIFFERS = "a passage is not what its document says"
NO_ROOM = "Make room on the disk and run it again; nothing is lost."
READ_ONLY = "Make it and its files writable, to questions too."
UNWRITABLE = {
    sqlite3.SQLITE_FULL: NO_ROOM,
    sqlite3.SQLITE_IOERR: NO_ROOM,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
}
BUGS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_MISUSE)

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    media_type TEXT NOT NULL, pages TEXT NOT NULL, ocr TEXT NOT NULL, meta TEXT NOT NULL, flags TEXT NOT NULL,
    masks TEXT NOT NULL, file_sha256 TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_sha ON documents (sha256);
CREATE TABLE IF NOT EXISTS sources (
    path TEXT PRIMARY KEY, root TEXT NOT NULL, source TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id), size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    seen_ns INTEGER NOT NULL, meta TEXT NOT NULL, effective TEXT NOT NULL, expires TEXT NOT NULL,
    open INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sources_document ON sources (document_id);
CREATE TABLE IF NOT EXISTS audience (
    path TEXT NOT NULL REFERENCES sources (path) ON DELETE CASCADE, role TEXT NOT NULL,
    PRIMARY KEY (path, role)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, headings TEXT NOT NULL, page INTEGER, vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS passages_document ON passages (document_id);
CREATE INDEX IF NOT EXISTS passages_vector ON passages (vector);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    title, headings, body, tokenize = '{TOKENIZE}');
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS terms (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, aliases TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, scope TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS terms_document ON terms (document_id);
CREATE TABLE IF NOT EXISTS term_names (
    norm TEXT NOT NULL, term_id INTEGER NOT NULL REFERENCES terms (id) ON DELETE CASCADE,
    PRIMARY KEY (norm, term_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS term_names_term ON term_names (term_id);
"""

# A source may be seen by its audience, between its dates; what has ended, by whoever looks at versions or upkeep.
# Every read that leaves the catalog goes through this.
BEGUN = """(s.effective <= :as_of AND
    (s.open OR EXISTS (SELECT 1 FROM audience a WHERE a.path = s.path
                       AND a.role IN (SELECT value FROM json_each(:roles)))))"""
VISIBLE = f"(s.expires >= :as_of AND {BEGUN})"
SEEN = f"SELECT s.document_id FROM sources s WHERE {VISIBLE}"


def visible_to(access: Access) -> dict[str, str]:
    """Return the parameters of `VISIBLE` and `BEGUN`."""
    return {"as_of": access.as_of, "roles": json.dumps(sorted(access.roles))}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A file as the catalog knows it; `seen_ns` is when its content was last read, `sha256` what it then was."""

    path: str
    root: str
    source: str
    document_id: str
    size: int
    mtime_ns: int
    seen_ns: int
    sha256: str
    meta: Meta


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage on its way in; `embed_text` is what is encoded, `vector` the key of its vector."""

    start: int
    end: int
    headings: tuple[str, ...]
    page: int | None
    embed_text: str
    vector: bytes


def make_private(path: Path) -> None:
    """Make folder and file for their owner alone, and take from others what rights they had to the file.

    SQLite gives the files beside it the same rights. One that is there is not opened: closing it would let go of the
    locks that other connections of this process hold.
    """
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    if not path.exists():
        with suppress(OSError):  # what cannot be written is SQLite's to say
            path.touch(PRIVATE_FILE)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        keep_private(path.with_name(name))


@contextmanager
def translate_sqlite_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite says of a damaged catalog into IndexMismatch, of a full or locked disk into NotWritable."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in BUGS or isinstance(error, sqlite3.ProgrammingError):
            raise
        if code in UNWRITABLE:
            raise NotWritable(f"the index folder {folder} cannot be written: {error}.", UNWRITABLE[code]) from error
        told = " ".join(str(error).partition(" with text ")[0].split())  # it would go on with a document's text
        raise IndexMismatch(f"the catalog is damaged: {told}.", rebuild_hint(folder)) from error


def rebuild_hint(folder: Path) -> str:
    """Return the hint for a catalog that is of no use; the log and the calibration beside it stay."""
    return f"Delete {folder / FILE_NAME} and run `assistant ingest` again."


def other_schema(folder: Path, version: str | None) -> IndexMismatch:
    """Return the error for an index of another version, which can go on with it until there is a new one."""
    cause = f"the catalog has schema {version}, this version reads {SCHEMA_VERSION}; it is as it was."
    beside = "The version that made it can go on answering while you make another: assistant ingest PATH --data FOLDER."
    return IndexMismatch(cause, f"{beside} Or, without answers meanwhile: {rebuild_hint(folder)}")


def other_encoder(folder: Path, indexed: str, ours: str, known: Mapping[str, str]) -> IndexMismatch:
    """Return the error for an index of another encoder; `known` are the graphs' SHA-256 of encoders by name."""
    name = next((name for name, sha in known.items() if sha == indexed), "")
    cause = f"the index in {folder} was made with {name or f'another encoder ({indexed[:12]}, now {ours[:12]})'}."
    setting = f'Set encoder.model = "{name}" in config.toml' if name else "Set encoder.model to that encoder"
    return IndexMismatch(cause, f"{setting}, or delete {folder / FILE_NAME} and run `assistant ingest` again.")


def meta_from_json(text: str) -> Meta:
    raw = read_json(text)
    try:
        return Meta(**{**raw, "audience": None if raw["audience"] is None else tuple(raw["audience"])})
    except (TypeError, KeyError) as error:
        raise sqlite3.DatabaseError(f"{text!r} is no metadata") from error


def read_json(text: str) -> Any:
    """Parse what the catalog wrote; raises DatabaseError, since it has changed if it is not JSON."""
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"{text!r} is not JSON") from error


def document_of(row: Sequence[Any], meta: Meta) -> Document:
    document_id, source, title, text, media_type, sha256, pages, ocr = row[:8]
    read = ocr_from_json(ocr)
    return Document(document_id, source, title, text, media_type, sha256, tuple(read_json(pages)), meta, ocr=read)


def ocr_from_json(text: str) -> tuple[tuple[int, float], ...]:
    """Return the pages that were read by OCR, each with its confidence; raises DatabaseError for anything else."""
    try:
        return tuple((int(page), float(confidence)) for page, confidence in read_json(text))
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"{text!r} is no list of pages read by OCR") from error


def passage_of(row: Sequence[Any]) -> Passage:
    passage_id, document_id, text, start, end, headings, page = row[:7]
    return Passage(passage_id, document_id, text, start, end, tuple(read_json(headings)), page)


def source_row_of(row: Sequence[Any]) -> SourceRow:
    path, root, source, document_id, size, mtime_ns, seen_ns, sha256, meta = row
    return SourceRow(path, root, source, document_id, size, mtime_ns, seen_ns, sha256, meta_from_json(meta))
