"""How evidence is said, to the reader, a generator and whoever asks; and which span of its document proves it."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.answer.verbalizations import items_told, row_text, unmarked
from assistant.core.records import Evidence, Hit
from assistant.text.canonical import ITEM, heading_path, last_heading
from assistant.text.words import content

MAX_REACH = 4_000  # characters from what governs evidence to its end; what is further apart cannot be told
LIMITS = re.compile(  # what a heading says against the sentences below it
    r"\b(?:not|no|never|without|prohibited|forbidden|banned|repealed|superseded|withdrawn|obsolete|expired|archived?|former"
    r"|old|previous|drafts?|proposed|proposals?|misconduct|violations?|exceptions?|exclusions?|excluded|examples?"
    r"|un\w+able|non-\w+)\b",
    re.IGNORECASE,
)


def place(hit: Hit) -> str:
    """Return `title > heading > heading` of a hit, each once."""
    return heading_path(hit.title, hit.passage.headings)


def in_context(evidence: Evidence) -> str:
    """Say a sentence with its own heading, its lead-in or column names."""
    return f"{last_heading(evidence.hit.title, evidence.hit.passage.headings)}: {plain(evidence)}"


def as_read(evidence: Evidence) -> str:
    """Say evidence as the reader meets it, after what stands before it in its passage."""
    text = " ".join(evidence.text.split())
    if evidence.kind == "row":
        return row_text(evidence.lead_text, text)
    return f"- {text}" if evidence.kind == "item" else text


def plain(evidence: Evidence) -> str:
    """Say evidence as one line that stands alone: with its lead-in, question, column names or term."""
    lead, text = evidence.lead_text, " ".join(evidence.text.split())
    if evidence.kind == "definition" and lead:
        return f"{lead}: {text}"
    if evidence.kind == "item" and lead:
        told = [*items_told(quote_text(evidence))]
        return told[_more_follow(evidence)] if told else f"{governing_text(evidence)} {text}"
    if evidence.kind == "row":
        text = row_text(lead, text)
    elif evidence.kind == "list":
        text = " ".join(unmarked(evidence.text).split())
    return f"{governing_text(evidence)} {text}".strip()


def governing_text(evidence: Evidence) -> str:
    """Return what evidence stands under, a table's header left out."""
    spans = evidence.also if evidence.kind == "row" else evidence.governors
    return " ".join(" ".join(evidence.hit.slice(*span).split()) for span in spans)


def _more_follow(evidence: Evidence) -> bool:
    """Tell whether another item of its list follows an item."""
    passage = evidence.hit.passage
    after = passage.text[evidence.end - passage.start :].split("\n", 1)[-1].lstrip("\n")
    return ITEM.match(after) is not None


def heading_told(evidence: Evidence) -> str:
    """Return the heading that evidence must be told with, as it opens a sentence; "" where it stands for itself.

    An item or row that nothing else introduces may be forbidden by its heading; what answers a heading that asks, and
    does not repeat it, is another question's answer without it.
    """
    heading = last_heading("", evidence.hit.passage.headings)
    if not heading or evidence.kind == "definition":
        return ""
    if evidence.kind == "note":
        needed = _is_item(evidence, evidence.start)
    elif evidence.kind == "sentence":
        asked, said = content(heading), content(evidence.text)
        answers = heading.rstrip().endswith("?") and 2 * len(asked & said) < len(asked)
        needed = not evidence.governors and (answers or LIMITS.search(heading) is not None)
    elif evidence.kind == "row":
        needed = not evidence.also
    else:
        needed = not evidence.governors or _is_item(evidence, evidence.governors[0][0])
    return opening(heading) if needed else ""


def opening(heading: str) -> str:
    """Return a heading as it opens a sentence that it governs."""
    heading = " ".join(heading.split())
    return f"{heading} " if heading.endswith(("?", ":")) else f"{heading}: "


def _is_item(evidence: Evidence, start: int) -> bool:
    """Tell whether what begins at `start` is an item of a list, which may need an introduction itself."""
    before = evidence.hit.slice(max(0, start - 40), start).rsplit("\n", 1)[-1]
    return ITEM.match(f"{before}x") is not None


def quote_span(evidence: Evidence) -> tuple[int, int]:
    """Return the span that proves evidence: itself, what it stands under, or the short paragraph around it."""
    if evidence.context:
        return evidence.context
    starts = [start for start, _ in evidence.governors if start < evidence.start]
    return min((evidence.start, *starts)), evidence.end


def alone(evidence: Evidence) -> Evidence:
    """Return evidence without what it stands under or beside."""
    return replace(evidence, lead=None, also=(), context=None)


def overlap(one: Evidence, other: Evidence) -> bool:
    """Tell whether two share a part of a document."""
    same = one.hit.passage.document_id == other.hit.passage.document_id
    return same and one.start < other.end and other.start < one.end


def reach(evidence: Evidence) -> int:
    """Return how many characters its quote has."""
    start, end = quote_span(evidence)
    return end - start


def quote_text(evidence: Evidence) -> str:
    """Return the document's text at `quote_span`."""
    start, end = quote_span(evidence)
    if end <= evidence.hit.passage.end:
        return evidence.hit.slice(start, end)
    return evidence.hit.slice(start, evidence.start) + evidence.text
