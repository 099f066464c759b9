"""The ingest recipe: find the files, read what changed, embed what is new, switch.

Everything before the switch is invisible and resumable: documents and vectors are written ahead, keyed by content. The
switch is one SQLite transaction that also names the vector generation built for it, so an ingest that dies leaves the
old index serving, and the next one picks up what was already read and embedded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import Config, IngestSection
from assistant.core.errors import DocumentRejected, IndexMismatch
from assistant.core.records import Document, Flag, IngestReport, Meta, Progress, Rejection
from assistant.index.catalog import Catalog, NewPassage, SourceRow, rebuild_hint, translate_sqlite_errors
from assistant.index.publish import Changes, publish, writer_lock
from assistant.index.vectors import open_store
from assistant.models.encoder import guard_encode
from assistant.text.canonical import MAX_HEADING
from ingest.deadline import Deadline
from ingest.formats import WITH_FRONT_MATTER, Parsed
from ingest.meta_keys import restricting
from ingest.metadata import Given, MetaReader, no_wider, parse_meta
from ingest.retire import retire
from ingest.sandbox import ParserProcess
from ingest.screen import Screen
from ingest.sources import FoundFile, find_roots, look, read_bytes, walk
from ingest.split import is_within, split
from ingest.terms import find_terms

READER_VERSION = "6"  # raise it when the same bytes give another text or other passages: documents are then read again
EMBED_CHUNK = 1_024  # passages sorted by length together
SCREENED = 256  # passages between two looks at the clock
STAYS = "The old version still answers."
HIDDEN = "It is hidden until it is mended."
NOT_OURS = "front matter has the key {key!r}, which restricts nothing here: say who may see it with `audience`"
RACY_NS = 2_000_000_000  # a file changed this soon before it was read may change again within its time stamp


class Embedder(Protocol):
    """What the recipe needs of an encoder."""

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]: ...


@dataclass(slots=True)
class _Run:
    """What one ingest has found so far."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    flagged: list[Flag] = field(default_factory=list)
    rows: list[SourceRow] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    unchanged: int = 0
    missing: int = 0
    embedded: int = 0


