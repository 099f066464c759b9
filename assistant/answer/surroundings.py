"""What stands around a quote, shown with it: what its document says of it elsewhere is not left to rules alone.

That is what stands next to it in its section, sections right below that limit it, what the document says of the quote's
section by number, wherever that is, and what it says near its beginning and its end of all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from assistant.answer.remarks import name_of, sections_named, sections_of
from assistant.core.records import Excerpt, Passage
from assistant.index.lookup import Lookup
from assistant.text.canonical import Block, blocks, cells, sentences, trim
from assistant.text.units import Span

WINDOW = 8_000  # characters of a document on either side in which neighbours are looked for
BEFORE, AFTER = 400, 700  # characters that are shown of them
EDGE = 3  # passages at a document's beginning and end that may speak of all of it
MOST, MAX_BLOCK, SHORT_BLOCK = 3, 500, 250  # blocks that speak of all of it; characters of one, and of one told whole
LISTED = ("item", "row", "rule")

BACK = re.compile(r"\b(?:above|preceding|previous|foregoing|none of|all of th|both of th)", re.IGNORECASE)
LIMITING = re.compile(
    r"\b(?:except|exclu|limit|not\b|only\b|valid|scope|in force|entry|corr[ei]|amend|withdraw|errat)|^(?:foot)?notes?\b"
    r"|^key\b",
    re.IGNORECASE,
)
_WHOLE = (
    r"polic(?:y|ies)|documents?|pages?|procedures?|guides?|guidelines?|handbook|manual|rules?|regulations?|versions?"
    r"|editions?|instructions?|standards?|circulars?|notices?|agreements?|provisions?|annex(?:es)?|following"
)
_PART = (
    r"sections?|chapters?|paragraphs?|clauses?|articles?|tables?|timetables?|lists?|figures?|amounts?|limits?|rates?"
    r"|prices?|numbers?|steps?|points?|options?"
)
OF_ALL = re.compile(
    rf"\b(?:the|our)\s(?:\w+\s)?(?:{_WHOLE})\b"
    rf"|\b(?:this|these|those|all|both|each|every|none of the)\s(?:\w+\s)?(?:{_WHOLE}|{_PART})\b"
    rf"|\b(?:{_WHOLE}|{_PART})\s\d|\b(?:above|below|preceding|foregoing)\b",
    re.IGNORECASE,
)
# A mark that a note explains: raised, a sign, or a number right behind a word or full stop, "per kg.1".
MARK = re.compile(
    r"(?<=[\w.,;:!?)%\"'”’])(?:([⁰¹²³⁴-⁹]{1,2})|\[\^?(\w{1,3})\]|(?<=[a-z.,;:!?)])(\d{1,2}))(?!\w)|([†‡*]+)"
)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
SAYS = re.compile(
    r"\b(?:not|no|none|nothing|never|only|alone|solely|unless|until|except\w*|since|in case|(?:is|are|meant) for"
    r"|appl(?:y|ies|ied)|concerns?|covers?|effect|force|valid|void|withdrawn|repeal\w*|replac\w*|supersed\w*|suspend\w*"
    r"|cancel\w*|abolish\w*|drafts?|proposals?|wrong|outdated|old|former|last (?:year|season|edition)|halve[sd]?"
    r"|double[sd]?|multipl\w*|instead)\b",
    re.IGNORECASE,
)
# "Circular 3", "4.2"
NUMBER = re.compile(r"(?:\b[A-Z]\w+ \d{1,3}|(?<![\w.])\d{1,3}(?:\.\d{1,3})+)(?![\d.]*\d)")


def excerpts_around(lookup: Lookup, document_id: str, start: int, end: int) -> tuple[Excerpt, ...]:
    """Return what is shown with the quote [start, end) of a document, in its order; all of it is indexed."""
    near = lookup.passages_between(document_id, max(0, start - WINDOW), end + WINDOW)
    own = next((passage for passage in near if passage.start <= start < passage.end), None)
    if own is None:  # a definition
        return ()
    section = [block for passage in near if passage.headings == own.headings for block in _blocks_of(passage)]
    found = [*_before(section, start), *_after(section, end), *_below(near, own, end)]
    known = [*found, (start, end)]
    numbers = sections_of(own.headings)
    names = {
        *numbers,
        *NUMBER.findall(" ".join((*own.headings, own.text[start - own.start : end - own.start][:MAX_BLOCK]))),
    }
    heading = name_of(own.headings[-1]) if own.headings else ""
    edges = lookup.edges_of(document_id, EDGE)
    naming = [passage for number in sorted(numbers) for passage in lookup.passages_on(document_id, number)]
    notes = _notes((*near, *edges), start, end)
    known += notes
    for passages, says in (
        ((*naming, *edges), lambda text: bool(numbers & sections_named(text))),
        (edges, lambda text: _says_of_all(text, names) or _limits(text, heading)),
    ):
        spans = (span for passage in passages for span in _told(passage, says))
        known += _apart(spans, known)
    told = sorted({span for span in known if span != (start, end)})
    return tuple(_excerpt(span, (*near, *naming, *edges)) for span in told)


def _apart(spans: Iterable[Span], known: Sequence[Span]) -> list[Span]:
    """Return the first few that neither overlap what is known, nor each other."""
    found: list[Span] = []
    for span in spans:
        if len(found) < MOST and not any(_overlap(span, other) for other in (*known, *found)):
            found.append(span)
    return found


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _excerpt(span: Span, passages: Sequence[Passage]) -> Excerpt:
    passage = next(p for p in passages if p.start <= span[0] and span[1] <= p.end)
    start, end = trim(passage.text, span[0] - passage.start, span[1] - passage.start)
    return Excerpt(passage.start + start, passage.start + end, passage.text[start:end])


def _blocks_of(passage: Passage) -> Iterator[Block]:
    """Yield a passage's blocks but headings, placed in its document."""
    for block in blocks(passage.text):
        if block.kind != "heading":
            yield replace(block, start=passage.start + block.start, end=passage.start + block.end)


