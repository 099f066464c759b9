"""Scored candidates -> evidence: a rule with its conditions, a list with its lead-in, or the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import inf

from assistant.core.config import ReaderSection
from assistant.core.records import Evidence

# Also the headings of a list of contents, which have lost their mark: "How to ask for leave".
QUESTION = re.compile(r".*\?[^\w?]*|(?:What|How|Who|Whom|Whose|Why)\b.*[^.:;,!)]")
# A short sentence that only says where the answer is.
REFERS_ON = re.compile(
    r"""(?:see\b|(?:.{1,80}\b(?:follows?
    |(?:is|are|be)\ (?:[a-z]{1,30}\ )?(?:described|set\ out|explained|listed|laid\ down|covered)
    |(?:raised|reported|handled|claimed|checked|dealt\ with)\ (?:as\ )?(?:under|described|set\ out|in))\b))
    .{0,80}\b(?:polic(?:y|ies)|procedure|section|chapter|annex|appendix|schedule|handbook|plan|code)\b.{0,40}""",
    re.IGNORECASE | re.VERBOSE,
)
# What qualifies the sentence before it, and what cannot be understood without it.
QUALIFIES = re.compile(
    r"(?:However|Except\w*|Unless|Otherwise|But|Only|In (?:this|that|these|those) cases?|This does not|The exception)\b"
)
REFERS_BACK = re.compile(r"(?:This|These|That|Those|Such|It|They|He|She|Both|In (?:this|that|these|those))\b")
MIN_WORDS = 3  # a shorter sentence proves nothing on its own
SHORT_PARAGRAPH = 400  # characters of a paragraph that is quoted whole
MAX_LIST, SHORT_LIST = 1_500, 800  # characters of a list that may be shown whole, and of one that always is
SHARE = 0.25  # of a list's items, or a table's rows, that must be near the best for all of them to be the answer
MAX_UNITS = 8  # of evidence; rows of one table count once towards the setting
CLOSEST = 3
TRIED = 200  # candidates; more than these are near the best only where the same is said over and over

Place = tuple[int, int]  # a passage, and where in its document something starts
Paragraph = tuple[list[Evidence], int]  # its sentences, and which of them is meant


def choose(scored: Sequence[Evidence], settings: ReaderSection) -> tuple[Evidence, ...]:
    """Return the evidence, best first, of candidates in the order of their hits and passages."""
    by_score = sorted(filter(_tells, scored), key=lambda e: -e.score)
    if not by_score:
        return ()
    floor = by_score[0].score - settings.margin
    runs, paragraphs = _runs(scored), _paragraphs(scored)
    picked: list[Evidence] = []
    groups: set[Place] = set()  # tables, and what stands alone
    for evidence in by_score[:TRIED]:
        if evidence.score < floor or len(picked) == MAX_UNITS:
            break
        run = runs.get(_place(evidence), [])
        group = _place(run[0] if run else evidence)
        if group not in groups and len(groups) == settings.evidence:
            continue
        for unit in _units(evidence, run, floor, paragraphs):
            if len(picked) < MAX_UNITS and not any(_repeats(unit, known) for known in picked):
                groups.add(group)
                picked.append(unit)
    return tuple(picked)


def closest(scored: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the best candidates of different passages."""
    found: dict[int, Evidence] = {}
    for evidence in sorted(filter(_tells, scored), key=lambda e: -e.score):
        if not evidence.text.rstrip().endswith(":"):
            found.setdefault(evidence.hit.passage.id, evidence)
    runs, paragraphs = _runs(scored), _paragraphs(scored)
    best = list(found.values())[:CLOSEST]
    return tuple(unit for e in best for unit in list(_units(e, runs.get(_place(e), []), inf, paragraphs))[:1] or [e])


def _tells(evidence: Evidence) -> bool:
    """Tell what could answer from questions, which answer nothing however like they are to the one that was asked."""
    text = " ".join(evidence.text.split())
    listed = evidence.kind in ("item", "row")
    return not QUESTION.fullmatch(text) and not REFERS_ON.fullmatch(text) and (listed or len(text.split()) >= MIN_WORDS)


def _place(evidence: Evidence) -> Place:
    return evidence.hit.passage.id, evidence.start


