"""One error tree. Each error says the cause with its value, and the next step; only the command line catches it.

AssistantError                exit code 1
├── UsageError                2  a wrong argument, or a wrong line of configuration
│   ├── ConfigError
│   └── IndexLocked              another ingest is writing
├── NotReady                  5  no usable index or model
│   ├── IndexMissing
│   ├── IndexMismatch            built by another encoder, or by another version
│   ├── NotWritable              a full disk, or a folder that may not be written
│   ├── ModelMissing
│   ├── ModelDamaged             a file's SHA-256 is not the manifest's
│   └── EndpointFailed           a generator behind an address gave no answer, however often it was asked
├── GateFailed                7  a quality gate said no (verify, eval, promote)
└── DocumentRejected          6  one file cannot be indexed; the others go on
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")  # pydantic's words for a field that there is not
REPORT = "Please report this with the output of `pip freeze`."  # the hint of what should not happen


class AssistantError(Exception):
    """The root: `cause` is a sentence with the offending value, `hint` says what to do next."""

    exit_code = 1

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(f"{cause} {hint}".strip())
        self.cause = cause
        self.hint = hint


class UsageError(AssistantError):
    exit_code = 2


class ConfigError(UsageError):
    pass


class IndexLocked(UsageError):
    pass


class NotReady(AssistantError):
    exit_code = 5


class IndexMissing(NotReady):
    pass


class IndexMismatch(NotReady):
    pass


class NotWritable(NotReady):
    pass


class ModelMissing(NotReady):
    pass


class ModelDamaged(NotReady):
    pass


class EndpointFailed(NotReady):
    pass


class GateFailed(AssistantError):
    exit_code = 7


class DocumentRejected(AssistantError):
    """Raised by the format readers; `reason` is one of the codes in `ingest/formats`."""

    exit_code = 6

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, without its full stop; its type's name if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def did_you_mean(word: str, known: Iterable[str], prefix: str = "", count: int = 1) -> str:
    """Say in brackets which known words may have been meant, each after `prefix`; all of them if none is near."""
    near = difflib.get_close_matches(word, list(known := tuple(known)), n=count, cutoff=0.5)
    if near:
        return f" (did you mean {' or '.join(repr(prefix + each) for each in near)}?)"
    return f" (known: {', '.join(known)})" if known else ""


def first_problem(errors: Sequence[Mapping[str, Any]], prefix: str = "", known: Iterable[str] = ()) -> str:
    """Say as `field: message.` what is wrong with data, given pydantic's errors.

    What is there and should not be says more than what is missing: `known` are the names, below `prefix`, that may have
    been meant. Nothing of the data is told but the field's name, of which whoever wrote it may have made anything.
    """
    first = min(errors, key=lambda error: error["type"] not in UNKNOWN)
    field = (prefix + ".".join(map(str, first["loc"]))).rstrip(".")
    said = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] in UNKNOWN:
        said = f"unknown key{did_you_mean(str(first['loc'][-1]), known, prefix)}"
    return f"{repr(field[:100])[1:-1] or 'the body'}: {said[0].lower()}{said[1:]}."
