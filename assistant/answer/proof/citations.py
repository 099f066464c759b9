"""Answer text -> checked citations: keys that exist, quotes that are verbatim, claims that the quote supports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from assistant.answer.evidence import quote_span, quote_text
from assistant.answer.support import Support, check_support
from assistant.core.records import Citation, Evidence, Quote
from assistant.text.canonical import last_heading, sentences, trim
from assistant.text.facts import NUMBER, WORD
from assistant.text.prompts import KEY

# What small models put before their sentences.
PREAMBLE = re.compile(r"^(?:(?:the\s+)?(?:quote|answer|response)(?:\s+is)?\s*:|a\s*:)\s*", re.IGNORECASE)
# What it says of its own: that it answers, or how sentences hang together, which no quote proves.
OPENS = re.compile(
    r"^(?:yes|also|additionally|however|therefore|thus|so|in addition|as a result|moreover|furthermore), +(?=\S)",
    re.IGNORECASE,
)
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


def written_claims(text: str) -> list[Claim]:
    """Split what a generator wrote, without how it opens its sentences."""
    found = []
    for claim in parse_claims(text):
        bare = OPENS.sub("", claim.text)
        found.append(replace(claim, text=bare[0].upper() + bare[1:] if bare != claim.text else bare))
    return found


def cite(key: int, claim: str, evidence: Evidence, support: Support) -> Citation:
    """Make the citation of a claim."""
    quote = asdict(quote_of(key, evidence))
    return Citation(**quote, claim=claim, supported=support.supported, score=round(support.score, 4))


def quote_of(key: int, evidence: Evidence) -> Quote:
    """Return the verbatim quote of evidence with its place."""
    hit = evidence.hit
    start, end = quote_span(evidence)
    return Quote(
        key=key,
        quote=quote_text(evidence),
        source=hit.source,
        title=hit.title,
        headings=hit.passage.headings,
        page=hit.passage.page,
        start=start,
        end=end,
        document_sha256=hit.document_sha256,
    )


def best_support(
    claim: str, evidence: Sequence[Evidence], keys: Sequence[int], min_share: float
) -> tuple[int, Support]:
    """Return the 1-based key of the evidence that supports a claim best, the keys it named tried first."""
    order = [k for k in keys if 1 <= k <= len(evidence)]
    order += [k for k in range(1, len(evidence) + 1) if k not in order]
    best = 0, Support(False, 0.0, "no evidence")
    for key in order:
        e = evidence[key - 1]
        context = last_heading(e.hit.title, e.hit.passage.headings)
        support = check_support(claim, quote_text(e), min_share, context)
        if support.supported:
            return key, support
        if best[0] == 0:
            best = key, support
    return best
