"""Answer text -> checked citations: keys that exist, quotes that are verbatim, claims that the quote supports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answer.support import Support, check_support
from assistant.core.records import Citation, Evidence
from assistant.text.canonical import sentences, trim
from assistant.text.facts import NUMBER, WORD
from assistant.text.prompts import KEY

MAX_QUOTE = 600  # characters that a quote may reach back to show what introduces it
# What small models put before their sentences.
PREAMBLE = re.compile(r"^(?:(?:the\s+)?(?:quote|answer|response)(?:\s+is)?\s*:|a\s*:)\s*", re.IGNORECASE)
LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+(?=\D)")  # "1. You get five days."


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer without its keys, and the keys that it named."""

    text: str
    keys: tuple[int, ...]


def parse_claims(text: str) -> list[Claim]:
    """Split an answer into sentences and their keys; keys after the full stop belong to the sentence before them."""
    text = re.sub(r"([.!?])[ \t]*((?:\[\d{1,3}\][ \t]*)+)", lambda m: f" {m[2].strip()}{m[1]} ", text)
    claims = []
    for line in text.splitlines():
        line = PREAMBLE.sub("", LIST_NUMBER.sub("", line))
        for start, end in sentences(line, *trim(line, 0, len(line))):
            sentence = line[start:end]
            keys = tuple(dict.fromkeys(int(m[1]) for m in KEY.finditer(sentence)))
            bare = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(KEY.sub(" ", sentence).split()))
            bare = bare.lstrip("-•* ").strip()
            if WORD.search(bare) or NUMBER.search(bare):
                claims.append(Claim(bare, keys))
    return claims


def quote_span(evidence: Evidence) -> tuple[int, int]:
    """Return the span that proves evidence: itself, and what introduces it where that stands near enough."""
    if evidence.context:
        return evidence.context
    near = evidence.kind == "list" or (evidence.lead and evidence.end - evidence.lead[0] <= MAX_QUOTE)
    if evidence.lead and evidence.lead[0] < evidence.start and near:
        return evidence.lead[0], evidence.end
    return evidence.start, evidence.end


def quote_text(evidence: Evidence) -> str:
    """Return the document's text at `quote_span`."""
    start, end = quote_span(evidence)
    passage = evidence.hit.passage
    if end <= passage.end:
        return passage.text[start - passage.start : end - passage.start]
    return passage.text[start - passage.start : evidence.start - passage.start] + evidence.text


def cite(key: int, claim: str, evidence: Evidence, support: Support) -> Citation:
    """Make the citation of a claim."""
    start, end = quote_span(evidence)
    hit = evidence.hit
    return Citation(
        key=key, claim=claim, quote=quote_text(evidence), source=hit.source, title=hit.title,
        headings=hit.passage.headings, page=hit.passage.page, start=start, end=end,
        document_sha256=hit.document_sha256, supported=support.supported, score=round(support.score, 4),
    )  # fmt: skip


def best_support(
    claim: str, evidence: Sequence[Evidence], keys: Sequence[int], min_share: float
) -> tuple[int, Support]:
    """Return the 1-based key of the evidence that supports a claim best, the keys it named tried first."""
    order = [k for k in keys if 1 <= k <= len(evidence)]
    order += [k for k in range(1, len(evidence) + 1) if k not in order]
    best = 0, Support(False, 0.0, "no evidence")
    for key in order:
        e = evidence[key - 1]
        context = "\n".join((e.hit.title, *e.hit.passage.headings))
        support = check_support(claim, quote_text(e), min_share, context)
        if support.supported:
            return key, support
        if best[0] == 0:
            best = key, support
    return best
