"""Passages -> answer text: a generator that can read gets the best passages in full, and code proves what it says.

Each sentence must be supported by a span of the passage whose key it names, by the same check as everywhere; what is
not is replaced by that passage's best evidence. A small generator words evidence that was chosen for it (`phrase.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.evidence import heading_told, place
from assistant.answer.phrase import GroundedText, invented, joined, quote_evidence, written_by
from assistant.answer.proof.citations import Claim, best_support, cite, written_claims
from assistant.answer.select import qualified
from assistant.core.config import AnswerSection, GeneratorSection
from assistant.core.records import Citation, Evidence, Hit, Verdict
from assistant.models.llm import LanguageModel
from assistant.text.prompts import NOT_FOUND, build_reading_messages
from assistant.text.words import content

PASSAGES = 6  # that a generator is given
MAX_PASSAGE = 4_000  # characters of one; an endless row is cut
SENTENCES = 6  # of an answer
TRIED = 6  # spans of a passage that a sentence is compared with, those with most words in common first


def answer_from_passages(
    question: str,
    hits: Sequence[Hit],
    spans: Sequence[Evidence],
    evidence: Sequence[Evidence],
    model: LanguageModel,
    answer: AnswerSection,
    generator: GeneratorSection,
) -> GroundedText | None:
    """Let the generator read the first hits and answer; None if it finds nothing, or nothing that can be shown.

    `spans` are the parts of the hits that may be quoted, `evidence` what the reader picked of them, best first: it
    stands in for sentences that are not proved.
    """
    read = hits[:PASSAGES]
    shown = [(place(hit), hit.passage.text[:MAX_PASSAGE]) for hit in read]
    written = written_by(model, build_reading_messages(question, shown), generator.max_tokens_read, SENTENCES)
    if not written or NOT_FOUND in written:
        return None
    verdicts = list(invented(written, len(read)))
    citations: list[Citation] = []
    claims = written_claims(written)
    for claim in claims:
        found = _proved(claim, read, spans, answer.min_support) or _instead(claim, read, evidence)
        if found is None or found.claim != claim.text:
            reason = "a sentence was not supported by its passage and was " + ("replaced" if found else "left out")
            verdicts.append(Verdict("support", "output", "redact", reason, 0.0))
        if found and not any(found.claim == known.claim for known in citations):
            citations.append(found)
    if not citations:
        return None
    numbered = [replace(citation, key=key) for key, citation in enumerate(citations, 1)]
    said = {claim.text for claim in claims}
    return GroundedText(joined(numbered), tuple(numbered), any(c.claim in said for c in numbered), tuple(verdicts))


def _proved(claim: Claim, hits: Sequence[Hit], spans: Sequence[Evidence], min_support: float) -> Citation | None:
    """Return the citation of the span that supports a claim best, of the passages that it names, else of any.

    What its heading governs, or the sentence after it qualifies, is told with that, as code tells it.
    """
    named = {hits[key - 1].passage.id for key in claim.keys if 1 <= key <= len(hits)}
    said = content(claim.text)
    near = [e for e in spans if not named or e.hit.passage.id in named]
    near.sort(key=lambda e: -len(said & content(f"{e.lead_text} {e.text}")))
    key, support = best_support(claim.text, near[:TRIED], (), min_support)
    if not support.supported:
        return None
    found = near[key - 1]
    whole = qualified(found, spans)
    leans = heading_told(found) or (whole.start, whole.end) != (found.start, found.end)
    return quote_evidence(1, whole) if leans else cite(key, claim.text, found, support)


def _instead(claim: Claim, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> Citation | None:
    """Quote the best evidence of a passage that a claim names."""
    named = {hits[key - 1].passage.id for key in claim.keys if 1 <= key <= len(hits)}
    best = next((e for e in evidence if e.hit.passage.id in named), None)
    return quote_evidence(1, best) if best else None