def _runs(scored: Sequence[Evidence]) -> dict[Place, list[Evidence]]:
    """Return the list or table that each item, row and lead-in belongs to: candidates of one lead-in, in a row."""
    found: dict[Place, list[Evidence]] = {}
    led: dict[Place, list[Evidence]] = {}
    for (passage, kind), members in groupby(scored, key=lambda e: (e.hit.passage.id, e.kind)):
        runs: dict[tuple[int, int] | None, list[Evidence]] = {}
        for evidence in members if kind in ("item", "row") else ():
            runs.setdefault(evidence.lead, []).append(evidence)
        for lead, run in runs.items():
            found |= {_place(e): run for e in run}
            if lead and kind == "item":
                led[passage, lead[0]] = run
    return found | led


def _paragraphs(scored: Sequence[Evidence]) -> dict[Place, Paragraph]:
    """Return each sentence's paragraph, candidates with no blank line from one to the next, and its place there."""
    found: dict[Place, Paragraph] = {}
    beside: list[Evidence] = []
    for evidence in (e for e in scored if e.kind == "sentence"):
        if not beside or not _same_paragraph(beside[-1], evidence):
            beside = []
        found[_place(evidence)] = beside, len(beside)
        beside.append(evidence)
    return found


def _units(
    evidence: Evidence, run: Sequence[Evidence], floor: float, paragraphs: Mapping[Place, Paragraph]
) -> Iterator[Evidence]:  # fmt: skip
    """Yield what a candidate answers with: its list, its table's rows, or its rule; nothing for a mere lead-in."""
    is_item = evidence in run
    near = sum(e.score >= floor for e in run)
    whole = near >= max(2, SHARE * len(run))
    if run and run[0].kind == "item":
        evidence, listed = _led(evidence, paragraphs), _led(_joined(run[0], run[-1], "list"), paragraphs)
        # "The lower of these:" and "all of these hold:" bind their items; no list of words knows all that do.
        if len(listed.text) <= (MAX_LIST if whole or not is_item else SHORT_LIST):
            yield replace(listed, score=evidence.score)
            return
    if run and evidence.kind == "row" and whole:
        yield from (replace(row, score=evidence.score) for row in run)
    elif evidence.text.rstrip().endswith(":"):
        return
    elif evidence.kind != "sentence":
        yield evidence
    else:
        yield _with_conditions(evidence, *paragraphs[_place(evidence)])


def _led(evidence: Evidence, paragraphs: Mapping[Place, Paragraph]) -> Evidence:
    """Let a lead-in that refers back, "This includes:", begin with the sentence before it."""
    if not evidence.lead or not REFERS_BACK.match(evidence.lead_text):
        return evidence
    beside, at = paragraphs.get((evidence.hit.passage.id, evidence.lead[0]), ((), 0))
    return replace(evidence, lead=(beside[at - 1].start, evidence.lead[1])) if at else evidence


def _with_conditions(evidence: Evidence, beside: Sequence[Evidence], at: int) -> Evidence:
    """Return a sentence with what it refers to and what qualifies it; its paragraph is its context, if it is short."""
    around = (beside[0].start, beside[-1].end)
    context = around if around[1] - around[0] <= SHORT_PARAGRAPH else None
    first = last = at
    if first and REFERS_BACK.match(evidence.text):
        first -= 1
    while last + 1 < len(beside) and QUALIFIES.match(beside[last + 1].text):
        last += 1
    return replace(_joined(beside[first], beside[last], "sentence"), score=evidence.score, context=context)


def _same_paragraph(one: Evidence, other: Evidence) -> bool:
    if one.hit.passage.id != other.hit.passage.id:
        return False
    begin = one.hit.passage.start
    return "\n\n" not in one.hit.passage.text[one.start - begin : other.end - begin]


def _joined(first: Evidence, last: Evidence, kind: str) -> Evidence:
    """Return the evidence from one candidate to another of the same passage; a list from its first bullet on."""
    passage = first.hit.passage
    start = first.start
    if kind == "list":
        start = passage.text.rfind("\n", 0, first.start - passage.start) + 1 + passage.start
        return replace(first, start=start, end=last.end, text=_slice(first, start, last.end), kind="list")
    return replace(first, end=last.end, text=_slice(first, start, last.end))


def _slice(evidence: Evidence, start: int, end: int) -> str:
    passage = evidence.hit.passage
    return passage.text[start - passage.start : end - passage.start]


def _repeats(one: Evidence, known: Evidence) -> bool:
    """Tell whether evidence says the same words as another, or shares a part of the document with it."""
    same = " ".join(one.text.split()).casefold() == " ".join(known.text.split()).casefold()
    return same or (
        one.hit.passage.document_id == known.hit.passage.document_id and one.start < known.end and known.start < one.end
    )
