"""Commands on the log: log, replay."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant.cli.options import (
    ConfigFile,
    Data,
    Json,
    Quiet,
)
from assistant.cli.session import assistant_for, renderer, settings_of
from assistant.core.errors import GateFailed


def log(
    count: Annotated[int, typer.Option("-n", min=1, help="How many of the last lines.")] = 20,
    verify: Annotated[bool, typer.Option("--verify", help="Check that each line follows the one before it.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
) -> None:
    """Show what was asked and shown; exit 7 if the log was tampered with.

    A command for whoever runs the index: it shows everybody's questions, masked. Each ask, search, look at the terms,
    answer of a chat, test, eval or replay is a line, and so is each call from Python. --verify finds lines that were
    changed, added or removed, and says nothing of a log that was deleted whole or put back as it was at some time.
    Without audit.key_file it shows accidents, not somebody who may write the folder and makes the log anew.
    """
    from collections import deque

    from assistant.audit.trail import Audit

    view = renderer()
    settings = settings_of(config, data)
    audit = Audit(settings)
    if verify:
        lines = audit.verify()
        signed, first = settings.audit_key is not None, next(audit.entries(), None)
        if json_:
            view.json({"lines": lines, "signed": signed, "first": first.id if first else None})
        else:
            view.verified(lines, first, signed=signed)
        return
    entries = deque(audit.entries(), count)
    if json_:
        view.json([{"id": entry.id, **entry.raw} for entry in entries])
    else:
        with view.paged():
            view.log(entries)


def replay(
    id: Annotated[str, typer.Argument(metavar="ID", help="A line of `assistant log`.")],
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask a logged question again; exit 7 and say what has changed if the answer is another one.

    A command for whoever runs the index: it asks with the roles of whoever asked first, and shows what they may see.
    """
    from assistant.audit.trail import Audit, differences, history_of
    from assistant.contract import answer_json

    view = renderer(quiet=quiet or json_)
    settings = settings_of(config, data)
    entry = Audit(settings).find_answer(id)
    roles, as_of = ",".join(entry.raw["roles"]), entry.raw["as_of"]
    with assistant_for("replay", config, data, roles, as_of, view) as assistant, view.working("searching"):
        answer = assistant.answer(entry.raw["question"], history_of(entry))
    if json_:
        view.json(answer_json(answer))
    else:
        view.answer(answer)
    if changed := differences(entry, answer, settings):
        raise GateFailed(f"the answer changed: {'; '.join(changed)}.", "The log keeps where the first one was from.")
    view.note("The same answer.")
