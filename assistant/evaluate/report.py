"""A run's report: JSON that repeats byte for byte but for `timings`, Markdown to read, plots, and JUnit XML."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from assistant.contract import dumps
from assistant.core.errors import UsageError
from assistant.core.files import write_report
from assistant.evaluate.golden import GoldenOutcome
from assistant.evaluate.metrics import METRICS, columns, label, measure, reliability, risk_curve
from assistant.evaluate.score import DIGITS, Saved, Scored
from assistant.text.canonical import printable

METRIC_COLUMNS = ("metric", "value", "95%", "questions", "what")
GIVEN = ("generate", "verify")  # stages of an answer that is given; an abstention ends before them
Json = dict[str, Any]


def build_report(name: str, stamp: Mapping[str, Any], rows: Sequence[Scored], saved: Sequence[Saved]) -> Json:
    """Return the report of a run, rows and saved answers being in the questions' order."""
    counts = Counter(row.group for row in rows)
    outcomes = columns(rows)
    return {
        "run": name,
        "stamp": dict(stamp),
        "questions": {group: counts[group] for group in ("answerable", "unanswerable", "out_of_domain")},
        "metrics": {key: asdict(value) for key, value in measure(rows).items()},
        "reliability": [
            {key: round(value, DIGITS) for key, value in asdict(b).items()}
            for b in reliability(outcomes.confidence, outcomes.right)
        ],
        "answer_words": _percentiles([row.words for row in rows if row.answered]),
        "rows": [row.to_json() for row in rows],
        "timings": _timings(rows, saved),
    }


def write_run(folder: Path, report: Json) -> None:
    """Write `report.json`, `report.md` and the plots into a run's folder."""
    from assistant.evaluate.plots import plot_lines

    (folder / "report.json").write_text(dumps(report, indent=1) + "\n", encoding="utf-8")
    outcomes, threshold = columns(rows_of(report)), report["stamp"]["threshold"]
    risk = risk_curve(outcomes.confidence, ~outcomes.right)
    at = float((outcomes.confidence >= threshold).mean())
    plot_lines(
        folder / "risk_coverage.png",
        {"measured": ((np.arange(len(risk)) + 1) / len(risk), risk)},
        expected=(f"threshold {threshold:g}: {at:.0%} answered", ((at, at), (0, 1))),
        xlabel="coverage (share of questions answered)",
        ylabel="risk (share of answers wrong)",
        ylim=(0, max(0.05, float(risk.max()) * 1.05)),
    )
    plot_lines(
        folder / "reliability.png",
        {"measured": ([b["confidence"] for b in report["reliability"]], [b["right"] for b in report["reliability"]])},
        expected=("calibrated", ((0, 1), (0, 1))),
        xlabel="confidence",
        ylabel="share right",
    )
    (folder / "report.md").write_text("\n".join(_markdown(report)) + "\n", encoding="utf-8")


def read_report(path: Path) -> Json:
    """Read a `report.json`; raises UsageError if it is not one."""
    try:
        report: Json = json.loads(path.read_text(encoding="utf-8"))
        rows_of(report), report["run"], report["metrics"], report["stamp"].keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not a report: {type(error).__name__}: {error}.", "Give the report.json of two runs."
        ) from error
    return report


def rows_of(report: Mapping[str, Any]) -> list[Scored]:
    """Return the questions' outcomes."""
    return [Scored(**row) for row in report["rows"]]


def metric_rows(report: Mapping[str, Any]) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of each group of metrics, with METRIC_COLUMNS."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for name, metric in METRICS.items():
        found = report["metrics"][name]
        row = label(name), decimals(found["value"]), between(found), str(found["n"]), metric.title
        groups.setdefault(metric.group, []).append(row)
    return groups


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table; columns without letters, other than the first, to the right."""
    texts = [any(letter.isalpha() for text in column for letter in text) for column in zip(*rows, strict=True)]
    yield f"| {' | '.join(header)} |"
    yield "|---|" + "".join("---|" if text else "---:|" for text in texts[1:] or header[1:])
    yield from (f"| {' | '.join(map(cell, row))} |" for row in rows)


def cell(text: str) -> str:
    """Make text of unknown origin fit a table's cell."""
    return " ".join(printable(text).split()).replace("|", "\\|")