def ingest(
    paths: Sequence[Path],
    config: Config,
    encoder_sha: str,
    load_encoder: Callable[[], Embedder],
    *,
    prune: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> IngestReport:
    """Index files and folders; `load_encoder` is called only if something must be encoded.

    Raises UsageError for a missing path, IndexLocked while another ingest writes, IndexMismatch for an index made by
    another encoder. A file that cannot be read is in the report and stops nothing.
    """
    began = time.perf_counter()
    with writer_lock(config.data, config.index.lock_seconds), translate_sqlite_errors(config.data):
        catalog = Catalog.open(config.data, create=True)
        try:
            _check_encoder(catalog, encoder_sha, config.data)
            run = _Run()
            known = catalog.sources()
            roots = find_roots(paths, {path: row.root for path, row in known.items()})
            files = _discover(roots, run)
            metas = MetaReader(files, known)
            _read_changed(files, known, metas, catalog, config, encoder_sha, load_encoder, run, progress)
            _review(roots, known, metas, catalog, run)
            _retire(roots, known, catalog, run, prune)
            changes = Changes(run.rows, run.drops)
            with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
                publish(catalog, store, changes, encoder_sha, config.ingest.rebuild_share, progress)
            info, terms = catalog.info(), catalog.count_terms()
        finally:
            catalog.close()
    return IngestReport(
        added=tuple(run.added), updated=tuple(run.updated), unchanged=run.unchanged, removed=tuple(run.removed),
        rejected=tuple(run.rejected), flagged=tuple(run.flagged), passages=info.passages, terms=terms,
        seconds=time.perf_counter() - began, missing=run.missing, embedded=run.embedded,
    )  # fmt: skip


def _check_encoder(catalog: Catalog, encoder_sha: str, data: Path) -> None:
    indexed = catalog.meta("encoder")
    if indexed not in (None, encoder_sha):
        cause = f"this index was made with another encoder ({indexed[:12] if indexed else ''}, now {encoder_sha[:12]})."
        raise IndexMismatch(cause, rebuild_hint(data))


def _discover(roots: Sequence[tuple[Path, Path]], run: _Run) -> list[FoundFile]:
    files: dict[Path, FoundFile] = {}
    for path, root in roots:
        for found in walk(path, root):
            if isinstance(found, FoundFile):
                files[found.path] = found
            else:
                run.rejected.append(Rejection(found[0], found[1].reason, found[1].detail))
    run.seen = {str(path) for path in files}
    return list(files.values())


def _read_changed(
    files: Sequence[FoundFile],
    known: dict[str, SourceRow],
    metas: MetaReader,
    catalog: Catalog,
    config: Config,
    encoder_sha: str,
    load_encoder: Callable[[], Embedder],
    run: _Run,
    progress: Progress,
) -> None:
    """Read, split, screen and embed every file whose content or metadata changed; the rest costs a stat."""
    queue = _EmbedQueue(catalog, cache(load_encoder), progress)
    screen = Screen(config.guards, guard_encode(config))
    with closing(ParserProcess(config.ingest)) as parser:
        reader = _Reader(catalog, config.ingest, encoder_sha, parser, screen, queue, run)
        for number, file in enumerate(files):
            progress("reading", number, len(files))
            old = known.get(str(file.path))
            try:
                given = metas.given(file)
                row = reader.unchanged(file, old, given) or reader.read(file, given)
            except DocumentRejected as error:
                _reject(file, old, error, metas, run)
                continue
            _note(row, old, run)
    progress("reading", len(files), len(files))
    queue.flush()
    run.embedded = queue.done


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns a file into its row, and puts its document into the catalog if that lacks it."""

    catalog: Catalog
    settings: IngestSection
    encoder_sha: str
    parser: ParserProcess
    screen: Screen
    queue: _EmbedQueue
    run: _Run

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

    def read(self, file: FoundFile, given: Given) -> SourceRow:
        seen_ns = time.time_ns()
        data = read_bytes(file, self.settings.max_file_mb)
        sha256 = hashlib.sha256(data).hexdigest()
        document_id = self._document_id(file, sha256, given.title)
        own = self.catalog.document_meta(document_id)
        if own is None:
            parsed = self.parser.read(data, file.path.name)
            own = parse_meta(parsed.front_matter, "front matter", strict=False)
            foreign = [("metadata", NOT_OURS.format(key=key)) for key in restricting(parsed.front_matter)]
            self._add(_document(document_id, file, sha256, given.title, parsed, own), [*parsed.flags, *foreign])
        elif stored := self.catalog.lacks_vectors(document_id):  # an earlier run died between reading and embedding
            self.queue.add(self._passages(stored, Deadline(self.settings.max_seconds))[0])
        return SourceRow(
            str(file.path), str(file.root), file.source, document_id, file.size, file.mtime_ns, seen_ns, sha256,
            given.merge(own),
        )  # fmt: skip

    def _add(self, document: Document, found: Sequence[tuple[str, str]]) -> None:
        deadline = Deadline(self.settings.max_seconds)
        document, named = self.screen.titled(document)
        passages, planted = self._passages(document, deadline)
        flags = [*(Flag(document.source, reason, detail) for reason, detail in found), *named, *planted]
        terms = [term for term in find_terms(document) if is_within(term.start, passages)]
        deadline.check()
        with self.catalog.transaction():
            self.catalog.add_document(document, passages, terms, flags)
        self.run.flagged += flags
        self.queue.add(passages)

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
        """Name a document by all that its passages depend on: bytes, format, given title, this version, settings."""
        sizes = f"{self.settings.passage_words} {self.settings.passage_max_words}"
        made_by = f"{READER_VERSION} {file.path.suffix.lower()} {sizes} {self.screen.id}"
        return hashlib.sha256(f"{made_by}\n{sha256}\n{title}".encode()).hexdigest()[:32]


def _document(document_id: str, file: FoundFile, sha256: str, title: str, parsed: Parsed, own: Meta) -> Document:
    return Document(
        document_id, file.source, (title or parsed.title)[:MAX_HEADING], parsed.text, parsed.media_type, sha256,
        parsed.pages, own, parsed.emphases,
    )  # fmt: skip


def _note(row: SourceRow, old: SourceRow | None, run: _Run) -> None:
    if old is None:
        run.added.append(row.source)
    elif old.document_id != row.document_id or old.meta != row.meta:
        run.updated.append(row.source)
    else:
        run.unchanged += 1
    if row != old:
        run.rows.append(row)


def _reject(file: FoundFile, old: SourceRow | None, error: DocumentRejected, metas: MetaReader, run: _Run) -> None:
    """Report a file; its old version answers on only if nobody may see it who may not see the new one."""
    stays = old is not None and _may_stay(file, old, error, metas)
    if old and not stays:
        run.drops.append(old.path)
    run.rejected.append(Rejection(file.source, error.reason, f"{_sentence(error)} {STAYS if stays else HIDDEN}"))


def _may_stay(file: FoundFile, old: SourceRow, error: DocumentRejected, metas: MetaReader) -> bool:
    """Tell whether the new version's rights are known, without its text, and no narrower than the old version's."""
    silent = error.reason == "empty" or file.path.suffix.lower() not in WITH_FRONT_MATTER
    if not silent or error.reason in ("metadata", "unreadable", "outside"):
        return False
    try:
        return no_wider(old.meta, metas.given(file).merge(Meta()))
    except DocumentRejected:
        return False


def _sentence(error: DocumentRejected) -> str:
    return error.detail if error.detail.endswith((".", "?")) else f"{error.detail}."


def _review(
    roots: Sequence[tuple[Path, Path]], known: dict[str, SourceRow], metas: MetaReader, catalog: Catalog, run: _Run
) -> None:
    """Hold the files of the same roots that are not read now to what is said beside and above them today.

    A folder file that restricts a folder came after most of what lies there.
    """
    tops = {str(root) for _, root in roots}
    for path, row in known.items():
        if row.root not in tops or any(Path(path).is_relative_to(given) for given, _ in roots):
            continue  # what lies in what was given is found, or `_retire` sees to it
        found = next(look(Path(path), Path(row.root)), None)
        if not isinstance(found, FoundFile):
            continue
        try:
            meta = metas.given(found).merge(catalog.document_meta(row.document_id) or Meta())
        except DocumentRejected as error:
            run.drops.append(path)
            run.rejected.append(Rejection(row.source, error.reason, f"{_sentence(error)} {HIDDEN}"))
            continue
        if meta != row.meta:
            run.rows.append(replace(row, meta=meta))
            run.updated.append(row.source)


def _retire(
    roots: Sequence[tuple[Path, Path]], known: dict[str, SourceRow], catalog: Catalog, run: _Run, prune: bool
) -> None:
    """Drop what moved and what is hidden now, and what is gone if asked to; count what is gone and stays."""
    retired = retire(roots, known, run.rows, run.seen, catalog, prune)
    run.drops += [row.path for row in (*retired.moved, *retired.pruned, *retired.unreadable)]
    run.removed += [row.source for row in retired.pruned]
    run.missing = len(retired.missing)
    for row in retired.unreadable:
        _note_hidden(row, run)


def _note_hidden(row: SourceRow, run: _Run) -> None:
    """Say of a document that it is hidden, where it, or a folder that holds it, was refused."""
    for at, refused in enumerate(run.rejected):
        if f"{row.source}/".startswith(f"{refused.source}/"):
            if not refused.detail.endswith(HIDDEN):
                run.rejected[at] = replace(refused, detail=f"{refused.detail} {HIDDEN}")
            return
    run.rejected.append(Rejection(row.source, "unreadable", f"It is no longer a file that can be read here. {HIDDEN}"))


class _EmbedQueue:
    """Passages waiting to be encoded, in chunks of like length; commits each batch, so that a killed run resumes."""

    def __init__(self, catalog: Catalog, load_encoder: Callable[[], Embedder], progress: Progress) -> None:
        self._catalog = catalog
        self._load = load_encoder
        self._progress = progress
        self._waiting: dict[bytes, str] = {}
        self.done = 0

    def add(self, passages: Sequence[NewPassage]) -> None:
        missing = self._catalog.missing_vectors(p.vector for p in passages)
        self._waiting |= {p.vector: p.embed_text for p in passages if p.vector in missing}
        if len(self._waiting) >= EMBED_CHUNK:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        encoder = self._load()
        keys, texts = list(self._waiting), list(self._waiting.values())
        total = self.done + len(keys)
        for rows, vectors in encoder.batches(texts):
            with self._catalog.transaction():
                self._catalog.add_vectors((keys[i], vectors[n].tobytes()) for n, i in enumerate(rows))
            self.done += len(rows)
            self._progress("embedding", self.done, total)
        self._waiting.clear()
