"""Make the reader and the calibration that ship with the assistant:  python -m tune.defaults ../shared [confidence]

From the development halves (`core/halves.py`) of question sets, never from the halves that are reported, nor from the
sample company: the reader from gov.uk questions; the calibration from three sets, each asked its own questions and as
many of those of the sets on other subjects. Takes 20 minutes on two cores, the calibration alone 8. Writes
`assistant/models/reader.json` and `confidence.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import __version__
from assistant.confidence import FILE_NAME as CONFIDENCE
from assistant.confidence import PACKAGED, UNCALIBRATED, summary
from assistant.core.config import AnswerSection, Config, GeneratorSection, IndexSection, load_config
from assistant.core.encoder import open_encoder
from assistant.core.halves import Split
from assistant.core.prepare import prepare_encoder
from assistant.core.registry import Registry, hash_file
from assistant.evaluate import calibrate
from assistant.evaluate.questions import Question, read_foreign, read_questions
from assistant.pipeline import Assistant
from assistant.read import FILE_NAME as READER
from ingest.build import ingest
from tune import reader

SEED = 7
MADE = {"by": "python -m tune.defaults", "version": __version__, "split": "dev", "seed": SEED}


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of ../shared/data: its questions, its documents, and what they are about."""

    name: str
    subject: str
    questions: str = "qa.jsonl"
    documents: str = "docs"


READER_SET = Source("qa_conditionalqa_train", "public rules")
SETS = (
    READER_SET,
    Source("qa_contoso_benefits", "benefits", documents="pdf"),
    Source("qa_tts_handbook", "handbook"),
)
# A set may hold answers to another's questions on its own subject: only other subjects are surely foreign.
ASKED_ELSEWHERE = (*SETS, Source("qa_policyqa_dev", "web sites' privacy"))


def make_reader(shared: Path, out: Path, work: Path) -> None:
    """Write the reader's model to `out`, with an index in `work`."""
    data = shared / "data"
    with closing(open_index(data, READER_SET, work)) as assistant:
        asked = read_questions(data / READER_SET.name / READER_SET.questions, Split.DEV)
        found = list(reader.samples(assistant, asked, note_progress))
    made = {**MADE, "questions": len(found), "from": {READER_SET.name: _stamp(data, READER_SET)}}
    model = reader.to_json(reader.fit_reader(found), made)
    (out / READER).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


def make_confidence(shared: Path, out: Path, work: Path) -> dict[str, Any]:
    """Write the calibration of the packaged reader to `out`; return what it holds."""
    data = shared / "data"
    outcomes: list[calibrate.Outcome] = []
    for source in SETS:
        with closing(open_index(data, source, work)) as assistant:
            asked = list(questions(data, source, Split.DEV))
            outcomes += calibrate.outcomes(assistant, asked, source.name, note_progress)
    made = {**MADE, "from": {source.name: _stamp(data, source) for source in ASKED_ELSEWHERE}}
    confidence = calibrate.calibrate(outcomes, made)
    (out / CONFIDENCE).write_text(json.dumps(calibrate.to_json(confidence)) + "\n", encoding="utf-8")
    return summary(confidence, AnswerSection().max_risk)


def open_index(data: Path, source: Source, work: Path) -> Assistant:
    """Index a set's documents and open an assistant on them that answers everything."""
    base = load_config()
    config = Config(
        index=IndexSection(data=str(work / source.name)), models=base.models,
        generator=GeneratorSection(runtime="none"), base=base.base,
    )  # fmt: skip
    registry = Registry(config.models_dir)
    record = prepare_encoder(registry, lambda step, share: None)
    ingest(
        [data / source.name / source.documents], config, record.files["model.onnx"],
        lambda: open_encoder(registry, config.encoder), progress=note_progress,
    )  # fmt: skip
    return Assistant(config, confidence=UNCALIBRATED)


def questions(data: Path, source: Source, split: Split) -> Iterator[Question]:
    """Yield a half of a set's own questions, and as many as it answers of that half of the sets on other subjects."""
    own = read_questions(data / source.name / source.questions, split)
    yield from own
    others = [other for other in ASKED_ELSEWHERE if other.subject != source.subject]
    share = sum(q.answerable for q in own) // len(others)
    for other in others:
        yield from read_foreign(data / other.name / other.questions, split, share, SEED)


def _stamp(data: Path, source: Source) -> dict[str, str]:
    path = data / source.name / source.questions
    return {"file": f"{source.name}/{source.questions}", "sha256": hash_file(path)}


def note_progress(stage: str, done: float, total: float) -> None:
    """Tell on stderr how far it is."""
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"\r{stage} {done:.0f}/{total:.0f} ")
        sys.stderr.flush()


def main() -> None:
    shared, only = Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="assistant-defaults-") as work:
        if only != ["confidence"]:
            make_reader(shared, PACKAGED, Path(work))
        found = make_confidence(shared, PACKAGED, Path(work))
    sys.stderr.write(f"\n{json.dumps(found, indent=1)}\n")


if __name__ == "__main__":
    main()
