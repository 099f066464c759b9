"""What documents say of themselves, and what they leave out.

An end without a successor, a successor beside what it replaces, metadata that neighbours have, a row without a cell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from assistant.text.canonical import cells, named_cells
from ingest.lint.corpus import Corpus, Fault, Policy, Span

FIELDS = ("owner", "version", "policy_id")
MIN_ROWS = 3  # below the header
SUMS = ("total", "subtotal", "grand total", "sum", "overall", "average", "all ")


def expired(corpus: Corpus) -> Iterator[Fault]:
    """Yield the expired documents without a successor."""
    known = {(policy.meta.policy_id or "").casefold() for policy in corpus.in_force} - {""}
    superseded = {policy.meta.supersedes.casefold() for policy in corpus.in_force if policy.meta.supersedes}
    for policy in corpus.policies:
        if policy.expired(corpus.today) and not _is_replaced(policy, known, superseded):
            yield Fault(f"It expired on {policy.meta.expires}, and nothing in force replaces it.", policy)


def _is_replaced(old: Policy, known: Collection[str], superseded: Collection[str]) -> bool:
    """Say whether another version of a document is in force, or one that says that it supersedes it."""
    own = (old.meta.policy_id or "").casefold()
    names = {name for name in (own, old.document.title.casefold(), old.source.casefold()) if name}
    return own in known or any(name in said for said in superseded for name in names)


def superseded(corpus: Corpus) -> Iterator[Fault]:
    """Yield each document with the one that it should have ended."""
    for new in corpus.in_force:
        name, _, version = (new.meta.supersedes or "").partition(" ")
        for old in corpus.by_id.get(name.strip(",;").upper(), []):
            if old is not new and _is_of(old, version.casefold()) and _overlaps(old, new):
                until = f"until {old.meta.expires}" if old.meta.expires else "without an end"
                since = f" since {new.meta.effective}" if new.meta.effective else ""
                message = f"It supersedes {old.source}, which is in force {until}, while this one is{since}."
                yield Fault(message, new, other=(old, 0, 0))


def _is_of(old: Policy, version: str) -> bool:
    """Say whether the "v3.2" of "HR-001 v3.2" is this document's; what is not said or not known is any."""
    version = version.strip().removeprefix("version").strip().removeprefix("v")
    return not version or old.meta.version is None or version == old.meta.version.casefold().removeprefix("v")


def _overlaps(old: Policy, new: Policy) -> bool:
    ends = old.meta.expires
    return ends is None or ends >= (new.meta.effective or "9999")


def incomplete(corpus: Corpus) -> Iterator[Fault]:
    """Yield each document that lacks what two thirds of the others in its folder have, where there are two at least."""
    folders: dict[str, list[Policy]] = defaultdict(list)
    for policy in corpus.policies:
        folders[str(PurePosixPath(policy.source).parent)].append(policy)
    for policies in folders.values():
        others = len(policies) - 1
        having = {name: sum(bool(getattr(policy.meta, name)) for policy in policies) for name in FIELDS}
        usual = [name for name in FIELDS if others >= 2 and 3 * having[name] >= 2 * others]
        for policy in policies:
            if lacking := [name for name in usual if not getattr(policy.meta, name)]:
                names = " and no ".join(name.replace("_", " ") for name in lacking)
                yield Fault(f"It has no {names}, and most documents of its folder do.", policy)


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
    named = [{name for name, _ in named_cells(policy.text[start:end]) if name} for start, end in rows]
    if policy.document.media_type != "text/csv" or len(rows) <= MIN_ROWS:
        return
    counts = Counter(name for names in named for name in names)
    for name in [name for name, count in counts.items() if count == len(rows) - 1]:
        yield next(span for span, names in zip(rows, named, strict=True) if name not in names), name
