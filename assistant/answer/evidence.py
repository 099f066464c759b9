"""How evidence is said: to the reader, to a generator, and to whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.core.records import Evidence, Hit
from assistant.text.canonical import ITEM, cells, heading_path

MORE = "…"  # where items of a list are not told


def place(hit: Hit) -> str:
    """Return `title > heading > heading` of a hit, each once."""
    return heading_path(hit.title, hit.passage.headings)


def in_context(evidence: Evidence) -> str:
    """Say a sentence with its own heading, its lead-in or column names."""
    headings = evidence.hit.passage.headings
    return f"{headings[-1] if headings else evidence.hit.title}: {plain(evidence)}"


def as_read(evidence: Evidence) -> str:
    """Say evidence as the reader meets it, after what stands before it in its passage."""
    text = " ".join(evidence.text.split())
    if evidence.kind == "row":
        return row_text(evidence.lead_text, text)
    return f"- {text}" if evidence.kind == "item" else text


def plain(evidence: Evidence) -> str:
    """Say evidence as one line that stands alone: with its lead-in, column names or term."""
    lead, text = evidence.lead_text, " ".join(evidence.text.split())
    if evidence.kind == "row":
        return row_text(lead, text)
    if evidence.kind == "list":
        lines = evidence.text.splitlines()
        items = (line[match.end() if (match := ITEM.match(line)) else 0 :].strip() for line in lines)
        return f"{lead} {' '.join(filter(None, items))}".strip()
    if evidence.kind == "definition" and lead:
        return f"{lead}: {text}"
    if evidence.kind == "item" and lead:
        before, after = _beside(evidence)
        return f"{lead} {MORE + ' ' if before else ''}{text}{' ' + MORE if after else ''}"
    return f"{lead} {text}" if lead else text


def _beside(evidence: Evidence) -> tuple[bool, bool]:
    """Tell whether other items of its list stand before and after an item."""
    passage, lead = evidence.hit.passage, evidence.lead or (0, 0)
    before = passage.text[lead[1] - passage.start : evidence.start - passage.start].splitlines()
    after = passage.text[evidence.end - passage.start :].split("\n", 1)[-1].lstrip("\n")
    return any(map(ITEM.match, before)), ITEM.match(after) is not None


def row_text(header: str, row: str) -> str:
    """Say a table row as `Column: cell; Column: cell`."""
    names, values = cells(header), cells(row)
    pairs = [f"{name}: {value}" if name else value for name, value in zip(names, values, strict=False) if value]
    return "; ".join(pairs + values[len(names) :])


def row_told(header: str, row: str, between: Sequence[str] = ()) -> str:
    """Say a table row as people do: `Partner – Longest leave: 6 weeks`, `B5 – Low: £56,000; High: £76,000`.

    A column's name is never left out: it may be "Not allowed". Nor is what heads the row among those `between`.
    """
    names, values = cells(header), cells(row)
    subject, rest = values[0], values[1:]
    if not subject or not any(rest):
        return row_text(header, row)
    pairs = [
        f"{name}: {value}" if name else value for name, value in zip(names[1:], rest, strict=False) if value
    ]  # fmt: skip
    group = next((cells(line)[0] for line in reversed(between) if _heads_rows(line)), "")
    return f"{group + ' – ' if group else ''}{subject} – " + "; ".join(pairs + rest[len(names) - 1 :])


def rows_between(evidence: Evidence) -> list[str]:
    """Return the lines of a table between its header and a row."""
    passage, lead = evidence.hit.passage, evidence.lead or (0, 0)
    return passage.text[lead[1] - passage.start : evidence.start - passage.start].strip().splitlines()


def _heads_rows(line: str) -> bool:
    """Tell a row that has a first cell alone, and so heads those below it, from others and from the rule."""
    first, *rest = cells(line) or [""]
    return bool(rest) and any(map(str.isalnum, first)) and not any(rest)
