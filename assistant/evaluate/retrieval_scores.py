"""Ranked hits and quotes against the gold documents and evidence of a question.

Texts are compared by word 3-grams, so that layout and small cuts do not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assistant.evaluate.questions import Question

HEAD_WORDS = 60  # of a span that are looked for
GRAM_WORDS = 3
COVERED_SHARE = 0.8  # of their 3-grams that covers it
OVERLAP_SHARE = 0.5  # of the shorter text's 3-grams, at which a quote covers gold evidence
PILED = re.compile(r"([^\w\s\x00-\x7f]{30})[^\w\s\x00-\x7f]++")  # more marks than NFKC sorts in fair time
MARKUP = (
    (re.compile(r"\{\{[^{}]*\}\}"), ""),  # template values
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),  # [text](target)
    (  # template tags, comments and HTML tags; none that another of its kind begins in
        re.compile(r"\{%(?:[^{%]|\{(?!%)|%(?!\}))*+%\}|<!--(?:[^<-]|<(?!!--)|-(?!->))*+-->|</?[a-zA-Z][^<>]{0,200}>"),
        " ",
    ),
)

Words = list[str]


def words_of(text: str) -> Words:
    """Return the words of a text, lower case, without Markdown, tags and punctuation."""
    text = unicodedata.normalize("NFKC", PILED.sub(r"\1", text))
    for pattern, by in MARKUP:
        text = pattern.sub(by, text)
    return re.findall(r"[^\W_]+", text.lower())


def spans_of(evidence: Sequence[str]) -> list[Words]:
    """Return the gold spans' words; spans under three words count only where there is no longer one."""
    spans = [words for text in evidence if (words := words_of(text))]
    return [words for words in spans if len(words) >= GRAM_WORDS] or spans


def covers(words: Words, span: Words) -> bool:
    """Tell whether a text covers the span's first 60 words."""
    return _share(span[:HEAD_WORDS], words) >= COVERED_SHARE


def covers_gold(quote: str, evidence: Sequence[str]) -> bool:
    """Tell whether a quote and gold evidence overlap: one holds half of the other's 3-grams.

    Words in common alone would not do: half of a short quote's words are found somewhere in any page. Evidence
    of a few single words (cells of a table) must be in the quote whole.
    """
    words, spans = words_of(quote), spans_of(evidence)
    if not words or not spans:
        return False
    if len(spans[0]) < GRAM_WORDS:
        return all(_share(span, words) == 1.0 for span in spans)
    return any(_share(*sorted((words, span), key=len)) >= OVERLAP_SHARE for span in spans)


def _share(part: Words, whole: Words) -> float:
    """Return the share of the part's 3-grams (or shorter ones, if it is shorter) that occur in the whole."""
    size = min(GRAM_WORDS, len(part))
    have = set(_grams(whole, size))
    wanted = list(_grams(part, size))
    return sum(gram in have for gram in wanted) / len(wanted) if wanted else 0.0


def _grams(words: Words, size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[i:] for i in range(size)), strict=False)


Hit = Mapping[str, Any]


def retrieval_scores(question: Question, hits: Sequence[Hit]) -> dict[str, float]:
    """Return what the hits, best first and as in `ask --json`, are worth; only what the question's gold allows."""
    scores: dict[str, float] = {}
    if question.docs:
        scores["doc_recall@5"] = float(any(is_gold(hit["source"], question.docs) for hit in hits[:5]))
    if spans := spans_of(question.evidence):
        text = words_of(first_words(hits, 800))
        scores["evidence@800w"] = float(any(covers(text, span) for span in spans))
    return scores


def is_gold(source: str, docs: Sequence[str]) -> bool:
    """Tell whether a source is a gold document, whatever the folder above it and the suffix: a PDF is its text."""
    stem = source.rsplit(".", 1)[0]
    return any(f"/{stem}".endswith("/" + doc.rsplit(".", 1)[0]) for doc in docs)


def first_words(hits: Sequence[Hit], budget: int) -> str:
    """Return the first `budget` white-space words of the hits in their order; the last hit is cut."""
    return " ".join([word for hit in hits for word in hit["text"].split()][:budget])
