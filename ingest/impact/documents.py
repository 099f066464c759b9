"""Two states of an index -> which documents, texts and terms differ, of those that whoever asks may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from assistant.answer.disclosure import masked_text
from assistant.core.errors import IndexMismatch
from assistant.core.records import Access, Document, Meta, Passage, Progress
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from ingest.impact.diff import WordUses, severity, word_diff
from ingest.impact.pairing import Pair, pairs
from ingest.impact.pieces import Pieces, fold
from ingest.impact.records import DocumentChange, Documents, MetaChange, TermChange, TextChange

Rows = Mapping[str, SourceRow]


@dataclass(frozen=True, slots=True)
class Version:
    """A document as it was or would be, with what is indexed of it; `terms` are where its definitions stand."""

    row: SourceRow
    document: Document
    passages: Sequence[Passage]
    terms: Mapping[str, tuple[int, int]]
    pieces: Pieces


class IndexState:
    """An index as whoever asks may see it; `moved` are the new places of its files, under which they are compared."""

    def __init__(
        self, catalog: Catalog, access: Access, guards: Guards, moved: Mapping[str, str] | None = None
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._guards = guards
        places = moved or {}
        self.rows: Rows = {places.get(path, path): row for path, row in catalog.sources(access).items()}
        self.all = {places.get(path, path) for path in catalog.sources()}

    def version(self, place: str) -> Version:
        """Read a document that may be seen; raises IndexMismatch if it has just gone."""
        row = self.rows[place]
        if (document := self._catalog.queries.document(row.path, self._access)) is None:
            raise IndexMismatch(f"{row.source} left the index meanwhile.", "Run it again.")
        passages, spans = self._catalog.queries.passages_of(document.id), self._catalog.queries.terms_of(document.id)
        terms = {name: (start, end) for name, start, end in spans}
        return Version(row, document, passages, terms, Pieces(document, passages, spans))

    def shown(self, text: str) -> str:
        """Mask in a text what may not be shown."""
        return masked_text(text, self._guards)


def compare(old: IndexState, new: IndexState, progress: Progress) -> Documents:
    """Compare two states of an index, document by document."""
    removed, added = old.rows.keys() - new.rows.keys(), new.rows.keys() - old.rows.keys()
    renamed = dict(_renamed(old, new, removed, added))
    both = [(place, renamed.get(place, place)) for place in old.rows if place in new.rows or place in renamed]
    differ = [(here, there) for here, there in both if _differs(old.rows[here], new.rows[there])]
    changes: list[DocumentChange] = []
    for done, (here, there) in enumerate(sorted(differ, key=lambda pair: new.rows[pair[1]].source)):
        progress("comparing", done, len(differ))
        changes += _compared(old, new, here, there)
    gone = removed - renamed.keys()
    return Documents(
        added=_sources(new.rows, added - set(renamed.values())),
        removed=_sources(old.rows, gone - new.all),
        hidden=_sources(old.rows, gone & new.all),
        changed=tuple(changes),
        unchanged=len(both) - len(changes),
    )


def _sources(rows: Rows, places: set[str]) -> tuple[str, ...]:
    return tuple(sorted(rows[place].source for place in places))


def _renamed(old: IndexState, new: IndexState, removed: set[str], added: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the places of documents that have another name and the same bytes."""
    waiting = {new.rows[place].sha256: place for place in sorted(added, reverse=True)}
    for place in sorted(removed):
        if (there := waiting.pop(old.rows[place].sha256, None)) is not None:
            yield place, there


def _differs(old: SourceRow, new: SourceRow) -> bool:
    return old.document_id != new.document_id or old.meta != new.meta or old.source != new.source


def _compared(old: IndexState, new: IndexState, here: str, there: str) -> Iterator[DocumentChange]:
    """Yield what changed in a document; nothing where other bytes say the same."""
    one, other = old.version(here), new.version(there)
    source = other.row.source
    meta, was = tuple(_meta(one, other, new)), one.row.source if one.row.source != source else ""
    if one.document.text == other.document.text and not meta and not was:
        return
    vocabulary = WordUses.of(one.document.text, other.document.text)
    yield DocumentChange(
        source=source,
        title=other.document.title,
        was=was,
        meta=meta,
        texts=tuple(text_change(pair, vocabulary) for pair in pairs(one.pieces, other.pieces)),
        terms=tuple(_terms(one, other, new)),
        passages=_passages(one.passages, other.passages),
    )


def text_change(pair: Pair, vocabulary: WordUses) -> TextChange:
    """Compare the words of a piece that changed."""
    (old, new), piece = pair.texts, pair.piece
    edits = word_diff(old, new, vocabulary, defines=bool(piece.term))
    alone = not (pair.old and pair.new)
    grave = severity(edits, listed=alone and piece.kind in ("item", "row"))
    if piece.kind == "code" or (alone and piece.kind in ("heading", "header")):  # what stands below is told of itself
        grave = "minor"
    return TextChange(piece.kind, grave, old, new, piece.headings, piece.page, edits)


def _meta(one: Version, other: Version, state: IndexState) -> Iterator[MetaChange]:
    """Yield what is said of a document in another way: its title, and all that `Meta` holds."""
    metas = one.row.meta, other.row.meta
    told = {"title": [one.document.title, other.document.title]}
    told |= {field.name: [_said(getattr(meta, field.name)) for meta in metas] for field in fields(Meta)}
    for key, (was, now) in told.items():
        if was != now:
            yield MetaChange(key, state.shown(was), state.shown(now))


def _said(value: str | tuple[str, ...] | None) -> str:
    return value if isinstance(value, str) else ", ".join(value or ())


def _terms(one: Version, other: Version, state: IndexState) -> Iterator[TermChange]:
    for name in sorted(one.terms.keys() | other.terms.keys(), key=str.casefold):
        spans = one.terms.get(name), other.terms.get(name)
        raw = [v.document.text[slice(*span)] if span else "" for v, span in zip((one, other), spans, strict=True)]
        if fold(raw[0]) != fold(raw[1]):
            was, now = (v.pieces.line(*span) if span else "" for v, span in zip((one, other), spans, strict=True))
            yield TermChange(name, was, now)


def _passages(old: Sequence[Passage], new: Sequence[Passage]) -> tuple[int, int]:
    """Count the passages that are gone and those that are new; one that moved is neither."""
    was, now = (Counter(fold(passage.text) for passage in passages) for passages in (old, new))
    return (was - now).total(), (now - was).total()
