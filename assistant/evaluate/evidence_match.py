"""Does a text hold a gold evidence span? Compared by word 3-grams, so that layout and small cuts do not count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

STRETCH, STEP = 60, 30  # words of a span that are looked for at once, and from one such stretch to the next
GRAM = 3
COVERED = 0.8  # share of a stretch's 3-grams that covers it
OVERLAP = 0.5  # share of the shorter text's 3-grams that makes a quote and a span meet
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
    return [words for words in spans if len(words) >= GRAM] or spans


def covers(words: Words, span: Words, *, anywhere: bool = False) -> bool:
    """Tell whether a text covers the span's first 60 words, or `anywhere` any 60 of them."""
    return any(_share(stretch, words) >= COVERED for stretch in (_stretches(span) if anywhere else [span[:STRETCH]]))


def inside(words: Words, span: Words) -> bool:
    """Tell whether a text covers a stretch of the span, or lies within it."""
    return covers(words, span, anywhere=True) or (GRAM <= len(words) < len(span) and _share(words, span) >= COVERED)


def meets(quote: str, evidence: Sequence[str]) -> bool:
    """Tell whether a quote and gold evidence overlap: one holds half of the other's 3-grams.

    Words in common alone would not do: half of a short quote's words are found somewhere in any page. Evidence
    of a few single words (cells of a table) must be in the quote whole.
    """
    words, spans = words_of(quote), spans_of(evidence)
    if not words or not spans:
        return False
    if len(spans[0]) < GRAM:
        return all(_share(span, words) == 1.0 for span in spans)
    return any(_share(*sorted((words, span), key=len)) >= OVERLAP for span in spans)


def _share(part: Words, whole: Words) -> float:
    """Return the share of the part's 3-grams (or shorter ones, if it is shorter) that occur in the whole."""
    size = min(GRAM, len(part))
    have = set(_grams(whole, size))
    wanted = list(_grams(part, size))
    return sum(gram in have for gram in wanted) / len(wanted) if wanted else 0.0


def _grams(words: Words, size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[i:] for i in range(size)), strict=False)


def _stretches(span: Words) -> Iterator[Words]:
    """Yield the 60-word stretches of a span, the last one aligned to its end."""
    last = max(0, len(span) - STRETCH)
    for start in dict.fromkeys([*range(0, last + 1, STEP), last]):
        yield span[start : start + STRETCH]
