"""What a generator is given for a question: passages with their places, what limits them, and what words mean.

First comes what the search found, as much as there is room for; then the sentences of other documents that name one of
these, since they may amend or repeal it; then the definitions of terms that the question uses. All have keys, since a
sentence may rest on any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.answer.context import sentences_naming
from assistant.answer.engine import Engine
from assistant.answer.evidence import place
from assistant.answer.extract import named_passages
from assistant.answer.follow_up import Phrasing
from assistant.answer.question import Inquiry
from assistant.answer.retrieve import find_terms
from assistant.answer.small_talk import SUMMARY
from assistant.core.records import Hit, Turn
from assistant.text.prompts import KEYS, build_reading_messages

CHARACTERS = 3.5  # of a token, at least: English has some four
MAX_PASSAGE = 4_000  # characters of one; an endless row is cut
MOST_NAMING, MOST_TERMS = 6, 3  # sentences that name a document, and definitions
MAX_TURN = 1_500  # characters of a turn of the conversation
MOST_TURNS = 6
MAX_VERSION = 20  # characters
SOON = 10  # ranks: how much more the first of one search counts than the first few of another


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as a generator is given it: its place, and its text or a part of that."""

    hit: Hit
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Brief:
    """The sources, by key from 1, the messages that hold them, and what was asked, with what is known of who asks."""

    sources: tuple[Source, ...]
    messages: tuple[Turn, ...]
    asked: tuple[str, ...]

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The passages behind the sources."""
        return tuple(source.hit for source in self.sources)

    @property
    def passages(self) -> list[tuple[str, str]]:
        """The sources as (place, text)."""
        return [(source.place, source.text) for source in self.sources]


def make_brief(inquiry: Inquiry, hits: Sequence[Hit], engine: Engine) -> Brief:
    """Lay out hits, best first, with what belongs to them, as far as `generator.context_tokens` goes."""
    room = engine.config.generator.context_tokens * CHARACTERS
    sources: list[Source] = []
    for source in _sources(inquiry, hits, engine):
        room -= len(source.place) + len(source.text)
        if room < 0 and sources:
            break
        sources.append(source)
    turns = [_told(turn) for turn in inquiry.history[-MOST_TURNS:]]
    passages = [(source.place, source.text) for source in sources]
    day = inquiry.access.as_of
    messages = build_reading_messages(inquiry.question, passages, day, inquiry.about, turns)
    before = [turn.content for turn in turns if turn.role == "user"]
    return Brief(tuple(sources), messages, (inquiry.question, inquiry.typed, inquiry.about, day, *before))


def find(inquiry: Inquiry, phrasings: Sequence[str], engine: Engine) -> tuple[Hit, ...]:
    """Search for each way in which a question may be worded, and for whoever asks; return the hits of all, fused."""
    told = [inquiry.as_told(phrasings[0])] if inquiry.about else []
    asked = dict.fromkeys((*told, *phrasings))
    return fused([engine.retrieve(text, inquiry.question, inquiry.access)[0] for text in asked])


def fused(searches: Sequence[Sequence[Hit]]) -> tuple[Hit, ...]:
    """Return the hits of several searches, those first that are early in many.

    By reciprocal ranks: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion" (SIGIR 2009).
    """
    if len(searches) == 1:
        return tuple(searches[0])
    found: dict[int, Hit] = {}
    weight: dict[int, float] = {}
    for hits in searches:
        for rank, hit in enumerate(hits, 1):
            found.setdefault(hit.passage.id, hit)
            weight[hit.passage.id] = weight.get(hit.passage.id, 0.0) + 1 / (SOON + rank)
    ranked = sorted(found, key=lambda id: -weight[id])
    return tuple(replace(found[id], rank=rank) for rank, id in enumerate(ranked, 1))


def phrasings_of(inquiry: Inquiry, engine: Engine) -> list[str]:
    """Return a question alone, and joined to the one before it where it may need that."""
    found: Sequence[Phrasing] = engine.follow_ups.phrasings(inquiry.question, inquiry.history)
    return [phrasing.text for phrasing in found]


def _sources(inquiry: Inquiry, hits: Sequence[Hit], engine: Engine) -> Iterator[Source]:
    queries, access = engine.catalog.queries, inquiry.access
    first: list[Hit] = []
    if engine.small_talk.kind(inquiry.question) == SUMMARY:
        first += named_passages(inquiry.question, hits, queries, access)
    known = {hit.passage.id for hit in first}
    found = [*first, *(hit for hit in hits[: engine.config.reader.passages] if hit.passage.id not in known)]
    for hit in found:
        yield Source(hit, _place(hit, engine, inquiry), hit.passage.text[:MAX_PASSAGE])
    known |= {hit.passage.id for hit in found}
    naming = sentences_naming(found, queries, access)
    for one in [e for e in naming if e.hit.passage.id not in known][:MOST_NAMING]:
        yield Source(one.hit, _place(one.hit, engine, inquiry), one.text)
    terms = [term for term, _ in find_terms(engine.catalog, inquiry.question, access)][:MOST_TERMS]
    places = [(id, term) for term in terms if (id := queries.passage_at(term.document_id, term.start)) is not None]
    for id, term in places:
        if id not in known and (defined := queries.hits([(id, 0.0, ())], access)):
            yield Source(defined[0], _place(defined[0], engine, inquiry), f"{term.name}: {term.definition}")


def _place(hit: Hit, engine: Engine, inquiry: Inquiry) -> str:
    """Return the place of a passage, with its document's version and since when it holds."""
    meta = engine.catalog.queries.meta_of(hit.source, hit.document_sha256, inquiry.access)
    standing = [f"version {meta.version[:MAX_VERSION]}"] if meta and meta.version else []
    standing += [f"in force since {meta.effective}"] if meta and meta.effective else []
    return place(hit) + (f" ({', '.join(standing)})" if standing else "")


def _told(turn: Turn) -> Turn:
    """Return a turn of the conversation without keys, which would be those of other passages."""
    return replace(turn, content=KEYS.sub("", turn.content)[:MAX_TURN])
