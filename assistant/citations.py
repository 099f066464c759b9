"""Answer text -> checked citations: keys that exist, quotes that are verbatim, claims that the quote supports.

The support check is rules: every number with its unit, date, negation, obligation, actor and name of the claim must be
in the quote, in the quote's order, and so must most of its content words; and the claim must keep the quote's
conditions and enumerations. It errs towards refusing; what is refused is replaced by the quote itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from assistant.core.text import ITEM, UNPRINTABLE, sentences, trim
from assistant.core.types import Citation, Evidence
from assistant.prompts import KEY
from assistant.read import row_text
from assistant.retrieve import STOP_WORDS


def stem(word: str) -> str:
    """Strip the common English endings, enough to match a word with its plural or participle."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return word


MAX_QUOTE = 600  # characters that a quote may reach back to show what introduces it
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
NUMBER = re.compile(r"(?:(?<![^\s(£€$])[-−])?\d+(?:[.,:]\d+)*")
SMALL: Mapping[str, int | Decimal] = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()
    )
} | {"half": Decimal("0.5"), "once": 1, "twice": 2, "first": 1, "second": 2, "third": 3, "dozen": 12}
TENS = {w: 20 + 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())}
TIMES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
SIGNS = {"£": " pounds ", "€": " euros ", "$": " dollars ", "%": " percent ", "per cent": "percent"}
UNITS = frozenset(
    stem(word)
    for word in """second minute hour day week month quarter year pound euro dollar percent mile metre meter kilometre
    kilometer km gram kilo kilogram degree""".split()
)
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
    r"""\b(?:only|unless|except|until|provided|if|at\s+least|at\s+most|up\s+to|more\s+than|less\s+than|within|before|after|
    working|business|calendar|full[- ]time|part[- ]time|unpaid)\b""",
    re.IGNORECASE | re.VERBOSE,
)
MEMBER = r"[^\W_][\w'’-]*(?: [^\W_][\w'’-]*){0,3}"
ENUMERATION = re.compile(rf"((?:{MEMBER}, )+{MEMBER}),? (?:and|or) (?:(?:the|an?|your|their|its) )?([^\W_][\w'’-]*)")
MARK = re.compile(rf"!\[|\]\(|[<>`]|{UNPRINTABLE.pattern}")
# What small models put before their sentences.
PREAMBLE = re.compile(r"^(?:(?:the\s+)?(?:quote|answer|response)(?:\s+is)?\s*:|a\s*:)\s*", re.IGNORECASE)
LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+(?=\D)")  # "1. You get five days."
ADDRESS = re.compile(r"\S*(?:@|://|www\.)\S*", re.IGNORECASE)
ACRONYM = re.compile(r"(?<![(\w-])[A-Z]{2,6}(?![\w)-])")  # not in brackets, and not a document's number
MONTHS = """january february march april may june july august september october november december""".split()
DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
ACTORS = frozenset(
    stem(word)
    for word in """employee contractor manager supplier customer visitor director approver sponsor candidate agency
    vendor partner parent apprentice intern trustee board officer lead head team worker freelancer volunteer""".split()
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


def check_support(claim: str, quote: str, min_share: float, context: str = "") -> Support:
    """Tell whether `quote` supports `claim`; `context` (title, headings) may supply names, never numbers."""
    if _same(claim) == _same(quote):
        return Support(True, 1.0)
    quote = _near(quote)
    if _same(claim) == _same(quote):
        return Support(True, 1.0)
    stems = _stems(quote)
    around = stems | _stems(context)
    for label, wanted in (
        ("address", _addresses(claim) - _addresses(quote)),
        ("mark", set(MARK.findall(claim)) - set(MARK.findall(quote))),
        ("number", _numbers(claim) - _numbers(quote)),
        ("unit", _stems(claim) & UNITS - stems),
        ("month", _months(claim) - _months(quote)),
        ("name", {n for n in _names(claim) if stem(n) not in around}),
        ("actor", {w for w in _stems(claim) & ACTORS if w not in around}),
        ("obligation", _modals(claim) - _modals(quote)),
        ("choice", _choices(claim, quote)),
    ):
        if wanted:
            return Support(False, 0.0, f"{label}: {', '.join(sorted(wanted))}")
    if dropped := (_conditions(quote) - _conditions(claim)) | _members_dropped(quote, _stems(claim)):
        return Support(False, 0.0, f"left out: {', '.join(sorted(dropped))}")
    if bool(NEGATION.search(claim)) != bool(NEGATION.search(quote)):
        return Support(False, 0.0, "negation")
    if not _in_order(_tokens(claim), _tokens(quote)):
        return Support(False, 0.0, "order")
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


def _same(text: str) -> str:
    """Fold what does not matter between a sentence and its quote: white space, capitals, the last full stop."""
    return " ".join(text.split()).casefold().rstrip(".")


def _near(quote: str) -> str:
    """Leave out the list items and table rows that a quote passes between what introduces it and itself."""
    lines = quote.splitlines()
    if len(lines) > 1 and lines[-1].startswith("|"):
        return row_text(lines[0], lines[-1])
    items = [i for i, line in enumerate(lines) if ITEM.match(line)]
    if len(items) > 1 and items[0] > 0:
        lines = lines[: items[0]] + lines[items[-1] :]
    return "\n".join(ITEM.sub("", line, count=1) if ITEM.match(line) else line for line in lines)


def _stems(text: str) -> set[str]:
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    return {stem(m.group()) for m in WORD.finditer(text)}


def _numbers(text: str) -> set[str]:
    return {number for _, number in _quantities(text)}


def _quantities(text: str) -> Iterator[tuple[int, str]]:
    """Yield (position, number) for digits and words: `1,250.00`, `twenty-five`, `two hundred`, `£5 million`."""
    value: Decimal | None = None
    start = end = 0
    tens = False
    for match in re.finditer(rf"{NUMBER.pattern}|[a-z]+", text, re.IGNORECASE):
        word = match.group().casefold()
        joined = value is not None and re.fullmatch(r"[\s-]+", text[end : match.start()])
        if joined and value is not None and word in TIMES:
            value, tens = value * TIMES[word], False
        elif joined and value is not None and tens and 0 < SMALL.get(word, 0) < 10:
            value, tens = value + SMALL[word], False
        else:
            if value is not None:
                yield start, _digits(value)
            value, start, tens = None, match.start(), word in TENS
            if word in SMALL or word in TENS or word in TIMES:
                value = Decimal(SMALL.get(word) or TENS.get(word) or TIMES.get(word) or 0)
            elif not word[0].isalpha():
                plain = re.sub(r",(?=\d{3}(?!\d))", "", word.replace("−", "-"))
                if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", plain, re.ASCII):
                    value = Decimal(plain)
                else:
                    yield start, plain  # a time, a section, an extension, a decimal comma
        end = match.end()
    if value is not None:
        yield start, _digits(value)


def _digits(value: Decimal) -> str:
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _tokens(text: str) -> list[tuple[int, str, str]]:
    """Return (position, kind, token), in order, of everything whose order is part of the meaning."""
    found = [(at, "number", number) for at, number in _quantities(text)]
    found += [(m.start(), "not", "") for m in NEGATION.finditer(text)]
    found += [(m.start(), "modal", name) for name, pattern in MODALS for m in pattern.finditer(text)]
    found += [
        (m.start(), "word", word)
        for m in WORD.finditer(text)
        if (word := stem(m.group())) in ACTORS
        or word in MONTHS
        or word in DAYS
        or (m.group().isupper() and len(word) > 1)
    ]
    return sorted(found)


def _in_order(claim: list[tuple[int, str, str]], quote: list[tuple[int, str, str]]) -> bool:
    """Tell whether the claim's tokens come in the quote's order; those of the context alone do not count."""
    known = {token[1:] for token in quote}
    rest = iter([token[1:] for token in quote])
    return all(token in rest for token in (t[1:] for t in claim) if token in known)


def _addresses(text: str) -> set[str]:
    return {a.strip("(\"'.,;:!?)") for a in ADDRESS.findall(text)}


def _choices(claim: str, quote: str) -> set[str]:
    """Return the `and` or `or` that a claim puts where the quote has the other."""
    said, meant = ({w.casefold() for w in re.findall(r"\b(?:and|or)\b", t, re.IGNORECASE)} for t in (claim, quote))
    return {word for word in said - meant if word == "or" or "or" in meant}


def _members_dropped(quote: str, stems: set[str]) -> set[str]:
    """Return the members of an enumeration that a claim leaves out while it names others."""
    dropped: set[str] = set()
    for match in ENUMERATION.finditer(quote):
        members = {stem(part.split()[-1]) for part in match[1].split(", ")} | {stem(match[2])}
        members -= STOP_WORDS
        if members & stems:
            dropped |= members - stems
    return dropped


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
