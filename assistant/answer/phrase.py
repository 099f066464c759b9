"""Evidence -> answer text: each piece of evidence is said as its quote; a generator's sentence counts if it is that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.answer.evidence import plain, said_once
from assistant.answer.proof.citations import answer_text, cite, is_its_quote, parse_claims
from assistant.core.config import GeneratorSection
from assistant.core.records import Citation, Evidence, Turn, Verdict
from assistant.models.llm import LanguageModel
from assistant.text.canonical import last_heading
from assistant.text.prompts import KEY, NOT_FOUND, build_messages

MAX_SENTENCES = 3
INVENTED = "citations"  # what finds sources that a generator made up
SENTENCE_END = re.compile(r"[.!?](?:[ \t]*\[\d{1,3}\])*\s+(?=[^\s\[])")
MAX_WRITTEN = 20_000  # characters; an endpoint may pay no heed to the tokens that it is allowed
MAX_EVIDENCE = 6_000  # characters that a generator is given; an endless sentence or row is quoted instead


@dataclass(frozen=True, slots=True)
class GroundedText:
    """Statements that are their quotes, with their citations; `generated` if any is a sentence of the generator's."""

    text: str
    citations: tuple[Citation, ...]
    generated: bool
    verdicts: tuple[Verdict, ...]


def phrase(
    question: str, evidence: Sequence[Evidence], model: LanguageModel | None, generator: GeneratorSection
) -> GroundedText:
    """Answer with all of the evidence (not empty), in its order; what the generator says otherwise gives way to it."""
    evidence = said_once(evidence)
    texts = [plain(e) for e in evidence]
    listed = any(e.kind in ("list", "row", "note") for e in evidence)  # which a small generator leaves out parts of
    if model is None or listed or sum(map(len, texts)) > MAX_EVIDENCE:
        return extractive_answer(evidence, ())
    written = written_by(model, build_messages(question, texts), generator.max_tokens, MAX_SENTENCES)
    if not written or written.startswith(NOT_FOUND):
        return extractive_answer(evidence, ())
    return ground(written, evidence)


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


def ground(written: str, evidence: Sequence[Evidence]) -> GroundedText:
    """Answer with the evidence, and report which sentences of the generator are no quote of it."""
    grounded = extractive_answer(evidence, tuple(invented(written, len(evidence))))
    proved = [any(_says(claim.text, c) for c in grounded.citations) for claim in parse_claims(written)]
    unproved = (unproved_verdict("gave way to its quote"),) * proved.count(False)
    return GroundedText(grounded.text, grounded.citations, any(proved), (*grounded.verdicts, *unproved))


def _says(sentence: str, citation: Citation) -> bool:
    return is_its_quote(sentence, citation.quote, last_heading(citation.title, citation.headings))


def extractive_answer(evidence: Sequence[Evidence], verdicts: Sequence[Verdict]) -> GroundedText:
    """Answer with the evidence itself."""
    citations = tuple(cite(key, e) for key, e in enumerate(evidence, 1))
    return GroundedText(answer_text(citations), citations, False, tuple(verdicts))


def unproved_verdict(what_became_of_it: str) -> Verdict:
    """Report a sentence of a generator that is no quote."""
    return Verdict(
        "support", "output", "redact", f"a generated sentence was not its quote and {what_became_of_it}", 0.0
    )


def invented(written: str, known: int) -> Iterator[Verdict]:
    """Report the keys that name no source; the parser has already taken every key out of the text."""
    for key in sorted({int(m[1]) for m in KEY.finditer(written)} - set(range(1, known + 1))):
        yield Verdict(INVENTED, "output", "redact", f"the generator invented source [{key}]", 1.0)
