"""An impact in a line."""

from __future__ import annotations

from ingest.impact.records import Impact


def headline(impact: Impact) -> str:
    """Say in a sentence or three how much would change."""
    documents, answers = impact.documents, impact.answers
    counts = {
        "changed": len(documents.changed),
        "added": len(documents.added),
        "removed": len(documents.removed),
        "hidden": len(documents.hidden),
        "unchanged": documents.unchanged,
    }
    parts = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count or name == "changed")
    told = [f"Documents: {parts}.", f"Facts that moved: {len(documents.facts):,}."]
    if answers.golden:
        told.append(f"Golden answers: {answers.holds:,} of {answers.golden:,} would hold, {answers.held:,} hold now.")
    if answers.golden or answers.recent:
        told.append(f"Answers that would differ: {len(answers.changed):,} of {answers.golden + answers.recent:,}.")
    if impact.rejected:
        told.append(f"Files rejected: {len(impact.rejected):,}.")
    return " ".join(told)
