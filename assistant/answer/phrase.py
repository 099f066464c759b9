"""Evidence -> answer text: the generator words it, code checks each sentence, and quotes where the words fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from assistant.answer.citations import Claim, best_support, cite, parse_claims, quote_text
from assistant.answer.evidence import plain, row_told, rows_between
from assistant.answer.support import Support, check_support
from assistant.core.config import AnswerSection, GeneratorSection
from assistant.core.records import Citation, Evidence, Turn, Verdict
from assistant.models.llm import LanguageModel
from assistant.text.canonical import cells, sentences
from assistant.text.prompts import KEY, NOT_FOUND, build_messages, without_keys

MAX_SENTENCES = 3
SENTENCE_END = re.compile(r"[.!?](?:[ \t]*\[\d{1,3}\])*\s+(?=[^\s\[])")
MAX_WRITTEN = 20_000  # characters; an endpoint may pay no heed to the tokens that it is allowed
MAX_EVIDENCE = 6_000  # characters that a generator is given; an endless sentence or row is quoted instead


@dataclass(frozen=True, slots=True)
class Wording:
    """Checked sentences with their citations; `own_words` if any sentence is the generator's."""

    text: str
    citations: tuple[Citation, ...]
    own_words: bool
    verdicts: tuple[Verdict, ...]


def phrase(
    question: str,
    evidence: Sequence[Evidence],
    model: LanguageModel | None,
    answer: AnswerSection,
    generator: GeneratorSection,
) -> Wording:
    """Word an answer from evidence (not empty); every sentence is supported by its quote, or is the quote."""
    texts = [plain(e) for e in evidence]
    listed = any(e.kind in ("list", "row") for e in evidence)  # said in code: what is dropped of them is missed
    if model is None or listed or sum(map(len, texts)) > MAX_EVIDENCE:
        return quoted(evidence, ())
    messages = build_messages(question, texts)
    written = written_by(model, messages, generator.max_tokens, MAX_SENTENCES)
    if not written or written.startswith(NOT_FOUND):
        return quoted(evidence, ())
    return checked(written, evidence, answer.min_support)


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


def checked(written: str, evidence: Sequence[Evidence], min_support: float) -> Wording:
    """Keep the sentences that their quotes support, the best evidence first; without any, quote the evidence."""
    verdicts = list(invented(written, len(evidence)))
    citations: list[Citation] = []
    sentences: list[str] = []
    for text, key, support in _proofs(parse_claims(written), evidence, min_support):
        if support.supported and text not in sentences:
            sentences.append(text)
            citations.append(cite(key, text, evidence[key - 1], support))
        elif not support.supported:
            reason = f"a sentence was not supported by its quote ({support.missing}) and was left out"
            verdicts.append(Verdict("support", "output", "redact", reason, support.score))
    if not citations or not _defined(citations, evidence[0], min_support):
        return quoted(evidence, verdicts)
    # The best evidence must be in the answer: a supported remark on a lesser one would miss the point.
    if not any(c.key == 1 for c in citations):
        citations.insert(0, quote_evidence(1, evidence[0]))
    return Wording(joined(citations), tuple(citations), True, tuple(verdicts))


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


def quoted(evidence: Sequence[Evidence], verdicts: Sequence[Verdict]) -> Wording:
    """Answer with the evidence itself."""
    citations = tuple(quote_evidence(key, e) for key, e in enumerate(evidence, 1))
    text = "\n".join(f"{c.claim} [{c.key}]" for c in citations)
    return Wording(text, citations, False, tuple(verdicts))


def quote_evidence(key: int, evidence: Evidence) -> Citation:
    """Cite evidence with what introduces it, or alone where the quote of both would not prove it."""
    for told in _tellings(evidence):
        claim = without_keys(told)
        support = check_support(claim, quote_text(evidence), 1.0)
        if support.supported:
            return cite(key, claim, evidence, support)
    alone = replace(evidence, lead=None, context=None)
    text = "; ".join(cells(alone.text)) if alone.kind == "row" else " ".join(alone.text.split())
    return cite(key, without_keys(text), alone, check_support(text, alone.text, 0.0))


def _tellings(evidence: Evidence) -> Iterator[str]:
    """Yield the ways in which evidence can be said, the plainest first."""
    if evidence.kind == "list":
        yield quote_text(evidence)
    if evidence.kind == "row" and evidence.lead:
        yield row_told(evidence.lead_text, " ".join(evidence.text.split()), rows_between(evidence))
    yield plain(evidence)
    # "X means Y" is not "X: Y" word for word, nor does a sentence stand for a paragraph that goes on about it.
    if evidence.kind == "definition" or evidence.context:
        yield " ".join(quote_text(evidence).split())


def invented(written: str, known: int) -> Iterator[Verdict]:
    """Report the keys that name no source; the parser has already taken every key out of the text."""
    for key in sorted({int(m[1]) for m in KEY.finditer(written)} - set(range(1, known + 1))):
        yield Verdict("citations", "output", "redact", f"the generator invented source [{key}]", 1.0)
