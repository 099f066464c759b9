"""Document -> terms: glossary entries, definition sentences and acronym expansions, each with its place in the text."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from itertools import pairwise

from assistant.core.records import Document, Term
from assistant.text.canonical import HEADING, Block, blocks, cells, cut, item_body, sentences, trim
from assistant.text.words import normalise_term

GLOSSARY = re.compile(
    r"\b(glossar(?:y|ies)|definitions?|key terms|terminology|acronyms?|abbreviations?|terms used|vocabulary|jargon)\b",
    re.IGNORECASE,
)
TERM_COLUMN = re.compile(r"^(term|acronym|abbreviation|name|word|phrase|role|expression)s?\b", re.IGNORECASE)
MEANING_COLUMN = re.compile(r"^(definition|meaning|description|expansion|explanation|stands for)s?\b", re.IGNORECASE)

NAME = r"""[^\W_](?:[^\n:.!?;"“”]|\.(?=\w)){0,78}?"""
SEPARATOR = re.compile(r"(?:(?<!\s)\s++(?:[-–—]++|means)\s|:\s)\s*+")
ALSO = re.compile(r"^(?P<name>.+?) ?\((?:also(?: known as)?:?\s*|aka\.?\s*|or\s+)?(?P<alias>[^()]{1,80})\)$", re.I)
MEANS = re.compile(
    rf"""^(?:(?P<here>in|for\s+the\s+purposes?\s+of|under|within)\s+(?:this|these|the)\s+[\w\s&-]{{2,40}}?,\s+)?
    (?:the\s+(?:term|word|phrase|expression|acronym)\s+)?
    (?:an?\s+|the\s+)?["“'‘]?(?P<name>{NAME})["”'’]?(?:\s*,)?\s++
    (?:means|refers\s+to|is\s+defined\s+as|are\s+defined\s+as|stands\s+for|denotes)\s+(?P<meaning>\S)""",
    re.IGNORECASE | re.VERBOSE,
)
EXPANSION = re.compile(r"\((?:the\s+)?[\"“']?(?P<short>[A-Z][A-Za-z]?[A-Z0-9&/-]{1,8}s?)[\"”']?\)")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
ALIASES = re.compile(r"\s*\((?:also|or|aka)[^()]{1,160}\)", re.IGNORECASE)
SHEETS = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
POINTING = {"this", "that", "these", "those", "it", "which", "what", "they", "he", "she", "we"}
VERBS = {"will", "shall", "does", "do", "is", "are", "may", "must", "can", "cannot", "not", "has", "have", "be"}
PREPOSITIONS = {"by", "in", "with", "from", "for", "as", "through", "using", "at", "on"}
BEFORE_NOUNS = {"and", "or", "any", "other", "by", "the", "all", "such", "no"}
OR_NAMED = re.compile(r"""["”'’] or ["“'‘]""")
NAME_WORDS, NAME_CHARACTERS = 7, 300
EXPANSION_WORDS = 40  # of nine letters, and the small words between theirs
LEAST_ENTRIES, MOST_OF = 8, 0.8  # of a glossary that is not called one, and the share of it that must be in form


def find_terms(document: Document) -> list[Term]:
    """Return the terms a document defines, in reading order; one a name, the fullest kind of definition wins."""
    found: dict[str, Term] = {}
    for term in (*_entries(document), *_sentences(document), *_expansions(document)):
        found.setdefault(normalise_term(term.name), term)
    found.pop("", None)
    return sorted(found.values(), key=lambda term: term.start)


def _entries(document: Document) -> Iterator[Term]:
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
                columns = _columns(cells(text[block.start : block.end]))
            elif columns:
                yield from _row(document, block, columns, in_glossary)
        elif block.kind in ("item", "paragraph"):
            start = item_body(text, block) if block.kind == "item" else block.start
            entry = _split_entry(document, start, block.end, in_glossary)
            if entry:
                yield entry
            elif in_glossary and previous is not None and previous.kind == "heading" and len(path) > 1:
                yield from _headed(document, path, block)
        previous = block


def _is_glossary(document: Document) -> bool:
    """Tell a glossary that is not called one: nearly all of it is names, in order, and meanings."""
    names, others = [], 0
    for number, block in enumerate(blocks(document.text)):
        if number == 0 and GLOSSARY.fullmatch(document.text[block.start : block.end].strip("# ")):
            return True
        if block.kind not in ("item", "paragraph"):
            continue
        start = item_body(document.text, block) if block.kind == "item" else block.start
        entry = _split_entry(document, start, block.end, True)
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
        if also := ALIASES.match(text, emphasis, end):
            emphasis = also.end()
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
    elif in_glossary:
        match = SEPARATOR.search(text, start, min(end, start + 90))
        if not match:
            return None
        name, body = text[start : match.start()], match.end()
    else:
        return None
    return _term(document, name, body, end, "organisation" if in_glossary else "document")


def _headed(document: Document, path: list[tuple[int, str]], block: Block) -> Iterator[Term]:
    name = path[-1][1]
    if not GLOSSARY.search(name) and not name.endswith("?"):
        term = _term(document, name, block.start, block.end, "organisation")
        if term:
            yield term


def _columns(header: list[str]) -> tuple[int, int] | None:
    names = [i for i, cell in enumerate(header) if TERM_COLUMN.match(cell)]
    meanings = [i for i, cell in enumerate(header) if MEANING_COLUMN.match(cell)]
    return (names[0], meanings[0]) if names and meanings and names[0] != meanings[0] else None


def _row(document: Document, block: Block, columns: tuple[int, int], in_glossary: bool) -> Iterator[Term]:
    row = document.text[block.start : block.end]
    values = cells(row)
    if max(columns) >= len(values):
        return
    name, meaning = values[columns[0]], values[columns[1]]
    at = row.find(meaning, row.find(name) + len(name)) if meaning else -1
    if at >= 0:
        scope_glossary = in_glossary or len(values) == 2
        term = _term(
            document,
            name,
            block.start + at,
            block.start + at + len(meaning),
            "organisation" if scope_glossary else "document",
        )
        if term:
            yield term


def _sentences(document: Document) -> Iterator[Term]:
    """Yield `"X" means ...` sentences; the sentence itself is the definition."""
    text = document.text
    for block in blocks(text):
        if block.kind not in ("paragraph", "item"):
            continue
        begin = item_body(text, block) if block.kind == "item" else block.start
        for start, end in sentences(text, begin, block.end):
            match = MEANS.match(text[start:end])
            if match and _looks_defined(document, start, match):
                term = _term(document, match["name"], start, end, "document")
                if term:
                    yield term


def _looks_defined(document: Document, start: int, match: re.Match[str]) -> bool:
    """Tell a definition from `This means that ...`: quoted, set off, introduced or capitalised names only."""
    name = match["name"]
    words = [word.group().lower() for word in WORD.finditer(name)]
    if not words or POINTING & set(words):  # "Sponsorship, which means payment in return for publicity, ..."
        return False
    begin = start + match.start("name")
    quoted = document.text[begin - 1 : begin] in ('"', "“", "'", "‘")
    set_off = _emphasis_at(document, begin) is not None
    # "The vendor may not by any means ...", "By automated means of access ..."
    noun = VERBS & set(words) or words[0] in PREPOSITIONS or words[-1] in BEFORE_NOUNS
    return quoted or bool(match["here"]) or ((set_off or name[0].isupper()) and not noun)


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
            if words[at].group().lower() not in {"of", "the", "and", "for", "to", "in", "on", "a", "at", "by"}:
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


def _term(document: Document, name: str, start: int, end: int, scope: str) -> Term | None:
    start, end = next(cut(document.text, *trim(document.text, start, end)), (start, start))
    if len(name) > NAME_CHARACTERS:
        return None
    name, *others = OR_NAMED.split(" ".join(name.split()).strip("*_\"“”'‘’ "))
    aliases = tuple(others)
    if match := ALSO.match(name):
        name = match["name"].strip()
        aliases += tuple(part.strip() for part in re.split(r";|,| or ", match["alias"]) if part.strip())
    if not name or len(name.split()) > NAME_WORDS or end - start < 3:
        return None
    where = "organisation" if scope == "organisation" else "document"
    return Term(name, aliases, document.text[start:end], document.id, start, end, where)  # type: ignore[arg-type]
