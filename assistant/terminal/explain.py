"""How an answer came about, in plain words: what was found, read, decided and left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from assistant.core.errors import did_you_mean
from assistant.core.records import Answer, Hit

BEST = 3  # passages that are named
METHODS = {"dense": "by meaning", "lexical": "by its words", "term": "by a term"}
DECIDED = {
    "answered": "That is at least {threshold:.0%}, from which on it answers (answer.max_risk).",
    "abstained": "That is below {threshold:.0%}, from which on it answers (answer.max_risk), so it does not.",
    "blocked": "It was refused before anything was decided.",
}


def role_hints(known: Collection[str], asked: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each role that no document is for; for whoever may ask as anybody, not for clients."""
    for role in sorted(set(asked) - set(known)):
        yield f"No document is for the role {role!r}{did_you_mean(role, known)}."


def why(answer: Answer, threshold: float) -> Iterator[str]:
    """Yield the steps as sentences; `threshold` is the least probability with which a question is answered."""
    yield f"Asked of {answer.index.documents:,} documents, {answer.index.passages:,} passages that you may see."
    if answer.hits:
        best = "; ".join(map(_found, answer.hits[:BEST]))
        yield f"{len(answer.hits)} passages were found and read; the best: {best}."
    else:
        yield "Nothing was looked up, or nothing was found."
    if answer.status != "blocked":
        yield f"That what was read answers the question is {answer.confidence:.0%} likely."
    yield DECIDED[answer.status].format(threshold=threshold)
    yield from _worded(answer)
    for verdict in answer.verdicts:
        yield f"The {verdict.guard} guard, of the {verdict.stage}: {verdict.reason} ({verdict.action})."
    slowest = sorted(((ms, name) for name, ms in answer.timings.items() if name != "total"), reverse=True)
    times = ", ".join(f"{name} {ms / 1000:.1f} s" for ms, name in slowest[:3])
    yield f"It took {answer.timings['total'] / 1000:.1f} s ({times})."


def _found(hit: Hit) -> str:
    how = " and ".join(METHODS[method] for method in hit.methods)
    place = " > ".join(dict.fromkeys((hit.title, *hit.passage.headings[-1:])))
    return f"{place}, {how}" if how else place


def _worded(answer: Answer) -> Iterator[str]:
    if answer.generated:
        yield f"It was worded by {answer.model.id}; each sentence is what its quote says."
    elif answer.citations:
        yield "It is told in the documents' own words."
    elif answer.closest:
        yield "What came closest is shown instead, and is not claimed to answer."
    if answer.earlier:
        yield f"A version that held until {answer.earlier[0].until} said otherwise."
