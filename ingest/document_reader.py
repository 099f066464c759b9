"""A file -> its row and its document: read, split, screened and put into the catalog, if that lacks it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.core.config import IngestSection
from assistant.core.records import Document, Flag, Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import NewPassage, SourceRow
from ingest.deadline import Deadline
from ingest.embed_queue import EmbedQueue
from ingest.formats import SCANNED, Parsed, Scans
from ingest.meta_keys import restricting
from ingest.metadata import Given, parse_meta
from ingest.sandbox import ParserProcess
from ingest.screen import Screen
from ingest.sources import FoundFile, read_bytes
from ingest.split import is_within, split
from ingest.standing import titled
from ingest.terms import find_terms

READER_VERSION = "12"  # raise it when the same bytes give another text or other passages: documents are then read again
SCREENED = 256  # passages between two looks at the clock
NOT_OURS = "front matter has the key {key!r}, which restricts nothing here: say who may see it with `audience`"
RACY_NS = 2_000_000_000  # a file changed this soon before it was read may change again within its time stamp


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Turns a file into its row, and puts its document into the catalog if that lacks it."""

    catalog: Catalog
    settings: IngestSection
    encoder_sha: str
    parser: ParserProcess
    screen: Screen
    queue: EmbedQueue

    def unchanged(self, file: FoundFile, old: SourceRow | None, given: Given) -> SourceRow | None:
        """Return the file's row without reading it, if its size and time say that its content is what was read."""
        if old is None or (old.size, old.mtime_ns) != (file.size, file.mtime_ns):
            return None
        if old.seen_ns - RACY_NS < old.mtime_ns:
            return None
        if old.document_id != self._document_id(file, old.sha256, given.title):
            return None
        own = self.catalog.document_meta(old.document_id)
        return replace(old, root=str(file.root), source=file.source, meta=given.merge(own)) if own is not None else None

    def read(self, file: FoundFile, given: Given) -> tuple[SourceRow, list[Flag]]:
        """Return the file's row, and what is to be said of its text; raises DocumentRejected."""
        seen_ns = time.time_ns()
        data = read_bytes(file, self.settings.max_file_mb)
        sha256 = hashlib.sha256(data).hexdigest()
        document_id = self._document_id(file, sha256, given.title)
        own = self.catalog.document_meta(document_id)
        flags: list[Flag] = []
        if own is None:
            parsed = self.parser.read(data, file.path.name)
            own = parse_meta(parsed.front_matter, "front matter", strict=False)
            foreign = [("metadata", NOT_OURS.format(key=key)) for key in restricting(parsed.front_matter)]
            document = make_document(document_id, file, sha256, given.title, parsed, own)
            flags = self._add(document, [*parsed.flags, *foreign])
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
            meta=given.merge(own),
        )
        return row, flags

    def _add(self, document: Document, found: Sequence[tuple[str, str]]) -> list[Flag]:
        deadline = Deadline(self.settings.max_seconds)
        document, named = self.screen.titled(document)
        passages, planted = self._passages(document, deadline)
        flags = [*(Flag(document.source, reason, detail) for reason, detail in found), *named, *planted]
        terms = [term for term in find_terms(document) if is_within(term.start, passages)]
        deadline.check()
        with self.catalog.transaction():
            self.catalog.add_document(document, passages, terms, flags)
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
        title=titled(title or parsed.title, file.source, parsed),
        text=parsed.text,
        media_type=parsed.media_type,
        sha256=sha256,
        pages=parsed.pages,
        meta=own,
        emphases=parsed.emphases,
        ocr=parsed.ocr,
    )
