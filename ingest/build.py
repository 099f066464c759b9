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
from typing import Any, Literal

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from assistant.core.config import Config
from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Flag, IngestReport, Meta, Progress, Rejection, no_progress
from assistant.index.catalog import Catalog
from assistant.index.publish import publish, writer_lock
from assistant.index.schema import SourceRow, other_encoder, translate_sqlite_errors
from assistant.index.vectors import open_store
from assistant.models.encoder import encoder_graphs, guard_encode
from assistant.models.registry import Registry
from ingest.document_reader import GRANTED, DocumentReader
from ingest.embedding import Embedder, EmbedQueue, open_embedder
from ingest.metadata import ExternalMetadata
from ingest.moves_and_removals import Removals, check_share, find_removals
from ingest.restricted import check_opened, is_wider
from ingest.rights import RightsChanged, Survey, check_rights, survey
from ingest.sandbox import ParserProcess
from ingest.screen import Screen
from ingest.sources import MANIFEST, FoundFile

STAYS = "The old version still answers."
HIDDEN = "It is left out until this is fixed."
UNREADABLE = f"It is no longer a file that can be read here. {HIDDEN}"
UNTRUSTED = ("metadata", "unreadable", "outside")  # nothing tells what such a file says of itself, or whose it is
MAX_NAMED = 3  # documents that an error names
TRIES = 3  # of an ingest whose rights change meanwhile

Known = Mapping[str, SourceRow]  # path -> row


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: the row to be written, if any, that of `dropped` to be removed, and what is to be said."""

    source: str
    kind: Literal["added", "updated", "unchanged", "rejected"]
    row: SourceRow | None = None
    dropped: str = ""  # path
    rejection: Rejection | None = None
    flags: Sequence[Flag] = ()


def ingest_settled(paths: Sequence[Path], config: Config, **options: Any) -> IngestReport:
    """Index as `ingest` does, and again where rights change meanwhile: what was read and embedded is there."""
    again = Retrying(retry=retry_if_exception_type(RightsChanged), stop=stop_after_attempt(TRIES), reraise=True)
    return again(ingest, paths, config, **options)


def ingest(
    paths: Sequence[Path],
    config: Config,
    encoder: Embedder | None = None,
    *,
    prune: bool = False,
    most_removed: float = 1.0,
    governed_by: Mapping[Path, Path] | None = None,
    progress: Progress = no_progress,
) -> IngestReport:
    """Index files and folders, by the configured encoder if none is given.

    A root without a manifest has the rules of the root that `governed_by` names for it. `prune` removes no more than
    the share `most_removed` of what is indexed. Raises UsageError for that, a missing path, rights that are wrong (see
    `rights.survey`) and a cluster that does not answer, RightsChanged where they change while documents are read,
    IndexLocked while another ingest writes, IndexMismatch for an index made by another encoder, ModelMissing for one
    that is not there. A file that cannot be read is in the report and stops nothing.
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
            found = survey(paths, known, governed_by or {})
            queue = EmbedQueue(catalog, encoder, progress)
            read = [*read_changed(found, known, catalog, config, encoder.sha, queue, progress)]
            _check_grants(read)
            queue.flush()
            outcomes = [*refused(found), *read, *review(found, known, catalog)]
            rows = [outcome.row for outcome in outcomes if outcome.row]
            if rows:
                check_rights(found, governed_by or {})
            removals = find_removals(found, known, rows, prune)
            drops = [outcome.dropped for outcome in outcomes if outcome.dropped]
            check_opened(_left(rows, drops, removals, known), {row.path: row for row in rows}, known, catalog.text_of)
            check_share(removals, len(known), most_removed)
            rows += removals.hidden
            drops += [row.path for row in removals.dropped]
            with closing(open_store(config.data, config.index.chroma_url, catalog.meta("id") or "")) as store:
                publish(catalog, store, rows, drops, encoder.sha, config.ingest.rebuild_share, progress)
            opened = _opened(rows, known)
            return _report(outcomes, removals, opened, catalog, queue.done, time.perf_counter() - began)
        finally:
            catalog.close()


def _check_encoder(catalog: Catalog, encoder_sha: str, config: Config) -> None:
    indexed = catalog.meta("encoder")
    if indexed and indexed != encoder_sha:
        raise other_encoder(config.data, indexed, encoder_sha, encoder_graphs(Registry(config.models_dir)))


def refused(found: Survey) -> Iterator[Outcome]:
    """Yield what lies in what was given and cannot be read."""
    for source, error in found.refused:
        yield Outcome(source, "rejected", rejection=Rejection(source, error.reason, f"{_sentence(error)} {HIDDEN}"))


