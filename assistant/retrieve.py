"""Question -> hits: vector search, word search and the glossary, their scores fused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.core.catalog import Catalog, normalise_term
from assistant.core.config import RetrievalSection
from assistant.core.types import Access, Hit, Method, Term
from assistant.core.vectors import VectorStore

WORD = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*")
STOP_WORDS = frozenset(
    """a about after all am an and any are as at be been before being but by can could did do does doing for from
    get had has have he her hers him his how i if in into is it its itself just may me mean means might must
    my no not of on or our ours please shall she should so some tell than that the their them then there
    these they this those to up us was we were what whats when where which who whom whose why will with
    would you your yours""".split()
)
ASKS_MEANING = re.compile(
    r"""\b(?:what(?:'s|’s|\s+is|\s+are|\s+does|\s+do)?|define|definition\s+of|meaning\s+of|explain|who\s+is|who\s+are|
    stands?\s+for|mean(?:s|t)?\s+by)\b""",
    re.IGNORECASE | re.VERBOSE,
)
SAYS_MEANING = re.compile(r"\b(?:means?|meaning|stands?|define|definition|abbreviation|acronym)\b", re.IGNORECASE)
TERM_WORDS = 7
ASKED_BOOST, USED_BOOST = 10.0, 0.1


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
        with catalog.snapshot():
            generation = catalog.meta("generation") or ""
            filtered = access if catalog.restricted(access.as_of) else None
            vector = self._encode([question])[0]
            dense = self._store.query(generation, vector, settings.candidates, filtered)
            words = word_query(question)
            lexical = catalog.search_words(words, settings.candidates, access) if words else []
            ranked = fuse(dense, lexical, self._term_passages(terms), settings.lexical_weight)
            return catalog.hits(ranked, access, k)

    def _term_passages(self, terms: Sequence[tuple[Term, bool]]) -> list[tuple[int, float]]:
        """Return (passage id, weight): a definition that is asked for comes first, one that is used is in the race."""
        found: dict[int, float] = {}
        for term, asked in terms:
            passage_id = self._catalog.passage_at(term.document_id, term.start)
            if passage_id is not None:
                weight = ASKED_BOOST * (1.0 if term.scope == "organisation" else 0.9) if asked else USED_BOOST
                found[passage_id] = max(found.get(passage_id, 0.0), weight)
        return list(found.items())


def find_terms(catalog: Catalog, question: str, access: Access) -> list[tuple[Term, bool]]:
    """Return the defined terms a question uses, longest names first, and whether it asks what they mean."""
    words = [m.group() for m in WORD.finditer(question)]
    spans: dict[str, list[tuple[int, int]]] = {}
    for start in range(len(words)):
        for stop in range(start + 1, min(start + TERM_WORDS, len(words)) + 1):
            spans.setdefault(normalise_term(" ".join(words[start:stop])), []).append((start, stop))
    taken: set[int] = set()
    found: list[tuple[Term, bool]] = []
    terms = catalog.terms(access, [norm for norm in spans if norm not in STOP_WORDS or _is_quoted(norm, question)])
    by_norm = [(norm, term) for term, _, _ in terms for norm in _norms(term) if norm in spans]
    for norm, term in sorted(by_norm, key=_fullest_first):
        free = [span for span in spans[norm] if not taken & set(range(*span))]
        same = [known for known, _ in found if normalise_term(known.name) == normalise_term(term.name)]
        if free or same:
            taken |= {i for span in free for i in range(*span)}
            found.append((term, asks_meaning(question, norm)))
    return found


def asks_meaning(question: str, norm: str) -> bool:
    """Tell `What is a CISO?` and `What does "CISO" mean here?` from questions that merely use the term."""
    if not ASKS_MEANING.search(question):
        return False
    if SAYS_MEANING.search(question):
        return True
    rest = [w for w in normalise_term(question).split() if w not in STOP_WORDS and w not in norm.split()]
    return not rest


def _fullest_first(entry: tuple[str, Term]) -> tuple[int, bool, bool]:
    """Sort long names before the short ones inside them, and glossary entries before mere expansions."""
    norm, term = entry
    return -len(norm), term.definition in term.aliases, term.scope != "organisation"


def _norms(term: Term) -> set[str]:
    return {normalise_term(name) for name in (term.name, *term.aliases)}


def _is_quoted(norm: str, question: str) -> bool:
    return bool(re.search(rf"[\"“'‘]{re.escape(norm)}[\"”'’]", question, re.IGNORECASE))


def word_query(question: str) -> str:
    """Make an FTS5 query of a question: any of its content words, quoted so that none is read as syntax."""
    words = dict.fromkeys(m.group().casefold() for m in WORD.finditer(question))
    content = [w for w in words if w not in STOP_WORDS] or list(words)
    return " OR ".join(f'"{w}"' for w in content[:64])


def fuse(
    dense: Sequence[tuple[int, float]],
    lexical: Sequence[tuple[int, float]],
    terms: Sequence[tuple[int, float]],
    lexical_weight: float,
) -> list[tuple[int, float, tuple[Method, ...]]]:
    """Return (passage id, score, methods), best first: cosine + weight x BM25 / the best BM25 + term weights.

    Scores beat reciprocal ranks here, as in Bruch, Gai, Ingber, "An Analysis of Fusion Functions" (TOIS 2023); a
    passage that the vector search did not return counts as a little less similar than the last one that it did.
    """
    cosine, bm25, boost = dict(dense), dict(lexical), dict(terms)
    floor = 0.8 * min(cosine.values(), default=0.0)
    best = max(bm25.values(), default=1.0) or 1.0
    scores = {
        i: cosine.get(i, floor) + lexical_weight * bm25.get(i, 0.0) / best + boost.get(i, 0.0)
        for i in {*cosine, *bm25, *boost}
    }
    proposals: tuple[tuple[Method, dict[int, float]], ...] = (("dense", cosine), ("lexical", bm25), ("term", boost))
    return [
        (i, scores[i], tuple(method for method, found in proposals if i in found))
        for i in sorted(scores, key=lambda i: (-scores[i], i))
    ]
