"""Ranked hits against the gold documents and evidence of a question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assistant.evaluate.evidence_match import Words, covers, inside, spans_of, words_of
from assistant.evaluate.questions import Question

TOP = 10  # ranks that MRR and nDCG look at
Hit = Mapping[str, Any]


def retrieval_scores(question: Question, hits: Sequence[Hit]) -> dict[str, float]:
    """Return what the hits, best first and as in `ask --json`, are worth; only what the question's gold allows.

    For MRR and nDCG a hit is relevant when its text covers a gold span, or lies within one. Each span counts once,
    at the first hit that covers it; the ideal order covers one span a rank.
    """
    scores: dict[str, float] = {}
    if question.docs:
        scores["doc_recall@5"] = float(any(is_gold(hit["source"], question.docs) for hit in hits[:5]))
    if spans := spans_of(question.evidence):
        for budget in (400, 800):
            text = words_of(first_words(hits, budget))
            scores[f"evidence@{budget}w"] = float(any(covers(text, span) for span in spans))
        scores["evidence_any@800w"] = float(any(covers(text, span, anywhere=True) for span in spans))
        ranks = list(_first_ranks([words_of(hit["text"]) for hit in hits[:TOP]], spans))
        scores["mrr@10"] = max((1.0 / rank for rank in ranks), default=0.0)
        ideal = sum(1.0 / math.log2(1 + rank) for rank in range(1, min(len(spans), TOP) + 1))
        scores["ndcg@10"] = min(1.0, sum(1.0 / math.log2(1 + rank) for rank in ranks) / ideal)
    return scores


def is_gold(source: str, docs: Sequence[str]) -> bool:
    """Tell whether a source is a gold document, whatever the folder above it and the suffix: a PDF is its text."""
    stem = source.rsplit(".", 1)[0]
    return any(f"/{stem}".endswith("/" + doc.rsplit(".", 1)[0]) for doc in docs)


def first_words(hits: Sequence[Hit], budget: int) -> str:
    """Return the first `budget` white-space words of the hits in their order; the last hit is cut."""
    return " ".join([word for hit in hits for word in hit["text"].split()][:budget])


def _first_ranks(hits: Sequence[Words], spans: Sequence[Words]) -> Iterator[int]:
    for span in spans:
        if rank := next((rank for rank, words in enumerate(hits, 1) if inside(words, span)), 0):
            yield rank
