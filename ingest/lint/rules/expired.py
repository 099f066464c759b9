"""A document that is in force no more, and that nothing in force replaces."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ingest.lint.corpus import Corpus, Fault, Policy

CODE = "document-expired"


def check(corpus: Corpus) -> Iterator[Fault]:
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
