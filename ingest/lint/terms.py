"""Terms: defined twice differently, said to be defined and not, or defined and used nowhere; acronyms too."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import partial

from assistant.core.records import Term
from assistant.text.canonical import sentences
from assistant.text.quantities import quantities
from assistant.text.words import WORD, content, normalise_term, stem
from ingest.lint.corpus import Corpus, Fault, Policy, Span
from ingest.terms import GLOSSARY, MEANS

Phrase = tuple[str, ...]
Defined = tuple[Policy, Term]

# A definition that says that it holds here alone; so may the sentence or the heading above it.
LOCAL = tuple(
    f" {preposition} {this} "
    for preposition in ("in", "within", "under", "for", "for the purpose of", "for the purposes of")
    for this in ("this", "these", "the present")
)
NAME_CHARACTERS = 300  # before a definition in which its name stands, and twice as many for its list's lead-in
SAME_MEANING = 0.8  # cosine from which on two definitions say the same in other words (test_planted.py)
ROOT_CHARACTERS = 4  # of two words, which are forms of one if they begin with the same
SMALL_WORDS = frozenset("a an and at by for in of on or the to".split())
WORDS = r"[A-Z][a-z]+(?:-[A-Z]?[a-z]+)?"
CAPITALS = re.compile(rf"(?<=[a-z,;(] )[“\"']?(?P<name>{WORDS}(?: {WORDS}){{0,3}})(?![\w-])[”\"']?")
AS_DEFINED = (" as defined", " (as defined", ", as defined", ", (as defined")
QUOTES = str.maketrans("“”", '""')
ACRONYM = re.compile(r"(?<![\w.&/@'’-])([A-Z]{2,6})s?(?![\w@&/]|[-.'’]\w)")
SPELLED = ("(", "means ", "stands for ", *(f"{mark} " for mark in "-–—:="))  # what stands behind one
# What a dictionary of everyday English lists, and what is never spelled out: countries, currencies, units, files.
EVERYBODYS = frozenset(
    """AD AI AM AOB API ATM BBC BC BCC BST CAD CC CCTV CD CEO CET CFO CHF COO CPU CSV CTO CV DIY DNA DVD ETA EU EUR
    FAQ FBI FTE GB GBP GDP GMT GP GPS HIV HQ HR HTML HTTP HTTPS ID IP IQ ISBN ISO IT JPEG JPG JPY JSON KB LAN
    LED LGBT LLP LTD MB MP NASA NATO NHS OK PA PC PDF PIN PLC PM PNG PO PPE PR PS RAM RIP RSVP SIM SMS SOS SQL
    SUV TB TBC TBD TV UAE UFO UK UN UNESCO UNICEF UPS URL US USA USB USD UTC VAT VIP VPN WC WIFI WWW XML ZIP""".split()
)


def redefined(corpus: Corpus) -> Iterator[Fault]:
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
    if policy.is_contract or term.name.casefold().endswith(" here"):  # "Accountability here means ..."
        return True
    above = policy.text[max(0, term.start - 2 * NAME_CHARACTERS) : term.end]
    text = " ".join(WORD.findall(" ".join((*policy.headings_above(term.start), above)).casefold()))
    return any(said in f" {text} " for said in LOCAL)


def _expands(term: Term) -> bool:
    """Tell an abbreviation spelled out from a definition: the two do not contradict each other."""
    initials = "".join(word[0] for word in WORD.findall(_meaning(term)) if word not in SMALL_WORDS)
    return term.definition in term.aliases or initials.casefold() == term.name.casefold()


def _is_same_name(one: str, other: str) -> bool:
    """Tell two spellings of a name: "Request for Quotation" and "request for quote", "Memoranda" and "Memorandums"."""
    words, others = ([word for word in WORD.findall(n.casefold()) if word not in SMALL_WORDS] for n in (one, other))
    alike = (a[:ROOT_CHARACTERS] == b[:ROOT_CHARACTERS] for a, b in zip(words, others, strict=False))
    return len(words) == len(others) and all(alike)


def _differ(one: Term, other: Term, corpus: Corpus) -> bool:
    first, second = _meaning(one), _meaning(other)
    if _expands(one) and _is_same_name(first, second):
        return False
    figures, others = _figures(first), _figures(second)
    if not (figures <= others or others <= figures):
        return True
    if content(first) <= content(second) or content(second) <= content(first):  # one says more than the other
        return False
    vectors = corpus.encode([first, second])
    return float(vectors[0] @ vectors[1]) < SAME_MEANING


def _meaning(term: Term) -> str:
    """Return the first sentence of a definition, from its verb on: what follows explains it."""
    text = term.definition
    means = MEANS.match(text)
    start = means.start("meaning") if means and term.name in text[: means.start("meaning")] else 0
    spans = sentences(text, start, len(text))
    return text[slice(*spans[0])] if spans else text


def _figures(text: str) -> set[tuple[str, str]]:
    return {one.measured for one in quantities(text)}


def undefined(corpus: Corpus) -> Iterator[Fault]:
    """Yield each term that is said to be defined, and that no document defines."""
    defined = {phrase(name) for policy in corpus.policies for t in policy.terms for name in (t.name, *t.aliases)}
    # What stands in quotation marks, or between two of them: "(the “Goods”)", "a “Personal Account” represents".
    quoted = (part for policy in corpus.policies for part in policy.text.translate(QUOTES).split('"')[1:-1])
    defined |= {phrase(part) for part in quoted if len(part) <= 60}
    titles = [name.casefold() for p in corpus.policies for name in (p.document.title, p.meta.policy_id or "") if name]
    for policy in corpus.in_force:
        said = {
            phrase(match["name"]): match.span("name")
            for match in CAPITALS.finditer(policy.text)
            if policy.text.startswith(AS_DEFINED, match.end()) and not _is_elsewhere(policy.text, match.end(), titles)
        }
        for name, span in said.items():
            if not _is_known(name, defined):
                yield Fault(f"“{policy.text[slice(*span)]}” is said to be defined, and is not.", policy, *span)


def _is_elsewhere(text: str, end: int, titles: Sequence[str]) -> bool:
    """Tell "as defined in the GPL" from what a document of ours is to define."""
    by, *named = text[text.index("defined", end) + len("defined") :][:120].split() or [""]
    first = next((word for word in named if word not in ("the", "a", "an")), "")
    ours = any(title in " ".join(named).casefold() for title in titles)
    return by in ("in", "under", "by") and first[:1].isupper() and not ours


def _is_known(name: Phrase, known: set[Phrase]) -> bool:
    """Say whether a term, or what it ends or begins with, is defined: "Restricted Data Owner" of "Data Owner"."""
    parts = (name[first:last] for first in range(len(name)) for last in range(first + 1, len(name) + 1))
    return any(part in known and len(part) >= min(2, len(name)) for part in parts)


def unused(corpus: Corpus) -> Iterator[Fault]:
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
        for found, start, end in occurrences(policy, names):
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
        return term.start, term.end + len(term.name) + 4  # its brackets
    end = sentences(policy.text, term.start, term.end)[0][1]  # what follows may use it
    if term.name in policy.text[term.start : end]:
        return term.start, end
    before = policy.text.rfind(term.name, max(0, term.start - NAME_CHARACTERS), term.start)
    return (before if before >= 0 else term.start), end


def unexpanded(corpus: Corpus) -> Iterator[Fault]:
    """Yield the first place of each acronym that is spelled out nowhere."""
    known = set(EVERYBODYS)
    names: set[str] = set()
    for policy in corpus.policies:
        known |= {name.rstrip("s") for term in policy.terms for name in (term.name, *term.aliases)}
        known |= {match[1] for match in ACRONYM.finditer(policy.text) if _is_spelled(policy.text, match)}
        names |= {_initials(text) for text in (policy.document.title, *(text for *_, text in policy.headings))}
        names |= _prefixes(policy)
        names |= {word.upper() for word in WORD.findall(policy.text) if word.islower()}  # shouted, then
    reported: set[str] = set()
    for policy in corpus.in_force:
        for match in ACRONYM.finditer(policy.text):
            word = match[1]
            if word in reported or word in known or word in names or _is_no_acronym(policy.text, match):
                continue
            reported.add(word)
            yield Fault(f"“{word}” is spelled out nowhere.", policy, *match.span(1))


def _prefixes(policy: Policy) -> set[str]:
    return {policy.meta.policy_id.partition("-")[0].upper()} if policy.meta.policy_id else set()


def _initials(text: str) -> str:
    words = WORD.findall(text)
    return "".join(word[0] for word in words if word.casefold() not in SMALL_WORDS).upper()


def _is_spelled(text: str, match: re.Match[str]) -> bool:
    return text[match.end() : match.end() + 20].lstrip().startswith(SPELLED)


def _is_no_acronym(text: str, match: re.Match[str]) -> bool:
    """Tell Roman numerals, numbered names, amounts and words of a line in capitals."""
    start, end = match.span(1)
    before, after = text[max(0, start - 20) : start].removesuffix(" "), text[end : end + 20]
    return bool(
        set(match[1]) <= set("IVXLC")
        or before[-1:] in tuple("£€$")
        or before[-1:].isdigit()
        or after.lstrip(" \xa0-")[:1].isdigit()  # "ISO 27001"
        or _is_shouted(before.rstrip(",;:").rpartition(" ")[2])
        or (after.lstrip(",;:")[:1] == " " and _is_shouted(after.lstrip(",;: ").partition(" ")[0]))
        or (before.endswith("|") and after.startswith(" |"))  # a cell's code
    )


def _is_shouted(word: str) -> bool:
    return len(word) > 1 and word.isalpha() and word.isupper()


def phrase(name: str) -> Phrase:
    """Return a name's words as `occurrences` compares them: without case and endings."""
    return tuple(stem(match.group()) for match in WORD.finditer(name))


def occurrences(policy: Policy, wanted: Collection[Phrase]) -> Iterator[tuple[Phrase, int, int]]:
    """Yield (phrase, start, end) of each place where one of the phrases stands."""
    begin: dict[str, list[Phrase]] = defaultdict(list)
    for one in sorted(wanted, key=len):
        begin[one[0]].append(one)
    for at, (word, start, _) in enumerate(policy.words):
        for one in begin.get(word, ()):
            said = policy.words[at : at + len(one)]
            if tuple(word for word, *_ in said) == one:
                yield one, start, said[-1][2]
