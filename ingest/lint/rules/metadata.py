"""A document without an owner, a version or an id where most documents of its folder have one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from ingest.lint.corpus import Corpus, Fault, Policy

CODE = "meta-missing"
FIELDS = ("owner", "version", "policy_id")
NEIGHBOURS, MOST = 2, 2 / 3  # other documents of a folder, at least, and the share of them that must have it


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield a fault for each document, with all that it lacks."""
    folders: dict[str, list[Policy]] = defaultdict(list)
    for policy in corpus.policies:
        folders[str(PurePosixPath(policy.source).parent)].append(policy)
    for policies in folders.values():
        others = len(policies) - 1
        having = {name: sum(bool(getattr(policy.meta, name)) for policy in policies) for name in FIELDS}
        usual = [name for name in FIELDS if others >= NEIGHBOURS and having[name] >= MOST * others]
        for policy in policies:
            if lacking := [name for name in usual if not getattr(policy.meta, name)]:
                names = " and no ".join(name.replace("_", " ") for name in lacking)
                yield Fault(f"It has no {names}, and most documents of its folder do.", policy)
