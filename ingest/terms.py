"""Document -> terms: glossary entries, definition sentences and acronym expansions, each with its place in the text."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Literal

from assistant.core.records import Document, Term
from assistant.text.canonical import HEADING, Block, blocks, cells, cut, item_body, sentences, trim
from assistant.text.words import STOP_WORDS, normalise_term

GLOSSARY = re.compile(
    r"\b(glossar(?:y|ies)|definitions?|key terms|terminology|acronyms?|abbreviations?|terms used|vocabulary|jargon)\b",
    re.IGNORECASE,
)
Scope = Literal["organisation", "document"]
# What a glossary's columns are called, in the singular.
TERMS = frozenset({"term", "acronym", "abbreviation", "initialism", "name", "word", "phrase"})
TERMS_OF_TEXT = TERMS | {"role", "expression"}  # but a sheet of roles is one of records
BESIDES = frozenset({"defined", "key", "business", "or", "and"})  # what may stand with those
# The best first: where a table has both, an acronym's expansion is another name and not what it means.
MEANINGS = ("definition", "meaning", "description", "explanation", "expansion")
SPELLED = frozenset({"stands for", "spelled out", "written out", "full form", "full name", "full term", "long form"})

NAME = r"""[^\W_](?:[^\n:.!?;"“”]|\.(?=\w)){0,78}?"""
SEPARATOR = re.compile(r"(?:(?<!\s)\s++(?:[-–—]++|means)\s|:\s)\s*+")
MEANS = re.compile(
    rf"""^(?:(?P<here>in|for\s+the\s+purposes?\s+of|under|within)\s+(?:this|these|the)\s++[\w\s&-]{{2,40}}?,\s++)?
    (?:the\s+(?:term|word|phrase|expression|acronym)\s+)?
    (?:an?\s+|the\s+)?["“'‘]?(?P<name>{NAME})["”'’]?(?:\s*,)?\s++
    (?:means|refers\s+to|is\s+defined\s+as|are\s+defined\s+as|stands\s+for|denotes)\s+(?P<meaning>\S)""",
    re.IGNORECASE | re.VERBOSE,
)
EXPANSION = re.compile(r"\((?:the\s+)?[\"“']?(?P<short>[A-Z][A-Za-z]?[A-Z0-9&/-]{1,8}s?)[\"”']?\)")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
ALSO = ("also known as", "also", "aka", "or")  # before the other names of a term, in brackets
SHEETS = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
INNER = frozenset("a and at by for in of on or the to".split())  # small words within a name
OR_NAMED = ('" or "', "” or “", "' or '", "’ or ‘")
NAME_WORDS, NAME_CHARACTERS, ALIAS_CHARACTERS = 7, 300, 80
EXPANSION_WORDS = 40  # of nine letters, and the small words between theirs
LEAST_ENTRIES, MOST_OF = 8, 0.8  # of a glossary that is not called one, and the share of it that must be in form


def find_terms(document: Document) -> list[Term]:
    """Return the terms a document defines, in reading order; one a name, the fullest kind of definition wins."""
    found: dict[str, Term] = {}
    for term in filter(None, (*_entries(document), *_sentences(document), *_expansions(document))):
        found.setdefault(normalise_term(term.name), term)
    found.pop("", None)
    return sorted(found.values(), key=lambda term: term.start)


def _entries(document: Document) -> Iterator[Term | None]:
    """Yield glossary list items, table rows and headed sections."""
    text = document.text
    # A sheet's rows are set off only if its columns are those of a glossary.
    whole = bool(GLOSSARY.search(document.title)) or document.media_type in SHEETS or _is_glossary(document)
    path: list[tuple[int, str]] = []
    columns: tuple[int, int] | None = None
    previous: Block | None = None
    in_glossary = whole
    for block in blocks(text):
        if block.kind == "heading":
            match = HEADING.match(text, block.start, block.end)
            path = [entry for entry in path if entry[0] < block.level]
            path.append((block.level, match[2] if match else ""))
            in_glossary = whole or any(GLOSSARY.search(name) for _, name in path)
        elif block.kind == "row":
            if previous is None or previous.kind not in ("row", "rule"):
                columns = glossary_columns(cells(text[block.start : block.end]), TERMS_OF_TEXT)
            elif columns:
                yield _row(document, block, columns, in_glossary)
        elif block.kind in ("item", "paragraph"):
            entry = _split_entry(document, item_body(text, block), block.end, in_glossary)
            if entry is None and in_glossary and previous and previous.kind == "heading" and len(path) > 1:
                entry = _headed(document, path[-1][1], block)
            yield entry
        previous = block


def _is_glossary(document: Document) -> bool:
    """Tell a glossary that is not called one: nearly all of it is names, in order, and meanings."""
    names, others = [], 0
    for number, block in enumerate(blocks(document.text)):
        if number == 0 and GLOSSARY.fullmatch(document.text[block.start : block.end].strip("# ")):
            return True
        if block.kind not in ("item", "paragraph"):
            continue
        entry = _split_entry(document, item_body(document.text, block), block.end, True)
        if entry and entry.name[0].isalnum() and entry.end - entry.start > len(entry.name):
            names.append(entry.name.casefold())
        else:
            others += 1
    ordered = sum(one <= other for one, other in pairwise(names))
    return (
        len(names) >= LEAST_ENTRIES
        and len(names) >= MOST_OF * (len(names) + others)
        and len(set(names)) >= MOST_OF * len(names)
        and ordered >= MOST_OF * (len(names) - 1)
    )


def _split_entry(document: Document, start: int, end: int, in_glossary: bool) -> Term | None:
    """Read `NAME - definition` or `NAME: definition`; outside a glossary the author must have set NAME off and `means`
    or a list of definitions must follow, since bold lead-ins are labels more often than terms."""
    text = document.text
    emphasis = _emphasis_at(document, start)
    if emphasis:
        emphasis = _past_aliases(text, emphasis, end)
        inside = text[start:emphasis].rstrip()
        match = SEPARATOR.match(text, emphasis, end)
        if inside.endswith(":"):
            name, body = inside[:-1], emphasis
        elif match:
            name, body = inside, match.end()
        else:
            return None
        if not in_glossary and "means" not in text[emphasis:body]:
            return None
    elif in_glossary and (match := SEPARATOR.search(text, start, min(end, start + 90))):
        name, body = text[start : match.start()], match.end()
    else:
        return None
    return _term(document, name, body, end, in_glossary)


def _past_aliases(text: str, start: int, end: int) -> int:
    """Return where other names of a term end that stand at `start` in brackets; `start` where none do."""
    said = text[start : min(end, start + 2 * ALIAS_CHARACTERS)].lower()
    closing = said.find(")") + 1
    return start + closing if said.lstrip().startswith(tuple(f"({word}" for word in ALSO)) else start


def _headed(document: Document, heading: str, block: Block) -> Term | None:
    asks = GLOSSARY.search(heading) or heading.endswith("?")
    return None if asks else _term(document, heading, block.start, block.end, True)


def glossary_columns(header: Sequence[str], terms: frozenset[str] = TERMS) -> tuple[int, int] | None:
    """Return the columns of a glossary's names and of what they mean, or None where the table is another one."""
    names = [name.strip(" :*").lower() for name in header]
    words = [[word.removesuffix("s") for word in re.findall(r"[^\W_]+", name)] for name in names]
    term = next((at for at, said in enumerate(words) if set(said) & terms and set(said) <= terms | BESIDES), None)
    ranked = (at for wanted in MEANINGS for at, said in enumerate(words) if at != term and wanted in said)
    spelled = (at for at, name in enumerate(names) if at != term and name in SPELLED)
    meaning = next(chain(ranked, spelled), None)
    return None if term is None or meaning is None else (term, meaning)


def _row(document: Document, block: Block, columns: tuple[int, int], in_glossary: bool) -> Term | None:
    row = document.text[block.start : block.end]
    values = cells(row)
    if max(columns) >= len(values):
        return None
    name, meaning = values[columns[0]], values[columns[1]]
    at = row.find(meaning, row.find(name) + len(name)) if meaning else -1
    start = block.start + at
    return _term(document, name, start, start + len(meaning), in_glossary or len(values) == 2) if at >= 0 else None


def _sentences(document: Document) -> Iterator[Term | None]:
    """Yield `"X" means ...` sentences; the sentence itself is the definition."""
    text = document.text
    for block in blocks(text):
        if block.kind in ("paragraph", "item"):
            for start, end in sentences(text, item_body(text, block), block.end):
                match = MEANS.match(text[start:end])
                if match and _looks_defined(document, start, match):
                    yield _term(document, match["name"], start, end, False)


def _looks_defined(document: Document, start: int, match: re.Match[str]) -> bool:
    """Tell a definition from `This means that ...`: quoted, set off, introduced or capitalised names only."""
    name = match["name"]
    words = name.lower().split()
    begin = start + match.start("name")
    quoted = document.text[begin - 1 : begin] in ('"', "“", "'", "‘")
    # "The vendor may not by any means ...", "By automated means of access ...", "Sponsorship, which means payment, ..."
    noun = words and not set(words) & (STOP_WORDS - INNER) and words[0] not in INNER and words[-1] not in INNER
    return bool(quoted or (noun and (match["here"] or name[0].isupper() or _emphasis_at(document, begin))))


def _expansions(document: Document) -> Iterator[Term]:
    """Yield `Chief Information Security Officer (CISO)`: the words whose initials the acronym is."""
    text = document.text
    before: list[re.Match[str]] = []  # the words of the line, as far as it is `read`
    read = 0
    for match in EXPANSION.finditer(text):
        if line := text.rfind("\n", read, match.start()) + 1:
            before, read = [], line
        before += WORD.finditer(text, read, match.start())
        read = match.start()
        letters = [c.lower() for c in match["short"].rstrip("s") if c.isalpha()]
        first = _first(letters, before[-EXPANSION_WORDS:])
        if first is not None and read - first <= NAME_CHARACTERS:
            start, end = trim(text, first, read)
            yield Term(match["short"], (text[start:end],), text[start:end], document.id, start, end)


def _first(letters: list[str], words: list[re.Match[str]]) -> int | None:
    """Return where the words with these initials start; small words in between may be skipped."""
    at = len(words)
    for letter in reversed(letters):
        at -= 1
        while at >= 0 and words[at].group()[0].lower() != letter:
            if words[at].group().lower() not in INNER:
                return None
            at -= 1
        if at < 0:
            return None
    return words[at].start()


def _emphasis_at(document: Document, start: int) -> int | None:
    """Return the end of the emphasis that begins at `start`, or just after an opening quote or article."""
    at = bisect.bisect_left(document.emphases, (start, 0))
    if at < len(document.emphases) and document.emphases[at][0] == start:
        return document.emphases[at][1]
    return None


def _term(document: Document, name: str, start: int, end: int, in_glossary: bool) -> Term | None:
    start, end = next(cut(document.text, *trim(document.text, start, end)), (start, start))
    if len(name) > NAME_CHARACTERS:
        return None
    for named in OR_NAMED:
        name = name.replace(named, OR_NAMED[0])
    name, *aliases = " ".join(name.split()).strip("*_\"“”'‘’ ").split(OR_NAMED[0])
    before, bracket, inside = name.removesuffix(")").rpartition("(")
    if bracket and name.endswith(")") and before.strip() and len(inside) <= ALIAS_CHARACTERS:
        name = before.strip()
        aliases += _aliases(inside)
    if not name or len(name.split()) > NAME_WORDS or end - start < 3:
        return None
    definition = document.text[start:end]
    scope: Scope = "organisation" if in_glossary else "document"
    return Term(name, tuple(aliases), definition, document.id, start, end, scope)


def _aliases(inside: str) -> list[str]:
    """Return the names in "also known as: the Board, or BoD"."""
    known = next((word for word in ALSO if inside.lower().startswith((f"{word} ", f"{word}:"))), "")
    inside = inside[len(known) :].lstrip(":. ")
    parts = inside.replace(" or ", ",").replace(";", ",").split(",")
    return [part.strip() for part in parts if part.strip()]
