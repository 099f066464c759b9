"""A report as JUnit XML: one test case a question, for CI systems to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from assistant.core.text import printable
from assistant.evaluate.report import rows_of
from assistant.evaluate.score import Scored


def write_junit(path: Path, report: dict[str, Any]) -> None:
    """Write the test cases; a case fails when the answer is wrong, or an answer that the documents hold is missing."""
    rows = rows_of(report)
    faults = [_fault(row) for row in rows]
    failures = str(sum(map(bool, faults)))
    suite = ElementTree.Element("testsuite", name=report["run"], tests=str(len(rows)), failures=failures)
    for row, fault in zip(rows, faults, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname=report["run"], name=printable(row.id))
        if fault:
            failure = ElementTree.SubElement(case, "failure", message=fault)
            failure.text = printable(f"{row.question} (confidence {row.confidence:.2f})")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _fault(row: Scored) -> str:
    if row.answered:
        return "" if row.right else f"a wrong answer to a question that is {row.group}"
    return f"{row.status}, yet the documents answer" if row.group == "answerable" else ""
