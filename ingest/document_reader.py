"""A file -> its row and its document: read, split, screened and put into the catalog, if that lacks it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from assistant.core.config import IngestSection
from assistant.core.errors import DocumentRejected
from assistant.core.records import Document, Flag, Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import NewPassage, SourceRow
from ingest.access_manifest import rule_text
from ingest.embedding import EmbedQueue
from ingest.formats import SCANNED, Parsed, Scans
from ingest.formats.parsed import reject
from ingest.metadata import ExternalMetadata, describe, title_with_status
from ingest.sandbox import ParserProcess
from ingest.screen import Screen
from ingest.sources import FoundFile, read_bytes
from ingest.split import is_within, split
from ingest.terms import find_terms

# Raise it when the same bytes give another text or other passages, or are no longer refused: they are then read again.
READER_VERSION = "21"
MAY_PASS = ("too_slow", "too_large", "crashed")  # a refusal that is the machine's, so that the file is tried again
SCREENED = 256  # passages between two looks at the clock
GRANTED = "audience"  # why a document is rejected whose front matter says who may see it
RACY_NS = 2_000_000_000  # a file changed this soon before it was read may change again within its time stamp


class Deadline:
    """Begins when it is made; each step between two checks takes time that grows as its text does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise DocumentRejected, `too_slow`, once the time is over."""
        if time.monotonic() > self._end:
            raise reject("too_slow", f"Splitting and screening the file took longer than {self._seconds:g} s.")


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Turns a file into its row, and puts its document into the catalog if that lacks it.

    `metas` are what the catalog's documents say of themselves, when the ingest began; `before` is why files were
    refused that an earlier ingest tried to read, `refused` those of this one, both by the document that was not made.
    """

    catalog: Catalog
    metas: Mapping[str, Meta]
    settings: IngestSection
    encoder_sha: str
    parser: ParserProcess
    screen: Screen
    queue: EmbedQueue
    before: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)

    def unchanged(self, file: FoundFile, old: SourceRow | None, external: ExternalMetadata) -> SourceRow | None:
        """Return the file's row without reading it, if its size and time say that its content is what was read."""
        if old is None or (old.size, old.mtime_ns) != (file.size, file.mtime_ns):
            return None
        if old.seen_ns - RACY_NS < old.mtime_ns:
            return None
        if old.document_id != self._document_id(file, old.sha256, external.title):
            return None
        own = self.metas.get(old.document_id)
        if own is None:
            return None
        return replace(old, root=str(file.root), source=file.source, meta=external.merge(own))

    def read(self, file: FoundFile, external: ExternalMetadata) -> tuple[SourceRow, list[Flag]]:
        """Return the file's row, and what is to be said of its text; raises DocumentRejected."""
        self.screen.check_name(file.source)  # it costs less than reading the file, at each ingest
        seen_ns = time.time_ns()
        data = read_bytes(file, self.settings.max_file_mb)
        sha256 = hashlib.sha256(data).hexdigest()
        document_id = self._document_id(file, sha256, external.title)
        own = self.catalog.document_meta(document_id)
        flags: list[Flag] = []
        if own is None:
            parsed = self._parsed(document_id, data, file.path.name)
            _refuse_grants(file, parsed.front_matter)
            own = describe(parsed.front_matter, "front matter").meta
            document = make_document(document_id, file, sha256, external.title, parsed, own)
            flags = self._add(document, parsed.flags)
        elif stored := self.catalog.lacks_vectors(document_id):  # an earlier run died between reading and embedding
            self.queue.add(self._passages(stored, Deadline(self.settings.max_seconds))[0])
        row = SourceRow(
            path=str(file.path),
            root=str(file.root),
            source=file.source,
            document_id=document_id,
            size=file.size,
            mtime_ns=file.mtime_ns,
            seen_ns=seen_ns,
            sha256=sha256,
            meta=external.merge(own),
        )
        return row, flags

    def _parsed(self, document_id: str, data: bytes, name: str) -> Parsed:
        try:
            if document_id in self.before:
                raise DocumentRejected(*self.before[document_id])
            return self.parser.read(data, name)
        except DocumentRejected as error:
            if error.reason not in MAY_PASS:
                self.refused[document_id] = error.reason, error.detail
            raise

    def _add(self, document: Document, found: Sequence[tuple[str, str]]) -> list[Flag]:
        deadline = Deadline(self.settings.max_seconds)
        document, named = self.screen.titled(document)
        file_sha256 = document.sha256
        document, masked = self.screen.masked(document, deadline.check)
        passages, planted = self._passages(document, deadline)
        flags = [*(Flag(document.source, reason, detail) for reason, detail in found), *named, *masked, *planted]
        terms = [term for term in find_terms(document) if is_within(term.start, passages)]
        deadline.check()
        with self.catalog.transaction():
            self.catalog.add_document(document, passages, terms, flags, self.screen.masks, file_sha256)
        self.queue.add(passages)
        return flags

    def _passages(self, document: Document, deadline: Deadline) -> tuple[list[NewPassage], list[Flag]]:
        passages = split(document, self.settings, self.encoder_sha)
        screened = self._screened(document, passages, deadline)
        # A heading stands in the first passage below it, so where every passage is clean no heading is planted.
        if len(screened[0]) < len(passages) and (planted := self.screen.planted_headings(document)):
            return self._screened(document, split(document, self.settings, self.encoder_sha, planted), deadline)
        return screened

    def _screened(
        self, document: Document, passages: Sequence[NewPassage], deadline: Deadline
    ) -> tuple[list[NewPassage], list[Flag]]:
        kept: list[NewPassage] = []
        flags: list[Flag] = []
        for at in range(0, len(passages), SCREENED):
            deadline.check()
            screened = self.screen(document, passages[at : at + SCREENED])
            kept += screened[0]
            flags += screened[1]
        return kept, flags

    def _document_id(self, file: FoundFile, sha256: str, title: str) -> str:
        """Name a document by all that its passages depend on: bytes, format, given title, this version, settings.

        Where OCR came or went, so did the text of what may be scanned.
        """
        sizes = f"{self.settings.passage_words} {self.settings.passage_max_words}"
        suffix = file.path.suffix.lower()
        ocr = f" {self.settings.ocr_pages}" if suffix in SCANNED and Scans(self.settings.ocr_pages).usable else ""
        made_by = f"{READER_VERSION} {suffix}{ocr} {sizes} {self.screen.id}"
        return hashlib.sha256(f"{made_by}\n{sha256}\n{title}".encode()).hexdigest()[:32]


def make_document(document_id: str, file: FoundFile, sha256: str, title: str, parsed: Parsed, own: Meta) -> Document:
    """Return the document that a file holds."""
    return Document(
        id=document_id,
        source=file.source,
        title=title_with_status(title or parsed.title, parsed),
        text=parsed.text,
        media_type=parsed.media_type,
        sha256=sha256,
        pages=parsed.pages,
        meta=own,
        emphases=parsed.emphases,
        ocr=parsed.ocr,
    )


def _refuse_grants(file: FoundFile, front_matter: Mapping[str, object]) -> None:
    """Raise DocumentRejected, with the rule to write instead, for front matter that says who may see its document."""
    for key in ("audience", "audiences"):
        if key in front_matter:
            raise DocumentRejected(GRANTED, rule_text(file.name, front_matter[key]))
