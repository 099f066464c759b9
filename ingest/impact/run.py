"""The impact recipe: check what is given, ingest it into a copy of the index, compare both, ask both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import GateFailed, UsageError
from assistant.core.records import Access, IngestReport, Progress, Rejection
from assistant.evaluate.golden import GoldenOutcome, read_golden
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog
from assistant.index.schema import SourceRow
from ingest.impact.answers import Questions, answers_changed, check_sources, recent_questions
from ingest.impact.documents import IndexState, compare
from ingest.impact.records import Answers, Impact
from ingest.scratch import Place, relocated, scratch_index
from ingest.sources import find_roots, is_document, list_tree

FORMATS = "Give Markdown, text, HTML, PDF, DOCX, PPTX, XLSX or CSV files, or folders of them."


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
    with closing(Catalog.open(config.data)) as catalog:
        known = catalog.sources()
        moved = relocated(plan.paths, known)
        given = _sources(plan.paths, known, moved)
        if plan.golden:
            check_sources(plan.golden, lines, catalog, access, given)
        questions = Questions(lines, recent_questions(config, plan.recent, access))
        guards = Guards(config.guards)
        with scratch_index(plan.paths, config, prune=True, moved=moved, progress=progress) as (scratch, report):
            before = IndexState(catalog, access, guards, {path: str(place[0]) for path, place in moved.items()})
            with closing(Catalog.open(scratch.data)) as copy:
                documents = compare(before, IndexState(copy, access, guards), progress)
            answers, outcomes = answers_changed(questions, config, scratch, access, progress)
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
