"""Find how sure the judge must be to tell a yes from a no:  python -m tune.factory.fit_judge

On the questions of the organisations of `CALIBRATED`, which it was not trained on, with quotes chosen as an answer's
are; measured on those of `UNSEEN`. Ten minutes on two cores; writes `assistant/packaged/judge.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.answer.short import FILE, SAYS, chances
from assistant.core.config import load_config
from assistant.models.cross_encoder import Read, open_judge, open_reader
from assistant.models.registry import Registry
from tune.factory.fit_packaged import CALIBRATED, UNSEEN, note_progress, organisations
from tune.factory.train_judge import asked_cases

MOST_WRONG = 0.04  # share of what is told
STEPS = np.arange(0.5, 1.0, 0.01)
NONE = len(SAYS)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the judge says of questions, [n, sides], and which side is right, NONE where there is none, [n]."""

    chances: NDArray[np.float64]
    right: NDArray[np.int64]

    @property
    def likeliest(self) -> NDArray[np.int64]:
        """The likeliest side of each question."""
        found: NDArray[np.int64] = self.chances.argmax(axis=1)
        return found

    def told(self, thresholds: Sequence[float]) -> NDArray[np.bool_]:
        """Say of each question whether anything is told."""
        found: NDArray[np.bool_] = self.chances.max(axis=1) >= np.array(thresholds)[self.likeliest]
        return found


def judge(read: Read, names: Sequence[str]) -> Judged:
    """Have the questions of organisations judged."""
    rows = list(_rows(read, names))
    return Judged(np.array([row for row, _ in rows]), np.array([right for _, right in rows]))


def _rows(read: Read, names: Sequence[str]) -> Iterator[tuple[NDArray[np.float64], int]]:
    for folder in organisations():
        found = list(asked_cases(folder)) if folder.name in names else []
        for done, case in enumerate(found):
            note_progress(f"judging {folder.name}", done, len(found))
            quoted = case.quoted
            told = chances(read, case.question, quoted.header, quoted.whole, quoted.focus)
            yield told, NONE if case.side is None else case.side


def fit(found: Judged) -> list[float]:
    """Return the least threshold of each side from which at most `MOST_WRONG` of what is told is wrong."""
    sure, wrong = found.chances.max(axis=1), found.likeliest != found.right
    thresholds = []
    for side in range(NONE):
        told = [wrong[(found.likeliest == side) & (sure >= step)] for step in STEPS]
        safe = [step for step, of in zip(STEPS, told, strict=True) if len(of) and of.mean() <= MOST_WRONG]
        thresholds.append(round(float(min(safe)), 2) if safe else 1.0)
    return thresholds


def measured(found: Judged, thresholds: Sequence[float]) -> dict[str, float | int]:
    """Count what is told, and how much of it is wrong, or even the opposite."""
    told, wrong = found.told(thresholds), found.likeliest != found.right
    polar = found.right < SAYS.index("It depends.")
    right_side = (found.chances[:, 0] > found.chances[:, 1]) == (found.right == 0)
    return {
        "questions": len(found.right),
        "yes_or_no": int(polar.sum()),
        "told": int(told.sum()),
        "told_of_yes_or_no": round(float(told[polar].mean()), 3),
        "wrong": int((told & wrong).sum()),
        "opposite": int((told & polar & ~right_side & (found.likeliest != SAYS.index("It depends."))).sum()),
        "right_side": round(float(right_side[polar].mean()), 3),
    }


def main() -> None:
    config = load_config()
    registry = Registry(config.models_dir)
    read = open_judge(registry, config.encoder, open_reader(registry, config.encoder)).read
    calibrating = judge(read, CALIBRATED)
    thresholds = fit(calibrating)
    made = {
        "by": "python -m tune.factory.fit_judge",
        "most_wrong": MOST_WRONG,
        "from": {"organisations": CALIBRATED, **measured(calibrating, thresholds)},
        "unseen": {"organisations": UNSEEN, **measured(judge(read, UNSEEN), thresholds)},
    }
    told = {"thresholds": dict(zip(SAYS, thresholds, strict=True)), "made": made}
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"\n{json.dumps(told, indent=1)}\n")


if __name__ == "__main__":
    main()
