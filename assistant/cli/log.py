"""Commands on the log: log, replay, gaps, stale."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from typing import Annotated

import typer

from assistant.cli.context import Context, takes
from assistant.core.errors import GateFailed


@takes("data", "json")
def log(
    context: Context,
    count: Annotated[int, typer.Option("-n", min=1, help="How many of the last entries.")] = 20,
    verify: Annotated[bool, typer.Option("--verify", help="Check that no entry was changed or removed.")] = False,
) -> None:
    """Show what was asked and answered; exit 7 if the log was tampered with.

    This command is for whoever runs the index: it shows everybody's questions, with personal data masked. Every
    question, search and look at the glossary is an entry, from the command line and from Python.
    --verify finds entries that were changed, added or removed. It cannot tell that a whole log was deleted or put back
    from a copy. Without audit.key_file it finds accidents only: who may write the folder can write a new log.
    """
    from collections import deque

    from assistant.audit.trail import Audit
    from assistant.index.catalog import Catalog

    view = context.renderer()
    settings = context.settings()
    audit = Audit(settings)
    if verify:
        lines = audit.verify()
        signed, first = settings.audit_key is not None, next(audit.entries(), None)
        found = {"lines": lines, "signed": signed, "first": first.id if first else None}
        view.result(found, lambda: view.verified(lines, first, signed=signed))
        return
    entries = deque(audit.entries(), count)
    if not entries:
        Catalog.open(settings.data).close()  # says so if there is no index
        view.note("Nothing is logged yet.")
    with view.paged():
        view.result([{"id": entry.id, **entry.raw} for entry in entries], lambda: view.log(entries))


@takes("data", "access", "json")
def gaps(
    context: Context,
    since: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Only what was asked from this day on.")] = "",
    least: Annotated[int, typer.Option(min=1, metavar="K", help="Leave out what fewer askers met.")] = 3,
) -> None:
    """Show which questions the documents leave open: what was asked in vain, by the document that came closest.

    This command is for whoever owns the documents. Without names in the log (audit.names) a conversation counts as an
    asker, and what fewer than K of them met is not told, nor any word that fewer used.
    """
    from assistant.audit.trail import Audit
    from assistant.evaluate.gaps import find_gaps
    from assistant.terminal.reports import gaps_report

    view = context.renderer()
    since = _checked_day(since)
    with context.assistant("gaps", view, answers=False, audit=False) as assistant:
        found = find_gaps(Audit(assistant.config).entries(), assistant, since, least)
    view.result([asdict(gap) for gap in found], lambda: view.show(gaps_report(found)))


@takes("data", "json")
def stale(
    context: Context,
    since: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Only answers from this day on.")] = "",
) -> None:
    """Show which answers of the log no longer hold, after an ingest; exit 7 if there are any.

    This command is for whoever runs the index: each answer is looked at with the roles of the person who asked.
    """
    from assistant.answer.disclosure import open_index
    from assistant.audit.trail import Audit
    from assistant.evaluate.stale import find_stale
    from assistant.terminal.reports import stale_report

    view = context.renderer()
    settings = context.settings()
    since = _checked_day(since)
    with closing(open_index(settings)) as catalog, catalog.snapshot():
        found = list(find_stale(Audit(settings).entries(), catalog.queries, since))
    view.result([asdict(answer) for answer in found], lambda: view.show(stale_report(found)))
    if found:
        raise GateFailed(f"{len(found)} answers no longer hold.", "Ask again: assistant replay ID")


@takes("data", "json")
def replay(
    context: Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="The ID of an entry in `assistant log`.")],
) -> None:
    """Ask a logged question again; exit 7 if the answer differs, and say what changed.

    This command is for whoever runs the index: it asks with the roles of the person who asked.
    """
    from assistant.answer.question import MAX_ABOUT
    from assistant.audit.trail import Audit, about_of, day_of, differences, history_of
    from assistant.contract import answer_json

    view = context.renderer()
    settings = context.settings()
    entry = Audit(settings).find_answer(id)
    asker = replace(context, roles=",".join(entry.raw["roles"]), as_of=day_of(entry))
    with asker.assistant("replay", view) as assistant, view.working("searching"):
        about = about_of(entry)[:MAX_ABOUT]  # what is masked may be longer than what was said
        answer = assistant.answer(entry.raw["question"], history_of(entry), about=about)
    view.result(answer_json(answer), lambda: view.answer(answer))
    if changed := differences(entry, answer, settings):
        raise GateFailed(f"the answer changed: {'; '.join(changed)}.", "The log names the first sources.")
    view.note("The same answer.")


def _checked_day(day: str) -> str:
    """Return a day as it was typed; raises UsageError for one that is none."""
    from assistant.core.records import make_access

    return make_access(as_of=day).as_of if day else ""