def read_changed(
    found: Survey,
    known: Known,
    catalog: Catalog,
    config: Config,
    encoder_sha: str,
    queue: EmbedQueue,
    progress: Progress,
) -> Iterator[Outcome]:
    """Read, split and screen every file whose content or metadata changed; the rest costs a stat."""
    screen = Screen(config.guards, guard_encode(config))
    with closing(ParserProcess(config.ingest)) as parser:
        metas = catalog.document_metas()
        before = catalog.refusals()
        reader = DocumentReader(catalog, metas, config.ingest, encoder_sha, parser, screen, queue, before)
        for number, file in enumerate(found.files):
            progress("reading", number, len(found.files))
            old = known.get(str(file.path))
            external = found.rights.of(file)
            try:
                same = reader.unchanged(file, old, external)
                row, flags = (same, []) if same else reader.read(file, external)
            except DocumentRejected as error:
                yield _rejected(file, old, error, external, catalog)
            else:
                yield Outcome(row.source, _kind(row, old), None if row == old else row, flags=flags)
        catalog.keep_refusals(reader.refused)
    progress("reading", len(found.files), len(found.files))


def _check_grants(outcomes: Sequence[Outcome]) -> None:
    """Raise UsageError for front matter that says who may see its document, with the rules to write instead."""
    granted = [o.rejection for o in outcomes if o.rejection and o.rejection.reason == GRANTED]
    if granted:
        names = ", ".join(rejection.source for rejection in granted[:MAX_NAMED])
        more = f" and {len(granted) - MAX_NAMED} more" if len(granted) > MAX_NAMED else ""
        rules = "\n\n".join(rejection.detail for rejection in granted)
        cause = f"the front matter of {names}{more} has an audience, which is said in {MANIFEST} alone."
        raise UsageError(cause, f"Nothing was changed. Move it there, to the root of your documents:\n\n{rules}\n")


def _kind(row: SourceRow, old: SourceRow | None) -> Literal["added", "updated", "unchanged"]:
    if old is None:
        return "added"
    return "updated" if old.document_id != row.document_id or old.meta != row.meta else "unchanged"


def _rejected(
    file: FoundFile, old: SourceRow | None, error: DocumentRejected, external: ExternalMetadata, catalog: Catalog
) -> Outcome:
    """Report a file; its old version answers on, with the rights of today, if the new one can be trusted that far."""
    stays = old is not None and error.reason not in UNTRUSTED
    if error.reason == GRANTED:
        rejection = Rejection(file.source, error.reason, error.detail)
    else:
        rejection = Rejection(file.source, error.reason, f"{_sentence(error)} {STAYS if stays else HIDDEN}")
    if old is None or not stays:
        return Outcome(file.source, "rejected", dropped=old.path if old else "", rejection=rejection)
    row = _with_rights(old, file, external, catalog)
    return Outcome(file.source, "rejected", row if row != old else None, rejection=rejection)


def _with_rights(row: SourceRow, file: FoundFile, external: ExternalMetadata, catalog: Catalog) -> SourceRow:
    """Return the row of a file that is not read anew with what is said of it today."""
    meta = external.merge(catalog.document_meta(row.document_id) or Meta())
    return replace(row, root=str(file.root), source=file.source, meta=meta)


def _sentence(error: DocumentRejected) -> str:
    return error.detail if error.detail.endswith((".", "?")) else f"{error.detail}."


def review(found: Survey, known: Known, catalog: Catalog) -> Iterator[Outcome]:
    """Hold the files of governed roots that are not read now to what their manifest says today."""
    for file in found.others:
        if old := known.get(str(file.path)):
            row = _with_rights(old, file, found.rights.of(file), catalog)
            if row != old:
                yield Outcome(row.source, "updated", row)


def _left(rows: Sequence[SourceRow], drops: Sequence[str], removals: Removals, known: Known) -> Iterator[SourceRow]:
    """Yield what is known of the files that are not in their place any more, or say something else there."""
    yield from (*removals.dropped, *removals.missing, *(known[path] for path in drops))
    for row in rows:
        if (old := known.get(row.path)) and old.document_id != row.document_id:
            yield old


def _opened(rows: Sequence[SourceRow], known: Known) -> tuple[str, ...]:
    """Return the sources that more may see than before; a file that was missing and is back is not one."""
    before = ((row, known.get(row.path)) for row in rows)
    return tuple(
        sorted(
            row.source
            for row, old in before
            if old and old.size >= 0 and is_wider(row.meta.audience, old.meta.audience)
        )
    )


def _report(
    outcomes: Sequence[Outcome],
    removals: Removals,
    opened: tuple[str, ...],
    catalog: Catalog,
    embedded: int,
    seconds: float,
) -> IngestReport:
    def sources(kind: str) -> tuple[str, ...]:
        return tuple(outcome.source for outcome in outcomes if outcome.kind == kind)

    rejected = [outcome.rejection for outcome in outcomes if outcome.rejection]
    # Of what lies in a folder that is told of nothing more is said.
    told = tuple(f"{rejection.source}/" for rejection in rejected if rejection.detail.endswith(HIDDEN))
    untold = [row.source for row in removals.unreadable if not f"{row.source}/".startswith(told)]
    return IngestReport(
        added=sources("added"),
        updated=sources("updated"),
        unchanged=len(sources("unchanged")),
        removed=tuple(row.source for row in removals.pruned),
        rejected=(*rejected, *(Rejection(source, "unreadable", UNREADABLE) for source in untold)),
        flagged=tuple(flag for outcome in outcomes for flag in outcome.flags),
        passages=catalog.info().passages,
        terms=catalog.queries.count_terms(),
        seconds=seconds,
        missing=len(removals.missing),
        embedded=embedded,
        opened=opened,
    )
