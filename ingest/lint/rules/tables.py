"""A table with a row that lacks a cell which all other rows have; a sheet's rows are told by their columns' names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from assistant.text.canonical import cells
from ingest.lint.corpus import SHEET_CELL, Corpus, Fault, Policy, Span

MIN_ROWS = 3  # below the header
SUMS = ("total", "subtotal", "grand total", "sum", "overall", "average", "all ")


def ragged(corpus: Corpus) -> Iterator[Fault]:
    """Yield each row that alone has nothing in a column."""
    for policy in corpus.in_force:
        for span, column in (*_in_tables(policy), *_in_sheets(policy)):
            under = f" under “{column}”" if column else ""
            yield Fault(f"The row has nothing{under}, as the others have.", policy, *span)


def _in_tables(policy: Policy) -> Iterator[tuple[Span, str]]:
    for header, rows in _tables(policy):
        read = [cells(policy.text[start:end]) for start, end in rows]
        for column, name in enumerate(cells(policy.text[slice(*header)])):
            lacking = [at for at, row in enumerate(read) if column >= len(row) or not row[column]]
            if len(read) >= MIN_ROWS and len(lacking) == 1 and _is_row(read[lacking[0]]):
                yield rows[lacking[0]], name


def _is_row(row: list[str]) -> bool:
    """Tell a row from a total and from a line that heads the rows below it."""
    return not f"{row[0]} ".casefold().startswith(SUMS) and sum(map(bool, row)) > 1


def _tables(policy: Policy) -> Iterator[tuple[Span, list[Span]]]:
    """Yield (header, rows) of each table that has a header."""
    header: Span | None = None
    rows: list[Span] = []
    for block in [*policy.blocks, None]:
        if block is not None and block.kind == "row":
            rows.append((block.start, block.end))
            continue
        rule = block is not None and block.kind == "rule"
        following = rows.pop() if rule and rows else None  # the row above a rule heads another table
        if header and rows:
            yield header, rows
        header, rows = following, []


def _in_sheets(policy: Policy) -> Iterator[tuple[Span, str]]:
    """Yield the rows of a sheet that lack a name which all others have."""
    rows = [(b.start, b.end) for b in policy.blocks if b.kind == "paragraph" and "; " in policy.text[b.start : b.end]]
    named = [{cell[1] for cell in SHEET_CELL.finditer(policy.text, *span)} for span in rows]
    if policy.document.media_type != "text/csv" or len(rows) <= MIN_ROWS:
        return
    counts = Counter(name for names in named for name in names)
    for name in [name for name, count in counts.items() if count == len(rows) - 1]:
        yield next(span for span, names in zip(rows, named, strict=True) if name not in names), name
