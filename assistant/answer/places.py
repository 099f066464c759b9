"""Where a document says a text: the sentences, items and rows that hold it, and what they mean where they stand.

A text is no place: the same words mean another thing under another heading or lead-in, in a document of another title,
or as a part of a longer sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from assistant.answer.evidence import place, plain
from assistant.answer.read import evidence_in
from assistant.core.records import Access, Evidence, Hit
from assistant.index.queries import Queries
from assistant.text.words import WORD


@dataclass(frozen=True, slots=True)
class Place:
    """A text at [start, end) of a document, and the sentences, items and rows of one passage that hold it."""

    hit: Hit
    start: int
    end: int
    parts: Sequence[Evidence]

    @property
    def means(self) -> tuple[str, ...]:
        """What it is said under, title and headings, and then what is said, each part with its lead-in."""
        return (place(self.hit), *map(plain, self.parts))

    @property
    def is_whole(self) -> bool:
        """Tell whether the text is all of its parts, with what they stand under, and nothing besides."""
        spans = [span for part in self.parts for span in ((part.start, part.end), *part.governors)]
        covered = {at for start, end in spans for at in range(start, end)}
        said = {self.start + match.start() for match in re.finditer(r"\w", self.hit.slice(self.start, self.end))}
        return said <= covered and all(self.start <= part.start and part.end <= self.end for part in self.parts)


def pattern_of(words: Iterable[str], between: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Return what matches words one after the other, and no part of a longer one at either end."""
    return re.compile(rf"(?<!\w){between.join(map(re.escape, words))}(?!\w)", flags)


def places_in(said: re.Pattern[str], hits: Iterable[Hit]) -> Iterator[Place]:
    """Yield where the passages of hits say what a pattern matches."""
    for hit in hits:
        text = hit.before + hit.passage.text
        if not (matches := list(said.finditer(text))):
            continue
        parts = evidence_in(hit)
        for match in matches:
            start, end = (hit.begin + at for at in match.span())
            if met := [part for part in parts if part.start < end and start < part.end]:
                yield Place(hit, start, end, met)


def whole_places(text: str, sources: Collection[str], access: Access, queries: Queries) -> list[Place]:
    """Return where documents that somebody may see say just a text, of these sources if any are named."""
    if not (words := WORD.findall(text)):
        return []
    said = pattern_of(text.split(), r"\s+")
    return [found for found in places_in(said, queries.hits_naming(words, access, sources)) if found.is_whole]


def only_one(places: Sequence[Place]) -> Place | None:
    """Return the first place if all of them mean the same, None where it matters which is meant."""
    return places[0] if len({found.means for found in places}) == 1 else None
