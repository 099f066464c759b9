"""What is indexed, which models there are, what is wrong, and how to fix it."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

from assistant.answer.confidence import load_confidence, summary
from assistant.answer.read import load_reader
from assistant.audit.ledger import BEFORE as LOG_BEFORE
from assistant.audit.ledger import FILE_NAME as LOG
from assistant.core.config import Config
from assistant.core.errors import AssistantError, ModelMissing
from assistant.core.files import is_exposed, others_may_write
from assistant.core.package import __version__
from assistant.index.catalog import Catalog
from assistant.index.publish import is_being_written
from assistant.index.schema import FILE_NAME as CATALOG
from assistant.index.schema import other_encoder, rebuild_hint
from assistant.index.vectors import FOLDER as GENERATIONS
from assistant.index.vectors import open_store
from assistant.models.cross_encoder import READER_ID
from assistant.models.encoder import GUARD_ENCODER, encoder_graphs
from assistant.models.llm import load_served, served
from assistant.models.registry import Registry

SHOWN = ("chromadb", "langchain", "onnxruntime")
SOON = timedelta(days=90)  # what expires until then is listed
FIRST_RUNS = "the first ingest is running.", "Wait until it has finished; nothing can be asked before."
FIRST_STOPPED = "the first ingest was stopped.", "Run the same command again: it goes on where it stopped."


def collect_status(config: Config) -> dict[str, Any]:
    """Return the state of the index and the models; `problems` each have a hint, and are fatal if nothing answers."""
    problems: list[dict[str, Any]] = []
    registry = Registry(config.models_dir)
    status: dict[str, Any] = {
        "version": __version__,
        "python": platform.python_version(),
        "data": str(config.data),
        "models_dir": str(config.models_dir),
        "config_file": str(config.file or ""),
        "config_sha": config.sha[:12],
        "index": _index(config, registry, problems),
        "models": _models(config, registry, problems),
        "calibration": _calibration(config, problems),
        "packages": {name: version(name) for name in SHOWN},
        "flagged": [],
        "expiring": [],
    }
    _rights(config, problems)
    if status["index"]:
        status |= {key: status["index"].pop(key) for key in ("flagged", "expiring")}
    return {**status, "problems": problems}


def _index(config: Config, registry: Registry, problems: list[dict[str, Any]]) -> dict[str, Any]:
    today = date.today()
    try:
        catalog = Catalog.open(config.data)
        running = is_being_written(config.data)
        with catalog.snapshot():
            catalog.check()
            info = catalog.info()
            found = {
                **asdict(info),
                "terms": catalog.queries.count_terms(),
                "encoder": (catalog.meta("encoder") or "")[:12],
                "not_in_force_today": catalog.outside_validity(today.isoformat()),
                "flagged": [asdict(flag) for flag in catalog.flags()],
                "expiring": [
                    {"source": source, "expires": day}
                    for source, day in catalog.expiring(today.isoformat(), (today + SOON).isoformat())
                ],
            }
            indexed = catalog.meta("encoder")
        catalog.close()
        if running:
            found["ingest"] = "running"
        if indexed is None:
            _problem(problems, *(FIRST_RUNS if running else FIRST_STOPPED), fatal=True)
            return found
        held = open_store(config.data, config.index.chroma_url).count(info.generation)
        if held != info.passages:
            cause = f"the vector index holds {held} of {info.passages} passages."
            _problem(problems, cause, rebuild_hint(config.data), fatal=True)
        known = encoder_graphs(registry)
        if (ours := known.get(config.encoder.model, indexed)) != indexed:
            error = other_encoder(config.data, indexed, ours, known)
            _problem(problems, error.cause, error.hint, fatal=True)
    except AssistantError as error:
        _problem(problems, error.cause, error.hint, fatal=True)
        return {}
    return found


def _models(config: Config, registry: Registry, problems: list[dict[str, Any]]) -> dict[str, str]:
    packaged = dict.fromkeys((config.encoder.model, GUARD_ENCODER, READER_ID))
    serving = served(config) if config.generator.local else ""
    wanted = [*packaged, *([serving] if serving else [])]
    found: dict[str, str] = {}
    for model_id in wanted:
        try:
            record = load_served(config, registry) if model_id == serving else registry.load(model_id)
            registry.verify(record)
            found[model_id] = record.kind
        except AssistantError as error:
            found[model_id] = "missing" if isinstance(error, ModelMissing) else "damaged"
            _problem(problems, error.cause, error.hint, fatal=True)
    if config.generator.remote:
        found[config.generator.model] = config.generator.runtime
    return found


def _calibration(config: Config, problems: list[dict[str, Any]]) -> dict[str, Any]:
    """Say what confidence was calibrated on, and what it holds at the configured risk; and whether evidence is read."""
    try:
        load_reader(config)
        confidence = load_confidence(config.data)
        return summary(confidence, config.answer.max_risk)
    except AssistantError as error:
        _problem(problems, error.cause, error.hint, fatal=True)
        return {}


def _rights(config: Config, problems: list[dict[str, Any]]) -> None:
    """Say which files of the index other accounts can read or write."""
    if not is_exposed(config.data):
        return
    names = (CATALOG, GENERATIONS, LOG, LOG_BEFORE)
    exposed = [name for name in names if is_exposed(config.data / name)]
    if others_may_write(config.data):
        _problem(problems, f"other accounts may write into {config.data}.", f"Run: chmod go-w {config.data}")
    if exposed:
        cause = f"other accounts of this machine can read {', '.join(exposed)} in {config.data}."
        _problem(problems, cause, f"The next ingest and question make them private; or run: chmod -R go= {config.data}")


def _problem(problems: list[dict[str, Any]], cause: str, hint: str, *, fatal: bool = False) -> None:
    problem = {"problem": cause, "hint": hint, "fatal": fatal}
    if problem not in problems:  # a damaged model is met by whatever reads a part of it
        problems.append(problem)
