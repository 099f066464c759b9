"""Questions -> examples -> adapter -> merged -> GPTQ -> runtime -> report: the stages in their order.

Each stage reads what the one before it made and is skipped if that is there already; a run that was stopped goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistant.confidence import UNCALIBRATED
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.halves import Split, half
from assistant.core.prepare import ADAPTER, prepare_base
from assistant.core.registry import Registry, hash_file
from assistant.core.serving import served
from assistant.core.types import Progress
from assistant.evaluate.questions import Question, read_questions
from assistant.pipeline import Assistant
from tune import dataset, train
from tune.evaluate import SERVING, evaluate
from tune.export import export, read_models
from tune.merge import merge
from tune.promote import promote
from tune.quantize import quantize
from tune.questions import heading_questions, term_questions
from tune.quiet import libraries_into
from tune.report import write_report
from tune.stages import Stage, run_stage

CARD = "README.md"
MODEL = "model"  # the folder of a stage that makes one
STAGES = ("dataset", "train", "merge", "quantize", "export", "evaluate")
NEEDED = ("accelerate", "peft", "gptqmodel", "optimum")  # packages of the extra
PROMOTE = "promote"  # the last step, which makes no files of its own
TRAINING = ("rank", "full", "dropout", "learning_rate", "epochs", "minutes", "batch", "max_tokens", "seed")
QUANTIZING = ("group_size", "act_order", "calibration")


@dataclass(frozen=True, slots=True)
class Plan:
    """Question files, learned from in one half and asked in the other, and the folder of the stages."""

    questions: tuple[Path, ...]
    out: Path
    until: str = PROMOTE
    limit: int | None = None  # questions of each file that the evaluation asks


def run(plan: Plan, config: Config, progress: Progress) -> list[Stage]:
    """Do the stages up to `until` and return them; with `promote`, what comes out serves from now on.

    Raises UsageError for a stage that does not exist, missing packages or too few questions, GateFailed if merging
    changed the model or what came out is no better than what serves.
    """
    if plan.until not in (*STAGES, PROMOTE):
        raise UsageError(f"there is no stage {plan.until!r}.", f"Known: {', '.join((*STAGES, PROMOTE))}.")
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(f"tuning needs {', '.join(missing)}.", "Run: pip install 'policy-assistant[tune]'")
    done: list[Stage] = []
    plan.out.mkdir(parents=True, exist_ok=True)
    for name, stage in _stages(plan, config, done, progress):
        progress(name, 0, 1)
        with libraries_into(plan.out / "log.txt"):
            done.append(stage())
        progress(name, 1, 1)
        if name == plan.until:
            write_report(plan.out, done)
            return done
    write_report(plan.out, done)
    promote(Registry(config.models_dir), read_models(done[-2].folder), done[-1].measured)
    return done


def _stages(
    plan: Plan, config: Config, done: Sequence[Stage], progress: Progress
) -> Sequence[tuple[str, Callable[[], Stage]]]:
    """Name the stages and what does them; each takes what it needs of those `done` before."""
    registry = Registry(config.models_dir)
    base = start_from(config, registry)

    def stage(name: str, inputs: dict[str, str], settings: dict[str, Any], work: Callable[[Path], Any]) -> Stage:
        return run_stage(plan.out, name, {**inputs, **{s.folder.name: s.made for s in done}}, settings, work)

    def examples() -> list[dataset.Example]:
        return dataset.read_examples(done[0].folder / dataset.FILE_NAME)

    def model(place: int) -> Path:
        return done[place].folder / MODEL

    def name() -> str:
        return f"tuned-{done[3].made[:8]}"

    return (
        ("dataset", lambda: make_examples(plan, config, progress)),
        ("train", lambda: stage(
            "train", {"base": hash_file(base / "model.safetensors")}, settings_of(config, TRAINING),
            lambda folder: train.train(base, examples(), config.tune, folder, progress))),
        ("merge", lambda: stage(
            "merge", {}, {}, lambda folder: merge(base, done[1].folder, examples(), folder / MODEL))),
        ("quantize", lambda: stage(
            "quantize", {}, settings_of(config, QUANTIZING),
            lambda folder: quantize(model(2), examples(), config.tune, folder / MODEL))),
        ("export", lambda: stage(
            "export", {}, {},
            lambda folder: export(model(2), model(3), name(), config.tune, registry, folder, progress))),
        ("evaluate", lambda: stage(
            "evaluate", _hashes(plan.questions), {"limit": plan.limit, SERVING: served(config)},
            lambda folder: evaluate(
                plan.questions, {SERVING: served(config), **read_models(done[4].folder)}, config, Split.TEST,
                plan.limit, folder, progress))),
    )  # fmt: skip


def start_from(config: Config, registry: Registry) -> Path:
    """Return the folder of the full-precision model to start from: the configured one, or the packaged one."""
    if config.tune.base:
        folder = (config.base / Path(config.tune.base).expanduser()).resolve()
        if not (folder / "config.json").is_file():
            raise UsageError(f"tune.base: {folder} holds no transformers model.", "Give a folder with a config.json.")
        return folder
    return Path(prepare_base(registry, lambda step, share: None, ADAPTER).path)


def make_examples(plan: Plan, config: Config, progress: Progress) -> Stage:
    """Make the examples of one half of the documents, without any that the evaluation of the other asks too."""
    told = replace(config, generator=replace(config.generator, runtime="none"))

    def work(folder: Path) -> dict[str, Any]:
        with closing(Assistant(told, confidence=UNCALIBRATED)) as assistant:
            sources = {path.stem: read_questions(path, Split.DEV) for path in plan.questions}
            sources |= {"terms": _learned(term_questions(assistant))}
            sources |= {"headings": _learned(heading_questions(assistant))}
            found = [
                example for source, asked in sources.items()
                for example in dataset.examples(assistant, asked, source, progress)
            ]  # fmt: skip
        found = dataset.with_validation(dataset.without_leaks(dataset.distinct(found), asked_later))
        dataset.write_examples(folder / dataset.FILE_NAME, found)
        (folder / CARD).write_text(dataset.card(found, {"split": Split.DEV, **inputs}), encoding="utf-8")
        return {part: sum(e.part == part for e in found) for part in ("train", "validation")}

    asked_later = [question for path in plan.questions for question in read_questions(path, Split.TEST)]
    with closing(Assistant(told, confidence=UNCALIBRATED)) as assistant:
        inputs = {"index": assistant.catalog.info().generation, **_hashes(plan.questions)}
    return run_stage(plan.out, "dataset", inputs, {"split": Split.DEV}, work)


def settings_of(config: Config, names: Sequence[str]) -> dict[str, Any]:
    """Return the named settings of tuning: a stage is made anew when those change that it depends on."""
    return {name: asdict(config.tune)[name] for name in names}


def _learned(questions: Any) -> list[Question]:
    return [question for question in questions if half(question.document) is Split.DEV]


def _hashes(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: hash_file(path) for path in paths}
