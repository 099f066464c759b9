"""The rules, a family a file; each has a code, by which it is switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ingest.lint.corpus import Corpus, Fault, Severity
from ingest.lint.rules import figures, links, metadata, tables, terms


@dataclass(frozen=True, slots=True)
class LintRule:
    """A check over all documents, and how grave what it finds is."""

    code: str
    severity: Severity
    summary: str
    check: Callable[[Corpus], Iterator[Fault]]


RULES = (
    LintRule("conflict", "error", "two places in force say different things of the same", figures.conflicts),
    LintRule("supersedes-in-force", "error", "a superseded document is still in force", metadata.superseded),
    LintRule("reference-dead", "error", "a reference leads nowhere", links.dead_references),
    LintRule("link-dead", "error", "a link leads nowhere", links.dead_links),
    LintRule("term-redefined", "warning", "a term is defined twice, differently", terms.redefined),
    LintRule("term-undefined", "warning", "a term is used as a defined one and is not", terms.undefined),
    LintRule("document-expired", "warning", "a document has expired, and nothing replaces it", metadata.expired),
    LintRule("meta-missing", "warning", "a document lacks what its neighbours say of themselves", metadata.incomplete),
    LintRule("table-ragged", "warning", "a table's row lacks a cell", tables.ragged),
    LintRule("acronym-unexpanded", "note", "an acronym is spelled out nowhere", terms.unexpanded),
    LintRule("term-unused", "note", "a term is defined and used nowhere", terms.unused),
)
