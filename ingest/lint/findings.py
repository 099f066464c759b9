"""What a run of the linter found."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.lint.corpus import Severity


@dataclass(frozen=True, slots=True)
class FindingPlace:
    """Where a finding is; `quote` is the document's text at [start, end), masked, and cut if it is long."""

    source: str
    document_sha256: str
    title: str
    headings: tuple[str, ...]
    page: int | None
    line: int | None
    start: int
    end: int
    quote: str
    file: str  # its path from here, or its source where it lies elsewhere


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What a rule says of a place; `other` is the place that it clashes with."""

    code: str
    severity: Severity
    message: str
    place: FindingPlace
    other: FindingPlace | None = None


@dataclass(frozen=True, slots=True)
class LintReport:
    """The findings, by document and place, and how many documents were looked at.

    `skipped` are the rules that were left out for want of models, `known` how many findings a baseline kept back.
    """

    findings: tuple[LintFinding, ...]
    documents: int
    skipped: tuple[str, ...] = ()
    known: int = 0
