"""The recipe: questions -> answers, saved as they come -> scores -> report. A run that was stopped goes on.

A run is named by a hash of everything that its answers depend on, so that the answers found under its name are its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import load_confidence, path_of
from assistant.answer.disclosure import open_index
from assistant.answer.proof.verify import verify_answer
from assistant.answer.read import load_reader
from assistant.contract import answer_json, dumps, saved_answer
from assistant.core.config import AuditSection, Config, IndexSection, ModelsSection
from assistant.core.errors import UsageError
from assistant.core.files import PRIVATE_FOLDER, hash_file
from assistant.core.package import __version__, need
from assistant.core.parallel import in_order
from assistant.core.records import Access, Progress
from assistant.evaluate.metrics import SEED
from assistant.evaluate.questions import Question, Split, access_of, read_out_of_domain, read_questions
from assistant.evaluate.report import build_report, write_run
from assistant.evaluate.score import score
from assistant.models.llm import served
from assistant.models.registry import Registry

ANSWERS = "answers.jsonl"
PACKAGE = Path(__file__).parent.parent
ANSWERING = ("core", "text", "index", "models", "guards", "answer")  # the rooms whose code answers

Json = dict[str, Any]


def ask_questions(
    questions: Sequence[Question], config: Config, access: Access, jobs: int, keep: Callable[[Json], None]
) -> None:
    """Ask, `jobs` at once, and give `keep` the answers in their order; the first ones waited for the models."""
    asked = count()
    if questions:  # an index that is gone is no matter where nothing is left to ask
        with closing(Assistant(config, access=access, audit=True, command="eval")) as assistant:
            in_order(
                partial(ask, assistant), questions, jobs, lambda saved: keep({**saved, "cold": next(asked) < jobs})
            )


def ask(assistant: Assistant, question: Question) -> Json:
    """Ask one question, as someone with its roles too; return the saved form of the answer."""
    access = access_of(assistant.access, question)
    answer = assistant.answer(question.asked, question.history, access=access, k=15)  # as many hits are scored
    saved = answer_json(answer, question.id)
    checks = verify_answer(saved_answer(saved), assistant.catalog, access)
    return {**saved, "verified": not any(check.problem for check in checks)}


@dataclass(frozen=True, slots=True)
class EvalPlan:
    """What to ask: a question file, files of other corpora's questions, and how much of them."""

    questions: Path
    out_of_domain: tuple[Path, ...] = ()
    out_of_domain_limit: int = 100  # of each file
    split: Split = Split.ALL
    limit: int | None = None
    jobs: int = 1  # questions asked at once
    out: Path = Path("results")

    def read(self) -> list[Question]:
        """Read the questions; raises UsageError for a bad file, or a question that is there twice."""
        questions = read_questions(self.questions, self.split, self.limit)
        for path in self.out_of_domain:
            questions += read_out_of_domain(path, self.split, self.out_of_domain_limit, SEED)
        id, count = Counter(q.id for q in questions).most_common(1)[0]
        if count > 1:  # answers are kept by id
            raise UsageError(f"--out-of-domain: the question {id!r} is there {count} times.", "Give each file once.")
        return questions


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, its report, and how many of its answers were there before."""

    folder: Path
    report: Json
    kept: int


def evaluate(plan: EvalPlan, config: Config, access: Access, progress: Progress) -> Run:
    """Ask what is planned, score it and write `report.json`, `report.md` and plots; returns the run.

    The assistant answers everything, and the threshold is applied to its answers afterwards: risk is then known at
    every coverage. Raises UsageError for a bad question file or a missing extra, NotReady without an index or a model.
    """
    need("evaluate", "eval")
    questions = plan.read()
    stamp, generation = make_stamp(plan, config, access)
    name = f"{plan.questions.resolve().parent.name}-{plan.questions.stem}-{plan.split}-{_sha(stamp)[:12]}"
    folder = plan.out / name
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)  # it holds passages of whatever roles were asked as
    kept = _kept(folder / ANSWERS, generation)
    found = len(kept)
    open_config = replace(config, answer=replace(config.answer, max_risk=1.0))
    missing = [q for q in questions if q.id not in kept]
    with (folder / ANSWERS).open("a", encoding="utf-8") as lines:

        def keep(saved: Json) -> None:
            lines.write(dumps(saved) + "\n")
            lines.flush()
            kept[saved["id"]] = saved
            progress("asking", len(kept), len(questions))

        progress("asking", found, len(questions))
        ask_questions(missing, open_config, access, plan.jobs, keep)
    threshold = load_confidence(config.data).threshold(config.answer.max_risk)
    rows = [score(q, kept[q.id], threshold) for q in questions]
    report = build_report(name, {**stamp, "threshold": threshold}, rows, [kept[q.id] for q in questions])
    write_run(folder, report)
    return Run(folder, report, found)


def make_stamp(plan: EvalPlan, config: Config, access: Access) -> tuple[Json, str]:
    """Return what a run's answers depend on, by hashes, and the name of what is asked of."""
    with closing(open_index(config)) as catalog, catalog.snapshot():
        info, asked = catalog.info(), catalog.info(access)
        sources = sorted(_json([row.source, row.document_id, asdict(row.meta)]) for row in catalog.sources().values())
        encoder = catalog.meta("encoder")
    runtime = config.generator.runtime
    local = config.generator.local
    model = served(config) if local else config.generator.model
    weights = Registry(config.models_dir).load(model).files if local else None
    # Where index and models lie says nothing of what is in them.
    settings = replace(config, index=IndexSection(), models=ModelsSection(), audit=AuditSection())
    return {
        "version": __version__,
        "code": _code_sha(),
        "config": settings.sha,
        "index": {"content": _sha(sources), "documents": info.documents, "passages": info.passages},
        "encoder": encoder,
        "reader": load_reader(config).sha256,
        "calibration": hash_file(path_of(config.data)),
        "generator": {
            "runtime": runtime,
            **({} if runtime == "none" else {"model": model}),
            **({"files": _sha(dict(weights))} if weights else {}),
        },
        "questions": _file_stamp(plan.questions),
        "out_of_domain": [_file_stamp(path) for path in plan.out_of_domain],
        "split": plan.split,
        "limit": plan.limit,
        "out_of_domain_limit": plan.out_of_domain_limit,
        "seed": SEED,
        "roles": sorted(access.roles),
        "as_of": access.as_of,
    }, asked.generation


def _kept(path: Path, generation: str) -> dict[str, Json]:
    """Return the answers of a run that was stopped, by id; a line that was not finished is cut off."""
    if not path.exists():
        return {}
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if whole != raw:
        os.truncate(path, len(whole))
    try:
        answers = [json.loads(line) for line in whole.decode("utf-8").split("\n")[:-1]]
        return {a["id"]: a for a in answers if a["index"]["generation"] == generation}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged: {error}.", "Delete it to ask again.") from error


def _code_sha() -> str:
    """Hash the code that answers, not that which scores or shows: a version number does not change with every edit."""
    paths = {Path(__file__), *(path for room in ANSWERING for path in (PACKAGE / room).rglob("*.py"))}
    return _sha({path.relative_to(PACKAGE).as_posix(): hash_file(path) for path in paths})


def _file_stamp(path: Path) -> Mapping[str, str]:
    return {"file": f"{path.resolve().parent.name}/{path.name}", "sha256": hash_file(path)}


def _sha(value: Any) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