def _headed(passage: Passage) -> Iterator[Block]:
    """Yield a passage's blocks, each from the heading right above it on."""
    above: Block | None = None
    for block in blocks(passage.text):
        if block.kind == "heading":
            above = block
            continue
        yield replace(block, start=passage.start + (above or block).start, end=passage.start + block.end)
        above = None


def _before(section: Sequence[Block], start: int) -> Iterator[Span]:
    """Yield what stands right before a quote, the rest of its list or table left out."""
    room = BEFORE
    for block in reversed([block for block in section if block.start < start]):
        if block.kind in LISTED:
            continue
        span = block.start, min(block.end, start)
        room -= span[1] - span[0]
        if room < 0:
            return
        yield span


def _after(section: Sequence[Block], end: int) -> Iterator[Span]:
    """Yield what stands right after a quote: what is left of its block, items below it, and what follows its list."""
    last = next((block for block in section if block.start < end <= block.end), None)
    room, listed = AFTER, last is not None and last.kind in LISTED
    for block in (block for block in section if block.end > end):
        span = max(block.start, end), block.end
        beside = listed and block.kind in LISTED and block is not last
        if beside and not (last and block.kind == last.kind == "item" and block.level > last.level):
            last = None  # what is below the next item is not below the quote
            continue
        room -= span[1] - span[0]
        if room < 0:
            return
        yield span


def _below(near: Sequence[Passage], own: Passage, end: int) -> Iterator[Span]:
    """Yield how the sections right after a quote's begin, if they limit it or look back at it."""
    following = [passage for passage in near if passage.start >= end and passage.headings != own.headings]
    seen: set[tuple[str, ...]] = set()
    for passage in following[: 2 * EDGE]:
        if passage.headings in seen or len(seen) > EDGE:
            continue
        first = not seen
        seen.add(passage.headings)
        begin = next(_headed(passage), None)
        if begin is None:
            continue
        text = passage.text[begin.start - passage.start : begin.end - passage.start]
        heading = passage.headings[-1] if passage.headings else ""
        if (first and BACK.search(text[:MAX_BLOCK])) or LIMITING.search(name_of(heading)):
            yield _bounded(passage, begin)


def _notes(passages: Sequence[Passage], start: int, end: int) -> list[Span]:
    """Return the blocks below a quote that its marks refer to."""
    passages = list(dict.fromkeys(passages))
    quote = "".join(p.text[max(0, start - p.start) : max(0, end - p.start)] for p in passages)
    marks = {match[0]: match for match in MARK.finditer(quote)}  # each once: a list may repeat one in every item
    around = [(passage, block) for passage in passages for block in _blocks_of(passage)] if marks else []
    found: dict[Span, None] = {}
    for match in marks.values():
        mark = (match[1] or match[2] or match[3] or match[4]).translate(RAISED)
        begins = re.compile(rf"[\[(^]*{re.escape(mark)}[\]).:]*\s|{re.escape(match[0])}")
        for passage, block in around:
            at, stop = block.start - passage.start, block.end - passage.start
            explains = match[4] and block.kind == "paragraph" and mark in passage.text[at:stop]
            if (block.start >= end and begins.match(passage.text, at)) or (explains and block.end <= start):
                found[_bounded(passage, block)] = None
        if len(found) >= MOST:
            break
    return list(found)[:MOST]


def _told(passage: Passage, says: Callable[[str], bool]) -> Iterator[Span]:
    """Yield what of a passage `says` it; of a long block, from the first sentence that does so to the last."""
    for block in _headed(passage):
        spans = sentences(passage.text, block.start - passage.start, block.end - passage.start)
        told = [(start, end) for start, end in spans if says(passage.text[start:end])]
        if told and block.end - block.start <= SHORT_BLOCK:
            yield block.start, block.end
        elif told:
            start, end = told[0][0], told[-1][1]
            if end - start > MAX_BLOCK:
                end = min(told[0][1], start + MAX_BLOCK)
            yield passage.start + start, passage.start + end


def _says_of_all(text: str, names: set[str]) -> bool:
    """Say whether it is about all of its document, or about a part by these names; of other sections it is not."""
    if sections_named(text):
        return False
    row = text.startswith("|") and cells(text)[0] in names
    return row or bool(names & set(NUMBER.findall(text)) or (OF_ALL.search(text) and SAYS.search(text)))


def _limits(text: str, heading: str) -> bool:
    """Say whether it limits the section with a heading, by its name: "Uniform, leave, baggage: permanent crew only"."""
    named = heading and re.search(rf"\b{re.escape(heading)}\b", text, re.IGNORECASE)
    return bool(named and SAYS.search(text))


def _bounded(passage: Passage, block: Block) -> Span:
    """Return a block, or its first sentence where it is long."""
    if block.end - block.start <= MAX_BLOCK:
        return block.start, block.end
    start, stop = block.start - passage.start, block.end - passage.start
    first, end = sentences(passage.text, start, stop)[0]
    return passage.start + first, passage.start + min(end, first + MAX_BLOCK)
