"""Document -> passages: a section, or part of one, that never crosses a heading; offsets are kept.

Paragraphs, whole lists with their lead-in and tables with their paragraph are packed to a word target; a list or table
that is too long is cut between items or rows, and what is embedded then repeats its lead-in or header row.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.core.config import IngestSection
from assistant.core.records import Document
from assistant.index.schema import NewPassage
from assistant.text.canonical import (
    HEADING,
    MAX_HEADING,
    MAX_LEAD,
    MAX_STRETCH,
    Block,
    blocks,
    count_words,
    cut,
    heading_path,
    sentences,
    trim,
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """An unbreakable stretch of a section; `lead` introduces it when a cut separates them."""

    start: int
    end: int
    words: int
    lead: tuple[int, int] | None = None
    glued: bool = False  # belongs to the piece before it


def split(
    document: Document, settings: IngestSection, encoder_sha: str, without: Collection[str] = ()
) -> list[NewPassage]:
    """Return the passages of a document in reading order; none carries a heading of `without`."""
    passages = []
    for section_start, path, body in _sections(document.text):
        headings = tuple(heading for heading in path if heading not in without)
        pieces = _pieces(document.text, body, settings, section_start)
        for start, end, lead in _pack(pieces, settings, section_start):
            passages.append(_passage(document, start, end, headings, lead, encoder_sha))
    return passages


def is_within(place: int, passages: Sequence[NewPassage]) -> bool:
    """Tell whether a place of the document lies in one of its passages, which are in reading order."""
    at = bisect.bisect_right(passages, place, key=lambda passage: passage.start) - 1
    return at >= 0 and place < passages[at].end


def embed_text(title: str, headings: tuple[str, ...], lead: str, text: str) -> str:
    """Return what is encoded for a passage: `title > headings`, its lead-in, and its text below those headings."""
    while own := HEADING.match(text):
        text = text[own.end() :].lstrip("\n")
    return "\n".join(part for part in (heading_path(title, headings), lead, text) if part)


def vector_key(encoder_sha: str, text: str) -> bytes:
    """Key a vector by what it encodes, so that nothing is ever encoded twice."""
    return hashlib.sha256(f"{encoder_sha}\n{text}".encode()).digest()


def _passage(
    document: Document, start: int, end: int, headings: tuple[str, ...], lead: tuple[int, int] | None, encoder_sha: str
) -> NewPassage:
    text = document.text
    introduced = text[lead[0] : min(lead[1], lead[0] + MAX_LEAD)] if lead else ""
    embedded = embed_text(document.title, headings, introduced, text[start:end])
    page = bisect.bisect_right(document.pages, start) or None
    return NewPassage(start, end, headings, page, embedded, vector_key(encoder_sha, embedded))


def _sections(text: str) -> Iterator[tuple[int, tuple[str, ...], list[Block]]]:
    """Yield (start, heading path, body blocks); headings without a body start the section that follows them."""
    path: list[tuple[int, str]] = []
    start: int | None = None
    body: list[Block] = []
    for block in blocks(text):
        if block.kind != "heading":
            start = block.start if start is None else start
            body.append(block)
            continue
        if body:
            yield start or 0, tuple(name for _, name in path), body
            start, body = None, []
        match = HEADING.match(text, block.start, block.end)
        path = [entry for entry in path if entry[0] < block.level]
        path.append((block.level, match[2].strip()[:MAX_HEADING] if match else ""))
        start = block.start if start is None else start
    if start is not None:
        names = tuple(name for _, name in path)
        yield start, names, body or [Block("paragraph", start, len(text.rstrip()))]


def _pieces(text: str, body: list[Block], settings: IngestSection, section_start: int) -> list[_Piece]:
    pieces: list[_Piece] = []
    if body[0].start - section_start > MAX_LEAD:  # headings without number, and without a text of their own
        pieces += _bounded(text, _Piece(*trim(text, section_start, body[0].start), 0))
    lead: tuple[int, int] | None = None
    header: tuple[int, int] | None = None
    previous: Block | None = None
    for block, following in zip(body, [*body[1:], None], strict=True):
        words = count_words(text[block.start : block.end])
        if block.kind in ("item", "row", "rule"):
            inside = previous is not None and previous.kind in ("item", "row", "rule")
            if not inside:
                introduces = previous is not None and previous.kind == "paragraph"
                lead = (previous.start, previous.end) if previous and introduces else None
                header = (block.start, block.end) if block.kind == "row" else None
            elif block.kind == "row" and following is not None and following.kind == "rule":
                lead, header = None, (block.start, block.end)  # of another table, right below
            piece = _Piece(block.start, block.end, words, header or lead, not inside and lead is not None)
            pieces += _bounded(text, piece)
        elif words > settings.passage_max_words:
            for start, end in sentences(text, block.start, block.end):
                pieces += _bounded(text, _Piece(start, end, count_words(text[start:end])))
        else:
            pieces += _bounded(text, _Piece(block.start, block.end, words))
        previous = block
    return pieces


def _bounded(text: str, piece: _Piece) -> list[_Piece]:
    """Return a piece alone, or an endless one cut."""
    if piece.end - piece.start <= MAX_STRETCH:
        return [piece]
    spans = cut(text, piece.start, piece.end)
    return [replace(piece, start=s, end=e, words=count_words(text[s:e]), glued=False) for s, e in spans]


def _pack(
    pieces: list[_Piece], settings: IngestSection, section_start: int
) -> Iterator[tuple[int, int, tuple[int, int] | None]]:
    """Yield (start, end, lead span or None); a section that just fits the maximum stays whole."""
    total = sum(piece.words for piece in pieces)
    target = settings.passage_words if total > settings.passage_max_words else total
    group: list[_Piece] = []
    start = section_start
    words = 0
    for i, piece in enumerate(pieces):
        following = pieces[i + 1].words if i + 1 < len(pieces) and pieces[i + 1].glued else 0
        too_long = words + piece.words > settings.passage_max_words or piece.end - start > MAX_STRETCH
        full = words >= target or (words > target // 2 and words + piece.words + following > settings.passage_max_words)
        if group and (too_long or full) and not (piece.glued and not too_long):
            yield start, group[-1].end, _lead(group, start, section_start)
            group, words, start = [], 0, piece.start
        group.append(piece)
        words += piece.words
    if group:
        yield start, group[-1].end, _lead(group, start, section_start)


def _lead(group: list[_Piece], start: int, section_start: int) -> tuple[int, int] | None:
    lead = group[0].lead
    return lead if lead and start != section_start and lead[0] < start else None
