"""A term that is defined, and that no other sentence uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from assistant.core.records import Term
from assistant.text.canonical import sentences
from ingest.lint.corpus import Corpus, Fault, Policy, Span
from ingest.lint.phrases import Phrase, occurrences, phrase
from ingest.terms import GLOSSARY

CODE = "term-unused"
NAME = 300  # characters before a definition in which the name stands, where it does not stand inside
BRACKETS = 4  # characters around an abbreviation behind what it stands for


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield the definitions whose name and other names stand nowhere but in definitions of them."""
    names: dict[Phrase, list[tuple[Policy, Term]]] = defaultdict(list)
    unused: dict[tuple[str, int], tuple[Policy, Term]] = {}
    for policy in corpus.in_force:
        for term in filter(partial(_is_meant, policy), policy.terms):
            unused[policy.source, term.start] = policy, term
            for name in {term.name, *term.aliases}:
                names[phrase(name)].append((policy, term))
    names.pop((), None)
    for policy in corpus.in_force:
        for found, start, end in occurrences(policy.text, names):
            entries = [_entry(policy, term) for defining, term in names[found] if defining is policy]
            if not any(first <= start and end <= last for first, last in entries):
                for defining, term in names[found]:
                    unused.pop((defining.source, term.start), None)
    for policy, term in unused.values():
        yield Fault(f"“{term.name}” is defined and used nowhere.", policy, term.start, term.end)


def _is_meant(policy: Policy, term: Term) -> bool:
    """Tell a definition from a row of another table, whose names are those of suppliers, rooms or forms."""
    line = policy.text.rfind("\n", 0, term.start) + 1
    titles = (policy.document.title, *policy.headings_above(term.start))
    return policy.text[line] != "|" or any(GLOSSARY.search(title) for title in titles)


def _entry(policy: Policy, term: Term) -> Span:
    """Return the span of a definition with the name that it is of."""
    if term.definition in term.aliases:
        return term.start, term.end + len(term.name) + BRACKETS
    end = sentences(policy.text, term.start, term.end)[0][1]  # what follows may use it
    if term.name in policy.text[term.start : end]:
        return term.start, end
    before = policy.text.rfind(term.name, max(0, term.start - NAME), term.start)
    return (before if before >= 0 else term.start), end
