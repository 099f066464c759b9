"""Scored candidates -> evidence: a rule with its conditions, a list with its lead-in, or the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from math import inf
from typing import Literal

from assistant.answer.evidence import MAX_REACH, MIN_WORDS, SHORT_QUOTE, alone, overlap, reach
from assistant.core.config import ReaderSection
from assistant.core.records import Evidence
from assistant.text.canonical import ITEM, last_heading

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
ANAPHORS = ("This ", "These ", "That ", "Those ", "Such ", "It ", "They ")  # that a lead-in may begin with
BULLETS = "-*•"
MAX_LIST, SHORT_LIST = 1_500, 800  # characters of a list that may be shown whole, and of one that always is
SHARE = 0.25  # of a list's items, or a table's rows, that must be near the best for all of them to be the answer
MAX_UNITS = 8  # of evidence; rows of one table count once towards the setting
CLOSEST = 3
TRIED = 200  # candidates; more than these are near the best only where the same is said over and over

Place = tuple[int, int]  # a passage, and where in its document something starts
Paragraph = tuple[list[Evidence], int]  # its sentences, and which of them is meant
Runs = Mapping[Place, list[Evidence]]  # the list, table or answer of each candidate


def choose(scored: Sequence[Evidence], settings: ReaderSection) -> tuple[Evidence, ...]:
    """Return the evidence, best first, of candidates in the order of their hits and passages."""
    scored = _answering(scored)
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
        for unit in chain.from_iterable(map(_parted, _units(evidence, runs, floor, paragraphs))):
            if len(picked) < MAX_UNITS and not any(_repeats(unit, known) for known in picked):
                groups.add(group)
                picked.append(unit)
    return tuple(picked)


def closest(scored: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the best candidates of different passages."""
    found: dict[int, Evidence] = {}
    for evidence in sorted(filter(_tells, scored), key=lambda e: -e.score):
        if not _introduces(evidence):
            found.setdefault(evidence.hit.passage.id, evidence)
    runs, paragraphs = _runs(scored), _paragraphs(scored)
    best = list(found.values())[:CLOSEST]
    units = (_units(e, runs, inf, paragraphs) for e in best)
    found_units = (
        next((u for u in several if u.start <= e.start < u.end), e) for e, several in zip(best, units, strict=True)
    )
    return tuple(unit if reach(unit) <= MAX_REACH else alone(unit) for unit in found_units)


def _answering(scored: Sequence[Evidence]) -> list[Evidence]:
    """Let what answers a question of the document's score as that question does, which is like the one asked."""
    asked = {_place(e): e.score for e in scored if e.text.rstrip().endswith("?")}
    likeness = [asked.get((e.hit.passage.id, e.lead[0]), e.score) if e.lead else e.score for e in scored]
    return [replace(e, score=max(e.score, like)) for e, like in zip(scored, likeness, strict=True)]


def _tells(evidence: Evidence) -> bool:
    """Tell what could answer from questions, which answer nothing however like they are to the one that was asked."""
    text = " ".join(evidence.text.split())
    asks = last_heading("", evidence.hit.passage.headings).endswith("?")  # and then "Never." answers
    by_itself = evidence.kind == "sentence" and not (evidence.governors or asks)
    short = by_itself and len(text.split()) < MIN_WORDS
    return not (short or _begins_above(evidence) or QUESTION.fullmatch(text) or REFERS_ON.fullmatch(text))


def _begins_above(evidence: Evidence) -> bool:
    """Tell an item or row of a list or table that begins too far above to know what introduces it."""
    if evidence.kind not in ("item", "row") or evidence.governors or evidence.hit.begin == 0:
        return False
    known = (evidence.hit.before or evidence.hit.passage.text).lstrip()
    return known.startswith("|") if evidence.kind == "row" else ITEM.match(known) is not None


def _parted(evidence: Evidence) -> Iterator[Evidence]:
    """Yield evidence, or, where what it stands under is too far above for one quote, each in a quote of its own."""
    if not evidence.governors or reach(evidence) <= MAX_REACH:
        yield evidence
        return
    for start, end in evidence.governors:
        text = evidence.hit.slice(start, end)
        kind: Literal["row", "note"] = "row" if text.startswith("|") else "note"
        yield replace(alone(evidence), start=start, end=end, text=text, kind=kind)
    yield alone(evidence)


def _place(evidence: Evidence) -> Place:
    return evidence.hit.passage.id, evidence.start


def _runs(scored: Sequence[Evidence]) -> Runs:
    """Return the list, table or answer that each candidate belongs to: those of one lead-in or question, in a row."""
    found: dict[Place, list[Evidence]] = {}
    led: dict[Place, list[Evidence]] = {}
    for (passage, kind), members in groupby(scored, key=lambda e: (e.hit.passage.id, e.kind)):
        runs: dict[tuple[int, int] | None, list[Evidence]] = {}
        for evidence in members:
            if kind in ("item", "row") or evidence.lead_text.endswith("?"):
                runs.setdefault(evidence.lead, []).append(evidence)
        for lead, run in runs.items():
            found |= {_place(e): run for e in run}
            if lead and kind == "item":
                led[passage, lead[0]] = run
    return found | led


