"""Questions -> reader -> examples -> adapter -> merged -> GPTQ -> runtime -> report: the stages in their order.

Each stage reads what the one before it made and is skipped if that is there already; a run that was stopped goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import UNCALIBRATED
from assistant.answer.read import FILE_NAME as READER
from assistant.answer.read import load_reader, read_reader
from assistant.core.config import Config, TuneSection
from assistant.core.errors import UsageError
from assistant.core.files import hash_file
from assistant.core.package import __version__, need
from assistant.core.records import Progress, make_access
from assistant.evaluate.questions import Question, Split, read_questions, split_of
from assistant.index.catalog import Catalog
from assistant.models.llm import PACKAGED_ID, served
from assistant.models.registry import Registry
from tune import examples as dataset
from tune import reader, train
from tune.evaluate import SERVING, evaluate, promote, write_report
from tune.examples import digest, heading_questions, term_questions
from tune.export import export, read_models
from tune.graphs.generator import ADAPTER, install_base
from tune.graphs.merge_lora import weight_files
from tune.graphs.packaged import make_generator
from tune.quantize import merge, quantize
from tune.stages import Stage, libraries_into, run_stage

CARD = "README.md"
MODEL = "model"  # the folder of a stage that makes one
STAGES = ("reader", "dataset", "train", "merge", "quantize", "export", "evaluate")
PROMOTE = "promote"  # the last step, which makes no files of its own
TRAINING = ("rank", "learning_rate", "epochs", "minutes", "batch", "max_tokens", "seed")
QUANTIZING = ("group_size", "calibration")


@dataclass(frozen=True, slots=True)
class Plan:
    """Question files, learned from in one half and asked in the other, and the folder of the stages."""

    questions: tuple[Path, ...]
    out: Path
    until: str = PROMOTE
    limit: int | None = None  # questions of each file that the evaluation asks


def run(plan: Plan, config: Config, progress: Progress) -> list[Stage]:
    """Do the stages up to `until` and return them; with `promote`, what comes out serves from now on.

    Raises UsageError for a stage that does not exist, missing packages or too few questions, GateFailed if
    what came out is no better than what serves.
    """
    if plan.until not in (*STAGES, PROMOTE):
        raise UsageError(f"there is no stage {plan.until!r}.", f"Known: {', '.join((*STAGES, PROMOTE))}.")
    need("tune", "tuning")
    done: dict[str, Stage] = {}
    plan.out.mkdir(parents=True, exist_ok=True)
    for stage in _stages(plan, config, progress):
        done[stage.name] = stage
        if stage.name == plan.until:
            break
    stages = [*done.values()]
    write_report(plan.out, stages)
    if plan.until == PROMOTE:
        models, better = read_models(done["export"].folder), done["reader"].measured["taken"]
        promote(Registry(config.models_dir), models, done["evaluate"].measured, better_reader=better)
    return stages


def _stages(plan: Plan, config: Config, progress: Progress) -> Iterator[Stage]:
    """Do one stage after the other."""
    registry = Registry(config.models_dir)
    base = start_from(config, registry)
    fitted = teach_reader(plan, config, progress)
    yield fitted
    examples = make_examples(plan, config, fitted, progress)
    yield examples
    exported = yield from adapt(plan.out, base, examples, config.tune, "tuned", registry, progress, _taken(fitted))
    if (serving := served(config)) == PACKAGED_ID:
        make_generator(registry.root)
    models = {SERVING: serving, **read_models(exported.folder)}
    yield _stage(
        plan.out,
        "evaluate",
        {"export": exported.made, **_hashes(plan.questions)},
        {"limit": plan.limit, SERVING: serving},
        lambda folder: evaluate(plan.questions, models, config, Split.TEST, plan.limit, folder, progress),
        progress,
    )


def adapt(
    root: Path,
    base: Path,
    examples: Stage,
    settings: TuneSection,
    name: str,
    registry: Registry,
    progress: Progress,
    reader: Path | None = None,
) -> Generator[Stage, None, Stage]:
    """Train the base on the examples, merge, quantize and export; yield each stage in `root`, return the last one.

    The models are installed as `NAME-` and a hash of the quantized one.
    """
    found = dataset.read_examples(examples.folder / dataset.FILE_NAME)

    def stage(kind: str, inputs: dict[str, str], names: Sequence[str], work: Callable[[Path], Any]) -> Stage:
        told = {key: asdict(settings)[key] for key in names}  # it is made anew when those change that it depends on
        return _stage(root, kind, inputs, told, work, progress)

    trained = stage(
        "train",
        {**_hashes(weight_files(base)), "dataset": examples.made},
        TRAINING,
        lambda folder: train.train(base, found, settings, folder, progress),
    )
    yield trained
    merged = stage("merge", {"train": trained.made}, (), lambda folder: merge(base, trained.folder, folder / MODEL))
    yield merged
    quantized = stage(
        "quantize",
        {"merge": merged.made, "dataset": examples.made},
        QUANTIZING,
        lambda folder: quantize(merged.folder / MODEL, found, settings, folder / MODEL),
    )
    yield quantized
    called = f"{name}-{quantized.made[:8]}"
    exported = stage(
        "export",
        {"merge": merged.made, "quantize": quantized.made},
        (),
        lambda folder: export(
            merged.folder / MODEL, quantized.folder / MODEL, called, registry, folder, progress, reader
        ),
    )
    yield exported
    return exported


def _stage(
    root: Path,
    name: str,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    work: Callable[[Path], Any],
    progress: Progress,
) -> Stage:
    """Do a stage, or find it done, with what libraries print in a log."""
    progress(name, 0, 1)
    with libraries_into(root / "log.txt"):
        made = run_stage(root, name, inputs, settings, work)
    progress(name, 1, 1)
    return made


def start_from(config: Config, registry: Registry) -> Path:
    """Return the folder of the full-precision model to start from: the configured one, or the packaged one."""
    if config.tune.base:
        folder = (config.base / Path(config.tune.base).expanduser()).resolve()
        if not (folder / "config.json").is_file():
            raise UsageError(f"tune.base: {folder} holds no transformers model.", "Give a folder with a config.json.")
        return folder
    return Path(install_base(registry.root, ADAPTER).path)


def teach_reader(plan: Plan, config: Config, progress: Progress) -> Stage:
    """Teach the reader one half of the questions; the stage holds one if it is better than what serves."""
    extractive = replace(config, generator=replace(config.generator, runtime="none"))
    serving = load_reader(config)

    def work(folder: Path) -> dict[str, Any]:
        asked = [q for path in plan.questions for q in read_questions(path, Split.DEV)]
        name = f"tuned-{digest(json.dumps(inputs, sort_keys=True)):08x}-reader"
        found, measured = reader.train_better(extractive, asked, serving, folder, name, progress)
        if found:
            made = {"by": "assistant tune run", "version": __version__, **inputs, **measured}
            text = json.dumps(reader.to_json(found.weights, found.model_id, made), indent=1) + "\n"
            (folder / READER).write_text(text, encoding="utf-8")
        return measured

    inputs = {"serving": serving.sha256, **_indexed(config), **_hashes(plan.questions)}
    return _stage(plan.out, "reader", inputs, {"split": Split.DEV}, work, progress)


def make_examples(plan: Plan, config: Config, fitted: Stage, progress: Progress) -> Stage:
    """Make the examples of one half of the documents, without any that the evaluation of the other asks too.

    The reader that was `fitted`, if it was taken, picks the evidence.
    """
    extractive = replace(config, generator=replace(config.generator, runtime="none"))
    asked_later = [question for path in plan.questions for question in read_questions(path, Split.TEST)]

    def work(folder: Path) -> dict[str, Any]:
        own = _taken(fitted)
        picks = read_reader(own) if own else load_reader(config)
        with closing(Assistant(extractive, confidence=UNCALIBRATED, reader=picks)) as assistant:
            sources = {path.stem: read_questions(path, Split.DEV) for path in plan.questions}
            sources |= {"terms": _learned(term_questions(assistant))}
            sources |= {"headings": _learned(heading_questions(assistant))}
            found = [
                example
                for source, asked in sources.items()
                for example in dataset.examples(assistant, asked, source, progress)
            ]
        found = dataset.with_validation(dataset.without_leaks(dataset.distinct(found), asked_later))
        (folder / CARD).write_text(dataset.card(found, {**settings, **inputs}), encoding="utf-8")
        return dataset.write_examples(folder / dataset.FILE_NAME, found)

    settings = {"split": Split.DEV}
    inputs = {"reader": fitted.made, **_indexed(config), **_hashes(plan.questions)}
    return _stage(plan.out, "dataset", inputs, settings, work, progress)


def _taken(fitted: Stage) -> Path | None:
    """Return the file of the reader that was fitted, if it is better than what serves."""
    return fitted.folder / READER if fitted.measured["taken"] else None


def _indexed(config: Config) -> dict[str, str]:
    """Name what is learned from: what everybody may see today."""
    with closing(Catalog.open(config.data)) as catalog:
        return {"index": catalog.info(make_access()).generation}


def _learned(questions: Iterable[Question]) -> list[Question]:
    return [question for question in questions if split_of(question.document) is Split.DEV]


def _hashes(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: hash_file(path) for path in paths}
