"""The rules, one a file; each has a code, by which it is switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ingest.lint.corpus import Corpus, Fault, Severity
from ingest.lint.rules import (
    acronyms,
    conflict,
    expired,
    links,
    metadata,
    redefined,
    references,
    superseded,
    tables,
    undefined,
    unused,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A check over all documents, and how grave what it finds is."""

    code: str
    severity: Severity
    summary: str
    check: Callable[[Corpus], Iterator[Fault]]


RULES = (
    Rule(conflict.CODE, "error", "two places in force say different things of the same", conflict.check),
    Rule(superseded.CODE, "error", "a superseded document is still in force", superseded.check),
    Rule(references.CODE, "error", "a reference leads nowhere", references.check),
    Rule(links.CODE, "error", "a link leads nowhere", links.check),
    Rule(redefined.CODE, "warning", "a term is defined twice, differently", redefined.check),
    Rule(undefined.CODE, "warning", "a term is used as a defined one and is not", undefined.check),
    Rule(expired.CODE, "warning", "a document has expired, and nothing replaces it", expired.check),
    Rule(metadata.CODE, "warning", "a document lacks what its neighbours say of themselves", metadata.check),
    Rule(tables.CODE, "warning", "a table's row lacks a cell", tables.check),
    Rule(acronyms.CODE, "note", "an acronym is spelled out nowhere", acronyms.check),
    Rule(unused.CODE, "note", "a term is defined and used nowhere", unused.check),
)
