"""A summary that is proved: the first rule of each section of the document that a question names, in their order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from itertools import groupby

from assistant.answer.evidence import MAX_REACH, MIN_WORDS, reach
from assistant.answer.question import ReportStage
from assistant.answer.read import evidence_in
from assistant.core.records import Access, Evidence, Hit, Reading
from assistant.index.queries import Queries
from assistant.text.quantities import duties
from assistant.text.words import content

EXTRACT = "the first rule of each section of {title}"
MOST_SECTIONS, MOST_PASSAGES = 8, 100  # that are told, and that are looked at
LEAST_RARITY = math.log(4)  # of a title's word that a question has: "policy" is in most titles, and names none
NAMED = 0.9  # the probability that the document is the one that is meant (docs/log/experiments.md)


def extract(
    question: str, hits: Sequence[Hit], queries: Queries, access: Access, report: ReportStage
) -> tuple[str, Reading] | None:
    """Return the title of the document that a question names, of those that were found, and its extract.

    None where it names none, or one without rules.
    """
    if not (own := named_passages(question, hits, queries, access)):
        return None
    sections = groupby(own, key=lambda hit: hit.passage.headings)
    rules: list[Evidence] = []
    for _, section in sections:
        report("reading")  # which ends here if nobody waits any more
        rules += [rule] if len(rules) < MOST_SECTIONS and (rule := _first_rule(list(section))) else []
    return (own[0].title, Reading(tuple(rules), tuple(hits), NAMED)) if rules else None


def named_passages(question: str, hits: Sequence[Hit], queries: Queries, access: Access) -> list[Hit]:
    """Return the first passages, in order, of the document that a question names, of those that were found."""
    rarity = queries.once("rarity of titles' words", access, lambda: _rarity(queries.titles(access)))
    if not (named := _named(question, hits, rarity)):
        return []
    passages = queries.passages_of(named.passage.document_id)[:MOST_PASSAGES]
    own = queries.hits([(passage.id, 0.0, ()) for passage in passages], access)
    return sorted(own, key=lambda hit: hit.passage.start)


def _rarity(titles: Sequence[str]) -> Mapping[str, float]:
    """Return how rare each word is among titles, by its inverse document frequency."""
    frequency = Counter(word for title in titles for word in content(title))
    return {word: math.log(len(titles) / count) for word, count in frequency.items()}


def _named(question: str, hits: Sequence[Hit], rarity: Mapping[str, float]) -> Hit | None:
    """Return a hit of the document whose title a question names best, the first of several; None if it names none."""
    asked = content(question)

    def weight(words: Set[str]) -> float:
        return sum(rarity.get(word, 0.0) for word in words)

    def likeness(hit: Hit) -> tuple[float, float]:
        title = content(hit.title)
        return weight(asked & title), -weight(title - asked)

    best = max(hits, key=likeness, default=None)
    telling = best and any(rarity.get(word, 0.0) >= LEAST_RARITY for word in asked & content(best.title))
    return best if telling else None


def _first_rule(section: Sequence[Hit]) -> Evidence | None:
    """Return the first sentence or item of a section that says what must, may or need not be done."""
    for hit in section:
        for part in evidence_in(hit):
            whole = part.kind != "row" and len(part.text.split()) >= MIN_WORDS and reach(part) <= MAX_REACH
            if whole and not part.text.rstrip().endswith((":", "?")) and any(duties(part.text)):
                return part
    return None
