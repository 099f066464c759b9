"""Train the adapter that ships with the assistant:  python -m tune.factory.train_generator ../shared WORK

From the development halves (`evaluate/questions.py`) of question sets and of the sample company, with the recipe's own
stages and settings. Resumable: WORK keeps the examples and the checkpoints. Writes `assistant/packaged/generator/`,
with a card.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistant.core.config import TuneSection, load_config
from assistant.core.files import PACKAGED, hash_file
from assistant.core.package import __version__
from assistant.evaluate.questions import Split, read_questions
from assistant.models.registry import Registry
from assistant.text.prompts import KEY
from tune import examples as dataset
from tune.examples import term_questions
from tune.factory.fit_packaged import SEED, note_progress, open_index
from tune.graphs.generator import install_base
from tune.recipe import adapt
from tune.stages import Stage, run_stage

ADAPTER = PACKAGED / "generator"
MOST = {"qa_conditionalqa_train": 400, "qa_policyqa_dev": 200}  # copying is soon learned
SEVERAL = 3  # times that an example of several sentences is learned from: there is one in seven, and more are needed
MINUTES = 50.0  # of training on two cores
LICENCES = {
    "qa_conditionalqa_train": "BSD-2-Clause, documents OGL v3",
    "qa_contoso_benefits": "MIT",
    "qa_tts_handbook": "CC0",
    "qa_policyqa_dev": "MIT",
    "corpora": "Apache-2.0 (this project)",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A folder with questions and documents."""

    name: str
    questions: str = "qa.jsonl"
    documents: str = "docs"


SETS = (  # of ../shared/data
    Source("qa_conditionalqa_train"),
    Source("qa_contoso_benefits", documents="pdf"),
    Source("qa_tts_handbook"),
    Source("qa_policyqa_dev"),
)
COMPANY = Source("corpora", questions="questions.jsonl", documents="")


def make_examples(shared: Path, work: Path) -> Stage:
    """Make the examples of the development halves, each from an index of its set."""
    sources = [(shared / "data", source) for source in SETS] + [(Path(), COMPANY)]

    def make(folder: Path) -> dict[str, Any]:
        found = dataset.distinct(e for data, source in sources for e in _examples(data, source, work / "indexes"))
        found += [e for e in found if e.part == "train" and len(KEY.findall(e.target)) > 1] * (SEVERAL - 1)
        return dataset.write_examples(folder / dataset.FILE_NAME, found)

    inputs = {source.name: hash_file(data / source.name / source.questions) for data, source in sources}
    inputs |= {dataset.__name__: hash_file(Path(str(dataset.__file__)))}
    inputs |= {"reader": hash_file(PACKAGED / "reader.json")}
    return run_stage(work, "dataset", inputs, {"split": Split.DEV, "most": MOST, "several": SEVERAL}, make)


def _examples(data: Path, source: Source, indexes: Path) -> Iterator[dataset.Example]:
    with closing(open_index(data / source.name / source.documents, indexes / source.name)) as assistant:
        asked = read_questions(data / source.name / source.questions, Split.DEV)
        asked = random.Random(SEED).sample(asked, min(MOST.get(source.name, len(asked)), len(asked)))
        yield from dataset.examples(assistant, asked, source.name, note_progress)
        if source is COMPANY:
            yield from dataset.examples(assistant, term_questions(assistant), "terms", note_progress)


def ship(adapter: Path, out: Path, card: str) -> None:
    """Write the adapter as float16 to `out`, with its configuration and its card."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    weights = {
        name: value.astype(np.float16) for name, value in load_file(adapter / "adapter_model.safetensors").items()
    }
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "adapter_model.safetensors", metadata={"format": "pt"})
    raw = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    raw["base_model_name_or_path"] = "HuggingFaceTB/SmolLM2-135M-Instruct"  # not a folder of the machine it was made on
    (out / "adapter_config.json").write_text(json.dumps(raw, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (out / "README.md").write_text(card, encoding="utf-8")


def provenance(names: Iterable[str], made: dict[str, Any]) -> str:
    """Return the part of a card that tells the sources, with their licences, and how it was made."""
    rows = "\n".join(f"| {name} | {LICENCES[name]} |" for name in names)
    return PROVENANCE.format(rows=rows, made=json.dumps(made, indent=1))


PROVENANCE = """\
| trained on the development half of | licence |
|---|---|
{rows}

```json
{made}
```"""


CARD = """\
# Adapter for SmolLM2-135M-Instruct

Words an answer from a question and the few sentences that prove it. LoRA on every linear layer, float16; made by
`python -m tune.factory.train_generator ../shared WORK`. `assistant tune run` merges it into the base.

{provenance}

What it writes is shown only where it is its quote (`assistant/answer/proof/citations.py`). It knows
nothing by itself: without quotes its words are worth nothing. English only. Results are in the project's README.
"""


def main() -> None:
    shared, work = Path(sys.argv[1]), Path(sys.argv[2])
    settings = TuneSection(minutes=MINUTES)
    examples = make_examples(shared, work)
    registry = Registry(load_config().models_dir)
    base = Path(install_base(registry.root).path)
    for stage in adapt(work, base, examples, settings, "house", registry, note_progress):
        sys.stderr.write(f"\n{stage.folder.name}: {json.dumps(stage.measured)}\n")
        if stage.folder.name == "train":  # what comes after it is not shipped
            made = {"version": __version__, "examples": examples.measured, "settings": asdict(settings)}
            made |= stage.measured
            ship(stage.folder, ADAPTER, CARD.format(provenance=provenance(LICENCES, made)))


if __name__ == "__main__":
    main()
