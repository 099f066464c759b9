"""Measure the reader on the reported halves:  python -m bench.reader [--only tts] [--limit 100]

For each answerable question with gold evidence, the sentences of its hits are ranked by the packaged reader and by
untuned similarity (cosine of the question and the sentence in context + 0.1 x the hit's score). Shown are how often the
first sentence meets gold evidence, and the token F1 of the best two against the gold answers and evidence, with the
paired difference. Takes half an hour on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import UNCALIBRATED
from assistant.answer.evidence import in_context
from assistant.answer.read import Candidates, load_reader
from assistant.evaluate.metrics import interval, resamples
from assistant.evaluate.questions import Question, Split, access_of, read_questions
from assistant.evaluate.retrieval_scores import covers_gold
from assistant.evaluate.score import best_f1
from assistant.models.encoder import Encoder, open_encoder
from assistant.models.registry import Registry
from bench.common import (
    ROOT,
    console,
    parser,
    run_ingest,
    scratch,
    settings,
    shared_folder,
    write_json,
)

HIT_WEIGHT = 0.1
MOST = 300  # questions of a set, evenly taken


@dataclass(frozen=True, slots=True)
class ReaderSet:
    """Questions and the folder of documents that they are asked of, under ../shared/data or the repository."""

    name: str
    questions: str
    documents: str


SETS = (
    ReaderSet("company", "corpora/questions.jsonl", "corpora"),
    ReaderSet("contoso", "qa_contoso_benefits/qa.jsonl", "qa_contoso_benefits/pdf"),
    ReaderSet("tts", "qa_tts_handbook/qa.jsonl", "qa_tts_handbook/docs"),
    ReaderSet("white_sharc", "qa_white_sharc/qa.jsonl", "qa_white_sharc/docs"),
    ReaderSet("conditionalqa", "qa_conditionalqa_train/qa.jsonl", "qa_conditionalqa_train/docs"),
    ReaderSet("policyqa", "qa_policyqa_dev/qa.jsonl", "qa_policyqa_dev/docs"),
    ReaderSet("datica", "qa_datica_glossary/qa.jsonl", "qa_datica_glossary/docs"),
)


def untuned(question: str, found: Candidates, encoder: Encoder) -> Sequence[float]:
    """Score candidates by their similarity to the question, as sentence-transformers has it."""
    vectors = encoder.encode([question, *map(in_context, found.sentences)])
    return list(vectors[1:] @ vectors[0] + HIT_WEIGHT * np.array([e.hit.score for e in found.sentences]))


def outcome(found: Candidates, scores: Sequence[float], question: Question) -> tuple[float, float]:
    """Return (the first sentence meets gold evidence, F1 of the best two different ones)."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    texts = list(dict.fromkeys(found.sentences[i].text for i in order))[:2]
    golds = (*question.answers, *question.evidence)
    return float(bool(texts) and covers_gold(texts[0], question.evidence)), best_f1(" ".join(texts), golds)


def measure(of: ReaderSet, options: Any, folder: Path, shared: Path) -> dict[str, Any]:
    """Index the set's documents and compare both readers on its reported half."""
    root = ROOT if of.name == "company" else shared / "data"
    config = settings(options, folder / of.name)
    with console.status(f"ingesting {of.documents}"):
        run_ingest([root / of.documents], config)
    split = Split.ALL if of.name == "datica" else Split.TEST  # one document: there are no halves
    asked = [q for q in read_questions(root / of.questions, split) if q.answerable and q.evidence]
    most = min(MOST, options.limit or MOST)
    asked = asked[:: max(1, len(asked) // most)][:most]
    weights = load_reader(config).weights
    encoder = open_encoder(Registry(config.models_dir), config.encoder)
    rows = []
    with closing(Assistant(config, confidence=UNCALIBRATED)) as assistant:
        for question in track(asked, f"{of.name}: reading", console=console, transient=True):
            found = assistant.candidates(question.asked, question.history, access=access_of(assistant.access, question))
            fitted = list(weights.log_odds(found.columns)) if found.sentences else []
            before = outcome(found, untuned(question.asked, found, encoder) if found.sentences else [], question)
            rows.append((*before, *outcome(found, fitted, question)))
    values = np.array(rows)
    gains = values[:, 2:] - values[:, :2]
    names = ("first", "f1")
    return {
        "set": of.name,
        "n": len(rows),
        **{f"{name}_untuned": float(values[:, i].mean()) for i, name in enumerate(names)},
        **{name: float(values[:, 2 + i].mean()) for i, name in enumerate(names)},
        **{f"{name}_gain95": interval(gains[resamples(len(rows)), i].mean(axis=1)) for i, name in enumerate(names)},
    }


def show(results: Sequence[dict[str, Any]]) -> None:
    table = Table(title="Evidence, reported halves, in percent")
    for name in ("set", "n", "first: untuned", "fitted", "gain 95%", "F1 of two: untuned", "fitted", "gain 95%"):
        table.add_column(name, justify="left" if name == "set" else "right")
    for r in results:
        cells = []
        for name in ("first", "f1"):
            low, high = r[f"{name}_gain95"]
            cells += [
                f"{100 * r[f'{name}_untuned']:.1f}",
                f"{100 * r[name]:.1f}",
                f"{100 * low:+.1f} to {100 * high:+.1f}",
            ]
        table.add_row(r["set"], str(r["n"]), *cells)
    console.print(table)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", action="append", choices=[of.name for of in SETS], help="this set (repeatable)")
    options.add_argument("--limit", type=int, help="ask so many questions of each set, at most")
    given = options.parse_args()
    shared = shared_folder(given.shared)
    with scratch("reader") as folder:
        results = [measure(of, given, folder, shared) for of in SETS if not given.only or of.name in given.only]
    show(results)
    write_json(given.json, results)
    sys.exit(7 if any(r["first"] < r["first_untuned"] for r in results) else 0)


if __name__ == "__main__":
    main()
