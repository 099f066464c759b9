"""How an answer came about, in plain words: what was found, read, decided and left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from assistant.core.errors import did_you_mean
from assistant.core.records import Answer, Hit, IndexInfo
from assistant.text.prompts import counted

METHODS = {"dense": "by meaning", "lexical": "by its words", "term": "by a term"}


def role_hints(known: Collection[str], asked: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each role that no document is for; for whoever may ask as anybody, not for clients."""
    for role in sorted(set(asked) - set(known)):
        yield f"No document is for the role {role!r}{did_you_mean(role, known)}."


def index_size(index: IndexInfo) -> str:
    """Return how many documents and passages there are for whoever asks."""
    return f"{counted(index.documents, 'document')}, {counted(index.passages, 'passage')}"


def why(answer: Answer, threshold: float) -> Iterator[str]:
    """Yield the steps as sentences; `threshold` is the least probability with which a question is answered."""
    yield f"You may see {index_size(answer.index)}."
    if answer.hits:
        best = "; ".join(map(_found, answer.hits[:3]))
        yield f"{counted(len(answer.hits), 'passage')} found and read; the best: {best}."
    else:
        yield "No passage was found."
    chance = f"Estimated chance that these passages answer it: {answer.confidence:.0%} ({threshold:.0%} needed)."
    yield "A guard refused it." if answer.status == "blocked" else chance
    yield from _worded(answer)
    for verdict in answer.verdicts:
        yield f"The {verdict.guard} guard, on the {verdict.stage}: {verdict.reason} ({verdict.action})."
    slowest = sorted(((ms, name) for name, ms in answer.timings.items() if name != "total"), reverse=True)
    times = ", ".join(f"{name} {ms / 1000:.1f} s" for ms, name in slowest[:3])
    yield f"It took {answer.timings['total'] / 1000:.1f} s ({times})."


def _found(hit: Hit) -> str:
    how = " and ".join(METHODS[method] for method in hit.methods)
    place = " > ".join(dict.fromkeys((hit.title, *hit.passage.headings[-1:])))
    return f"{place}, {how}" if how else place


def _worded(answer: Answer) -> Iterator[str]:
    if answer.generated:
        yield f"{answer.model.id} worded it; each sentence says what its quote says."
    elif answer.citations:
        yield "It is in the documents' own words."
    elif answer.closest:
        yield "It shows the closest passages instead; they may not answer the question."
    if answer.earlier:
        yield f"An earlier version, in force until {answer.earlier[0].until}, said otherwise."
