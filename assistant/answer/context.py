"""What documents say about a quote elsewhere: one lookup, by structure; whether that limits the quote, a model tells.

Structure selects: neighbours in the section, the beginnings of the sections below, the notes that the quote's marks
refer to, sentences that name its section by number or heading, the edges of the document, and in other documents
sentences that name it by its title or its policy's id. `limits.py` tells which of them limit it: those are always
shown, others on request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from assistant.answer.evidence import overlap
from assistant.answer.limits import LimitModel
from assistant.answer.read import evidence_in
from assistant.core.records import Access, Citation, Evidence, Excerpt, Hit, Passage, Quote
from assistant.index.catalog import Catalog
from assistant.index.queries import Queries
from assistant.text.canonical import Block, blocks, sentences, trim
from assistant.text.units import Span

# Characters: of the document on either side in which neighbours are looked for, that are shown before and after a
# quote, and of a block that is shown whole.
WINDOW, BEFORE, AFTER, LONGEST_BLOCK = 8_000, 400, 700, 500
EDGE_PASSAGES = 1  # at a document's beginning and end, which may speak of all of it
MOST_OF_A_KIND = 3  # excerpts: of each way in which structure finds them
NEAR = 100  # characters from a quote to what follows it
MAX_RANGE = 100  # sections that "sections 3 to 6" may name

SECTION_NUMBER = re.compile(
    r"(?:(?:section|clause|article|chapter|part)\s|§\s?)?\s*(\d{1,3}(?:\.\d{1,3}){0,4})(?![\d%])", re.IGNORECASE
)
REFERENCE = re.compile(
    r"(?:\b(?:sections?|clauses?|articles?|chapters?|paragraphs?|parts?|numbers?|nos?\.|rules?|points?|items?)|§§?)\s*"
    r"(\d[\d., ]{0,30}(?:(?:and|or|to|–|-)\s*\d[\d.]{0,10})?)|(?<![\w.])(\d{1,3}(?:\.\d{1,3}){1,4})(?![\d.]*\d)",
    re.IGNORECASE,
)
RANGE = re.compile(r"(?<![\d.])(\d{1,3})\s*(?:to|–|-)\s*(\d{1,3})(?![\d.]*\d)")
# A mark that a note explains: raised, a sign, or a number right behind a word or full stop, "per kg.1".
MARK = re.compile(
    r"(?<=[\w.,;:!?)%\"'”’])(?:([⁰¹²³⁴-⁹]{1,2})|\[\^?(\w{1,3})\]|(?<=[a-z.,;:!?)])(\d{1,2}))(?!\w)|([†‡*]+)"
)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
LISTED = ("item", "row", "rule")


def excerpts_around(queries: Queries, document_id: str, start: int, end: int) -> tuple[Excerpt, ...]:
    """Return what a document says about its quote [start, end), in its order; no model is asked.

    A note that the quote's marks refer to limits it, and so does what goes on with its sentence.
    """
    near = queries.passages_of(document_id, max(0, start - WINDOW), end + WINDOW)
    own = next((passage for passage in near if passage.start <= start < passage.end), None)
    if own is None:  # a definition
        return ()
    section = [block for passage in near if passage.headings == own.headings for block in _blocks_of(passage)]
    numbers = section_numbers(own.headings)
    naming = [passage for number in sorted(numbers) for passage in queries.passages_on(document_id, number)]
    edges = queries.edges_of(document_id, EDGE_PASSAGES)
    notes = _apart(_notes((*near, *edges), start, end), [(start, end)])
    spans = [(start, end), *notes]
    for found in (
        (*_before(section, start), *_after(section, end)),
        _below(near, own, end),
        islice(_saying((*naming, *edges), _namer(numbers, own.headings)), MOST_OF_A_KIND),
        _at_edges(edges, own),
    ):
        spans += _apart(found, spans)
    passages = (*near, *naming, *edges)
    return tuple(_excerpt(span, passages, limits=span in notes) for span in sorted(spans) if span != (start, end))


def with_limits(excerpts: Sequence[Excerpt], citation: Citation, model: LimitModel) -> tuple[Excerpt, ...]:
    """Return the excerpts around a citation's quote, those marked that limit it."""
    said = ((at, excerpt.text) for at, excerpt in enumerate(excerpts) if not excerpt.text.startswith("|"))
    parts = [(at, sentence) for at, text in said for sentence in _sentences_of(text)]
    follows = [0 <= excerpts[at].start - citation.end <= NEAR for at, _ in parts]
    found = model.limits([text for _, text in parts], follows, " ".join(citation.quote.split()))
    limiting = {at for (at, _), limits in zip(parts, found, strict=True) if limits}
    return tuple(replace(excerpt, limits=excerpt.limits or at in limiting) for at, excerpt in enumerate(excerpts))


