"""A document that is in force no more, and that nothing in force replaces."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.lint.corpus import Corpus, Fault, Policy

CODE = "document-expired"


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield the expired documents without a successor."""
    for policy in corpus.policies:
        if policy.expired(corpus.today) and not any(_replaces(other, policy) for other in corpus.in_force):
            yield Fault(f"It expired on {policy.meta.expires}, and nothing in force replaces it.", policy)


def _replaces(new: Policy, old: Policy) -> bool:
    """Say whether a document is another version of one, or says that it supersedes it."""
    known = (old.meta.policy_id or "").casefold()
    said = (new.meta.supersedes or "").casefold()
    names = {name for name in (known, old.document.title.casefold(), old.source.casefold()) if name}
    return bool(known and known == (new.meta.policy_id or "").casefold()) or any(name in said for name in names)
