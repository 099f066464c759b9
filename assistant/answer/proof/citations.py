"""Evidence -> citations, whose statement is their quote; and an answer's text -> the sentences and keys that it has.

A statement is proved when it is its quote, under its heading and lead-in: equal but for white space, list marks,
emphasis, the shape of quotation marks, and a table's row said in words. Nothing else is folded: each spelling that was
once taken for another ("per" for "a", "may" for "can", a range for a list, a number for its words) let false statements
pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from assistant.answer.evidence import needed_heading, quote_span, quote_text, verbalized
from assistant.answer.verbalizations import BULLET, opening, verbalizations
from assistant.core.records import Citation, Evidence, Quote, Sentence
from assistant.text.canonical import ITEM, last_heading, sentences, trim
from assistant.text.prompts import KEY, without_keys

# "... of leave. [1] Ask HR."
# "... of leave. [1] Ask HR."
KEYS_BEHIND_STOP = re.compile(r"([.!?])[ \t]*((?:\[\d{1,3}(?:[,;\s–-]{1,3}\d{1,3}){0,9}\][ \t]*)+)")
SPACE_BEFORE_STOP = re.compile(r" ([.,;:!?])")
EMPHASIS = re.compile(r"(?<!\w)(\*\*|`)(?=\S)([^\n]{1,200}?)(?<=\S)\1(?!\w)")
QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‚‛‹›", "'"))  # 24" stays inches


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer without its keys, and the keys that it named."""

    text: str
    keys: tuple[int, ...]


def parse_claims(text: str) -> list[Claim]:
    """Split an answer into sentences and their keys; keys after the full stop belong to the sentence before them."""
    claims = []
    for line in moved_keys(text).splitlines():
        for start, end in sentences(line, *trim(line, 0, len(line))):
            sentence = line[start:end]
            keys = tuple(dict.fromkeys(int(m[1]) for m in KEY.finditer(sentence)))
            bare = SPACE_BEFORE_STOP.sub(r"\1", " ".join(KEY.sub(" ", sentence).split()))
            bare = BULLET.sub("", bare)
            if any(map(str.isalnum, bare)):
                claims.append(Claim(bare, keys))
    return claims


def moved_keys(text: str) -> str:
    """Write keys that stand behind a full stop before it: they belong to the sentence before them."""
    return KEYS_BEHIND_STOP.sub(lambda m: f" {m[2].strip()}{m[1]} ", text)


def cite(key: int, evidence: Evidence) -> Citation:
    """Make the citation of evidence: what it says, under the heading that it needs, is its quote."""
    statement = without_keys(needed_heading(evidence) + verbalized(evidence))
    return Citation(
        **asdict(quote_of(key, evidence)), claim=statement, supported=True, score=1.0, focus=_focus(evidence)
    )


def _focus(evidence: Evidence) -> str:
    """Return what evidence was picked for, where its quote has more: others beside it, or what it stands under."""
    if evidence.focus:
        return evidence.hit.slice(*evidence.focus)
    under = evidence.kind in ("sentence", "item") and quote_span(evidence)[0] < evidence.start
    return evidence.text if under else ""


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


def statements(citations: Sequence[Citation]) -> tuple[Sentence, ...]:
    """Return the sentences of an answer that is made of quotes."""
    return tuple(Sentence(citation.claim, (citation.key,), "quote") for citation in citations)


def answer_text(sentences: Sequence[Sentence], *, worded: bool = False) -> str:
    """Write an answer, each sentence with its keys: quotes a line each, a model's words as text with its lists."""
    text = ""
    for sentence in sentences:
        listed = "\n" in sentence.text or ITEM.match(sentence.text)
        between = "" if not text else " " if worded and not listed else "\n"
        text += f"{between}{sentence.text} {''.join(f'[{key}]' for key in sentence.keys)}"
    return text


def focuses(citations: Sequence[Citation]) -> list[str]:
    """Return what statements hold of what their quotes were picked for: that alone may decide the question."""
    said = ((" ".join(c.focus.split()), c.claim) for c in citations)
    return [focus for focus, claim in said if focus and focus in claim]


def canonical_statement(text: str) -> str:
    """Return a text in the one spelling in which statements and quotes are compared."""
    unmarked = EMPHASIS.sub(r"\2", BULLET.sub("", without_keys(text)))
    return " ".join(unmarked.translate(QUOTATION_MARKS).split())


def is_its_quote(statement: str, quote: str, heading: str = "") -> bool:
    """Tell whether a statement is its quote, said in one of the ways that code says it, with its heading or without."""
    said = canonical_statement(statement)
    openings = {"", opening(heading)} if heading else {""}
    return any(said == canonical_statement(first + way) for way in verbalizations(quote) for first in openings)


def is_proved(citation: Citation) -> bool:
    """Tell whether a citation's statement is its quote, or its quote under the heading above it."""
    return is_its_quote(citation.claim, citation.quote, last_heading(citation.title, citation.headings))
