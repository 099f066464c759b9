"""A baseline: the findings that are known and not told again, in a file that lies beside the documents.

A finding is known by what it says and its quote, wherever in its document that stands. One that is there twice is
known once if the file has it once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assistant.core.errors import UsageError
from assistant.core.files import write_report
from ingest.lint.findings import LintFinding, LintReport

KEYS = ("code", "source", "message", "quote")
WRITE_ONE = "Write one: assistant lint PATH --write-baseline FILE"

Known = tuple[str, ...]  # in the order of KEYS


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
    """Write findings, one a line in an order of their own; raises UsageError for a file that cannot be written."""
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
