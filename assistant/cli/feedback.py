"""Commands on feedback: give it on an answer, go through what was given."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assistant.cli.context import Context, takes
from assistant.core.records import Feedback, Opinion


class FeedbackGroup(TyperGroup):
    """Takes what is no command for an answer's ID: `feedback ID wrong` is `feedback give ID wrong`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # whose click it is depends on typer's version
        return super().resolve_command(ctx, args if args[0] in self.commands else ["give", *args])


group = typer.Typer(
    cls=FeedbackGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Say whether an answer is right: assistant feedback ID wrong; or review what was said.",
)


@group.command()
@takes("data", "access", "json")
def give(
    context: Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="The answer's `log_id`, in `ask --json` or `ask -v`.")],
    opinion: Annotated[Opinion, typer.Argument(help="What you think of it; not-asked: it answers something else.")],
    note: Annotated[str, typer.Option(help="A word on why; personal data and secrets are masked.")] = "",
    quote: Annotated[str, typer.Option(help="What is right: a sentence, as a document that you may see has it.")] = "",
) -> None:
    """Say of an answer that it is right, wrong, or not what was asked.

    It must be an answer that was given to somebody with your roles. What you say is a line of the log, without your
    name. You may change your mind; the last word counts.
    """
    from assistant.answer.disclosure import open_index
    from assistant.answer.feedback import give as give_feedback
    from assistant.audit.trail import Audit

    view = context.renderer()
    settings, access = context.settings(), context.access()
    audit = Audit(settings) if settings.audit.enabled else None
    given = Feedback(id, opinion, note, quote)
    with closing(open_index(settings)) as catalog:
        line = give_feedback(given, access, catalog, audit)
    view.result({"id": line, "of": id, "opinion": opinion}, lambda: view.note("Thank you: it is in the log."))


@group.command()
@takes("data")
def review(
    context: Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="ROWS.jsonl", help="Where to add what you accept."),
    ],
) -> None:
    """Go through the feedback, and make lines of it for eval, calibrate, test and tune run.

    This command is for whoever runs the index: it shows what everybody asked, with personal data masked, and the
    documents as whoever asked may see them. So does the file, which is for you alone.
    """
    from assistant.answer.disclosure import open_index
    from assistant.audit.trail import Audit
    from assistant.evaluate.feedback import find_pending, read_accepted
    from assistant.terminal.review import Review

    view = context.renderer()
    settings = context.settings()
    audit, accepted = Audit(settings), read_accepted(file)
    with closing(open_index(settings)) as catalog:
        pending = find_pending(audit, accepted, catalog.queries)
        Review(file, catalog, audit, view).run(pending)
