"""The impact recipe: check what is given, ingest it into a copy of the index, compare both, ask both.

Both are asked a golden file's lines and questions that the log holds, without a generator: answers are quotes then, and
no wording differs by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import load_confidence
from assistant.answer.disclosure import open_index
from assistant.answer.read import load_reader
from assistant.audit.trail import Audit, history_of
from assistant.core.config import Config
from assistant.core.errors import GateFailed, UsageError
from assistant.core.records import Access, Answer, IngestReport, Progress, Rejection, Turn
from assistant.evaluate.golden import Golden, GoldenOutcome, ask_all, read_golden
from assistant.evaluate.golden import compare as compare_golden
from assistant.evaluate.questions import Question
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from ingest.impact.documents import IndexState, compare
from ingest.impact.records import AnswerChange, Answers, Impact, Quoted, Reply
from ingest.scratch import Place, relocated, scratch_index
from ingest.sources import find_roots, is_document, list_tree

FORMATS = "Give Markdown, text, HTML, PDF, DOCX, PPTX, XLSX or CSV files, or folders of them."
OTHERS = ("test", "eval", "replay")  # commands whose questions nobody asked for an answer's sake


@dataclass(frozen=True, slots=True)
class ImpactPlan:
    """The files that would replace what is indexed, and what is asked: golden lines, so many recent questions."""

    paths: Sequence[Path]
    golden: Path | None = None
    recent: int = 0


def assess(plan: ImpactPlan, config: Config, access: Access, progress: Progress) -> tuple[Impact, list[GoldenOutcome]]:
    """Return what would change, as far as `access` may see it, and the golden outcomes on the changed index.

    The index is only read, and nothing is logged. Documents of a folder that is given, or whose place it takes, count
    as removed if their files are gone. Raises UsageError for a path without documents, a golden file that cannot be
    read or is of another index, and `recent` questions without a log; IndexMissing; and what an ingest and an assistant
    raise.
    """
    lines = read_golden(plan.golden) if plan.golden else []
    with closing(open_index(config)) as catalog:
        known = catalog.sources()
        moved = relocated(plan.paths, known)
        given = _sources(plan.paths, known, moved)
        if plan.golden:
            _check_sources(plan.golden, lines, catalog, access, given)
        recent = _recent_questions(config, plan.recent, access)
        guards = Guards(config.guards)
        with scratch_index(plan.paths, config, prune=True, moved=moved, progress=progress) as (scratch, report):
            before = IndexState(catalog, access, guards, {path: str(place[0]) for path, place in moved.items()})
            with closing(Catalog.open(scratch.data)) as copy:
                documents = compare(before, IndexState(copy, access, guards), progress)
            answers, outcomes = _answers_changed(lines, recent, config, scratch, access, progress)
    return Impact(documents, answers, _shown(report, known, before), bool(report.rejected)), outcomes


def check_gate(answers: Answers) -> None:
    """Raise GateFailed if a golden answer held and does not any more."""
    if answers.broken:
        hint = "Mend the files; or, if the new answers are right, record them anew once the files are indexed."
        raise GateFailed(f"{answers.broken} of {answers.held} golden answers that hold now would not.", hint)


def _sources(paths: Sequence[Path], known: Mapping[str, SourceRow], moved: Mapping[str, Place]) -> set[str]:
    """Return what the files are called as sources; raises UsageError for a path at which there is no document."""
    places = (moved.get(path, (path, row.root)) for path, row in known.items())
    found: set[str] = set()
    for path, root in find_roots(paths, {str(path): str(root) for path, root in places}):
        files = [file for file in list_tree(path, root).files if is_document(file.path.name)]
        if not files:
            raise UsageError(f"there is no document at {path}.", FORMATS)
        found.update(file.source for file in files)
    return found


def _shown(report: IngestReport, known: Mapping[str, SourceRow], before: IndexState) -> tuple[Rejection, ...]:
    """Return the rejections but those of documents that are there now, and that whoever asks may not see."""
    seen = {row.source for row in before.rows.values()}
    hidden = {row.source for row in known.values()} - seen
    return tuple(rejection for rejection in report.rejected if rejection.source not in hidden)


def _check_sources(path: Path, lines: Sequence[Golden], catalog: Catalog, access: Access, given: set[str]) -> None:
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


def _recent_questions(config: Config, count: int, access: Access) -> list[Question]:
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


def _answers_changed(
    golden: Sequence[Golden],
    recent: Sequence[Question],
    before: Config,
    after: Config,
    access: Access,
    progress: Progress,
) -> tuple[Answers, list[GoldenOutcome]]:
    """Ask both indexes the same, and return what differs, and the golden outcomes afterwards; nothing is logged."""
    asked = [*golden, *recent]
    if not asked:
        return Answers(), []
    old, new = (_asked(asked, config, before, access, progress) for config in (before, after))
    held, holds = ([compare_golden(*pair) for pair in zip(golden, side, strict=False)] for side in (old, new))
    changes = [_change(*each) for each in zip_longest(asked, old, new, held, holds)]
    changed = tuple(change for change in changes if change.old != change.new or change.broke)
    held_now, would_hold = (sum(not outcome.failures for outcome in side) for side in (held, holds))
    return Answers(len(holds), held_now, would_hold, len(recent), changed), holds


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
    failures = tuple(map(str, holds.failures)) if holds else ()
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
