"""Which answers would differ: of a golden file's lines, and of questions that the log holds.

Both sides are asked without a generator: what answers then are quotes, and no wording differs by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import load_confidence
from assistant.answer.read import load_reader
from assistant.audit.trail import Audit, history_of
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import Access, Answer, Progress, Turn
from assistant.evaluate.golden import Golden, GoldenOutcome, ask_all, compare
from assistant.evaluate.questions import Question
from assistant.index.catalog import Catalog
from ingest.impact.records import AnswerChange, Answers, Quoted, Reply

OTHERS = ("test", "eval", "replay")  # commands whose questions nobody asked for an answer's sake


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of both indexes."""

    golden: Sequence[Golden] = ()
    recent: Sequence[Question] = ()  # of the log, as they were masked there


def check_sources(path: Path, lines: Sequence[Golden], catalog: Catalog, access: Access, given: set[str]) -> None:
    """Raise UsageError for a golden file that asks with roles which `access` lacks, or is of another index.

    It is if it names documents, and none that may be seen, or that is `given`.
    """
    others = sorted({role for line in lines for role in line.roles} - access.roles)
    if others:  # a golden file comes with the change that is checked: it must not say who reads the report
        cause = f"{path} asks as {', '.join(others)}, and you do not."
        raise UsageError(cause, f"Ask as them, where all who read the report may: --as {','.join(others)}")
    named = {line.expect.source for line in lines if line.expect.source}
    days = {line.as_of or access.as_of for line in lines}
    seen = (catalog.sources(replace(access, as_of=day)) for day in days)
    if named and named.isdisjoint(given.union(row.source for rows in seen for row in rows.values())):
        cause = f"{path} is of another index: of the documents that it names, like {min(named)!r}, none is here."
        raise UsageError(cause, "Give this index's golden file, or another index with --data.")


def recent_questions(config: Config, count: int, access: Access) -> list[Question]:
    """Return the last different questions of the log, the newest first, that were asked with roles of `access`.

    Raises UsageError without a log, GateFailed for a damaged one.
    """
    if not count:
        return []
    found: dict[tuple[str, tuple[Turn, ...]], Question] = {}
    entries = [entry for entry in Audit(config).entries() if entry.raw["answer_sha256"]]
    if not entries:
        cause = f"the log beside {config.data} holds no question."
        raise UsageError(cause, "Leave out --recent, or ask with audit.enabled = true first.")
    for entry in reversed(entries):
        asked = entry.raw["question"], history_of(entry)
        if entry.raw["command"] not in OTHERS and access.roles.issuperset(entry.raw["roles"]):
            found.setdefault(asked, Question(entry.id, asked[0], history=asked[1]))
    return list(found.values())[:count]


def answers_changed(
    questions: Questions, before: Config, after: Config, access: Access, progress: Progress
) -> tuple[Answers, list[GoldenOutcome]]:
    """Ask both indexes the same, and return what differs, and the golden outcomes afterwards; nothing is logged."""
    asked = [*questions.golden, *questions.recent]
    if not asked:
        return Answers(), []
    old, new = (_asked(asked, config, before, access, progress) for config in (before, after))
    held, holds = ([compare(*pair) for pair in zip(questions.golden, side, strict=False)] for side in (old, new))
    changes = [_change(*each) for each in zip_longest(asked, old, new, held, holds)]
    changed = tuple(change for change in changes if change.old != change.new or change.broke)
    held_now, would_hold = (sum(not outcome.failures for outcome in side) for side in (held, holds))
    return Answers(len(holds), held_now, would_hold, len(questions.recent), changed), holds


def _asked(
    asked: Sequence[Question], config: Config, settings: Config, access: Access, progress: Progress
) -> list[Answer]:
    """Ask an index everything, by the reader and the calibration of the index that is there."""
    quoting = replace(config, generator=replace(config.generator, runtime="none"))
    confidence, reader = load_confidence(settings.data), load_reader(settings)
    with closing(Assistant(quoting, access=access, confidence=confidence, reader=reader)) as assistant:
        return list(ask_all(asked, assistant, progress))


def _change(
    asked: Question, old: Answer, new: Answer, held: GoldenOutcome | None, holds: GoldenOutcome | None
) -> AnswerChange:
    """Return an answer of both sides; only a golden question has outcomes."""
    failures = tuple(f"{f.check}: expected {f.expected}, got {f.got}" for f in holds.failures) if holds else ()
    return AnswerChange(
        id=asked.id,
        question=asked.asked,
        asked_in="golden" if holds else "log",
        old=_reply(old),
        new=_reply(new),
        held=not held.failures if held else None,
        holds=not holds.failures if holds else None,
        failures=failures,
    )


def _reply(answer: Answer) -> Reply:
    """Return what is compared: of what is not answered its status, since its text counts documents."""
    quotes = tuple(Quoted(citation.source, " ".join(citation.quote.split())) for citation in answer.citations)
    return Reply(answer.status, " ".join(answer.text.split()) if quotes else "", quotes)
