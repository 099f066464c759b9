"""Passages -> answer text: a generator that can read gets the best passages in full and says what answers.

A sentence that is a span of the passage whose key it names is shown as that span; any other gives way to the evidence
of that passage which is most like it. A small generator is given evidence that was chosen for it (`phrase.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.evidence import place, quote_text
from assistant.answer.phrase import GroundedText, invented, unproved_verdict, written_by
from assistant.answer.proof.citations import Claim, answer_text, cite, is_its_quote, parse_claims
from assistant.answer.select import with_neighbours
from assistant.core.config import GeneratorSection
from assistant.core.records import Citation, Evidence, Hit, Verdict
from assistant.models.llm import LanguageModel
from assistant.text.canonical import last_heading
from assistant.text.prompts import NOT_FOUND, build_reading_messages
from assistant.text.words import content

PASSAGES = 6  # that a generator is given
MAX_PASSAGE = 4_000  # characters of one; an endless row is cut
SENTENCES = 6  # of an answer


def answer_from_passages(
    question: str,
    hits: Sequence[Hit],
    spans: Sequence[Evidence],
    evidence: Sequence[Evidence],
    model: LanguageModel,
    generator: GeneratorSection,
) -> GroundedText | None:
    """Let the generator read the first hits and answer; None if it finds nothing, or nothing that can be shown.

    `spans` are the parts of the hits that may be quoted, `evidence` what the reader picked of them, best first: it
    stands in for sentences that are no quote.
    """
    read = hits[:PASSAGES]
    shown = [(place(hit), hit.passage.text[:MAX_PASSAGE]) for hit in read]
    written = written_by(model, build_reading_messages(question, shown), generator.max_tokens_read, SENTENCES)
    if not written or NOT_FOUND in written:
        return None
    verdicts = list(invented(written, len(read)))
    citations: list[Citation] = []
    generated = False
    for claim in parse_claims(written):
        found, verdict = _found(claim, read, spans, evidence)
        generated |= verdict is None
        verdicts += [verdict] if verdict else []
        if found and not any((found.source, found.claim) == (known.source, known.claim) for known in citations):
            citations.append(replace(found, key=len(citations) + 1))
    if not citations:
        return None
    return GroundedText(answer_text(citations), tuple(citations), generated, tuple(verdicts))


def _found(
    claim: Claim, hits: Sequence[Hit], spans: Sequence[Evidence], evidence: Sequence[Evidence]
) -> tuple[Citation | None, Verdict | None]:
    """Return what is cited for a sentence of the generator, and what is reported of it: nothing if it is a quote.

    A quote is cited with the sentences beside it, under its heading.
    """
    named = {hits[key - 1].passage.id for key in claim.keys if 1 <= key <= len(hits)}
    for span in spans:
        heading = last_heading(span.hit.title, span.hit.passage.headings)
        if (not named or span.hit.passage.id in named) and is_its_quote(claim.text, quote_text(span), heading):
            return cite(1, with_neighbours(span, spans)), None
    said = content(claim.text)
    likeness = [len(said & content(e.text)) for e in evidence]
    near = [n for n, e in enumerate(evidence) if e.hit.passage.id in named or (not named and likeness[n])]
    if not near:
        return None, unproved_verdict("was left out")
    best = max(near, key=lambda n: likeness[n])
    return cite(1, evidence[best]), unproved_verdict("gave way to a quote")
