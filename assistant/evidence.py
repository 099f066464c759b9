"""How evidence is said: as one line that stands alone, with what introduces it."""

from __future__ import annotations

from assistant.core.text import cells
from assistant.core.types import Evidence


def in_context(evidence: Evidence) -> str:
    """Return what is encoded for a sentence: its own heading, its lead-in or column names, and itself."""
    headings = evidence.hit.passage.headings
    return f"{headings[-1] if headings else evidence.hit.title}: {plain(evidence)}"


def plain(evidence: Evidence) -> str:
    """Say evidence as one line that stands alone: with its lead-in, column names or term."""
    lead, text = evidence.lead_text, " ".join(evidence.text.split())
    if evidence.kind == "row":
        return row_text(lead, text)
    if evidence.kind == "definition" and lead:
        return f"{lead}: {text}"
    return f"{lead} {text}" if lead else text


def row_text(header: str, row: str) -> str:
    """Say a table row as `Column: cell; Column: cell`."""
    names, values = cells(header), cells(row)
    pairs = [f"{name}: {value}" if name else value for name, value in zip(names, values, strict=False) if value]
    return "; ".join(pairs + values[len(names) :])
