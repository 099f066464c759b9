"""A term that two documents in force, or two places of one, define differently."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assistant.core.records import Term
from assistant.text.canonical import sentences
from assistant.text.words import WORD, content, normalise_term
from ingest.lint.corpus import Corpus, Fault, Policy

CODE = "term-redefined"
# A definition that says that it holds here alone; so may the sentence or the heading above it.
LOCAL = re.compile(r"\b(?:in|within|under|for(?: the purposes? of)?) (?:this|these|the present)\b", re.IGNORECASE)
ABOVE = 600  # characters before a definition in which its list's lead-in is looked for
SAME = 0.8  # cosine from which on two definitions say the same in other words
MEANS = re.compile(r"\b(?:means?|refers? to|stands? for|denotes?)\b")
PLACES = re.compile(r"\b(?:sections?|clauses?|appendix|annex|page|table) \w+", re.IGNORECASE)
DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
SMALL = {"a", "an", "and", "for", "of", "the", "to"}
TO_MEANS = 120  # characters in which a definition comes to its meaning

Defined = tuple[Policy, Term]


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield each further definition that says something else than the first."""
    groups: dict[tuple[str, bool], list[Defined]] = defaultdict(list)
    for policy in corpus.in_force:
        for term in policy.terms:
            groups[normalise_term(term.name), _expands(term)].append((policy, term))
    for (first_policy, first), *others in groups.values():
        for policy, term in others:
            if _may_differ(first_policy, first, policy, term) and _differ(first, term, corpus):
                where = "above" if policy is first_policy else f"in {first_policy.source}"
                place = first_policy, first.start, first.end
                yield Fault(f"“{term.name}” is defined otherwise {where}.", policy, term.start, term.end, place)


def _may_differ(one: Policy, first: Term, other: Policy, second: Term) -> bool:
    if one is other:
        return True
    copy = one.document.id == other.document.id
    return not (copy or is_local(one, first) or is_local(other, second))


def is_local(policy: Policy, term: Term) -> bool:
    """Say whether a definition is meant for its own document alone."""
    if policy.is_contract:
        return True
    above = policy.text[max(0, term.start - ABOVE) : term.end]
    return LOCAL.search(" ".join((*policy.headings_above(term.start), above))) is not None


def _expands(term: Term) -> bool:
    """Tell an abbreviation spelled out from a definition: the two do not contradict each other."""
    initials = "".join(word[0] for word in WORD.findall(_meaning(term)) if word not in SMALL)
    return term.definition in term.aliases or initials.casefold() == term.name.casefold()


def _differ(one: Term, other: Term, corpus: Corpus) -> bool:
    first, second = _meaning(one), _meaning(other)
    figures, others = _figures(first), _figures(second)
    if not (figures <= others or others <= figures):
        return True
    if content(first) <= content(second) or content(second) <= content(first):  # one says more than the other
        return False
    vectors = corpus.encode([first, second])
    return float(vectors[0] @ vectors[1]) < SAME


def _meaning(term: Term) -> str:
    """Return the first sentence of a definition, from its verb on: what follows explains it."""
    text = term.definition
    means = MEANS.search(text, 0, TO_MEANS)
    start = means.end() if means and term.name in text[: means.start()] else 0
    spans = sentences(text, start, len(text))
    return text[slice(*spans[0])] if spans else text


def _figures(text: str) -> set[str]:
    return set(DIGITS.findall(PLACES.sub("", text)))
