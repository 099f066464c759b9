"""Evidence and gold answers -> the words to learn: what says most of the gold, every sentence as its quote.

A target must pass the check that answers pass, so it is made of evidence as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answer.evidence import plain
from assistant.answer.phrase import MAX_SENTENCES
from assistant.core.records import Evidence
from assistant.evaluate.questions import Question
from assistant.evaluate.text_scores import best_f1
from assistant.text.prompts import without_keys

MAX_WORDS = 60  # what is longer cannot be written within `generator.max_tokens`
GAIN = 0.05  # of token F1 that another sentence must bring

Said = tuple[str, int]


def target_of(question: Question, evidence: Sequence[Evidence], gold: Sequence[bool]) -> str:
    """Return the words to answer with, each sentence with its key; empty if all the gold evidence is too long.

    Gold comes first. What else the reader picked is said too where it brings the words closer to the gold answer:
    where that is a paragraph, the spans marked as its evidence are a part of what it says.
    """
    said: list[Said] = []
    for key in sorted(range(1, len(evidence) + 1), key=lambda key: not gold[key - 1]):
        if not (gold[key - 1] or said):
            break  # the rest of something that was not said
        longer = [*said, (without_keys(plain(evidence[key - 1])), key)]
        gains = not said or _closeness(longer, question) >= _closeness(said, question) + GAIN
        if gains and len(longer) <= MAX_SENTENCES and sum(len(text.split()) for text, _ in longer) <= MAX_WORDS:
            said = longer
    return " ".join(f"{text} [{key}]" for text, key in sorted(said, key=lambda words: words[1]))


def _closeness(said: Sequence[Said], question: Question) -> float:
    return best_f1(" ".join(text for text, _ in said), question.answers)
