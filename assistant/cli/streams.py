"""What a command reads: stdin, lines of JSON, saved answers."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.core.errors import EndpointFailed, UsageError
from assistant.core.parallel import in_order

if TYPE_CHECKING:
    from assistant.terminal.render import Renderer


MAX_SAVED_CHARACTERS = 20_000_000  # some 2,000 saved answers
SAVE_ONE = "Save one: assistant ask --json QUESTION > ANSWER.json"


def from_stdin(text: str) -> str:
    if text != "-":
        return text
    if sys.stdin.isatty():
        raise UsageError("there is no question.", "Give one: assistant ask 'How many days of leave do I have?'")
    return sys.stdin.read()


def run_batch(
    name: str, view: Renderer, keys: tuple[str, ...], run: Callable[[dict[str, Any]], Any], jobs: int = 1
) -> None:
    """Run each JSON line, `jobs` at once, and write one JSON line for it, in their order.

    A bad line, or one that an endpoint gives no answer to, gets its error and the rest go on. Raises EndpointFailed at
    the end if an endpoint did not answer.
    """
    silent: list[EndpointFailed] = []

    def result_of(raw: str) -> Any:
        line: Any = None
        try:
            line = json.loads(raw, parse_constant=_no_number)
            if not isinstance(line, dict):
                raise UsageError("a line must be a JSON object.")
            if not any(isinstance(line.get(key), str) for key in keys):
                raise UsageError(f"a line needs {keys[0]!r}, a text.")
            return run(line)
        except (ValueError, RecursionError, UsageError, EndpointFailed) as error:
            if isinstance(error, EndpointFailed):
                silent.append(error)
            return {"id": line.get("id") if isinstance(line, dict) else None, "error": str(error)}

    in_order(result_of, _lines(name), jobs, view.json)
    if silent:
        count = "1 line has" if len(silent) == 1 else f"{len(silent):,} lines have"
        raise EndpointFailed(f"{count} no answer: {silent[0].cause}", silent[0].hint)


def _lines(name: str) -> Iterator[str]:
    if name == "-":
        yield from (line for line in sys.stdin if line.strip())
        return
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as lines:
            yield from (line for line in lines if line.strip())
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check --batch.") from error


def _no_number(name: str) -> None:
    """Refuse NaN and the infinities, which no JSON has."""
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; raises ValueError if a key is told twice, since a reader may believe the first."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def saved_answers(name: str) -> list[Any]:
    """Read one saved answer, a list of them, or JSON lines; raises UsageError for what is none or too large."""
    try:
        text = _bounded(name)
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} cannot be read: {error}.", SAVE_ONE) from error
    try:
        value = json.loads(text, object_pairs_hook=_once)
        answers = value if isinstance(value, list) else [value]
    except (ValueError, RecursionError):  # a number of 5,000 digits is a bare ValueError
        try:
            answers = [json.loads(line, object_pairs_hook=_once) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name} is not JSON: {error}.", "Save an answer with --json.") from error
    if not answers:
        raise UsageError(f"{name} holds no answer.", SAVE_ONE)
    return answers


def _bounded(name: str) -> str:
    """Read a file or a pipe; a device may have no end. Raises OSError, or ValueError for a text that is none."""
    if name == "-":
        text = sys.stdin.read(MAX_SAVED_CHARACTERS + 1)
    else:
        kind = Path(name).stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            raise UsageError(f"{name} is no file.", SAVE_ONE)
        with Path(name).open(encoding="utf-8") as file:
            text = file.read(MAX_SAVED_CHARACTERS + 1)
    if len(text) > MAX_SAVED_CHARACTERS:
        raise UsageError(f"{name} is longer than {MAX_SAVED_CHARACTERS:,} characters.", "Check fewer answers at once.")
    return text
