"""A document without an owner, a version or an id where most documents of its folder have one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from assistant.lint.corpus import Corpus, Fault, Policy

CODE = "meta-missing"
FIELDS = ("owner", "version", "policy_id")
NEIGHBOURS, MOST = 2, 2 / 3  # other documents of a folder, at least, and the share of them that must have it


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield a fault for each document, with all that it lacks."""
    folders: dict[str, list[Policy]] = defaultdict(list)
    for policy in corpus.policies:
        folders[str(PurePosixPath(policy.source).parent)].append(policy)
    for policies in folders.values():
        for policy in policies:
            others = [other for other in policies if other is not policy]
            if len(others) >= NEIGHBOURS and (lacking := [name for name in FIELDS if _lacks(policy, others, name)]):
                names = " and no ".join(name.replace("_", " ") for name in lacking)
                yield Fault(f"It has no {names}, and most documents of its folder do.", policy)


def _lacks(policy: Policy, others: list[Policy], name: str) -> bool:
    return not getattr(policy.meta, name) and sum(bool(getattr(o.meta, name)) for o in others) >= MOST * len(others)
