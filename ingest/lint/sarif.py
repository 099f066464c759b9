"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assistant.contract import dumps
from assistant.core.files import write_report
from assistant.core.package import __version__
from ingest.lint.corpus import LintRule
from ingest.lint.findings import FindingPlace, LintFinding

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(path: Path, findings: Sequence[LintFinding], rules: Sequence[LintRule]) -> None:
    """Write findings with the rules that were applied; raises UsageError for a file that cannot be written."""
    write_report(path, f"{dumps(sarif(findings, rules))}\n".encode(), "--sarif")


def sarif(findings: Sequence[LintFinding], rules: Sequence[LintRule]) -> dict[str, Any]:
    """Return the log file as an object."""
    described = [
        {"id": rule.code, "shortDescription": {"text": rule.summary}, "defaultConfiguration": {"level": rule.severity}}
        for rule in rules
    ]
    driver = {"name": "policy-assistant", "semanticVersion": __version__, "rules": described}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(f) for f in findings]}
    return {"$schema": SARIF, "version": "2.1.0", "runs": [run]}


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
