"""The ingest recipe: find the files, read what changed, embed what is new, switch.

Everything before the switch is invisible and resumable: documents and vectors are written ahead, keyed by content. The
switch is one SQLite transaction that also names the vector generation built for it, so an ingest that dies leaves the
old index serving, and the next one picks up what was already read and embedded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from assistant.core.config import Config
from assistant.core.errors import DocumentRejected
from assistant.core.records import Flag, IngestReport, Meta, Progress, Rejection, no_progress
from assistant.index.catalog import Catalog
from assistant.index.publish import Changes, publish, writer_lock
from assistant.index.schema import SourceRow, other_encoder, translate_sqlite_errors
from assistant.index.vectors import open_store
from assistant.models.encoder import encoder_graphs, guard_encode
from assistant.models.registry import Registry
from ingest.document_reader import DocumentReader
from ingest.embed_queue import Embedder, EmbedQueue, open_embedder
from ingest.formats import WITH_FRONT_MATTER
from ingest.left_behind import SidecarsLeft
from ingest.metadata import MetaReader, no_wider
from ingest.retire import Retired, retire
from ingest.sandbox import ParserProcess
from ingest.screen import Screen
from ingest.sources import FoundFile, find_roots, look, walk

STAYS = "The old version still answers."
HIDDEN = "It is left out until this is fixed."
UNREADABLE = f"It is no longer a file that can be read here. {HIDDEN}"

Known = Mapping[str, SourceRow]  # path -> row
Roots = Sequence[tuple[Path, Path]]  # what was given, and the folder that its sources are named from


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: the row to be written, if any, that of `dropped` to be removed, and what is to be said."""

    source: str
    kind: Literal["added", "updated", "unchanged", "rejected"]
    row: SourceRow | None = None
    dropped: str = ""  # path
    rejection: Rejection | None = None
    flags: Sequence[Flag] = ()


def ingest(
    paths: Sequence[Path],
    config: Config,
    encoder: Embedder | None = None,
    *,
    prune: bool = False,
    progress: Progress = no_progress,
) -> IngestReport:
    """Index files and folders, by the configured encoder if none is given.

    Raises UsageError for a missing path or a cluster that does not answer, IndexLocked while another ingest writes,
    IndexMismatch for an index made by another encoder, ModelMissing for one that is not prepared. A file that cannot be
    read is in the report and stops nothing.
    """
    began = time.perf_counter()
    with (
        nullcontext(encoder) if encoder else open_embedder(config) as encoder,
        writer_lock(config.data, config.index.lock_seconds),
        translate_sqlite_errors(config.data),
    ):
        catalog = Catalog.open(config.data, create=True)
        try:
            _check_encoder(catalog, encoder.sha, config)
            known = catalog.sources()
            roots = find_roots(paths, {path: row.root for path, row in known.items()})
            files, refused = find_files(roots)
            metas = MetaReader(files, known)
            queue = EmbedQueue(catalog, encoder, progress)
            read = [*read_changed(files, known, metas, catalog, config, encoder.sha, queue, progress)]
            queue.flush()
            outcomes = [*refused, *read, *review(roots, known, metas, catalog)]
            rows = [outcome.row for outcome in outcomes if outcome.row]
            retired = retire(roots, known, rows, {str(file.path) for file in files}, catalog, prune)
            drops = [outcome.dropped for outcome in outcomes if outcome.dropped]
            changes = Changes(rows, [*drops, *(row.path for row in retired.dropped)])
            with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
                publish(catalog, store, changes, encoder.sha, config.ingest.rebuild_share, progress)
            return _report(outcomes, retired, catalog, queue.done, time.perf_counter() - began)
        finally:
            catalog.close()


def _check_encoder(catalog: Catalog, encoder_sha: str, config: Config) -> None:
    indexed = catalog.meta("encoder")
    if indexed and indexed != encoder_sha:
        raise other_encoder(config.data, indexed, encoder_sha, encoder_graphs(Registry(config.models_dir)))


def find_files(roots: Roots) -> tuple[list[FoundFile], list[Outcome]]:
    """Return the files to be read, each once, and what cannot be one."""
    files: dict[Path, FoundFile] = {}
    refused = []
    for path, root in roots:
        for found in walk(path, root):
            if isinstance(found, FoundFile):
                files[found.path] = found
            else:
                source, error = found
                refused.append(Outcome(source, "rejected", rejection=Rejection(source, error.reason, error.detail)))
    return list(files.values()), refused


