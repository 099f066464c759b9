"""Does a quote support a sentence? Only if the sentence is the quote, said in another spelling.

What a rule drops or turns round is not known by the words that it does it with: there are more ways to say "not",
"only" or "unless" than a list holds. So nothing may be left out but what a short list allows, and nothing added: the
words of a claim, and what parts them, must be the quote's, all of them and in their order. Numbers, dates, currencies,
contractions, singular and plural, and equal modals may be written in another way. Left out may be articles, what opens
the quote, and another name, an address or an abbreviation in brackets; of a paragraph, a sentence may stand word for
word where the next one does not speak of it. What is refused is replaced by the quote.
`python -m bench.support` counts both kinds of mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.answer.evidence import opening
from assistant.answer.tokens import RANGE, optional_signs, tokenise
from assistant.answer.verbalizations import governed, tellings, unmarked
from assistant.text.canonical import sentences
from assistant.text.prompts import without_keys

# Begins a sentence that speaks of the one before it.
GOES_ON = re.compile(
    r"""(?:this|these|that|those|such|it|both|neither|all|none|however|but|except\w*|unless|otherwise|only|not|no|nor|nobody|
    yet|still|instead|provided|subject|although|though|exceptions?|in\ (?:this|that|these|such)\ cases?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
SUBJECT_ANAPHOR = re.compile(r"(?:they|it|he|she|these|those|this|that|such|both|one|neither)\b", re.IGNORECASE)
FEWEST = 5  # words of a sentence that is likely to stand for itself
# Speaks of the text beside it, or of whom it is for.
ANNOUNCES = re.compile(
    r"""\bfollow(?:s|ing)?\b|:\s*$|^(?:suppose|imagine|assume|say|until|from|before|so|old|the\ rest|only)\b
    |\b(?:words?|sentences?|paragraphs?|clauses?|provisions?|amend\w*|preceding|foregoing|above|below|opposite|contrary|mistakes?
    |errors?|repeal\w*|withdr[ae]w\w*|supersed\w*|no\ longer|obsolete|draft|meant|no\ (?:sooner|later))\b""",
    re.IGNORECASE | re.VERBOSE,
)
# What may open a sentence without being a part of what it states: left out of a quote, or put before it. How sentences
# hang together may be left out alone: a "yes" or "therefore" before a quote is no quote's.
COURTESIES = (("please",), ("please", "note"), ("please", "note", "that"), ("note", "that"))
OPENINGS = (*COURTESIES, *((*words, ",") for words in (*COURTESIES, ("note",))))
CONNECTIVES = tuple(  # only before a comma: "however late staff come" is another thing
    (*words.split(), ",")
    for words in (
        "also",
        "additionally",
        "however",
        "therefore",
        "thus",
        "so",
        "in addition",
        "as a result",
        "moreover",
        "furthermore",
    )
)
# In brackets: other names as glossaries are read, and addresses.
ASIDE = re.compile(r" ?\((?:also:[^()]{0,200}|[^\s()@]{1,80}@[^\s()@]{1,80})\)", re.IGNORECASE)
ABBREVIATION = re.compile(r" ?\(([A-Z][A-Za-z]{1,7})\)")
LONGEST = 6_000  # characters of a claim or a quote; what is longer can only be shown as it stands
MOST_WAYS = 64  # in which the beginning of a claim may be read
BETWEEN = re.compile(r"(?<=\w): +|\t| [–—] | ?\| ?")
MEANS = ((":",), (",",), ("is",), ("are",), ("mean",), ("stand", "for"))  # between a term and what it is

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a quote supports a claim, the share of the quote's words that the claim keeps, and why not.

    `missing` says so to a reader: `it leaves out "unless"`.
    """

    supported: bool
    score: float
    missing: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The next words of a quote, in one of several ways; with `free`, their absence is no omission."""

    ways: tuple[Tokens, ...]
    free: bool = False


def check_support(claim: str, quote: str, min_share: float, context: str = "") -> Support:
    """Tell whether `quote` supports `claim`, which keeps at least `min_share` of its words.

    `context`, a heading or title on each line, may stand before the claim with a colon.
    """
    quote = without_keys(quote)
    context = "" if SUBJECT_ANAPHOR.match(quote) else context  # of "They may sign" it would say who
    if _told(claim, quote, context):
        return Support(True, 1.0)
    if max(len(claim), len(quote)) > LONGEST:
        return Support(False, 0.0, "it is too long to compare")
    if signs := optional_signs(claim) - optional_signs(quote):
        return Support(False, 0.0, f"the quote does not hold so many {next(iter(signs))}")
    if not (said := tokenise(claim)):
        return Support(False, 0.0, "it says nothing")
    if _is_rows(quote):
        return Support(False, 0.0, "it does not tell the row as it stands")
    pieces = list(_pieces(unmarked(quote)))
    starts = {0: 0, **{len(opening): 0 for opening in _openings(said, context)}}
    if (dropped := _match(said, pieces, starts).get(len(said))) is not None:
        share = len(said) / (len(said) + dropped)
        return Support(share >= min_share, share, "" if share >= min_share else "it leaves out most of the quote")
    return Support(False, 0.0, _difference(said, pieces, starts))


def _match(said: Tokens, pieces: Sequence[_Piece], starts: Mapping[int, int]) -> dict[int, int]:
    """Return {position in the claim: words left out} after the pieces, from {position: words left out} before them."""
    reached = dict(starts)
    for piece in pieces:
        after: dict[int, int] = {}
        longest = max(map(len, piece.ways))
        for at, dropped in reached.items():
            for way in piece.ways:
                if said[at : at + len(way)] == way:
                    lost = 0 if piece.free else longest - len(way)
                    after = _least(after, {at + len(way): dropped + lost})
        if not after or len(after) > MOST_WAYS:
            return {}
        reached = after
    return reached


def _least(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {at: min(found[at] for found in (one, other) if at in found) for at in {*one, *other}}


def _openings(said: Tokens, context: str) -> Iterator[Tokens]:
    """Yield what a claim opens with that is no part of its quote."""
    headings = (tokenise(line) for line in context.splitlines())
    for words in (*OPENINGS, *((*h, ":") for h in headings if h)):
        if said[: len(words)] == words and len(said) > len(words):
            yield words


def _pieces(quote: str) -> Iterator[_Piece]:
    """Cut a quote into what must be said and what need not be."""
    at = 0
    for aside in sorted((*ASIDE.finditer(quote), *_abbreviations(quote)), key=lambda m: m.start()):
        yield from _plain(quote[at : aside.start()], first=at == 0)
        yield _Piece((tokenise(aside.group()), ()))
        at = aside.end()
    yield from _plain(quote[at:], first=at == 0)


def _plain(text: str, first: bool) -> Iterator[_Piece]:
    """Yield the words, what opens the quote apart, and what can stand for a colon or a table's rule."""
    for number, part in enumerate(BETWEEN.split(text)):
        if number:
            yield _Piece(MEANS, free=True)
        words = tokenise(part)
        if first and not number:
            size = max((len(o) for o in (*OPENINGS, *CONNECTIVES) if words[: len(o)] == o), default=0)
            yield _Piece((words[:size], ()), free=True)
            words = words[size:]
        yield from (_Piece(((RANGE,), ("to",)) if word == RANGE else ((word,),)) for word in words)


def _abbreviations(quote: str) -> Iterator[re.Match[str]]:
    """Find abbreviations in brackets after the words that they are made of."""
    for match in ABBREVIATION.finditer(quote):
        before = quote[max(0, match.start() - 120) : match.start()]
        words = re.findall(r"[^\W\d_]+", before)[-len(match[1]) - 3 :]
        initials = iter("".join(word if word.isupper() else word[0] for word in words).casefold())
        if all(letter in initials for letter in match[1].removesuffix("s").casefold()):
            yield match


def _difference(said: Tokens, pieces: Sequence[_Piece], starts: Mapping[int, int]) -> str:
    """Say where a claim and its quote part."""
    reached = starts
    for piece in pieces:
        if not (after := _match(said, [piece], reached)):
            at, expected = max(reached), " ".join(piece.ways[0])
            if at < len(said) and expected not in said[at:]:
                return f'the quote does not say "{said[at]}" there'
            return f'it leaves out "{expected}"'
        reached = after
    return f'the quote does not say "{said[max(reached)]}" there'


def _is_rows(quote: str) -> bool:
    return any(line.startswith("|") for line in quote.splitlines()[-1:])


def _tellings(quote: str) -> Iterator[str]:
    """Yield the ways in which code tells a quote: as it is, or what it ends with under what governs that."""
    yield from tellings(quote)
    # A sentence as it stands, of a paragraph that is shown with it, unless one beside it may speak of it.
    texts = [quote[start:end] for start, end in sentences(quote, 0, len(quote))]
    if governed(texts):
        return
    for text, before, after in zip(texts, ["", *texts], [*texts[1:], ""], strict=False):
        if (
            not (SUBJECT_ANAPHOR.match(text) and before)
            and not GOES_ON.match(after)
            and not any(map(_may_govern, filter(None, (before, after))))
        ):
            yield text


def _told(claim: str, quote: str, context: str) -> bool:
    """Tell whether code tells the quote so, as it is or with a heading of the context before it."""
    ways = {_same(telling) for telling in _tellings(quote)}
    openings = ("", *map(opening, filter(None, context.splitlines())))
    return any(claim.startswith(first) and _same(claim[len(first) :]) in ways for first in openings)


def _same(text: str) -> str:
    """Fold what does not matter between a sentence and its quote: white space, the last full stop."""
    return " ".join(text.split()).rstrip(".")


def _may_govern(text: str) -> bool:
    """Tell a sentence that may take back its neighbour: "Wrong!", "(Repealed.)", "The following is a mistake."."""
    return len(text.split()) < FEWEST or text.lstrip()[:1] in "([" or ANNOUNCES.search(text) is not None
