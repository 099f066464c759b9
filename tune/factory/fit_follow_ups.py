"""Make the model that tells follow-ups from whole questions:  python -m tune.factory.fit_follow_ups

From `examples/follow_ups.jsonl` and the follow-ups of the organisations that the reader learns from, and beside them,
with little weight, the questions of their employees, all of them whole. A minute on two cores; writes
`assistant/packaged/follow_ups.json`, with what it tells of the lines of an author that it did not learn from
(`examples/follow_ups_unseen.jsonl`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assistant.answer.follow_up import FILE, SURE
from assistant.core.config import load_config
from assistant.evaluate.questions import read_questions
from assistant.models.encoder import guard_encode
from tune.factory.fit_limits import UNGATED, probability
from tune.factory.fit_packaged import CALIBRATED, PLAIN, QUESTIONS, UNSEEN, organisations
from tune.factory.train_guards import as_linear, fit_rows, to_json, word_matrix
from tune.factory.train_reader import FOLLOW_UPS

EXAMPLES = Path(__file__).parent / "examples" / "follow_ups.jsonl"
UNSEEN_AUTHOR = EXAMPLES.with_name("follow_ups_unseen.jsonl")
WHOLE = "whole"  # the kind of what needs nothing before it
ORDINARY_WEIGHT, PENALTY, LIKELY = 0.1, 10.0, 0.5


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (question, kind) of each line."""
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        yield raw["question"], raw["kind"]


def main() -> None:
    """Fit, measure on the unseen author's lines, write."""
    encode = guard_encode(load_config())
    folders = [folder for folder in organisations() if folder.name not in (*CALIBRATED, *UNSEEN)]
    written = [path for folder in folders if (path := folder / FOLLOW_UPS).is_file()]
    lines = [line for path in (EXAMPLES, *written) for line in read_lines(path)]
    asked = [path for folder in folders for name in (QUESTIONS, PLAIN) if (path := folder / name).is_file()]
    ordinary = list(dict.fromkeys(row.question for path in asked for row in read_questions(path) if not row.scenario))
    texts = [*(text for text, _ in lines), *ordinary]
    needs = np.array([kind != WHOLE for _, kind in lines] + [False] * len(ordinary))
    weights = np.repeat([1.0, ORDINARY_WEIGHT], [len(lines), len(ordinary)])
    fitted = fit_rows(word_matrix(texts), encode(texts).astype(np.float64), needs, weights, PENALTY)
    unseen, kinds = zip(*read_lines(UNSEEN_AUTHOR), strict=True)
    told, is_whole = probability(unseen, encode(unseen).astype(np.float64), fitted), np.array(kinds) == WHOLE
    card = {
        "what": "P(a question needs the one before it), over its words and all-MiniLM-L6-v2's vector",
        "examples": len(lines),
        "ordinary": len(ordinary),
        "unseen": len(unseen),
        "whole_alone_only": round(float((told[is_whole] <= 1 - SURE).mean()), 3),
        "whole_joined_first": round(float((told[is_whole] >= SURE).mean()), 3),
        "follow_ups_joined_first": round(float((told[~is_whole] >= SURE).mean()), 3),
        "follow_ups_never_joined": round(float((told[~is_whole] <= 1 - SURE).mean()), 3),
        "license": "Apache-2.0",
    }
    FILE.write_text(json.dumps(to_json(as_linear(fitted, UNGATED, LIKELY, card))) + "\n", encoding="utf-8")
    sys.stderr.write(f"{json.dumps(card, indent=1)}\n")


if __name__ == "__main__":
    main()
