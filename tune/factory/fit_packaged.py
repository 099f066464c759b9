"""Make the weights and the calibration that ship with the assistant:  python -m tune.factory.fit_packaged [NAME...]

From the questions of employees about fictional organisations that the reader was not trained on, those that are named
or all of `CALIBRATED`; never from the halves of question sets that are reported, nor from the sample company. Takes 20
to 60 minutes on two cores. Writes `assistant/packaged/reader.json` and `confidence.json`.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import FILE_NAME as CONFIDENCE
from assistant.answer.confidence import UNCALIBRATED, summary
from assistant.answer.features import SENTENCE_FEATURES
from assistant.answer.read import FILE_NAME as READER
from assistant.answer.read import Candidates, pick
from assistant.core.config import (
    AnswerSection,
    Config,
    GeneratorSection,
    IndexSection,
    ReaderSection,
    load_config,
)
from assistant.core.errors import UsageError
from assistant.core.files import PACKAGED, hash_file
from assistant.core.package import __version__
from assistant.evaluate import calibrate
from assistant.evaluate.calibrate import Floats, fit_logistic
from assistant.evaluate.questions import Question, access_of, read_questions
from assistant.evaluate.retrieval_scores import covers_gold
from assistant.models.cross_encoder import READER_ID
from assistant.models.logistic import Logistic
from ingest.build import ingest
from tune import reader
from tune.train import MIN_EXAMPLES

SEED = 7
DOCUMENTS, QUESTIONS = "docs", "questions.jsonl"  # of an organisation
PLAIN = "plain.jsonl"  # questions of a few words, as people type them
DRAWN, DRAWN_BY = 90, 4  # other questions of an organisation that the calibration counts, and the seed of which
MADE = {"by": "python -m tune.factory.fit_packaged", "version": __version__, "seed": SEED}
ORGANISATIONS = Path(__file__).parent / "organisations"
LARGE_ORGANISATIONS = Path(__file__).parent / "large_organisations"
CALIBRATED = ("castellan", "instruments", "museum", "quill", "saas", "software")
UNSEEN = ("airline", "council", "harbour", "northlight")  # kept to judge by


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question of an organisation, whether it is a plain one, and the candidates that were read for it."""

    question: Question
    is_plain: bool
    found: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One question's candidates: their columns of features [n], and which are gold [n]."""

    document: str
    columns: dict[str, Floats]
    gold: tuple[bool, ...]


def ask(folders: Sequence[Path], work: Path) -> Iterator[Asked]:
    """Read the organisations' questions, with indexes in `work`."""
    for folder in folders:
        with closing(open_index(folder / DOCUMENTS, work / folder.name)) as assistant:
            asked = [(one, name == PLAIN) for name in (QUESTIONS, PLAIN) for one in read_questions(folder / name)]
            for done, (question, is_plain) in enumerate(asked):
                note_progress(f"reading {folder.name}", done, len(asked))
                access = access_of(assistant.access, question)
                # What a definition answers is not read, so that it has no features.
                if assistant.read(question.asked, question.history, access=access).features:
                    yield Asked(
                        question, is_plain, assistant.candidates(question.asked, question.history, access=access)
                    )


def samples(asked: Sequence[Asked]) -> Iterator[Sample]:
    """Yield the candidates of each question that has both right and wrong ones, of the plain ones none."""
    for one in asked:
        gold = tuple(covers_gold(e.text, one.question.evidence) for e in one.found.sentences)
        if any(gold) and not all(gold) and not one.is_plain:
            yield Sample(one.question.document, dict(one.found.columns), gold)


def fit_reader(found: Sequence[Sample]) -> Logistic:
    """Fit the weights; each question counts the same. Raises UsageError for too few."""
    if len(found) < MIN_EXAMPLES:
        cause = f"only {len(found)} questions have gold evidence among what was found."
        raise UsageError(cause, f"Give a file with at least {MIN_EXAMPLES}.")
    columns = {name: np.concatenate([s.columns[name] for s in found]) for name in SENTENCE_FEATURES}
    weights = np.concatenate([np.full(len(s.gold), 1 / len(s.gold)) for s in found])
    gold = np.array([good for s in found for good in s.gold])
    return fit_logistic(columns, SENTENCE_FEATURES, gold, weights)


def make_reader(asked: Sequence[Asked], folders: Sequence[Path]) -> Logistic:
    """Write the reader's weights, and return them."""
    found = list(samples(asked))
    weights = fit_reader(found)
    model = reader.to_json(weights, READER_ID, {**MADE, "questions": len(found), "from": _stamps(folders)})
    (PACKAGED / READER).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
    return weights


def make_confidence(asked: Sequence[Asked], folders: Sequence[Path], weights: Logistic) -> dict[str, Any]:
    """Write the calibration of the packaged reader, and return what it holds."""
    counted = {id for folder in folders for id in drawn(folder)}
    found = [
        calibrate.outcome(one.question, picked.evidence, picked.features, "organisations")
        for one in asked
        if (one.is_plain or one.question.id in counted)
        and (picked := pick(one.question.asked, one.found, weights, ReaderSection()))
    ]
    confidence = calibrate.calibrate(found, {**MADE, "from": _stamps(folders)})
    (PACKAGED / CONFIDENCE).write_text(json.dumps(calibrate.to_json(confidence)) + "\n", encoding="utf-8")
    return summary(confidence, AnswerSection().max_risk)


def drawn(folder: Path) -> list[str]:
    """Return the ids of the questions of an organisation that are counted beside its plain ones."""
    others = [question.id for question in read_questions(folder / QUESTIONS)]
    random.Random(DRAWN_BY).shuffle(others)
    return others[:DRAWN]


def organisations() -> Iterator[Path]:
    """Yield the folder of every fictional organisation."""
    for root in (ORGANISATIONS, LARGE_ORGANISATIONS):
        yield from sorted(path.parent for path in root.glob(f"*/{QUESTIONS}"))


def open_index(documents: Path, index: Path) -> Assistant:
    """Index a folder of documents in another, and open an assistant on it that answers everything."""
    base = load_config()
    config = Config(
        index=IndexSection(data=str(index)),
        models=base.models,
        generator=GeneratorSection(runtime="none"),
        base=base.base,
    )
    ingest([documents], config, progress=note_progress)
    return Assistant(config, confidence=UNCALIBRATED)


def _stamps(folders: Sequence[Path]) -> dict[str, dict[str, str]]:
    return {
        f"{folder.name}/{name}": {"sha256": hash_file(folder / name)}
        for folder in folders
        for name in (QUESTIONS, PLAIN)
    }


def note_progress(stage: str, done: float, total: float) -> None:
    """Tell on stderr how far it is."""
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"\r{stage} {done:.0f}/{total:.0f} ")
        sys.stderr.flush()


def main() -> None:
    names = sys.argv[1:] or CALIBRATED
    folders = [folder for folder in organisations() if folder.name in names]
    with tempfile.TemporaryDirectory(prefix="assistant-defaults-") as work:
        asked = list(ask(folders, Path(work)))
    found = make_confidence(asked, folders, make_reader(asked, folders))
    sys.stderr.write(f"\n{json.dumps(found, indent=1)}\n")


if __name__ == "__main__":
    main()