def decimals(value: float | None) -> str:
    """Write a metric's value, or a dash for none."""
    return "–" if value is None else f"{value:.3f}"


def between(value: Mapping[str, Any]) -> str:
    """Write an interval, or nothing for none."""
    return "" if value["low"] is None else f"{value['low']:.3f} – {value['high']:.3f}"


def _short(text: str) -> str:
    return textwrap.shorten(text, 240, placeholder=" …")


def _timings(rows: Sequence[Scored], saved: Sequence[Saved]) -> Json:
    """Return p50 and p95 in milliseconds; where it would have abstained, the stages after that do not count.

    Nor do answers that waited for the models to load, unless all of them did.
    """
    stages: dict[str, list[float]] = {}
    pairs = list(zip(rows, saved, strict=True))
    for row, one in [pair for pair in pairs if not pair[1].get("cold")] or pairs:
        spent = dict(one["timings_ms"])
        if not row.answered:
            spent["total"] -= sum(spent.pop(stage, 0.0) for stage in GIVEN)
        for stage, milliseconds in spent.items():
            stages.setdefault(stage, []).append(milliseconds)
    return {stage: _percentiles(values) for stage, values in stages.items()}


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(values, share)), 2) for share in (50, 95)} if values else {}


def _markdown(report: Json) -> Iterator[str]:
    stamp, counts = report["stamp"], report["questions"]
    yield f"# {cell(report['run'])}"
    yield ""
    yield f"{', '.join(f'{n:,} {g}' for g, n in counts.items() if n)} questions; threshold {stamp['threshold']:g}."
    for group, rows in metric_rows(report).items():
        yield from ("", f"## {group}", "", *table(METRIC_COLUMNS, rows))
    yield from ("", "![risk and coverage](risk_coverage.png)", "", "![reliability](reliability.png)")
    wrong = sorted((r for r in rows_of(report) if r.answered and not r.right), key=lambda r: (-r.confidence, r.id))
    yield from ("", f"## The most confident wrong answers ({len(wrong)} in all)", "")
    yield from table(
        ("id", "confidence", "question", "gold", "answer"),
        [(r.id, f"{r.confidence:.2f}", *map(_short, (r.question, r.gold or r.group, r.answer))) for r in wrong[:10]],
    )
    yield from ("", "## Time (ms) and words", "")
    lengths = {**report["timings"], "words of an answer": report["answer_words"]}
    yield from table(("stage", "p50", "p95"), [(k, f"{v['p50']:g}", f"{v['p95']:g}") for k, v in lengths.items() if v])
    yield from ("", "## What was measured", "")
    yield from table(
        ("what", "value"), [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in sorted(stamp.items())]
    )


def write_junit(path: Path, name: str, outcomes: Sequence[GoldenOutcome]) -> None:
    """Write the outcomes of a golden file as JUnit XML; a case fails when an expectation does."""
    failures = str(sum(bool(outcome.failures) for outcome in outcomes))
    suite = ElementTree.Element("testsuite", name=_text(name), tests=str(len(outcomes)), failures=failures)
    for outcome in outcomes:
        golden = outcome.golden
        case = ElementTree.SubElement(suite, "testcase", classname=_text(name), name=_text(golden.id))
        if outcome.failures:
            fault = "; ".join(map(str, outcome.failures))
            was = f"was: {golden.recorded}" * bool(golden.recorded)
            told = golden.asked, was, f"now: {outcome.answer}", f"cites: {', '.join(outcome.sources)}"
            ElementTree.SubElement(case, "failure", message=_text(fault)).text = _text("\n".join(filter(None, told)))
    write_report(path, ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True), "--junit")


def _text(text: str) -> str:
    """Make text of unknown origin fit XML, which has no place for two characters that a terminal does not mind."""
    return printable(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
