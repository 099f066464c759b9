"""Two reports side by side, over the questions that both have: what changed, and whether by more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.contract import dumps
from assistant.core.errors import UsageError
from assistant.core.package import need
from assistant.evaluate.metrics import METRICS, Metric, label, sample, value_of
from assistant.evaluate.report import between, cell, decimals, read_report, rows_of, table
from assistant.evaluate.score import DIGITS, Scored

DIFFERENCE_COLUMNS = ("metric", "before", "after", "difference", "95%", "better", "worse", "equal", "questions")

Json = dict[str, Any]


def compare(before: Path, after: Path, out: Path) -> tuple[Path, Json]:
    """Compare two `report.json`; write `compare.json`, `compare.md` and a plot, return their folder and the numbers.

    Raises UsageError if a file is not a report, the two share no question, or the extra is missing.
    """
    need("evaluate", "eval --compare")
    from assistant.evaluate.plots import plot_bars

    reports = read_report(before), read_report(after)
    names = [report["run"] for report in reports]
    one_stamp, other_stamp = (report["stamp"] for report in reports)
    one, other = ({row.id: row for row in rows_of(report)} for report in reports)
    pairs = [(row, other[row.id]) for row in one.values() if row.id in other]
    if not pairs:
        raise UsageError(f"{before} and {after} share no question.", "Compare runs of the same question file.")
    found = {
        "before": names[0],
        "after": names[1],
        "questions": len(pairs),
        "differs": sorted(key for key in {**one_stamp, **other_stamp} if one_stamp.get(key) != other_stamp.get(key)),
        "metrics": {name: told for name, metric in METRICS.items() if (told := _difference(name, metric, pairs))},
        "changed": [_change(a, b) for a, b in pairs if _outcome(a) != _outcome(b)],
    }
    folder = out / f"{names[0]}--{names[1].rsplit('-', 1)[-1]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compare.json").write_text(dumps(found, indent=1) + "\n", encoding="utf-8")
    sides = {side: {name: told[side] for name, told in found["metrics"].items()} for side in ("before", "after")}
    plot_bars(folder / "compare.png", list(found["metrics"]), sides)
    (folder / "compare.md").write_text("\n".join(_markdown(found)) + "\n", encoding="utf-8")
    return folder, found


def _difference(name: str, metric: Metric, pairs: Sequence[tuple[Scored, Scored]]) -> Json | None:
    """Return a metric on both sides, the paired difference with its interval, and better, worse and equal questions.

    None where no question has it on both sides.
    """
    if (sampled := sample(name, metric, pairs)) is None:
        return None
    before, after = map(float, sampled.values)
    difference = value_of(after - before, sampled.draws[:, 1] - sampled.draws[:, 0], sampled.n)
    if difference.value is None:
        return None
    found: Json = {"before": round(before, DIGITS), "after": round(after, DIGITS), "difference": difference.value}
    found |= {"low": difference.low, "high": difference.high, "n": sampled.n}
    if sampled.scores is not None:
        gains = (sampled.scores[:, 1] - sampled.scores[:, 0]) * (-1 if metric.lower_better else 1)
        counts = {"better": gains > 0, "worse": gains < 0, "equal": gains == 0}
        found |= {name: int(which.sum()) for name, which in counts.items()}
    return found


def _outcome(row: Scored) -> str:
    return f"{row.status}, {'right' if row.right else 'wrong'}" if row.answered else row.status


def _change(before: Scored, after: Scored) -> Json:
    return {"id": after.id, "question": after.question, "before": _outcome(before), "after": _outcome(after)}


def difference_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each metric, with DIFFERENCE_COLUMNS."""
    return [
        (
            label(name),
            *(decimals(m[side]) for side in ("before", "after")),
            f"{m['difference']:+.3f}",
            between(m),
            *(str(m.get(key, "")) for key in ("better", "worse", "equal", "n")),
        )
        for name, m in found["metrics"].items()
    ]


def _markdown(found: Json) -> Iterator[str]:
    yield f"# {cell(found['before'])} → {cell(found['after'])}"
    yield from ("", f"{found['questions']:,} questions in both; differences are paired, with 95% intervals.", "")
    yield f"Between the runs differs: {', '.join(found['differs']) or 'nothing'}."
    yield ""
    yield from table(DIFFERENCE_COLUMNS, difference_rows(found))
    yield from ("", "![before and after](compare.png)", "", f"## Questions that changed ({len(found['changed'])})", "")
    yield from table(
        ("id", "before", "after", "question"),
        [(c["id"], c["before"], c["after"], c["question"]) for c in found["changed"]],
    )
