"""Train the question writer that ships with the assistant:  python -m tune.house_writer ../shared WORK

It learns from the questions that people asked of the development halves (`core/halves.py`), each beside the sentence
that answers it. Resumable, a quarter of an hour on two cores; writes `tune/models/writer/`, with a card.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant import __version__
from assistant.core.config import TuneSection, load_config
from assistant.core.halves import Split
from assistant.core.prepare import prepare_base
from assistant.core.registry import Registry, hash_file
from assistant.evaluate.questions import read_questions
from tune import dataset, train
from tune.defaults import SEED, SETS, Source, note_progress, open_index
from tune.house import COMPANY, provenance, ship
from tune.questions import writing_prompt
from tune.stages import run_stage
from tune.writer import WRITER

MOST = 400  # questions of a set: gov.uk has three times as many as all the others
SETTINGS = TuneSection(rank=8)


def _examples(data: Path, source: Source, indexes: Path) -> Iterator[dataset.Example]:
    """Yield each question, without its scenario, beside the first sentence that was picked for it and is gold."""
    asked = [q for q in read_questions(data / source.name / source.questions, Split.DEV) if q.answerable]
    asked = random.Random(SEED).sample(asked, min(MOST, len(asked)))
    with closing(open_index(data, source, indexes)) as assistant:
        for done, question in enumerate(asked):
            note_progress(source.name, done, len(asked))
            found = zip(*dataset.evidence_of(assistant, question), strict=True)
            if evidence := next((e for e, gold in found if gold), None):
                document = question.document
                yield dataset.Example(
                    f"{source.name}:{question.id}", writing_prompt(evidence), question.question, document,
                    source.name, dataset.part_of(document),
                )  # fmt: skip


CARD = """\
# Question writer for SmolLM2-135M-Instruct

Asks a question that a given sentence answers; `assistant tune run` makes examples with it, and keeps those whose
sentence retrieval finds again. LoRA on every linear layer, float16; made by
`python -m tune.house_writer ../shared WORK`.

{provenance}

Its questions are often off the point: they are to learn from, not to be shown to people. English only.
"""


def main() -> None:
    shared, work = Path(sys.argv[1]), Path(sys.argv[2])
    sources = [(shared / "data", source) for source in SETS] + [(Path(), COMPANY)]

    def make(folder: Path) -> dict[str, Any]:
        found = [e for data, source in sources for e in _examples(data, source, work / "indexes")]
        return dataset.write_examples(folder / dataset.FILE_NAME, found)

    inputs = {source.name: hash_file(data / source.name / source.questions) for data, source in sources}
    examples = run_stage(work, "dataset", inputs, {"most": MOST}, make)
    base = Path(prepare_base(Registry(load_config().models_dir), lambda step, share: None).path)
    trained = run_stage(
        work, "train", {"dataset": examples.made}, asdict(SETTINGS),
        lambda folder: train.train(
            base, dataset.read_examples(examples.folder / dataset.FILE_NAME), SETTINGS, folder, note_progress
        ),
    )  # fmt: skip
    made = {"version": __version__, "examples": examples.measured, "settings": asdict(SETTINGS), **trained.measured}
    ship(trained.folder, WRITER, CARD.format(provenance=provenance(inputs, made)))


if __name__ == "__main__":
    main()
