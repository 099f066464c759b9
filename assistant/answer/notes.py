"""Notes: what a mark in evidence refers to, "200 EUR*", stands elsewhere in its document and is told with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant.answer.evidence import alone
from assistant.core.records import Evidence

MARK = re.compile(r"(?<=[\w.,;:!?)%\"’”])(\*{1,3}|†|‡|\[\^?\w{1,3}\]|[⁰¹²³⁴-⁹]{1,2})(?![\w*])")
MAX_NOTE = 600  # characters
CONTINUES = re.compile(
    r"(?:but|if|unless|except|provided|however|otherwise|only|in (?:this|these|all) cases?|this|these|both|all of"
    r"|none of)\b",
    re.IGNORECASE,
)
SPEAKS_OF_TABLE = re.compile(
    r"(?:notes?|table|the (?:above|figures|amounts|rates|prices|values|limits|numbers|table)|figures|amounts|rates|"
    r"prices|values|all|source)\b|[*(\[]",
    re.IGNORECASE,
)


def notes_of(evidence: Evidence, candidates: Sequence[Evidence]) -> Iterator[Evidence]:
    """Yield the notes that evidence's marks refer to, of the candidates that follow it in its document."""
    spans = [*evidence.governors, (evidence.start, evidence.end)]
    marks = dict.fromkeys(match[1] for span in spans for match in MARK.finditer(evidence.hit.slice(*span)))
    document = evidence.hit.passage.document_id
    for mark in marks:
        for candidate in candidates:
            same = candidate.hit.passage.document_id == document and candidate.start >= evidence.end
            if same and _begins_with(mark, candidate):
                yield _whole(candidate)
                break


def tail_of(evidence: Evidence, candidates: Sequence[Evidence]) -> Iterator[Evidence]:
    """Yield the paragraph right below a list or table that goes on with it: a condition, or what it says of it."""
    listed = "row" if evidence.kind == "row" else "item"
    passage = evidence.hit.passage.id
    for candidate in candidates:
        if candidate.hit.passage.id != passage or candidate.start < evidence.end or candidate.kind == listed:
            continue
        text = candidate.text
        goes_on = CONTINUES.match(text) or (SPEAKS_OF_TABLE.match(text) if listed == "row" else text[:1].islower())
        if candidate.kind == "sentence" and goes_on:
            yield _whole(candidate)
        return


def _begins_with(mark: str, candidate: Evidence) -> bool:
    """Tell whether a candidate's line begins with a mark, which may have been taken for a bullet."""
    passage = candidate.hit.passage
    line = passage.text.rfind("\n", 0, candidate.start - passage.start) + 1
    said = passage.text[line : candidate.end - passage.start].lstrip()
    return said.startswith(mark) and not said[len(mark) :].startswith(mark[-1])


def _whole(candidate: Evidence) -> Evidence:
    """Return the paragraph that a candidate begins, as a note."""
    passage = candidate.hit.passage
    at = candidate.start - passage.start
    blank = passage.text.find("\n\n", at)
    end = at + len(passage.text[at : blank if blank >= 0 else len(passage.text)].rstrip())
    if end - at > MAX_NOTE:
        end = candidate.end - passage.start
    return replace(alone(candidate), end=passage.start + end, text=passage.text[at:end], kind="note")
