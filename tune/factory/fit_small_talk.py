"""Make the model that tells thanks and greetings from questions:  python -m tune.factory.fit_small_talk

From `examples/small_talk.jsonl`, and as questions those of our organisations' employees and conversations. Two minutes
on two cores; writes `assistant/packaged/small_talk.json`, with what ten folds tell of its errors.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from assistant.answer.small_talk import FILE, KINDS, QUESTION, SUMMARY
from assistant.core.config import load_config
from assistant.evaluate.questions import read_questions
from assistant.models.encoder import guard_encode
from tune.factory.fit_follow_ups import EXAMPLES as CONVERSATIONS
from tune.factory.fit_follow_ups import UNSEEN_AUTHOR, read_lines
from tune.factory.fit_packaged import DOCUMENTS, QUESTIONS, organisations
from tune.factory.train_guards import fold_rows
from tune.factory.train_reader import FOLLOW_UPS

EXAMPLES = Path(__file__).parent / "examples" / "small_talk.jsonl"
THRESHOLD, FOLDS, SEED = 0.7, 10, 1
EACH = 12  # titles of a template
TITLES = 200
INVERSE_PENALTY = 100.0
# Said of the titles of our organisations' documents, in turn: a wish for a summary is none of one subject.
ABOUT_TITLES = {
    SUMMARY: (
        "Summarise the {}", "give me a summary of the {}", "overview of the {} please",
        "What does the {} say, in short?", "main points of the {}", "tl;dr of the {}", "sum up the {} for me",
        "what's in the {}?", "outline the {} briefly",
    ),
    QUESTION: (
        "Who owns the {}?", "Where do I find the {}?", "When was the {} last changed?",
        "what does the {} say about visitors", "Does the {} apply to contractors?",
        "who approves exceptions from the {}", "Is the {} still in force?",
    ),
}  # fmt: skip
ORDINARY_WEIGHT = 0.3  # of a question that nobody wrote to be mistaken


def about_titles() -> list[dict[str, str]]:
    """Say each template of a few titles, the next ones for each."""
    pages = [path for folder in organisations() for path in sorted((folder / DOCUMENTS).rglob("*.md"))]
    first = (page.read_text("utf-8").lstrip().partition("\n")[0] for page in pages)
    titles = iter(random.Random(SEED).sample([line[2:] for line in first if line.startswith("# ")], TITLES))
    said = ((kind, template) for kind, templates in ABOUT_TITLES.items() for template in templates)
    return [{"kind": kind, "text": template.format(next(titles))} for kind, template in said for _ in range(EACH)]


def main() -> None:
    """Fit, measure on folds, write."""
    encode = guard_encode(load_config())
    lines = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    lines += about_titles()
    names = [*KINDS, QUESTION]
    kinds = np.array([names.index(line["kind"]) for line in lines])
    vectors = encode([line["text"] for line in lines]).astype(np.float64)
    asked = [question.question for folder in organisations() for question in read_questions(folder / QUESTIONS)]
    follow_ups = [CONVERSATIONS, *(path for folder in organisations() if (path := folder / FOLLOW_UPS).is_file())]
    asked += [text for path in follow_ups for text, _ in read_lines(path)]
    ordinary = encode(asked).astype(np.float64)

    def fit(rows: NDArray[np.int64]) -> LogisticRegression:
        model = LogisticRegression(C=INVERSE_PENALTY, max_iter=2_000)
        weights = np.concatenate([np.ones(len(rows)), np.full(len(asked), ORDINARY_WEIGHT)])
        outcome = np.concatenate([kinds[rows], np.full(len(asked), len(KINDS))])
        return model.fit(np.concatenate([vectors[rows], ordinary]), outcome, weights)

    chances = np.zeros((len(lines), len(names)))
    for test, train in fold_rows(len(lines), FOLDS, SEED):
        chances[test] = fit(train).predict_proba(vectors[test])
    told = np.where(chances.max(1) >= THRESHOLD, chances.argmax(1), len(KINDS))
    small = kinds < len(KINDS)
    model = fit(np.arange(len(lines)))
    taken, unseen = (
        model.predict_proba(vectors)[:, : len(KINDS)].max(1) >= THRESHOLD
        for vectors in (ordinary, encode([text for text, _ in read_lines(UNSEEN_AUTHOR)]).astype(np.float64))
    )
    card = {
        "what": "thanks, a greeting, what the assistant is, the last answer again, a summary, or a question; by MiniLM",
        "examples": len(lines),
        "told": round(float((told[small] == kinds[small]).mean()), 3),
        "questions_like_them_mistaken": round(float((told[~small] < len(KINDS)).mean()), 3),
        "ordinary_questions_mistaken": f"{int(taken.sum())} of {len(asked)}",
        "unseen_author_mistaken": f"{int(unseen.sum())} of {len(unseen)}",
        "license": "Apache-2.0",
    }
    found = {
        "kinds": names,
        "weights": np.round(model.coef_, 4).tolist(),
        "bias": np.round(model.intercept_, 4).tolist(),
        "threshold": THRESHOLD,
        "card": card,
    }
    FILE.write_text(json.dumps(found) + "\n", encoding="utf-8")
    sys.stderr.write(f"{json.dumps(card, indent=1)}\n")


if __name__ == "__main__":
    main()
