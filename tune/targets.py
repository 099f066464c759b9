"""Evidence and gold answers -> the words to learn: what says most of the gold, every sentence proved by its quote.

A target must pass the check that answers pass. It is the gold's own words where the evidence proves them, a clause of
the evidence that comes closer to the gold than all of it, or else the evidence: the generator learns to copy first and
to shorten where that loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from assistant.answer.evidence import plain
from assistant.answer.phrase import MAX_SENTENCES
from assistant.answer.proof.citations import best_support, parse_claims
from assistant.core.records import Evidence
from assistant.evaluate.questions import Question
from assistant.evaluate.text_scores import best_f1
from assistant.text.prompts import without_keys

MAX_WORDS = 60  # what is longer cannot be written within `generator.max_tokens`
MIN_WORDS = 4  # of a clause
MAX_CUTS = 12  # of a sentence; an endless one is not cut
GAIN = 0.05  # of token F1 that a shorter wording, or another sentence, must bring
# Where a sentence may be cut: after a comma or the like, and before a word that begins a clause.
CUT = re.compile(r"[,;–—](?=\s)|\s(?=(?:and|but|or|which|who|if|unless|when|where|because|so|plus)\s)")
# A clause that ends in one of these was cut in the middle.
OPEN = re.compile(
    r"\b(?:a|an|the|of|in|on|at|by|to|for|from|with|under|into|and|or|but|which|that|who|whose|is|are|be|than|as)$|:$",
    re.IGNORECASE,
)

Said = tuple[str, int]


def target_of(question: Question, evidence: Sequence[Evidence], gold: Sequence[bool], min_support: float) -> str:
    """Return the words to answer with, each sentence with its key; empty if all the gold evidence is too long.

    Gold comes first. What else the reader picked is said too where it brings the words closer to the gold answer:
    where that is a paragraph, the spans marked as its evidence are a part of what it says.
    """
    said: list[Said] = []
    for key in sorted(range(1, len(evidence) + 1), key=lambda key: not gold[key - 1]):
        if not (gold[key - 1] or said):
            break  # the rest of something that was not said
        whole = [(without_keys(plain(evidence[key - 1])), key)]
        fitting = [w for w in (whole, *_proved(question, key, evidence[key - 1], min_support)) if _fits(said + w)]
        if not fitting:
            continue
        best = max(fitting, key=lambda wording: _closeness(said + wording, question))
        if whole in fitting and _closeness(said + best, question) < _closeness(said + whole, question) + GAIN:
            best = whole
        if not said or _closeness(said + best, question) >= _closeness(said, question) + GAIN:
            said += best
    return " ".join(f"{text} [{key}]" for text, key in sorted(said, key=lambda words: words[1]))


def _proved(question: Question, key: int, evidence: Evidence, min_support: float) -> Iterator[list[Said]]:
    """Yield those sentences of a gold answer, and each clause of the evidence, that the evidence proves."""
    answers = (parse_claims(" ".join(without_keys(answer).split())) for answer in question.answers)
    for texts in (*([c.text for c in claims] for claims in answers), *([c] for c in clauses(plain(evidence)))):
        proved = [text for text in texts if best_support(text, [evidence], (1,), min_support)[1].supported]
        if proved:
            yield [(text, key) for text in proved]


def _fits(said: Sequence[Said]) -> bool:
    return len(said) <= MAX_SENTENCES and sum(len(text.split()) for text, _ in said) <= MAX_WORDS


def clauses(text: str) -> Iterator[str]:
    """Yield the runs of a sentence's clauses that are shorter than it, written as sentences."""
    cuts = [0, *(match.end() for match in CUT.finditer(text)), len(text)]
    if len(cuts) > MAX_CUTS:
        return
    for start, end in combinations(cuts, 2):
        part = re.sub(r"^(?:and|but|or|so)\s", "", text[start:end].strip(" ,;:–—.\n"))
        if end - start < len(text) and len(part.split()) >= MIN_WORDS and not OPEN.search(part):
            yield f"{part[0].upper()}{part[1:]}."


def _closeness(said: Sequence[Said], question: Question) -> float:
    return best_f1(" ".join(text for text, _ in said), question.answers)