def read_changed(
    files: Sequence[FoundFile],
    known: Known,
    metas: MetaReader,
    catalog: Catalog,
    config: Config,
    encoder_sha: str,
    queue: EmbedQueue,
    progress: Progress,
) -> Iterator[Outcome]:
    """Read, split and screen every file whose content or metadata changed; the rest costs a stat."""
    screen = Screen(config.guards, guard_encode(config))
    left = SidecarsLeft(known.values())
    with closing(ParserProcess(config.ingest)) as parser:
        reader = DocumentReader(catalog, config.ingest, encoder_sha, parser, screen, queue)
        for number, file in enumerate(files):
            progress("reading", number, len(files))
            old = known.get(str(file.path))
            try:
                given = metas.given(file)
                same = reader.unchanged(file, old, given)
                row, flags = (same, []) if same else reader.read(file, given)
                if old is None:
                    left.check(row)
            except DocumentRejected as error:
                yield _rejected(file, old, error, metas)
            else:
                yield Outcome(row.source, _kind(row, old), None if row == old else row, flags=flags)
    progress("reading", len(files), len(files))


def _kind(row: SourceRow, old: SourceRow | None) -> Literal["added", "updated", "unchanged"]:
    if old is None:
        return "added"
    return "updated" if old.document_id != row.document_id or old.meta != row.meta else "unchanged"


def _rejected(file: FoundFile, old: SourceRow | None, error: DocumentRejected, metas: MetaReader) -> Outcome:
    """Report a file; its old version answers on only if nobody may see it who may not see the new one."""
    stays = old is not None and _may_stay(file, old, error, metas)
    rejection = Rejection(file.source, error.reason, f"{_sentence(error)} {STAYS if stays else HIDDEN}")
    return Outcome(file.source, "rejected", dropped=old.path if old and not stays else "", rejection=rejection)


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


def review(roots: Roots, known: Known, metas: MetaReader, catalog: Catalog) -> Iterator[Outcome]:
    """Hold the files of the same roots that are not read now to what is said beside and above them today.

    A folder file that restricts a folder came after most of what lies there.
    """
    tops = {str(root) for _, root in roots}
    for path, row in known.items():
        if row.root not in tops or any(Path(path).is_relative_to(given) for given, _ in roots):
            continue  # what lies in what was given is found, or `retire` sees to it
        found = next(look(Path(path), Path(row.root)), None)
        if not isinstance(found, FoundFile):
            continue
        try:
            meta = metas.given(found).merge(catalog.document_meta(row.document_id) or Meta())
        except DocumentRejected as error:
            rejection = Rejection(row.source, error.reason, f"{_sentence(error)} {HIDDEN}")
            yield Outcome(row.source, "rejected", dropped=path, rejection=rejection)
        else:
            if meta != row.meta:
                yield Outcome(row.source, "updated", replace(row, meta=meta))


def _report(
    outcomes: Sequence[Outcome], retired: Retired, catalog: Catalog, embedded: int, seconds: float
) -> IngestReport:
    def sources(kind: str) -> tuple[str, ...]:
        return tuple(outcome.source for outcome in outcomes if outcome.kind == kind)

    rejected = [outcome.rejection for outcome in outcomes if outcome.rejection]
    return IngestReport(
        added=sources("added"),
        updated=sources("updated"),
        unchanged=len(sources("unchanged")),
        removed=tuple(row.source for row in retired.pruned),
        rejected=tuple(_with_hidden(rejected, retired.unreadable)),
        flagged=tuple(flag for outcome in outcomes for flag in outcome.flags),
        passages=catalog.info().passages,
        terms=catalog.count_terms(),
        seconds=seconds,
        missing=len(retired.missing),
        embedded=embedded,
    )


def _with_hidden(rejected: Sequence[Rejection], unreadable: Sequence[SourceRow]) -> list[Rejection]:
    """Say of the documents that are hidden, where they, or a folder that holds them, were refused."""
    told = list(rejected)
    for row in unreadable:
        for at, refused in enumerate(told):
            if f"{row.source}/".startswith(f"{refused.source}/"):
                if not refused.detail.endswith(HIDDEN):
                    told[at] = replace(refused, detail=f"{refused.detail} {HIDDEN}")
                break
        else:
            told.append(Rejection(row.source, "unreadable", UNREADABLE))
    return told
