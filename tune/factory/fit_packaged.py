"""Make the weights and the calibration that ship with the assistant:  python -m tune.factory.fit_packaged [confidence]

From the questions of employees about the fictional organisations that the reader was not trained on (`CALIBRATED`),
never from the halves of question sets that are reported, nor from the sample company. Takes 20 minutes on two cores,
the calibration alone 10. Writes `assistant/packaged/reader.json` and `confidence.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import FILE_NAME as CONFIDENCE
from assistant.answer.confidence import UNCALIBRATED, summary
from assistant.answer.features import SENTENCE_FEATURES
from assistant.answer.read import FILE_NAME as READER
from assistant.core.config import AnswerSection, Config, GeneratorSection, IndexSection, load_config
from assistant.core.errors import UsageError
from assistant.core.files import PACKAGED, hash_file
from assistant.core.package import __version__
from assistant.core.records import Progress
from assistant.evaluate import calibrate
from assistant.evaluate.calibrate import Floats, fit_logistic
from assistant.evaluate.questions import Question, Split, access_of, read_out_of_domain, read_questions
from assistant.evaluate.retrieval_scores import covers_gold
from assistant.models.cross_encoder import READER_ID
from assistant.models.logistic import Logistic
from ingest.build import ingest
from tune import reader
from tune.train import MIN_EXAMPLES

SEED = 7
DOCUMENTS, QUESTIONS = "docs", "questions.jsonl"  # of an organisation
MADE = {"by": "python -m tune.factory.fit_packaged", "version": __version__, "seed": SEED}
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of ../shared/data: its questions, its documents, and what they are about."""

    name: str
    subject: str
    questions: str = "qa.jsonl"
    documents: str = "docs"


ORGANISATIONS = Path(__file__).parent / "organisations"
LARGE_ORGANISATIONS = Path(__file__).parent / "large_organisations"
CALIBRATED = ("castellan", "instruments", "museum", "quill", "saas", "software")
UNSEEN = ("airline", "council", "harbour", "northlight")  # kept to judge by
SETS = (
    Source("qa_conditionalqa_train", "public rules"),
    Source("qa_contoso_benefits", "benefits", documents="pdf"),
    Source("qa_tts_handbook", "handbook"),
)
# A set may hold answers to another's questions on its own subject: only other subjects are surely out of domain.
ASKED_ELSEWHERE = (*SETS, Source("qa_policyqa_dev", "web sites' privacy"))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One question's candidates: their columns of features [n], and which are gold [n]."""

    document: str
    columns: dict[str, Floats]
    gold: tuple[bool, ...]


def samples(assistant: Assistant, questions: Sequence[Question], progress: Progress) -> Iterator[Sample]:
    """Yield the candidates of each question that has both right and wrong ones."""
    asked = [q for q in questions if q.evidence]
    for done, question in enumerate(asked):
        progress("reading", done, len(asked))
        found = assistant.candidates(question.asked, question.history, access=access_of(assistant.access, question))
        gold = tuple(covers_gold(e.text, question.evidence) for e in found.sentences)
        if any(gold) and not all(gold):
            yield Sample(question.document, dict(found.columns), gold)
    progress("reading", len(asked), len(asked))


def fit_reader(found: Sequence[Sample]) -> Logistic:
    """Fit the weights; each question counts the same. Raises UsageError for too few."""
    if len(found) < MIN_EXAMPLES:
        cause = f"only {len(found)} questions have gold evidence among what was found."
        raise UsageError(cause, f"Give a file with at least {MIN_EXAMPLES}.")
    columns = {name: np.concatenate([s.columns[name] for s in found]) for name in SENTENCE_FEATURES}
    weights = np.concatenate([np.full(len(s.gold), 1 / len(s.gold)) for s in found])
    gold = np.array([good for s in found for good in s.gold])
    return fit_logistic(columns, SENTENCE_FEATURES, gold, weights)


def make_reader(out: Path, work: Path) -> None:
    """Write the reader's weights to `out`, with indexes in `work`."""
    found = [
        sample
        for folder in calibrated()
        for sample in _asked(folder, work, lambda assistant, asked: samples(assistant, asked, note_progress))
    ]
    made = {**MADE, "questions": len(found), "from": {folder.name: _stamp(folder) for folder in calibrated()}}
    model = reader.to_json(fit_reader(found), READER_ID, made)
    (out / READER).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


def make_confidence(out: Path, work: Path) -> dict[str, Any]:
    """Write the calibration of the packaged reader to `out`; return what it holds."""
    found = [
        outcome
        for folder in calibrated()
        for outcome in _asked(
            folder, work, lambda assistant, asked: calibrate.outcomes(assistant, asked, "organisations", note_progress)
        )
    ]
    made = {**MADE, "from": {folder.name: _stamp(folder) for folder in calibrated()}}
    confidence = calibrate.calibrate(found, made)
    (out / CONFIDENCE).write_text(json.dumps(calibrate.to_json(confidence)) + "\n", encoding="utf-8")
    return summary(confidence, AnswerSection().max_risk)


def organisations() -> Iterator[Path]:
    """Yield the folder of every fictional organisation."""
    for root in (ORGANISATIONS, LARGE_ORGANISATIONS):
        yield from sorted(path.parent for path in root.glob(f"*/{QUESTIONS}"))


def calibrated() -> list[Path]:
    """Return the folders of the organisations that the reader was not trained on."""
    return [folder for folder in organisations() if folder.name in CALIBRATED]


def _asked(folder: Path, work: Path, ask: Callable[[Assistant, list[Question]], Iterator[Found]]) -> list[Found]:
    with closing(open_index(folder / DOCUMENTS, work / folder.name)) as assistant:
        return list(ask(assistant, read_questions(folder / QUESTIONS)))


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


def questions(data: Path, source: Source, split: Split) -> Iterator[Question]:
    """Yield a half of a set's own questions, and as many as it answers of that half of the sets on other subjects."""
    own = read_questions(data / source.name / source.questions, split)
    yield from own
    others = [other for other in ASKED_ELSEWHERE if other.subject != source.subject]
    share = sum(q.answerable for q in own) // len(others)
    for other in others:
        yield from read_out_of_domain(data / other.name / other.questions, split, share, SEED)


def _stamp(folder: Path) -> dict[str, str]:
    return {"file": f"{folder.name}/{QUESTIONS}", "sha256": hash_file(folder / QUESTIONS)}


def note_progress(stage: str, done: float, total: float) -> None:
    """Tell on stderr how far it is."""
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"\r{stage} {done:.0f}/{total:.0f} ")
        sys.stderr.flush()


def main() -> None:
    only = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="assistant-defaults-") as work:
        if only != ["confidence"]:
            make_reader(PACKAGED, Path(work))
        found = make_confidence(PACKAGED, Path(work))
    sys.stderr.write(f"\n{json.dumps(found, indent=1)}\n")


if __name__ == "__main__":
    main()
