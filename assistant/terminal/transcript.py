"""Conversation -> file: JSON answers that `assistant verify` re-checks, or a Markdown transcript with its quotes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from assistant.answer.outcomes import worded_line
from assistant.contract import answer_json, dumps
from assistant.core.errors import UsageError
from assistant.core.files import open_private
from assistant.core.records import Access, Answer, Citation, Quote
from assistant.terminal.views import citation_place
from assistant.text.markdown import inert


def write_transcript(name: str, answers: Sequence[Answer], access: Access) -> Path:
    """Write the conversation to a new file, whole or not at all, and return its path.

    `.json` is a list of answers as in `ask --json`, `.jsonl` one such answer a line, anything else Markdown. Raises
    UsageError if the file exists or cannot be written.
    """
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises for a user that is not known
    ids = [str(number) for number in range(1, len(answers) + 1)]
    match path.suffix.lower():
        case ".json":
            text = dumps([answer_json(*pair) for pair in zip(answers, ids, strict=True)], indent=2) + "\n"
        case ".jsonl":
            text = "".join(dumps(answer_json(*pair)) + "\n" for pair in zip(answers, ids, strict=True))
        case _:
            text = markdown(answers, access)
    _write_new(path, text)
    return path


def markdown(answers: Sequence[Answer], access: Access) -> str:
    """Lay out a conversation as Markdown: questions, answers, and the quotes that prove them."""
    asked = f"Asked as {', '.join(sorted(access.roles))}" if access.roles else "Asked without roles"
    parts = ["# Conversation", f"{inert(asked)}, of the documents in force on {access.as_of}."]
    for number, answer in enumerate(answers, 1):
        parts.append(f"## {number}. {inert(' '.join(answer.question.split()))}")
        parts.append(inert(answer.text).replace("\n", "\n\n"))
        parts += [inert(line)] if (line := worded_line(answer)) else []
        first = {c.key: c for c in reversed(answer.sources)}
        parts += [_source(first[key]) for key in sorted(first)]
    return "\n\n".join(parts) + "\n"


def _source(citation: Citation | Quote) -> str:
    quote = "\n".join(f"> {line}".rstrip() for line in inert(citation.quote).split("\n"))
    return f"[{citation.key}] {inert(citation_place(citation).plain)}\n\n{quote}"


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet, or none."""
    try:
        file = os.fdopen(open_private(path, os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise UsageError(f"{path} exists already.", "Choose another name: nothing is overwritten.") from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    try:
        with file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError | ValueError) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(f"{path} cannot be written: {reason}.", "Choose another place: /save FILE")
