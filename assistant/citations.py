"""Answer text -> checked citations: keys that exist, quotes that are verbatim, claims that the quote supports.

The support check is rules: every number, date, negation, obligation and name of the claim must be in the quote, and so
must most of its content words. It errs towards refusing; what is refused is replaced by the quote itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.core.text import sentences, trim
from assistant.core.types import Citation, Evidence
from assistant.prompts import KEY
from assistant.retrieve import STOP_WORDS

MAX_QUOTE = 600  # characters that a quote may reach back to show what introduces it
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100", "half": "0.5",
     "once": "1", "twice": "2", "first": "1", "second": "2", "third": "3"}  # fmt: skip
NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|except|unless|cannot|excluding|prohibited|forbidden)\b|n['’]t\b",
    re.IGNORECASE,
)
MODALS = (
    ("must", re.compile(r"\b(?:must|shall|required|requires?|mandatory|has to|have to|needs? to)\b", re.IGNORECASE)),
    ("should", re.compile(r"\b(?:should|recommended|expected|advised)\b", re.IGNORECASE)),
    ("may", re.compile(r"\b(?:may|can|could|might|allowed|permitted|eligible|entitled|up to)\b", re.IGNORECASE)),
)  # fmt: skip
LIMIT = re.compile(
    r"\b(?:only|unless|except|until|provided|if|at\s+least|at\s+most|up\s+to|more\s+than|less\s+than|within|before|after)\b",
    re.IGNORECASE,
)
ACRONYM = re.compile(r"(?<![(\w-])[A-Z]{2,6}(?![\w)-])")  # not in brackets, and not a document's number
MONTHS = """january february march april may june july august september october november december""".split()
ACTORS = frozenset(
    """employee contractor manager supplier customer visitor director approver sponsor candidate agency vendor partner
    parent apprentice intern trustee board officer lead head team worker freelancer volunteer""".split()
)


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a quote supports a claim, the share of the claim's content it holds, and what is missing."""

    supported: bool
    score: float
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer without its keys, and the keys that it named."""

    text: str
    keys: tuple[int, ...]


def parse_claims(text: str) -> list[Claim]:
    """Split an answer into sentences and their keys; keys after the full stop belong to the sentence before them."""
    text = re.sub(r"([.!?])\s*((?:\[\d{1,3}\]\s*)+)", lambda m: f" {m[2].strip()}{m[1]} ", text)
    claims = []
    for line in text.splitlines():
        for start, end in sentences(line, *trim(line, 0, len(line))):
            sentence = line[start:end]
            keys = tuple(dict.fromkeys(int(m[1]) for m in KEY.finditer(sentence)))
            bare = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(KEY.sub(" ", sentence).split()))
            bare = bare.lstrip("-•* ").strip()
            if WORD.search(bare) or NUMBER.search(bare):
                claims.append(Claim(bare, keys))
    return claims


def check_support(claim: str, quote: str, min_share: float, context: str = "") -> Support:
    """Tell whether `quote` supports `claim`; `context` (title, headings) may supply names, never numbers."""
    if _folded(claim) == _folded(quote):
        return Support(True, 1.0)
    stems = _stems(quote)
    around = stems | _stems(context)
    for label, wanted in (
        ("number", _numbers(claim) - _numbers(quote)),
        ("month", _months(claim) - _months(quote)),
        ("name", {n for n in _names(claim) if stem(n) not in around}),
        ("actor", {w for w in _stems(claim) & ACTORS if w not in around}),
        ("obligation", _modals(claim) - _modals(quote)),
    ):
        if wanted:
            return Support(False, 0.0, f"{label}: {', '.join(sorted(wanted))}")
    lines = quote.splitlines() or [""]
    near = quote if len(lines) < 3 else f"{lines[0]}\n{lines[-1]}"  # not the list items and rows passed on the way
    if dropped := _conditions(near) - _conditions(claim):
        return Support(False, 0.0, f"left out: {', '.join(sorted(dropped))}")
    if bool(NEGATION.search(claim)) != bool(NEGATION.search(near)):
        return Support(False, 0.0, "negation")
    content = {s for s in _stems(claim) if s not in STOP_WORDS}
    share = len(content & around) / len(content) if content else 0.0
    return Support(share >= min_share, share, "" if share >= min_share else "words")


def quote_span(evidence: Evidence) -> tuple[int, int]:
    """Return the span that proves evidence: itself, and what introduces it where that stands near enough."""
    if evidence.lead and evidence.lead[0] < evidence.start and evidence.end - evidence.lead[0] <= MAX_QUOTE:
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
        context = " ".join((e.hit.title, *e.hit.passage.headings))
        support = check_support(claim, quote_text(e), min_share, context)
        if support.supported:
            return key, support
        if best[0] == 0:
            best = key, support
    return best


def stem(word: str) -> str:
    """Strip the common English endings, enough to match a word with its plural or participle."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return word


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _stems(text: str) -> set[str]:
    return {stem(m.group()) for m in WORD.finditer(text)}


def _numbers(text: str) -> set[str]:
    found = {m.group().rstrip(".,:").replace(",", "") for m in NUMBER.finditer(text)}
    return found | {NUMBER_WORDS[w] for w in re.findall(r"[a-z]+", text.casefold()) if w in NUMBER_WORDS}


def _months(text: str) -> set[str]:
    # "may" is a month only where a day or a year stands beside it.
    months = {m for m in MONTHS if m != "may" and re.search(rf"\b{m}\b", text, re.IGNORECASE)}
    return months | ({"may"} if re.search(r"\b(?:\d{1,2} May|May \d)", text) else set())


def _names(text: str) -> set[str]:
    """Return acronyms, and words with a capital inside a sentence."""
    words = [m.group() for m in WORD.finditer(text)]
    return {w for i, w in enumerate(words) if (w.isupper() and len(w) > 1) or (i > 0 and w[0].isupper() and w != "I")}


def _conditions(text: str) -> set[str]:
    """Return what changes a rule's meaning when a paraphrase leaves it out: limits, exceptions and who it is for."""
    acronyms = {m.group() for m in ACRONYM.finditer(text)}
    return {" ".join(m.group().casefold().split()) for m in LIMIT.finditer(text)} | (_stems(text) & ACTORS) | acronyms


def _modals(text: str) -> set[str]:
    return {name for name, pattern in MODALS if pattern.search(text)}