def _introduces(evidence: Evidence) -> bool:
    return evidence.text.rstrip().endswith(":")


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


def _units(evidence: Evidence, runs: Runs, floor: float, paragraphs: Mapping[Place, Paragraph]) -> Iterator[Evidence]:
    """Yield what a candidate answers with: its list, its table's rows, or its rule; nothing for a mere lead-in."""
    run = runs.get(_place(evidence), [])
    is_item = evidence in run
    near = sum(e.score >= floor for e in run)
    whole = near >= max(2, SHARE * len(run))
    if run and run[0].kind == "item":
        evidence, listed = _led(evidence, paragraphs), _led(joined(run[0], run[-1], "list"), paragraphs)
        # "The lower of these:" and "all of these hold:" bind their items; no list of words knows all that do.
        # Steps belong together; bullets that nothing introduces do not.
        bound = listed.governors or listed.text.lstrip()[:1] not in BULLETS
        short = SHORT_LIST if bound else 0
        if reach(listed) <= (MAX_LIST if whole or not is_item else short):
            yield _picked_for(evidence, listed)
            return
    if run and evidence.kind == "row" and whole:
        yield from (replace(row, score=evidence.score) for row in run)
    elif _introduces(evidence):
        return
    elif evidence.kind != "sentence":
        yield evidence
    elif run and reach(answer := _picked_for(evidence, joined(run[0], run[-1], "sentence"))) <= SHORT_LIST:
        yield answer
    else:
        yield _with_neighbours(evidence, *paragraphs[_place(evidence)], runs)


def _led(evidence: Evidence, paragraphs: Mapping[Place, Paragraph]) -> Evidence:
    """Let a lead-in that refers back, "This includes:", begin with the sentence before it."""
    if not evidence.lead or not evidence.lead_text.startswith(ANAPHORS):
        return evidence
    beside, at = paragraphs.get((evidence.hit.passage.id, evidence.lead[0]), ((), 0))
    return replace(evidence, lead=(beside[at - 1].start, evidence.lead[1])) if at else evidence


def _with_neighbours(evidence: Evidence, paragraph: Sequence[Evidence], at: int, runs: Runs) -> Evidence:
    """Return a sentence with those beside it in its paragraph, what follows first, as far as they fit together.

    What qualifies a sentence, or what it refers to, stands next to it; no list of words knows all the ways to say so.
    What stands under something is quoted with what else of its paragraph does: "Tell these people:" may stand over
    lines that no bullet marks. A lead-in comes with its list, or stays out.
    """
    if evidence.governors:
        under = [other for other in paragraph if other.governors == evidence.governors]
        whole = joined(under[0], under[-1], "sentence")
        return _picked_for(evidence, whole) if reach(whole) <= SHORT_LIST else evidence
    first = last = at
    for _ in paragraph:  # in turn: what did not fit once does not fit later, since they only grow
        if last + 1 < len(paragraph) and _fits(paragraph[first], paragraph[last + 1]):
            last += 1
        if first and _fits(paragraph[first - 1], paragraph[last]):
            first -= 1
    if _introduces(paragraph[last]):
        run = runs.get(_place(paragraph[last]), [])
        if run and run[0].kind == "item":
            listed = replace(joined(run[0], run[-1], "list"), lead=(paragraph[first].start, paragraph[last].end))
            if reach(listed) <= MAX_LIST:
                return _picked_for(evidence, listed)
        last = max(at, last - 1)
    return _picked_for(evidence, joined(paragraph[first], paragraph[last], "sentence"))


def _fits(first: Evidence, last: Evidence) -> bool:
    return last.end - first.start <= SHORT_QUOTE


def with_neighbours(evidence: Evidence, candidates: Sequence[Evidence]) -> Evidence:
    """Return a sentence with those beside it in its paragraph; other evidence as it is."""
    paragraph = _paragraphs(candidates).get(_place(evidence))
    return _with_neighbours(evidence, *paragraph, _runs(candidates)) if paragraph else evidence


def _same_paragraph(one: Evidence, other: Evidence) -> bool:
    return one.hit.passage.id == other.hit.passage.id and "\n\n" not in one.hit.slice(one.start, other.end)


def _picked_for(evidence: Evidence, joined: Evidence) -> Evidence:
    """Return what is shown for evidence that it holds among others."""
    within = joined.start <= evidence.start and evidence.end <= joined.end and len(joined.text) > len(evidence.text)
    return replace(joined, score=evidence.score, focus=(evidence.start, evidence.end) if within else None)


def joined(first: Evidence, last: Evidence, kind: str) -> Evidence:
    """Return the evidence from one candidate to another of the same passage; a `list` from its first bullet on."""
    start = first.start
    if kind == "list":
        passage = first.hit.passage
        start = passage.text.rfind("\n", 0, first.start - passage.start) + 1 + passage.start
        return replace(first, start=start, end=last.end, text=first.hit.slice(start, last.end), kind="list")
    return replace(first, end=last.end, text=first.hit.slice(start, last.end))


def _repeats(one: Evidence, known: Evidence) -> bool:
    """Tell whether evidence says the same words as another, or shares a part of the document with it."""
    same = " ".join(one.text.split()).casefold() == " ".join(known.text.split()).casefold()
    return same or overlap(one, known)
