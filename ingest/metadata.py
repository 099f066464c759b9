"""What is said of a document, in its front matter and in `access.toml`: it describes, and grants nothing."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

from assistant.core.errors import DocumentRejected
from assistant.core.records import Meta
from ingest.clean import scrub

_NAMES = tuple(field.name for field in fields(Meta) if field.name != "audience")
DESCRIBING = ("title", *_NAMES)
DATES = ("effective", "expires", "review")


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
    texts: dict[str, Any] = {key: _text(raw[key], key, where) for key in given}
    title = " ".join(scrub(texts.pop("title", ""))[0].split())
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
