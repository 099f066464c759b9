"""A term that is written as defined ones are, and defined nowhere."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from assistant.text.words import WORD
from ingest.lint.corpus import Corpus, Fault, Policy, Span
from ingest.lint.phrases import Phrase, occurrences, phrase

CODE = "term-undefined"
WORDS = r"[A-Z][a-z]+(?:-[A-Z]?[a-z]+)?"
CAPITALS = re.compile(rf"(?<=[a-z,;(] )(?P<name>{WORDS}(?: {WORDS}){{1,3}})(?![\w-])")
DEFINED = re.compile(rf"(?<=[a-z,;(] )[“\"']?(?P<name>{WORDS}(?: {WORDS}){{0,3}})[”\"']?,? \(?as defined\b")
ELSEWHERE = re.compile(r" (?:in|under|by) (?:the |an? )?(?=[A-Z])")
BEHIND = 120  # characters in which the document is named that is to define it
QUOTED = re.compile(r"""["“]([^"“”]{2,60})["”]""")  # "(the “Goods”)", "a “Personal Account” represents"
# Before one of several of a kind; "the Works Council" is a name.
OF_A_KIND = re.compile(
    r"\b(?:an?|any|each|every|no|all|another|some|such|one|two|three|its|their|your|our|or) $", re.IGNORECASE
)
LEAST = 2  # places
BEFORE = 10  # characters in which such a word stands
OFFICES = frozenset(
    """adviser advisor agent analyst board chair coach committee controller coordinator council counsel department
    director executive forum group head lead leader manager officer owner panel partner president
    representative secretary section specialist supervisor team policy procedure act regulation code standard
    form plan guide handbook charter statement agreement programme scheme office portal register centre center
    site house day week month year""".split()
)


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield the first place of each term that no document defines."""
    defined = {phrase(name) for policy in corpus.policies for t in policy.terms for name in (t.name, *t.aliases)}
    defined |= {phrase(match[1]) for policy in corpus.policies for match in QUOTED.finditer(policy.text)}
    names, common = _names(corpus), _common_words(corpus)
    titles = [name.casefold() for p in corpus.policies for name in (p.document.title, p.meta.policy_id or "") if name]
    for policy in corpus.in_force:
        said = {
            phrase(match["name"]): match.span("name")
            for match in DEFINED.finditer(policy.text)
            if not _is_elsewhere(policy.text, match.end(), titles)
        }
        for name, span in said.items():
            if not _is_known(name, defined):
                yield Fault(f"“{policy.text[slice(*span)]}” is said to be defined, and is not.", policy, *span)
        for name, span in _written(policy).items():
            ordinary = set(name) <= common and name[-1] not in OFFICES
            if ordinary and name not in said and name not in names and not _is_known(name, defined):
                told = f"“{policy.text[slice(*span)]}” is written like a defined term, and is not defined."
                yield Fault(told, policy, *span)


def _is_elsewhere(text: str, end: int, titles: Sequence[str]) -> bool:
    """Tell "as defined in the GPL" from what a document of ours is to define."""
    named = ELSEWHERE.match(text, end)
    behind = text[named.end() : named.end() + BEHIND].casefold() if named else ""
    return named is not None and not any(title in behind for title in titles)


def _written(policy: Policy) -> dict[Phrase, Span]:
    """Return the first place of what a document always writes with capitals, as one of several of a kind."""
    places: dict[Phrase, list[Span]] = defaultdict(list)
    small: set[Phrase] = set()
    for match in CAPITALS.finditer(policy.text):
        places[phrase(match["name"])].append(match.span("name"))
    found = {name: spans[0] for name, spans in places.items() if len(spans) >= LEAST and _is_of_a_kind(policy, spans)}
    for name, start, end in occurrences(policy.text, found.keys()):
        if policy.text[start:end].islower():
            small.add(name)
    return {name: span for name, span in found.items() if name not in small}


def _is_of_a_kind(policy: Policy, spans: Sequence[Span]) -> bool:
    return any(OF_A_KIND.search(policy.text, max(0, start - BEFORE), start) for start, _ in spans)


def _is_known(name: Phrase, known: set[Phrase]) -> bool:
    """Say whether a term, or what it ends or begins with, is defined: "Restricted Data Owner" of "Data Owner"."""
    parts = (name[first:last] for first in range(len(name)) for last in range(first + 1, len(name) + 1))
    return any(part in known and len(part) >= min(2, len(name)) for part in parts)


def _names(corpus: Corpus) -> set[Phrase]:
    """Return what titles and headings are made of: a reference to one is capitalised too."""
    found: set[Phrase] = set()
    for policy in corpus.policies:
        for text in (policy.document.title, *(text for *_, text in policy.headings)):
            words = phrase(text)
            found |= {words[at : at + size] for size in (2, 3, 4) for at in range(len(words) - size + 1)}
    return found


def _common_words(corpus: Corpus) -> set[str]:
    """Return the stems of the words that some document writes small: a name has others."""
    counts: Counter[str] = Counter()
    for policy in corpus.policies:
        counts.update({word for word in WORD.findall(policy.text) if word.islower()})
    return {stem for word in counts for stem in phrase(word)}