def with_amendments(
    evidence: Sequence[Evidence], catalog: Catalog, access: Access, model: LimitModel
) -> tuple[Evidence, ...]:
    """Return evidence, and after it the sentences of other documents that limit it and name its document."""
    candidates = sentences_naming([e.hit for e in evidence], catalog.queries, access)
    rules = [" ".join(e.text.split()) for e in evidence]
    texts, passages = [" ".join(c.text.split()) for c in candidates], [c.hit.passage.text for c in candidates]
    limiting = model.limits_one_of(texts, passages, rules)
    found: list[Evidence] = []
    for candidate, limits in zip(candidates, limiting, strict=True):
        if limits and len(found) < MOST_OF_A_KIND and not any(overlap(candidate, e) for e in (*evidence, *found)):
            found.append(candidate)
    return (*evidence, *found)


def sentences_naming(hits: Sequence[Hit], queries: Queries, access: Access) -> list[Evidence]:
    """Return the sentences of other documents that name a document of these hits."""
    own = {hit.passage.document_id for hit in hits}
    found: list[Evidence] = []
    first = {hit.source: hit for hit in reversed(hits)}.values()
    for name in dict.fromkeys(name for hit in first for name in _names_of(hit, queries, access)):
        words = re.findall(r"\w+", name)
        if len(words) < 2:  # one word names too much
            continue
        named = re.compile(r"\W+".join(map(re.escape, words)), re.IGNORECASE)
        for hit in queries.hits_naming(words, access):
            if hit.passage.document_id not in own:
                units = (u for u in evidence_in(hit) if u.kind in ("sentence", "item"))
                found += [replace(u, kind="note") for u in units if named.search(u.text)]
    return found


def _names_of(hit: Hit, queries: Queries, access: Access) -> Iterator[str]:
    """Yield what a document is called elsewhere: its title, without its standing in brackets, and its policy's id."""
    yield hit.title.split("[")[0]
    meta = queries.meta_of(hit.source, hit.document_sha256, access)
    yield (meta.policy_id or "") if meta else ""


def section_numbers(headings: Sequence[str]) -> set[str]:
    """Return the numbers of the sections with these headings, "4.2" of "Section 4.2: Refunds"."""
    return {match[1] for heading in headings if (match := SECTION_NUMBER.match(heading))}


def sections_named(text: str) -> set[str]:
    """Return the numbers of the sections that a text names, those between "sections 3 to 6" included."""
    named: set[str] = set()
    for match in REFERENCE.finditer(text):
        listed = match[1] or match[2]
        named.update(number.strip(".") for number in re.findall(r"\d[\d.]*", listed))
        for first, last in RANGE.findall(listed):
            named.update(str(number) for number in range(int(first), min(int(last), int(first) + MAX_RANGE) + 1))
    return named


def _namer(numbers: set[str], headings: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether a text names a section by its number, as a row's first cell too, or by its heading."""
    heading = headings[-1] if headings else ""
    match = SECTION_NUMBER.match(heading)
    name = heading[match.end() if match else 0 :].strip(" .:)–-")
    named = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE) if name else None

    def names(text: str) -> bool:
        if numbers & sections_named(text) or (text.startswith("|") and text.strip("| ").split(" |")[0] in numbers):
            return True
        return named is not None and named.search(text) is not None

    return names


def _apart(spans: Iterable[Span], known: Sequence[Span]) -> list[Span]:
    """Return the first spans that overlap neither what is known nor each other."""
    found: list[Span] = []
    for span in spans:
        if not any(span[0] < other[1] and other[0] < span[1] for other in (*known, *found)):
            found.append(span)
    return found


def _excerpt(span: Span, passages: Sequence[Passage], *, limits: bool) -> Excerpt:
    passage = next(p for p in passages if p.start <= span[0] and span[1] <= p.end)
    start, end = trim(passage.text, span[0] - passage.start, span[1] - passage.start)
    # What goes on in a small letter, below a list, is a part of its sentence.
    limits = limits or passage.text[start].islower()
    return Excerpt(passage.start + start, passage.start + end, passage.text[start:end], limits)


def _sentences_of(text: str) -> list[str]:
    """Return the sentences of an excerpt, each with its white space folded."""
    return [" ".join(text[start:end].split()) for start, end in sentences(text, 0, len(text))]


def _blocks_of(passage: Passage) -> Iterator[Block]:
    """Yield a passage's blocks but headings, placed in its document."""
    for block in blocks(passage.text):
        if block.kind != "heading":
            yield replace(block, start=passage.start + block.start, end=passage.start + block.end)


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
        sibling = listed and block.kind in LISTED and block is not last
        if sibling and not (last and block.kind == last.kind == "item" and block.level > last.level):
            last = None  # what is below the next item is not below the quote
            continue
        room -= span[1] - span[0]
        if room < 0:
            return
        yield span


