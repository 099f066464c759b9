"""A document in force that supersedes one which has no end, or ends after this one begins."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.lint.corpus import Corpus, Fault, Policy

CODE = "supersedes-in-force"


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield each document with the one that it should have ended."""
    for new in corpus.in_force:
        name, _, version = (new.meta.supersedes or "").partition(" ")
        for old in corpus.by_id.get(name.strip(",;").upper(), []):
            if old is not new and _is_of(old, version.casefold()) and _overlaps(old, new):
                until = f"until {old.meta.expires}" if old.meta.expires else "without an end"
                since = f" since {new.meta.effective}" if new.meta.effective else ""
                message = f"It supersedes {old.source}, which is in force {until}, while this one is{since}."
                yield Fault(message, new, other=(old, 0, 0))


def _is_of(old: Policy, version: str) -> bool:
    """Say whether the "v3.2" of "HR-001 v3.2" is this document's; what is not said or not known is any."""
    version = version.strip().removeprefix("version").strip().removeprefix("v")
    return not version or old.meta.version is None or version == old.meta.version.casefold().removeprefix("v")


def _overlaps(old: Policy, new: Policy) -> bool:
    ends = old.meta.expires
    return ends is None or ends >= (new.meta.effective or "9999")
