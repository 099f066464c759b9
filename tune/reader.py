"""Teach the reader an organisation's own questions.

An example is a question with the passages that retrieval brings, its label the parts that meet gold evidence: the
passages without any are the negatives that the reader really meets. Another is the question with the candidates that
the reader of before takes for the likeliest, side by side. `tune run` trains on most of the documents that are
learned from, and takes the reader if it knows better on the others which of its answers are right.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import UNCALIBRATED, Confidence, load_confidence
from assistant.answer.evidence import as_read, in_place, place
from assistant.answer.read import Candidates, ReaderFile, evidence_in, likeliest
from assistant.core.config import Config
from assistant.core.records import Hit, Progress
from assistant.evaluate.calibrate import outcome
from assistant.evaluate.metrics import interval, resamples
from assistant.evaluate.questions import Question, access_of
from assistant.evaluate.retrieval_scores import covers_gold
from assistant.models.logistic import Logistic
from tune.examples import digest
from tune.graphs.encoders import ADAPTER, build_reader
from tune.graphs.install import install
from tune.graphs.originals import MPNET, open_base
from tune.train import MIN_EXAMPLES
from tune.train_reader import ReaderExample, ReaderPassage, train

SEARCHED, RIGHT, WRONG = 16, 2, 4  # passages: looked at, and taken of them with gold and without
CHECKED_DOCUMENTS = 4  # one in so many is kept to compare the readers on
MIN_CHECKED = 20  # questions, below which an interval says little
SURELY = 0.01  # the least probability that a loss is taken of
FOLDER = "adapter"


def examples(assistant: Assistant, questions: Sequence[Question], progress: Progress) -> Iterator[ReaderExample]:
    """Yield each question with its first passages: as many as `RIGHT` with its gold, and `WRONG` without.

    And once more with its likeliest candidates as the parts of one passage.
    """
    for done, question in enumerate(questions):
        progress("reading", done, len(questions))
        access = access_of(assistant.access, question)
        hits = assistant.search(question.asked, access=access, k=SEARCHED, focus=question.question).hits
        passages = [passage_of(hit, question) for hit in hits]
        right = [p for p in passages if p.gold][:RIGHT]
        wrong = [p for p in passages if p.units and not p.gold][:WRONG]
        if bool(right) == question.answerable and (right or wrong):
            yield ReaderExample(question.asked, (*right, *wrong))
        found = assistant.candidates(question.asked, question.history, access=access)
        if found.sentences:
            yield ReaderExample(question.asked, (side_by_side(found, question),))
    progress("reading", len(questions), len(questions))


def passage_of(hit: Hit, question: Question) -> ReaderPassage:
    """Return a hit as the reader reads it, with the parts that answer the question."""
    parts = evidence_in(hit)
    gold = tuple(i for i, e in enumerate(parts) if covers_gold(e.text, question.evidence))
    return ReaderPassage(place(hit), tuple(map(as_read, parts)), gold)


def side_by_side(found: Candidates, question: Question) -> ReaderPassage:
    """Return the likeliest candidates as the reader compares them, in an order that tells nothing."""
    best = [found.sentences[at] for at in likeliest(found.sentences, found.columns["log_odds"].tolist())]
    random.Random(question.asked).shuffle(best)
    gold = tuple(i for i, e in enumerate(best) if covers_gold(e.text, question.evidence))
    return ReaderPassage("", tuple(map(in_place, best)), gold)


def teach(
    config: Config, questions: Sequence[Question], serving: ReaderFile, out: Path, progress: Progress
) -> dict[str, Any]:
    """Train the packaged reader on, write its adapter into `out`, and return what was measured."""
    mined = replace(config, retrieval=replace(config.retrieval, rerank=False))  # what it is to tell apart
    with closing(Assistant(mined, confidence=UNCALIBRATED, reader=serving)) as assistant:
        found = list(examples(assistant, questions, progress))
    return train(found, out / FOLDER, progress, start=ADAPTER, rate=1e-4)  # a third of the packaged one's


def install_reader(config: Config, serving: ReaderFile, out: Path, name: str) -> ReaderFile:
    """Install what the adapter in `out` makes of the base as NAME, and return a reader that reads with it."""
    base = open_base(MPNET)
    install(
        config.models_dir, name, "reader", serving.model_id, {}, lambda made: build_reader(base, made, out / FOLDER)
    )
    return replace(serving, model_id=name)


def train_better(
    config: Config, questions: Sequence[Question], serving: ReaderFile, out: Path, name: str, progress: Progress
) -> tuple[ReaderFile | None, dict[str, Any]]:
    """Train on, and return the reader if it is better than what serves; and the log loss of each.

    That is of the probability that what it picks is right, so of what decides between an answer and none. Better is a
    gain whose 95% interval, over the questions of documents that it did not learn from, is above nothing. It is
    installed as NAME.
    """
    learned = [q for q in questions if digest(q.document) % CHECKED_DOCUMENTS]
    checked = [q for q in questions if not digest(q.document) % CHECKED_DOCUMENTS]
    if len(learned) < MIN_EXAMPLES or len(checked) < MIN_CHECKED:
        return None, {"questions": len(questions), "taken": False}
    confidence = load_confidence(config.data)
    with closing(Assistant(config, confidence=UNCALIBRATED, reader=serving)) as assistant:
        before = [_loss(assistant, q, confidence) for q in checked]
    measured = teach(config, learned, serving, out, progress)
    tuned = install_reader(config, serving, out, name)
    with closing(Assistant(config, confidence=UNCALIBRATED, reader=tuned)) as assistant:
        after = [_loss(assistant, q, confidence) for q in checked]
    gain = np.array(before) - np.array(after)
    low, high = interval(gain[resamples(len(gain))].mean(axis=1))
    told = {
        **measured,
        "questions": len(learned),
        "checked": len(checked),
        "loss_serving": round(float(np.mean(before)), 4),
        "loss_tuned": round(float(np.mean(after)), 4),
        "gain95": [round(low, 4), round(high, 4)],
        "taken": low > 0,
    }
    return (tuned if low > 0 else None), told


def to_json(weights: Logistic, model_id: str, made: dict[str, Any]) -> dict[str, Any]:
    """Return the form that `load_reader` reads; `made` says from what."""
    return {"model": model_id, **asdict(weights), "made": made}


def _loss(assistant: Assistant, question: Question, confidence: Confidence) -> float:
    """Return the log loss of P(the evidence is right); nothing for what a definition answers."""
    reading = assistant.read(question.asked, question.history, access=access_of(assistant.access, question))
    if not reading.features:
        return 0.0
    right = outcome(question, reading.evidence, reading.features, "").right
    chance = float(np.clip(confidence.probability(reading.features), SURELY, 1 - SURELY))
    return -math.log(chance if right else 1 - chance)
