"""What a run of the linter found, and the two files that it is written to: SARIF and a baseline.

SARIF 2.1.0 is what code hosts show beside the lines of a change. A baseline has the findings that are known and not
told again, and lies beside the documents. A finding is known by what it says and its quote, wherever in its document
that stands. One that is there twice is known once if the file has it once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assistant.contract import dumps
from assistant.core.errors import UsageError
from assistant.core.files import write_report
from assistant.core.package import __version__
from ingest.lint.corpus import LintRule, Severity

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
KEYS = ("code", "source", "message", "quote")
WRITE_ONE = "Write one: assistant lint PATH --write-baseline FILE"

Known = tuple[str, ...]  # in the order of KEYS


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


def write_sarif(path: Path, findings: Sequence[LintFinding], rules: Sequence[LintRule]) -> None:
    """Write findings as SARIF, with the rules that were applied; raises UsageError if that cannot be written."""
    described = [
        {"id": rule.code, "shortDescription": {"text": rule.summary}, "defaultConfiguration": {"level": rule.severity}}
        for rule in rules
    ]
    driver = {"name": "policy-assistant", "semanticVersion": __version__, "rules": described}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(f) for f in findings]}
    log = {"$schema": SARIF, "version": "2.1.0", "runs": [run]}
    write_report(path, f"{dumps(log)}\n".encode(), "--sarif")


def _result(finding: LintFinding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [_location(finding.place)],
    }
    if finding.other:
        found["relatedLocations"] = [_location(finding.other)]
    return found


def _location(place: FindingPlace) -> dict[str, Any]:
    """Return a place: the file, its line where the file is text, and the headings above."""
    region: dict[str, Any] = {"startLine": place.line or 1}
    if place.quote:
        region["snippet"] = {"text": place.quote}
    found: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(place.file)}, "region": region},
    }
    if place.headings:
        found["logicalLocations"] = [{"fullyQualifiedName": " > ".join(place.headings)}]
    return found


def read_baseline(path: Path) -> Counter[Known]:
    """Read how often each finding is known; raises UsageError for a file that cannot be read or is none."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["findings"]
        found = [tuple(row[key] for key in KEYS) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no baseline: {error!r}.", WRITE_ONE) from error
    if not all(isinstance(part, str) for known in found for part in known):
        raise UsageError(f"{path} is no baseline: a finding has parts that are no texts.", WRITE_ONE)
    return Counter(found)


def write_baseline(path: Path, findings: Sequence[LintFinding]) -> None:
    """Write findings as a baseline, one a line in their own order; raises UsageError if that cannot be written."""
    known = sorted(map(_known, findings))
    rows = ",\n".join(json.dumps(dict(zip(KEYS, parts, strict=True)), ensure_ascii=False) for parts in known)
    write_report(path, f'{{"findings": [\n{rows}\n]}}\n'.encode(), "--write-baseline")


def without_known(report: LintReport, known: Counter[Known]) -> LintReport:
    """Return a report without the findings that are known."""
    left = Counter(known)
    new = []
    for finding in report.findings:
        if left[_known(finding)] > 0:
            left[_known(finding)] -= 1
        else:
            new.append(finding)
    return replace(report, findings=tuple(new), known=len(report.findings) - len(new))


def _known(finding: LintFinding) -> Known:
    return finding.code, finding.place.source, finding.message, finding.place.quote
