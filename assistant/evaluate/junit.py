"""Outcomes as JUnit XML: one test case a question, for CI systems to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from assistant.core.files import write_report
from assistant.evaluate.golden import Outcome
from assistant.evaluate.report import rows_of
from assistant.evaluate.score import Scored
from assistant.text.canonical import printable


@dataclass(frozen=True, slots=True)
class Case:
    """A test case; it passes where `fault` is empty."""

    name: str
    fault: str
    detail: str


def write_junit(path: Path, report: dict[str, Any]) -> None:
    """Write a report; a case fails when the answer is wrong, or an answer that the documents hold is missing."""
    rows = rows_of(report)
    cases = [Case(row.id, _fault(row), f"{row.question} (confidence {row.confidence:.2f})") for row in rows]
    _write(path, report["run"], cases)


def write_golden_junit(path: Path, name: str, outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes of a golden file; a case fails when an expectation does."""
    _write(path, name, [_golden_case(outcome) for outcome in outcomes])


def _write(path: Path, name: str, cases: Sequence[Case]) -> None:
    failures = str(sum(bool(case.fault) for case in cases))
    suite = ElementTree.Element("testsuite", name=_text(name), tests=str(len(cases)), failures=failures)
    for case in cases:
        element = ElementTree.SubElement(suite, "testcase", classname=_text(name), name=_text(case.name))
        if case.fault:
            ElementTree.SubElement(element, "failure", message=_text(case.fault)).text = _text(case.detail)
    write_report(path, ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True), "--junit")


def _text(text: str) -> str:
    """Make text of unknown origin fit XML, which has no place for two characters that a terminal does not mind."""
    return printable(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _fault(row: Scored) -> str:
    if row.answered:
        return "" if row.right else f"a wrong answer to a question that is {row.group}"
    return f"{row.status}, yet the documents answer" if row.group == "answerable" else ""


def _golden_case(outcome: Outcome) -> Case:
    fault = "; ".join(f"{f.check}: expected {f.expected}, got {f.got}" for f in outcome.failures)
    asked, was = outcome.golden.asked, outcome.golden.recorded
    told = (asked.text, was and f"was: {was}", f"now: {outcome.answer}", f"cites: {', '.join(outcome.sources)}")
    return Case(asked.id, fault, "\n".join(filter(None, told)))
