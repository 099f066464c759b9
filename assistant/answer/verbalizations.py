"""How a quote is said in one line: a sentence, item or row, with what it stands under and "…" for what is left out.

Made of the quote's text alone, so that whoever proves a saved answer says it in the same way (`proof/citations.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.text.canonical import ITEM, MAX_LEAD, MAX_STRETCH, cells, is_rule, named_values, row_text, sentences

BULLET = re.compile(r"^[ \t]*[-*•][ \t]+", re.MULTILINE)
MORE = "…"
CELL = " | "


def verbalizations(quote: str) -> Iterator[str]:
    """Yield the quote, and the ways to say what it ends with under what governs that."""
    yield quote
    if len(quote) <= MAX_LEAD + MAX_STRETCH:  # nothing longer is evidence, and the ways to say it would be many
        yield from row_verbalizations(quote)
        yield from item_verbalizations(quote)
        yield from sentence_verbalizations(quote)


def row_verbalizations(quote: str) -> Iterator[str]:
    """Yield the last row of a table, which the quote may begin with or introduce; or a term and what it means.

    Of several tables one below the other the last one's header counts. Where anything else stands between them, it may
    take back what stands above the first, and all of the quote is to be said.
    """
    lines = quote.splitlines()
    if len(lines) == 1 and CELL in quote and not quote.startswith("|"):
        term, *meaning = cells(quote)
        yield f"{term}: {'; '.join(filter(None, meaning))}"
    if not lines or not lines[-1].startswith("|"):
        return
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    above, table = " ".join(" ".join(lines[:first]).split()), [line for line in lines[first:] if line.strip()]
    if not all(line.startswith("|") for line in table):
        return
    rule = max((i for i, line in enumerate(table) if is_rule(line)), default=0)
    if rule:
        row = _verbalized_row(table[rule - 1], table[-1], table[rule:-1])
    else:
        row = "; ".join(filter(None, cells(table[-1])))
    yield f"{above} {row}".strip()


def item_verbalizations(quote: str) -> Iterator[str]:
    """Yield the last item of a list with its lead-in and the items above it, and marks for those that are left out.

    The second way says that more items follow, which the quote does not show.
    """
    lines = quote.splitlines()
    items = [i for i, line in enumerate(lines) if ITEM.match(line)]
    if not items or any(line.strip() and not line[0].isspace() for line in _others(lines, items)):
        return
    chain = _above(lines, items)
    if not items[0] and len(chain) == 1:
        return
    text = " ".join(lines[: items[0]])
    before = -1
    for at in chain:
        gap = at > before + 1
        before = at
        text += f" {MORE}" if gap else ""
        text += " " + unmarked("\n".join(lines[items[at] : items[at + 1] if at + 1 < len(items) else len(lines)]))
    text = " ".join(text.split())
    yield text
    yield f"{text} {MORE}"


def _above(lines: Sequence[str], items: Sequence[int]) -> list[int]:
    """Return which items are the last one and those that it lies in, from the outermost on."""
    chain = [len(items) - 1]
    depth = _depth(lines[items[-1]])
    for at in range(len(items) - 2, -1, -1):
        if (found := _depth(lines[items[at]])) < depth:
            chain.insert(0, at)
            depth = found
    return chain


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _others(lines: Sequence[str], items: Sequence[int]) -> list[str]:
    """Return the lines from the first item on that begin none."""
    begin = set(items)  # a list may have thousands
    return [line for i, line in enumerate(lines[items[0] :], items[0]) if i not in begin]


def sentence_verbalizations(quote: str) -> Iterator[str]:
    """Yield the last sentences of a quote that begins with a question or ends its first sentence with a colon."""
    texts = [" ".join(quote[start:end].split()) for start, end in sentences(quote, 0, len(quote))]
    if len(texts) < 2 or not texts[0].rstrip("\"'”’)]*").endswith(("?", ":")):
        return
    for first in range(len(texts) - 1, 0, -1):
        above = [0, *(i for i in range(1, first) if texts[i].endswith((":", "?")))]
        gaps = [f" {MORE} " if after > at + 1 else " " for at, after in zip(above, [*above[1:], first], strict=True)]
        yield "".join(texts[at] + gap for at, gap in zip(above, gaps, strict=True)) + " ".join(texts[first:])


def unmarked(text: str) -> str:
    """Take the marks off a list's items."""
    return "\n".join(ITEM.sub("", line, count=1) if ITEM.match(line) else line for line in text.splitlines())


def _verbalized_row(header: str, row: str, between: Sequence[str]) -> str:
    """Say a table row as people do: `Partner – Longest leave: 6 weeks`, `B5 – Low: £56,000; High: £76,000`.

    A column's name is never left out: it may be "Not allowed". Nor is what heads the row among those `between`.
    """
    subject, *rest = cells(row)
    group = next((cells(line)[0] for line in reversed(between) if _heads_rows(line)), "")
    prefix = f"{group} – " if group else ""
    if not subject or not any(rest):
        return prefix + row_text(header, row)
    return f"{prefix}{subject} – {named_values(cells(header)[1:], rest)}"


def _heads_rows(line: str) -> bool:
    """Tell a row that has a first cell alone, and so heads those below it, from others and from the rule."""
    first, *rest = cells(line) or [""]
    return bool(rest) and any(map(str.isalnum, first)) and not any(rest)


def opening(heading: str) -> str:
    """Return a heading as it opens a statement that it governs."""
    heading = " ".join(heading.split())
    return f"{heading} " if heading.endswith(("?", ":")) else f"{heading}: "
