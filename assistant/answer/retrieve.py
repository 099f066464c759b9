"""Question -> hits: vector search, word search and the glossary, their scores fused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import RetrievalSection
from assistant.core.records import Access, Hit, Method, Term
from assistant.index.catalog import Catalog
from assistant.index.vectors import VectorStore
from assistant.text.words import STOP_WORDS, WORD, normalise_term

ASKS_MEANING = re.compile(
    r"""\b(?:what(?:'?s|’s|\s+is|\s+are|\s+does|\s+do)?|defined?|definition\s+of|meaning\s+of|explain|who\s+is|who\s+are|
    stands?\s+for|mean(?:s|t)?\s+by)\b""",
    re.IGNORECASE | re.VERBOSE,
)
SAYS_MEANING = frozenset("mean means meaning stand stands define defined definition abbreviation acronym".split())
CONTRACTED = frozenset({"s", "t", "m", "d", "re", "ve", "ll"})  # after the apostrophe
QUOTED = re.compile(r"""["“‘']([^"“”‘’']{2,80})["”’'](?!\w)""")
PHRASE = re.compile(r"""["“]([^"“”]{2,80}\s[^"“”]{1,80})["”]""")  # words that follow one another
# In a normalised question, the name of a term beside the words that ask for its meaning.
BESIDE = (
    r"(?:\b(?:define|definition of|meaning of|explain|stands? for|mean(?:t|s)? by)"
    r" (?:the (?:term|word) |an? |the )?{name}\b"
    r"|\b{name} (?:mean|stand|be defined|defined|refer)"
    r"|\bwhat(?:'?s| is| are) (?:an? |the )?{name}(?:$| (?:in|at|here|again|exactly)\b))"
)
TERM_WORDS = 7
MAX_TERMS = 200  # that one question is taken to use; those with the longest names
# A definition that is asked for comes before what only talks about its term.
ASKED_BOOST, USED_BOOST = 2.0, 0.1
POINTED_BOOST = 1.0  # more than cosines and words differ
SCORE_DIGITS = 6  # what float32 keeps
WITH_HIDDEN = 5  # times as many near passages are looked at where some of them may not be seen


class Retriever:
    """Searches one catalog and its current vector generation."""

    def __init__(
        self,
        catalog: Catalog,
        store: VectorStore,
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
        settings: RetrievalSection,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._encode = encode
        self._settings = settings

    def search(self, question: str, access: Access, k: int, terms: Sequence[tuple[Term, bool]] = ()) -> tuple[Hit, ...]:
        """Return the best `k` passages that `access` may see; `terms` as `find_terms` tells them of the question."""
        catalog, settings = self._catalog, self._settings
        with catalog.snapshot(), ThreadPoolExecutor(1) as beside:
            encoded = beside.submit(self._encode, [question])
            lexical, most = catalog.queries.search_words(query_words(question), settings.candidates, access)
            vector = encoded.result()[0]
            dense = catalog.queries.nearest(vector, self.near(vector, access), settings.candidates)
            boosts = [*self._pointed_at(question, access), *self._term_passages(terms)]
            ranked = fuse(dense, lexical, boosts, settings.lexical_weight, most)
            last = round(ranked[:k][-1][1], SCORE_DIGITS) if ranked else 0.0
            first = [entry for entry in ranked if round(entry[1], SCORE_DIGITS) >= last]
            return in_order(catalog.queries.hits(first, access))[:k]

    def near(self, vector: NDArray[np.float32], access: Access) -> list[int]:
        """Return the passages that are near a vector and that `access` may see, nearest first, more than are wanted.

        Whoever may see little of what is near, or little at all, gets all of it, in no order: whole vectors rank it.
        """
        queries = self._catalog.queries
        if queries.count_visible(access) <= self._settings.full_scan:
            return queries.all_visible(access)
        generation = self._catalog.meta("generation") or ""
        wanted = 2 * self._settings.candidates  # Chroma knows a third of a vector's dimensions: the rest ranks these
        for asked in (wanted, wanted * WITH_HIDDEN):
            near = [passage_id for passage_id, _ in self._store.query(generation, vector, asked)]
            visible = queries.visible(near, access)
            if len(visible) >= wanted or len(near) < asked:
                return visible[:wanted]
        return queries.all_visible(access)

    def _term_passages(self, terms: Sequence[tuple[Term, bool]]) -> list[tuple[int, float]]:
        """Return (passage id, weight): a definition that is asked for comes first, one that is used is in the race."""
        found: dict[int, float] = {}
        for term, asked in terms:
            passage_id = self._catalog.queries.passage_at(term.document_id, term.start)
            if passage_id is not None:
                weight = ASKED_BOOST * (1.0 if term.scope == "organisation" else 0.9) if asked else USED_BOOST
                found[passage_id] = max(found.get(passage_id, 0.0), weight)
        return list(found.items())

    def _pointed_at(self, question: str, access: Access) -> Iterator[tuple[int, float]]:
        """Yield (passage id, weight) of documents whose id a question has, and of passages with a phrase in quotes."""
        queries = self._catalog.queries
        ids = [m.group() for m in WORD.finditer(question) if not m.group().isdigit() and re.search(r"\d", m.group())]
        passages = queries.of_policies(ids, access) if ids else []
        for phrase in PHRASE.findall(question):
            found, _ = queries.search_words([phrase], self._settings.candidates, access)
            passages += [passage_id for passage_id, _ in found]
        yield from ((passage_id, POINTED_BOOST) for passage_id in passages)


def find_terms(catalog: Catalog, question: str, access: Access) -> list[tuple[Term, bool]]:
    """Return the defined terms a question uses, longest names first, and whether it asks what they mean."""
    words = [m.group() for m in WORD.finditer(question)]
    spans: dict[str, list[tuple[int, int]]] = {}
    for start in range(len(words)):
        for stop in range(start + 1, min(start + TERM_WORDS, len(words)) + 1):
            spans.setdefault(normalise_term(" ".join(words[start:stop])), []).append((start, stop))
    taken: set[int] = set()
    names: set[str] = set()
    found: list[tuple[Term, str]] = []
    norms = [norm for norm in spans if norm not in STOP_WORDS or _is_quoted(norm, question)]
    terms = catalog.queries.terms(access, norms)
    by_norm = [(norm, term) for term, _, _ in terms for norm in _norms(term) if norm in spans]
    for norm, term in sorted(by_norm, key=_fullest_first)[:MAX_TERMS]:
        free = [span for span in spans[norm] if not taken & set(range(*span))]
        spans[norm] = []  # now they are taken, by this term or a longer one
        name = normalise_term(term.name)
        if free or name in names:
            taken |= {i for span in free for i in range(*span)}
            names.add(name)
            found.append((term, norm))
    asked = asked_norms(question, list(dict.fromkeys(norm for _, norm in found)))
    return [(term, norm in asked) for term, norm in found]


def asked_norms(question: str, norms: Sequence[str]) -> set[str]:
    """Tell which of the terms that a question uses it asks the meaning of, by their normalised names.

    `How does the rulebook define "Shareholder"?` asks of what it quotes, whatever else it names; `What does RTO mean?`
    of what stands beside the word that asks; `What is a CISO?` of the only thing in it.
    """
    if not ASKS_MEANING.search(question):
        return set()
    if quoted := [normalise_term(match[1]) for match in QUOTED.finditer(question)]:
        return {norm for norm in norms if norm in quoted}
    said = normalise_term(question)
    beside = {norm for norm in norms if re.search(BESIDE.format(name=re.escape(norm)), said)}
    says_meaning = not SAYS_MEANING.isdisjoint(word.casefold() for word in WORD.findall(question))
    if beside or (says_meaning and len(norms) > 1):
        return beside
    if says_meaning:
        return set(norms)
    rest = {norm: set(said.split()) - STOP_WORDS - set(norm.split()) for norm in norms}
    return {norm for norm in norms if not rest[norm]}


def _fullest_first(entry: tuple[str, Term]) -> tuple[int, bool, bool]:
    """Sort long names before the short ones inside them, and glossary entries before mere expansions."""
    norm, term = entry
    return -len(norm), term.definition in term.aliases, term.scope != "organisation"


def _norms(term: Term) -> set[str]:
    return {normalise_term(name) for name in (term.name, *term.aliases)}


def _is_quoted(norm: str, question: str) -> bool:
    return bool(re.search(rf"[\"“'‘]{re.escape(norm)}[\"”'’]", question, re.IGNORECASE))


def query_words(question: str) -> list[str]:
    """Return a question's content words; "it's" and "can't" are none."""
    words = dict.fromkeys(m.group().casefold() for m in WORD.finditer(question))
    content = [word for word in words if not _is_stop_word(word)]
    return (content or list(words))[:64]


def _is_stop_word(word: str) -> bool:
    head, _, tail = word.replace("’", "'").partition("'")
    return word in STOP_WORDS or (tail in CONTRACTED and not STOP_WORDS.isdisjoint((head, head.removesuffix("n"))))


def in_order(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Return the hits best first; those of one score by their place, since ids tell when they were indexed.

    Their scores are rounded: the last digits of a sum depend on the order in which passages were indexed, too.
    """
    rounded = [replace(hit, score=round(hit.score, SCORE_DIGITS)) for hit in hits]
    ordered = sorted(rounded, key=lambda hit: (-hit.score, hit.source, hit.passage.start))
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1))


def fuse(
    dense: Sequence[tuple[int, float]],
    lexical: Sequence[tuple[int, float]],
    terms: Sequence[tuple[int, float]],
    lexical_weight: float,
    most: float,
) -> list[tuple[int, float, tuple[Method, ...]]]:
    """Return (passage id, score, methods), best first: cosine + weight x words + term weights.

    What words count for is half their BM25 against the best passage's, which ranks them, and the whole of it against
    `most`, that of a passage with every word: of what an employee tells, few words are the documents', and the best
    passage by words may be no good. Scores beat reciprocal ranks here, as in Bruch, Gai, Ingber, "An Analysis of Fusion
    Functions" (TOIS 2023); a passage that the vector search did not return counts as a little less similar than the
    last one that it did.
    """
    cosine, bm25, boost = dict(dense), dict(lexical), dict(terms)
    floor = 0.8 * min(cosine.values(), default=0.0)
    best = max(bm25.values(), default=1.0) or 1.0
    scale = lexical_weight * (0.5 / best + 1 / (most or best))
    scores = {i: cosine.get(i, floor) + scale * bm25.get(i, 0.0) + boost.get(i, 0.0) for i in {*cosine, *bm25, *boost}}
    proposals: tuple[tuple[Method, dict[int, float]], ...] = (("dense", cosine), ("lexical", bm25), ("term", boost))
    return [
        (i, scores[i], tuple(method for method, found in proposals if i in found))
        for i in sorted(scores, key=lambda i: (-scores[i], i))
    ]
