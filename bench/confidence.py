"""Measure abstention on the reported halves:  python -m bench.confidence

Four sets are asked their own questions, answerable or not, and as many of other subjects, in the halves of the
documents that the packaged calibration has not seen; one set it has not seen at all. Shown are how well the confidence
tells them apart (AUROC, 95% bootstrap interval) and, at the threshold of the configured `answer.max_risk`, the share of
the answerable that is answered and the share of the answers that the documents do not hold, with its upper bound
(Clopper-Pearson, 95%). Half an hour; `--limit 500` takes ten minutes.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from assistant.answer.confidence import load_confidence, upper_bound
from assistant.core.config import AnswerSection
from assistant.evaluate.calibrate import outcomes
from assistant.evaluate.metrics import auroc, interval, resamples
from assistant.evaluate.questions import Split
from bench.common import console, parser, scratch, shared_folder, write_json
from tune.factory.fit_packaged import SEED, SETS, Source, note_progress, open_index, questions

REPORTED = (*SETS, Source("qa_white_sharc", "public rules"))


@dataclass(frozen=True, slots=True)
class Row:
    """One question: which set was asked, of what kind it is, and the confidence."""

    name: str
    kind: str
    confidence: float


def summarise(name: str, rows: Sequence[Row], threshold: float) -> dict[str, Any]:
    """Return AUROC, coverage of the answerable and risk at the threshold, over some rows."""
    confidence = np.array([row.confidence for row in rows])
    good = np.array([row.kind == "answerable" for row in rows])
    answered = confidence >= threshold
    wrong, count = int((answered & ~good).sum()), int(answered.sum())
    draws = np.array([auroc(confidence[sample], good[sample]) for sample in resamples(len(rows))])
    return {
        "set": name,
        "answerable": int(good.sum()),
        "other": int((~good).sum()),
        "auroc": auroc(confidence, good),
        "ci95": interval(draws),
        "coverage": float(answered[good].mean()),
        "answered": count,
        "wrong": wrong,
        "risk": wrong / count if count else 0.0,
        "bound": upper_bound(wrong, count),
    }


def show(results: Sequence[dict[str, Any]], threshold: float) -> None:
    table = Table(title=f"Abstention, reported halves, threshold {threshold:g}")
    for name in (
        "set",
        "answerable",
        "not",
        "AUROC",
        "95%",
        "answerable answered",
        "wrongly answered",
        "risk",
        "at most",
    ):
        table.add_column(name, justify="left" if name == "set" else "right")
    for r in results:
        low, high = r["ci95"]
        table.add_row(
            r["set"],
            str(r["answerable"]),
            str(r["other"]),
            f"{r['auroc']:.3f}",
            f"{low:.2f}-{high:.2f}",
            f"{r['coverage']:.0%}",
            f"{r['wrong']} of {r['answered']}",
            f"{r['risk']:.1%}",
            f"{r['bound']:.1%}",
        )
    console.print(table)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--limit", type=int, help="ask a random sample of so many questions of each set")
    given = options.parse_args()
    data = shared_folder(given.shared) / "data"
    rows: list[Row] = []
    with scratch("confidence") as work:
        confidence = load_confidence(work)
        for source in REPORTED:
            with closing(open_index(data / source.name / source.documents, work / source.name)) as assistant:
                asked = list(questions(data, source, Split.TEST))
                asked = random.Random(SEED).sample(asked, min(given.limit or len(asked), len(asked)))
                for found in outcomes(assistant, asked, source.name, note_progress):
                    kind = found.group.rsplit(" ", 1)[1]
                    rows.append(Row(source.name, kind, confidence.probability(found.features)))
    threshold = confidence.threshold(AnswerSection().max_risk)
    sets = [(name, [row for row in rows if row.name == name]) for name in dict.fromkeys(row.name for row in rows)]
    kinds = [
        (f"all, {kind} only", [row for row in rows if row.kind in ("answerable", kind)])
        for kind in ("out_of_domain", "unanswerable")
    ]
    results = [summarise(name, part, threshold) for name, part in [*sets, *kinds, ("all", rows)]]
    show(results, threshold)
    write_json(given.json, results)
    sys.exit(0 if results[-1]["auroc"] >= 0.9 and results[-1]["coverage"] >= 0.6 else 7)


if __name__ == "__main__":
    main()