def _below(near: Sequence[Passage], own: Passage, end: int) -> Iterator[Span]:
    """Yield how the sections right after a quote's begin that stand below the same heading."""
    above = own.headings, own.headings[:-1]
    sections: dict[tuple[str, ...], Passage] = {}
    for passage in near:
        if passage.start >= end and passage.headings != own.headings and passage.headings[:-1] in above:
            sections.setdefault(passage.headings, passage)
    for passage in list(sections.values())[:MOST_OF_A_KIND]:
        if first := next(_blocks_of(passage), None):
            yield _bounded(passage, first)


def _notes(passages: Sequence[Passage], start: int, end: int) -> Iterator[Span]:
    """Yield the blocks that a quote's marks refer to: below it, or a paragraph above that explains a sign."""
    passages = list(dict.fromkeys(passages))
    # Between passages stands a line end, or "reports." and "1. Add them" would have a mark.
    quote = "\n".join(p.text[max(0, start - p.start) : max(0, end - p.start)] for p in passages)
    marks = {match[0]: match for match in MARK.finditer(quote)}  # each once: a list may repeat one in every item
    around = [(passage, block) for passage in passages for block in _blocks_of(passage)] if marks else []
    for match in list(marks.values())[:MOST_OF_A_KIND]:
        mark = (match[1] or match[2] or match[3] or match[4]).translate(RAISED)
        begins = re.compile(rf"[\[(^]*{re.escape(mark)}[\]).:]*\s|{re.escape(match[0])}")
        written = re.compile(rf"^ *{re.escape(match[0])}", re.MULTILINE)
        if match[2] and any(written.search(passage.text) for passage in passages):
            begins = written  # a note that begins with the mark as it stands: "1." may begin any list
        for passage, block in around:
            at, stop = block.start - passage.start, block.end - passage.start
            explains = match[4] and block.kind == "paragraph" and mark in passage.text[at:stop]
            if (block.start >= end and begins.match(passage.text, at)) or (explains and block.end <= start):
                yield _bounded(passage, block)


def _saying(passages: Sequence[Passage], says: Callable[[str], bool]) -> Iterator[Span]:
    """Yield the blocks that `says` is true of a sentence of; of a long one, that sentence."""
    for passage in dict.fromkeys(passages):
        for block in _blocks_of(passage):
            spans = sentences(passage.text, block.start - passage.start, block.end - passage.start)
            if saying := next(((a, b) for a, b in spans if says(passage.text[a:b])), None):
                whole = block.end - block.start <= LONGEST_BLOCK
                yield (block.start, block.end) if whole else (passage.start + saying[0], passage.start + saying[1])


def _at_edges(edges: Sequence[Passage], own: Passage) -> Iterator[Span]:
    """Yield the first paragraph of each of the document's first and last passages, unless it names other sections."""
    for passage in edges:
        if passage.id != own.id:
            first = next((block for block in _blocks_of(passage) if block.kind == "paragraph"), None)
            if first and not sections_named(passage.text[first.start - passage.start : first.end - passage.start]):
                yield _bounded(passage, first)


def _bounded(passage: Passage, block: Block) -> Span:
    """Return a block, or its first sentence where it is long."""
    if block.end - block.start <= LONGEST_BLOCK:
        return block.start, block.end
    start, stop = block.start - passage.start, block.end - passage.start
    first, end = sentences(passage.text, start, stop)[0]
    return passage.start + first, passage.start + min(end, first + LONGEST_BLOCK)


def by_key(sources: Sequence[Citation | Quote]) -> list[Citation | Quote]:
    """Return the first source of each key, in the order of the keys."""
    first = {source.key: source for source in reversed(sources)}
    return [first[key] for key in sorted(first)]


def excerpts_once(citations: Sequence[Citation | Quote], *, around: bool = False) -> list[list[Excerpt]]:
    """Return what limits each citation, or all that stands `around` it: each place once, and none that is quoted."""
    shown = {(c.document_sha256, c.start, c.end) for c in citations}
    found: list[list[Excerpt]] = []
    for citation in citations:
        found.append([])
        for excerpt in citation.context if isinstance(citation, Citation) else ():
            sha256, start, end = place = citation.document_sha256, excerpt.start, excerpt.end
            taken = any(sha256 == other and start < stop and begin < end for other, begin, stop in shown)
            if (around or excerpt.limits) and not taken:
                shown.add(place)
                found[-1].append(excerpt)
    return found
