"""What is said of a document, in its front matter, in `access.toml` and in its own lines: it describes, grants nothing.

A status that is not "in force" goes into the title, which stands with every quote: "Travel [DRAFT - not in force]".
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from itertools import dropwhile, islice
from typing import Any

from assistant.core.errors import DocumentRejected
from assistant.core.records import Meta
from assistant.text.canonical import MAX_HEADING
from ingest.clean import scrub
from ingest.formats import Parsed

_NAMES = tuple(field.name for field in fields(Meta) if field.name != "audience")
DESCRIBING = ("title", *_NAMES)
DATES = ("effective", "expires", "review")

IN_FORCE = frozenset("final approved current active published effective valid".split())  # after "status:"
AS_IN_FORCE = ("in force", "in effect", "in use")
ENDED = frozenset("draft superseded withdrawn repealed obsolete archived outdated expired replaced".split())
NOT_IN_FORCE = ("not in force", "not yet in force", "no longer in force", "no longer valid")
BEFORE_STATUS = frozenset("is was has been since now".split())
AFTER_STATUS = frozenset("policy document version by since on for".split())  # "Draft beer" says nothing of a document
LIMITS = frozenset("not only void unless except proposal".split())  # in a running line: "For Lyon only"
MAX_STATUS = 100  # characters


@dataclass(frozen=True, slots=True)
class ExternalMetadata:
    """What is said of a document outside of it, which wins over its front matter; the audience is said there alone."""

    title: str = ""
    meta: Meta = field(default_factory=Meta)

    def merge(self, own: Meta) -> Meta:
        """Return the document's own metadata under these."""
        values = {name: getattr(self.meta, name) or getattr(own, name) for name in _NAMES}
        return Meta(**values, audience=self.meta.audience)


def describe(raw: Mapping[str, object], where: str) -> ExternalMetadata:
    """Return what parsed front matter, or an entry of a manifest, says; other keys are passed over.

    Raises DocumentRejected naming the key whose value is none.
    """
    given = [key for key in DESCRIBING if raw.get(key) is not None or (key in DATES and key in raw)]
    texts: dict[str, Any] = {key: scrub(_text(raw[key], key, where))[0] for key in given}
    title = " ".join(texts.pop("title", "").split())
    return ExternalMetadata(title, Meta(**texts))


def _text(value: object, key: str, where: str) -> str:
    if key in DATES:
        return _date(str(value), key, where)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, (bool, dict)):
        raise DocumentRejected("metadata", f"{where}: {key} must be a text, not {repr(value)[:80]}.")
    return str(value)


def _date(value: str, key: str, where: str) -> str:
    with suppress(ValueError):
        day = datetime.datetime.fromisoformat(value).date().isoformat()
        if value.startswith(day):  # Python also takes 20240101 and 2024-W01-1
            return day
    raise DocumentRejected("metadata", f"{where}: {key} must be a date YYYY-MM-DD, not {value[:80]!r}.")


def title_with_status(title: str, parsed: Parsed, first_lines: int = 5) -> str:
    """Return a title with the status that front matter, one of the first lines or a running line states.

    Without a title it is the status alone: files of the same bytes share it, and none may tell another's name.
    """
    status = next((line for line in _statuses(parsed, first_lines) if 0 < len(line) <= MAX_STATUS), "")
    if not status or status.casefold() in title.casefold():
        return title[:MAX_HEADING]
    return f"{title[: MAX_HEADING - MAX_STATUS - 3]} [{status}]".strip()


def _statuses(parsed: Parsed, first_lines: int) -> Iterator[str]:
    stated = f"status: {parsed.front_matter.get('status', 'valid')}"
    head = parsed.text[: first_lines * MAX_HEADING].splitlines()
    lines = (line.strip("#*_ |>[]").replace(" | ", ": ", 1) for line in head if line.strip())  # "| Status | Draft |"
    yield from filter(_is_status, (stated, *islice(lines, first_lines)))
    for line in parsed.margins:
        for sign in "|·•\t–—":
            line = line.replace(sign, " - ")
        parts = (part.strip() for part in line.replace("   ", " - ").split(" - "))
        yield " - ".join(part for part in parts if _is_status(part) or not LIMITS.isdisjoint(part.casefold().split()))


def _is_status(line: str) -> bool:
    """Tell a line that says that a document is not, not yet or no longer in force."""
    line = line.casefold()
    words = [word.strip(".,;:()[]") for word in line.split()]
    label, _, value = line.partition(":")
    if label.removeprefix("document ").strip() == "status":
        said = value.strip(" .,;()[]")
        return bool(said) and said.split()[0].strip(".,;") not in IN_FORCE and not said.startswith(AS_IN_FORCE)
    if words[:1] in (["this"], ["the"]) and words[1:2] in (["policy"], ["document"], ["version"]):
        verb = [*dropwhile(BEFORE_STATUS.__contains__, words[2:])][:2]
        return verb[:1] != [] and (verb[0] in ENDED or verb in (["no", "longer"], ["not", "yet"]))
    if not ENDED.isdisjoint(words[-1:]) and line.split()[-2:-1] in (["-"], ["–"], ["—"]):
        return True  # "Version 0.3 - DRAFT"
    after = words[1] if len(words) > 1 else ""
    alone = not after.isalpha() or after in AFTER_STATUS
    return line.startswith(NOT_IN_FORCE) or (words[:1] != [] and words[0] in ENDED and alone)
