"""What documents say of themselves, and what they leave out.

An end without a successor, a successor beside what it replaces, metadata that neighbours have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from ingest.lint.corpus import Corpus, Fault, Policy

FIELDS = ("owner", "version", "policy_id")


def expired(corpus: Corpus) -> Iterator[Fault]:
    """Yield the expired documents without a successor."""
    known = {(policy.meta.policy_id or "").casefold() for policy in corpus.in_force} - {""}
    superseded = {policy.meta.supersedes.casefold() for policy in corpus.in_force if policy.meta.supersedes}
    for policy in corpus.policies:
        if policy.expired(corpus.today) and not _is_replaced(policy, known, superseded):
            yield Fault(f"It expired on {policy.meta.expires}, and nothing in force replaces it.", policy)


def _is_replaced(old: Policy, known: Collection[str], superseded: Collection[str]) -> bool:
    """Say whether another version of a document is in force, or one that says that it supersedes it."""
    own = (old.meta.policy_id or "").casefold()
    names = {name for name in (own, old.document.title.casefold(), old.source.casefold()) if name}
    return own in known or any(name in said for said in superseded for name in names)


def superseded(corpus: Corpus) -> Iterator[Fault]:
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


def incomplete(corpus: Corpus) -> Iterator[Fault]:
    """Yield each document that lacks what two thirds of the others in its folder have, where there are two at least."""
    folders: dict[str, list[Policy]] = defaultdict(list)
    for policy in corpus.policies:
        folders[str(PurePosixPath(policy.source).parent)].append(policy)
    for policies in folders.values():
        others = len(policies) - 1
        having = {name: sum(bool(getattr(policy.meta, name)) for policy in policies) for name in FIELDS}
        usual = [name for name in FIELDS if others >= 2 and 3 * having[name] >= 2 * others]
        for policy in policies:
            if lacking := [name for name in usual if not getattr(policy.meta, name)]:
                names = " and no ".join(name.replace("_", " ") for name in lacking)
                yield Fault(f"It has no {names}, and most documents of its folder do.", policy)
