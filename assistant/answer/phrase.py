"""Evidence -> answer text: the generator words it, code checks each sentence, and quotes where the words fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from assistant.answer.evidence import alone, heading_told, plain, quote_text
from assistant.answer.proof.citations import Claim, best_support, cite, parse_claims, written_claims
from assistant.answer.support import Support, check_support
from assistant.answer.verbalizations import rows_told, sentences_told
from assistant.core.config import AnswerSection, GeneratorSection
from assistant.core.records import Citation, Evidence, Turn, Verdict
from assistant.models.llm import LanguageModel
from assistant.text.canonical import sentences
from assistant.text.prompts import KEY, NOT_FOUND, build_messages, without_keys

MAX_SENTENCES = 3
INVENTED = "citations"  # what finds sources that a generator made up
SENTENCE_END = re.compile(r"[.!?](?:[ \t]*\[\d{1,3}\])*\s+(?=[^\s\[])")
MAX_WRITTEN = 20_000  # characters; an endpoint may pay no heed to the tokens that it is allowed
SHORT_QUOTE = 400  # characters of what is told whole, with the question or phrase that it stands under
MAX_EVIDENCE = 6_000  # characters that a generator is given; an endless sentence or row is quoted instead


@dataclass(frozen=True, slots=True)
class GroundedText:
    """Checked sentences with their citations; `generated` if any sentence is the generator's."""

    text: str
    citations: tuple[Citation, ...]
    generated: bool
    verdicts: tuple[Verdict, ...]


def phrase(
    question: str,
    evidence: Sequence[Evidence],
    model: LanguageModel | None,
    answer: AnswerSection,
    generator: GeneratorSection,
) -> GroundedText:
    """Word an answer from evidence (not empty); every sentence is supported by its quote, or is the quote."""
    texts = [plain(e) for e in evidence]
    # Said in code: what is dropped of them is missed.
    listed = any(e.kind in ("list", "row", "note") or heading_told(e) for e in evidence)
    if model is None or listed or sum(map(len, texts)) > MAX_EVIDENCE:
        return extractive_answer(evidence, ())
    messages = build_messages(question, texts)
    written = written_by(model, messages, generator.max_tokens, MAX_SENTENCES)
    if not written or written.startswith(NOT_FOUND):
        return extractive_answer(evidence, ())
    return ground(written, evidence, answer.min_support)


def written_by(model: LanguageModel, messages: Sequence[Turn], max_tokens: int, most: int) -> str:
    """Let the generator write until it has said as many sentences as it was asked for; small ones ramble on."""
    text = ""
    for piece in model.stream(messages, max_tokens):
        text += piece
        ends = list(SENTENCE_END.finditer(text))
        if len(ends) >= most:
            return text[: ends[most - 1].end()].strip()
        if len(text) > MAX_WRITTEN:
            break
    return text.strip()


def ground(written: str, evidence: Sequence[Evidence], min_support: float) -> GroundedText:
    """Keep the sentences that their quotes support, the best evidence first; without any, quote the evidence."""
    verdicts = list(invented(written, len(evidence)))
    citations: list[Citation] = []
    sentences: list[str] = []
    for text, key, support in _proofs(written_claims(written), evidence, min_support):
        if support.supported and text not in sentences:
            sentences.append(text)
            citations.append(cite(key, text, evidence[key - 1], support))
        elif not support.supported:
            reason = f"a sentence was not supported by its quote ({support.missing}) and was left out"
            verdicts.append(Verdict("support", "output", "redact", reason, support.score))
    if not citations or not _defined(citations, evidence[0], min_support):
        return extractive_answer(evidence, verdicts)
    # The best evidence must be in the answer: a supported remark on a lesser one would miss the point.
    if not any(c.key == 1 for c in citations):
        citations.insert(0, quote_evidence(1, evidence[0]))
    return GroundedText(joined(citations), tuple(citations), True, tuple(verdicts))


def _proofs(
    claims: Sequence[Claim], evidence: Sequence[Evidence], min_support: float
) -> Iterator[tuple[str, int, Support]]:
    """Yield (claim, key, support); claims that follow each other with one key as one, if they are their quote so."""
    for keys, same in groupby(claims, lambda claim: claim.keys):
        group = [claim.text for claim in same]
        if len(group) > 1:
            whole = " ".join(text if text[-1] in ".!?" else f"{text}." for text in group)
            key, support = best_support(whole, evidence, keys, min_support)
            if support.supported:
                yield whole, key, support
                continue
        for text in group:
            yield text, *best_support(text, evidence, keys, min_support)


def joined(citations: Sequence[Citation]) -> str:
    """Write the claims one after the other; what does not end like a sentence, an item of a list, gets a line."""
    return "".join(f"{c.claim} [{c.key}]" + (" " if c.claim[-1] in ".!?" else "\n") for c in citations).strip()


def _defined(citations: Sequence[Citation], best: Evidence, min_support: float) -> bool:
    """Tell whether a definition, if that is what answers, is told: a remark that follows it says nothing alone."""
    if best.kind != "definition":
        return True
    start, end = (sentences(best.text, 0, len(best.text)) or [(0, len(best.text))])[0]
    said = f"{best.lead_text}: {best.text[start:end]}"
    told = [claim.text for c in citations if c.key == 1 for claim in parse_claims(c.claim)]
    return any(check_support(text, said, min_support).supported for text in told)


def extractive_answer(evidence: Sequence[Evidence], verdicts: Sequence[Verdict]) -> GroundedText:
    """Answer with the evidence itself."""
    citations = tuple(quote_evidence(key, e) for key, e in enumerate(evidence, 1))
    text = "\n".join(f"{c.claim} [{c.key}]" for c in citations)
    return GroundedText(text, citations, False, tuple(verdicts))


def quote_evidence(key: int, evidence: Evidence) -> Citation:
    """Cite evidence with what introduces it, or alone where the quote of both would not prove it."""
    heading = heading_told(evidence)
    for told in _tellings(evidence):
        claim = without_keys(heading + told)
        support = check_support(claim, quote_text(evidence), 1.0, heading.rstrip(": "))
        if support.supported:
            return cite(key, claim, evidence, support)
    bare = alone(evidence)
    text = next(rows_told(bare.text), " ".join(bare.text.split()))
    return cite(key, without_keys(text), bare, check_support(text, bare.text, 0.0))


def _tellings(evidence: Evidence) -> Iterator[str]:
    """Yield the ways in which evidence can be said, the plainest first."""
    quote = quote_text(evidence)
    governed = evidence.kind == "sentence" and evidence.governors
    if evidence.kind == "list":
        yield quote
    elif governed and len(quote) <= SHORT_QUOTE:
        yield " ".join(quote.split())
    elif evidence.kind == "row":
        yield from rows_told(quote)
    yield plain(evidence)
    if governed:
        yield from sentences_told(quote)
    # "X means Y" is not "X: Y" word for word, nor does a sentence stand for a paragraph that goes on about it.
    if evidence.kind == "definition" or evidence.context:
        yield " ".join(quote.split())


def invented(written: str, known: int) -> Iterator[Verdict]:
    """Report the keys that name no source; the parser has already taken every key out of the text."""
    for key in sorted({int(m[1]) for m in KEY.finditer(written)} - set(range(1, known + 1))):
        yield Verdict(INVENTED, "output", "redact", f"the generator invented source [{key}]", 1.0)
