"""The command line: parse, call, hand to the renderer; no logic of its own, and nothing heavy imported at the top."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.core.errors import AssistantError, GateFailed, NotReady, UsageError
from assistant.evaluate.splits import Split

if TYPE_CHECKING:
    from assistant.answer.pipeline import Assistant
    from assistant.core.config import Config
    from assistant.render import Renderer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Ask an organisation's own documents; every answer is proved by verbatim quotes.",
)  # fmt: skip

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings; config.toml here, if it is your own.")]
Data = Annotated[Path | None, typer.Option("--data", help="The index folder, instead of the configured one.")]
Roles = Annotated[str, typer.Option("--as", metavar="ROLE[,ROLE]", help="Ask as someone with these roles.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Ask of the documents in force that day.")]
Hits = Annotated[int | None, typer.Option("-k", min=1, max=100, help="Passages to retrieve.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Also say how the answer came about.")]
Batch = Annotated[str, typer.Option("--batch", metavar="FILE", help="JSON lines, '-' for stdin; one result a line.")]
Foreign = Annotated[
    list[Path] | None, typer.Option("--foreign", metavar="FILE", help="Also ask another corpus's questions.")
]
ForeignLimit = Annotated[int, typer.Option(min=1, metavar="N", help="Questions of each --foreign.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write JUnit XML.")]
Half = Annotated[Split, typer.Option(help="One half of the documents, or all.")]


class GuardStage(StrEnum):
    """Where a text comes from, as `Stage` says it."""

    INPUT = "input"
    DOCUMENT = "document"
    OUTPUT = "output"


INTERRUPTED = 130
EXIT = {"answered": 0, "abstained": 3, "blocked": 4}


def main() -> None:
    """Run the command line and exit with the contract's codes."""
    try:
        _open_streams()
        app()
    except SystemExit as end:  # typer catches Ctrl-C and closed pipes itself
        if isinstance(end.__context__, BrokenPipeError):
            sys.exit(0)
        if end.code != INTERRUPTED:
            raise
        sys.exit(_tell(KeyboardInterrupt()))
    except BaseException as error:
        sys.exit(_tell(error))


def _open_streams() -> None:
    """Have all three streams, in UTF-8: file names and pipes may hold anything."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed: a file of the index would get its number, and what is printed
            stream = Path(os.devnull).open(mode)  # noqa: SIM115
            setattr(sys, name, stream)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _tell(error: BaseException) -> int:
    """Say in a sentence or two why a command ended, and return its exit code."""
    if _interrupted(error):  # perhaps half-way through an import that the renderer needs
        typer.echo("Error: stopped. Nothing is lost; run it again to go on.", err=True)
        return INTERRUPTED
    from assistant.render import Renderer

    view = Renderer()
    if isinstance(error, AssistantError):
        view.error(error.cause, error.cure)
        return error.exit_code
    if "-v" in sys.argv or "--verbose" in sys.argv:
        raise error
    if isinstance(error, OSError):  # a full disk, a folder that may not be read
        view.error(f"the system refuses: {error}.", "Make that possible, then run it again.")
        return NotReady.exit_code
    view.error(f"{type(error).__name__}: {error}.", "This is a bug; run again with -v and report it.")
    return 1


def _interrupted(error: BaseException | None) -> bool:
    """Tell Ctrl-C, and what native code makes of it: another error, with it as the cause."""
    return isinstance(error, KeyboardInterrupt) or (error is not None and _interrupted(error.__cause__))


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from assistant.core.version import __version__

        typer.echo(__version__)
        context.exit()


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders.")],
    prune: Annotated[bool, typer.Option("--prune", help="Drop documents whose files are gone.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Index files and folders: Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV."""
    from assistant.models.registry import Registry
    from ingest.build import ingest as run_ingest

    view = _renderer(quiet=quiet or json_, verbose=verbose)
    settings = _config(config, data, view)
    registry = Registry(settings.models_dir)
    _prepare(settings, view, reader=False, generator=False)
    record = registry.load(settings.encoder.model)

    def load_encoder() -> Any:
        from assistant.models.encoder import open_encoder

        return open_encoder(registry, settings.encoder)

    with view.progress() as progress:
        report = run_ingest(
            paths, settings, record.files["model.onnx"], load_encoder, prune=prune, progress=progress
        )  # fmt: skip
    if json_:
        from assistant.contract import report_json

        view.json(report_json(report))
    else:
        view.report(report)
    if report.rejected:
        raise typer.Exit(6)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question; read from stdin when left out or '-'.")] = "-",
    batch: Batch = "",
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    k: Hits = None,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Answer one question, or one a line with --batch."""
    from assistant.contract import answer_json, history_from_json

    view = _renderer(quiet=quiet or json_, verbose=verbose)
    if batch:
        with _assistant("ask", config, data, roles, as_of, view) as assistant:
            _run_batch(
                batch, view, ("question",),
                lambda line: answer_json(
                    assistant.answer(line["question"], history_from_json(line.get("history")), k=k), line.get("id")
                ),
            )  # fmt: skip
        return
    question = _from_stdin(question)
    with _assistant("ask", config, data, roles, as_of, view) as assistant, view.working("searching"):
        answer = assistant.answer(question, k=k)
    if json_:
        view.json(answer_json(answer))
    else:
        view.answer(answer)
    raise typer.Exit(EXIT[answer.status])


@app.command()
def chat(
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Talk with the documents in the terminal."""
    from assistant.chat import Chat

    view = _renderer(quiet=quiet, verbose=verbose)
    with _assistant("chat", config, data, roles, as_of, view) as assistant:
        Chat(assistant, view).run()


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for; read from stdin when left out or '-'.")] = "-",
    batch: Batch = "",
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    k: Hits = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the passages that a question would be answered from."""
    from assistant.contract import search_json

    view = _renderer(quiet=quiet or json_)
    if batch:
        with _assistant("search", config, data, roles, as_of, view, answers=False) as assistant:
            _run_batch(
                batch, view, ("question", "query"),
                lambda line: search_json(
                    assistant.search(line.get("question") or line["query"], k=k), line.get("id")
                ),
            )  # fmt: skip
        return
    query = _from_stdin(query)
    with _assistant("search", config, data, roles, as_of, view, answers=False) as assistant:
        found = assistant.search(query, k=k)
    if json_:
        view.json(search_json(found))
    else:
        view.hits(found.hits)
    raise typer.Exit(EXIT[found.status])


@app.command()
def terms(
    name: Annotated[str, typer.Argument(help="A term; all of them when left out.")] = "",
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
) -> None:
    """List the glossary, or define one term with its source."""
    from assistant.answer.disclosure import masked_text
    from assistant.answer.pipeline import make_access
    from assistant.audit.trail import Audit, terms_line
    from assistant.contract import term_json
    from assistant.guards.run import Guards
    from assistant.index.catalog import Catalog
    from assistant.text.words import normalise_term

    view = _renderer()
    settings = _config(config, data)
    access = make_access(roles.split(","), as_of)
    catalog = Catalog.open(settings.data)
    guards = Guards(settings.guards)
    with catalog.snapshot():
        found = [
            (replace(term, definition=masked_text(term.definition, guards)), source, title)
            for term, source, title in catalog.terms(access, [normalise_term(name)] if name else None)
        ]
        if settings.audit.enabled:
            Audit(settings).append(terms_line(name, found, access, catalog, settings))
    if json_:
        view.json([term_json(*entry) for entry in found])
    elif found:
        view.terms(found)
    else:
        view.note(f"No document defines {name!r}." if name else "No terms are indexed.")
    raise typer.Exit(0 if found or not name else 3)


@app.command()
def guard(
    stage: Annotated[GuardStage, typer.Option(help="What the text is.")] = GuardStage.INPUT,
    batch: Batch = "",
    config: ConfigFile = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what the guards find in the text on stdin, or in each line of --batch; exit 4 if it is refused."""
    from assistant.contract import screened_json
    from assistant.guards.run import Guards
    from assistant.models.encoder import guard_encode

    view = _renderer(quiet=quiet or json_)
    settings = _config(config, None)
    _prepare(settings, view, reader=False, generator=False)
    guards = Guards(settings.guards, guard_encode(settings))
    if batch:
        _run_batch(
            batch, view, ("text",),
            lambda line: screened_json(guards.screen(line["text"], stage.value), line.get("id")),
        )  # fmt: skip
        return
    screened = guards.screen(_from_stdin("-"), stage.value)
    if json_:
        view.json(screened_json(screened))
    else:
        view.screened(screened)
    raise typer.Exit(EXIT["blocked"] if screened.action == "block" else 0)


@app.command()
def verify(
    file: Annotated[str, typer.Argument(metavar="ANSWER.json", help="A saved `ask --json`; '-' for stdin.")],
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
) -> None:
    """Check every quote of a saved answer against the indexed documents; exit 7 if one fails."""
    from dataclasses import asdict

    from assistant.answer.pipeline import make_access
    from assistant.answer.verify import verify_answer
    from assistant.index.catalog import Catalog

    view = _renderer()
    settings = _config(config, data)
    catalog = Catalog.open(settings.data)
    access = make_access(roles.split(","), as_of)
    checks = [
        check
        for answer in _saved_answers(file)
        for check in verify_answer(answer, catalog, access, settings.answer.min_support)
    ]
    failed = [check for check in checks if check.problem]
    if json_:
        view.json({"verified": not failed, "checks": [asdict(check) for check in checks]})
    else:
        view.checks(checks)
        view.note(f"{len(checks) - len(failed)} of {len(checks)} hold.")
    if failed:
        raise GateFailed(f"{len(failed)} of {len(checks)} citations do not hold.", "Ask again for a fresh answer.")


@app.command()
def eval(
    questions: Annotated[Path | None, typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A.json B.json", help="Compare two reports instead of asking."),
    ] = None,
    foreign: Foreign = None,
    foreign_limit: ForeignLimit = 100,
    split: Half = Split.ALL,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first questions.")] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Processes that ask.")] = 1,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where each run gets a folder.")] = Path("results"),
    junit: Junit = None,
    fail_under: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=VALUE", help="Exit 7 if it is worse (for risks: higher).")
    ] = None,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the answers to questions with gold answers; a run that was stopped goes on where it was."""
    view = _renderer(quiet=quiet or json_)
    if compare:
        if questions:
            raise UsageError("--compare asks nothing.", "Leave out the questions, or --compare.")
        from assistant.evaluate.compare import compare as compare_reports

        folder, found = compare_reports(*compare, out)
        if json_:
            view.json(found)
        else:
            view.comparison(found)
        view.note(f"Written to {folder}.")
        return
    from assistant.answer.pipeline import make_access
    from assistant.evaluate.metrics import check_gates, parse_gates
    from assistant.evaluate.run import Plan, evaluate

    gates = parse_gates(fail_under or ())
    if questions is None:
        raise UsageError("there are no questions.", "Give a file: assistant eval QUESTIONS.jsonl")
    plan = Plan(questions, tuple(foreign or ()), foreign_limit, split, limit, workers, out)
    access = make_access(roles.split(","), as_of)
    settings = _ready(config, data, view)
    with view.progress() as progress:
        run = evaluate(plan, settings, access, progress)
    if run.kept:
        view.note(f"{run.kept:,} answers were there before; delete {run.folder} to ask again.")
    if json_:
        view.json(run.report)
    else:
        view.evaluation(run.report)
    view.note(f"Written to {run.folder}.")
    if junit:
        from assistant.evaluate.junit import write_junit

        write_junit(junit, run.report)
    check_gates(gates, {name: value["value"] for name, value in run.report["metrics"].items()})


@app.command()
def calibrate(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")],
    foreign: Foreign = None,
    foreign_limit: ForeignLimit = 100,
    split: Half = Split.ALL,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn from questions with gold how sure is sure enough for answer.max_risk; kept beside the index."""
    from assistant.answer.confidence import UNCALIBRATED, summary
    from assistant.answer.pipeline import Assistant, make_access
    from assistant.evaluate.calibrate import calibrate_index
    from assistant.evaluate.run import Plan

    view = _renderer(quiet=quiet or json_)
    plan = Plan(questions, tuple(foreign or ()), foreign_limit, split)
    settings = _ready(config, data, view, generator=False)
    with closing(Assistant(settings, access=make_access(roles.split(","), as_of), confidence=UNCALIBRATED)) as asked:
        with view.progress() as progress:
            confidence = calibrate_index(asked, plan, progress)
        found = summary(confidence, settings.answer.max_risk)
    if json_:
        view.json(found)
    else:
        view.calibration(found)


@app.command()
def test(
    file: Annotated[Path, typer.Argument(metavar="GOLDEN.jsonl", help="Golden answers; questions, with --record.")],
    junit: Junit = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write golden answers from those of today instead.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --record overwrite a file.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that the answers are still those of a golden file; exit 7 if one is not."""
    from assistant.evaluate import golden

    view = _renderer(quiet=quiet or json_)
    if record is None:
        if force:
            raise UsageError("--force overwrites nothing without --record.", "Leave it out, or give --record FILE.")
        lines = golden.read_golden(file)
        with _assistant("test", config, data, roles, as_of, view) as assistant, view.progress() as progress:
            outcomes = golden.check(lines, assistant, progress)
        if json_:
            view.json({"file": str(file), "results": [outcome.to_json() for outcome in outcomes]})
        else:
            view.outcomes(outcomes)
        if junit:
            from assistant.evaluate.junit import write_golden_junit

            write_golden_junit(junit, file.stem, outcomes)
        golden.check_all_hold(outcomes)
        return
    if junit:
        raise UsageError("--record checks nothing that --junit could hold.", "Leave out one of them.")
    questions = golden.read_asked(file)
    golden.check_free(record, force)
    with _assistant("test", config, data, roles, as_of, view) as assistant, view.progress() as progress:
        counts = golden.record(record, questions, assistant, as_of, force, progress)
    if json_:
        view.json({"file": str(record), "recorded": dict(counts)})
    else:
        view.recorded(record, counts)


tune = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Tune the generator on your documents; needs the extra [tune]."
)
app.add_typer(tune, name="tune")


@tune.command()
def run(
    questions: Annotated[list[Path], typer.Argument(metavar="QUESTIONS.jsonl", help="Questions with gold.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the stages are kept; a stopped run goes on.")] = Path(
        "tuning"
    ),
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Train about so long, whatever tune.minutes says.")
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="STAGE", help="dataset, train, merge, quantize, export, evaluate or promote.")
    ] = "promote",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Evaluate on the first questions only.")] = None,
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn from one half of the documents, measure on the other, and serve what is better; exit 7 if nothing is."""
    from tune.recipe import Plan
    from tune.recipe import run as run_recipe

    view = _renderer(quiet=quiet or json_)
    settings = _ready(config, data, view)
    if minutes is not None:
        settings = replace(settings, tune=replace(settings.tune, minutes=minutes))
    try:
        with view.progress() as progress:
            stages = run_recipe(Plan(tuple(questions), out, until, limit), settings, progress)
    finally:
        view.note(f"The stages and the report are in {out}.")
    if json_:
        view.json({stage.folder.name: stage.measured for stage in stages})
    elif until == "promote":
        view.note("The tuned model serves now; `assistant tune rollback` takes it back.")


@tune.command("list")
def list_models(config: ConfigFile = None, json_: Json = False) -> None:
    """List the prepared models; the one marked serves."""
    from assistant.models.active import served
    from assistant.models.registry import Registry

    settings = _config(config, None)
    records = Registry(settings.models_dir).all()
    serving = served(settings)
    if json_:
        _renderer().json(
            [{"id": r.id, "kind": r.kind, "parent_id": r.parent_id, "serving": r.id == serving} for r in records]
        )
    else:
        _renderer().models(records, serving)


@tune.command()
def show(model: Annotated[str, typer.Argument(metavar="MODEL")], config: ConfigFile = None) -> None:
    """Print a model's manifest, each file checked against it."""
    from dataclasses import asdict

    from assistant.models.registry import Registry

    registry = Registry(_config(config, None).models_dir)
    record = registry.load(model)
    registry.verify(record)
    _renderer().json(asdict(record))


@tune.command()
def rollback(config: ConfigFile = None) -> None:
    """Let the model before serve again."""
    from assistant.models.active import rollback as roll_back
    from assistant.models.registry import Registry

    _renderer().note(f"{roll_back(Registry(_config(config, None).models_dir))} serves now.")


@app.command()
def forget(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Documents, as sources or paths name them.")],
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
) -> None:
    """Delete documents from the index, so that no byte of their text stays in it; the files stay."""
    from ingest.forget import forget as forget_documents

    view = _renderer()
    gone = forget_documents(sources, _config(config, data))
    if json_:
        view.json({"forgotten": gone})
    else:
        view.note(
            f"Forgotten: {', '.join(gone)}. An ingest of their folder brings back the files that are still there."
        )


@app.command()
def status(config: ConfigFile = None, data: Data = None, json_: Json = False) -> None:
    """Say what is indexed and prepared, what is wrong, and how to mend it.

    A command for whoever runs the index: it names documents and passages that only some roles may see.
    """
    from assistant.status import collect_status

    view = _renderer()
    found = collect_status(_config(config, data))
    if json_:
        view.json(found)
    else:
        view.status(found)
    raise typer.Exit(5 if any(problem["fatal"] for problem in found["problems"]) else 0)


@app.command()
def log(
    count: Annotated[int, typer.Option("-n", min=1, help="How many of the last lines.")] = 20,
    verify: Annotated[bool, typer.Option("--verify", help="Check that each line follows the one before it.")] = False,
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
) -> None:
    """Show what was asked and shown; exit 7 if the log was tampered with.

    A command for whoever runs the index: it shows everybody's questions, masked. Each ask, search, look at the terms,
    answer of a chat, test, eval or replay is a line, and so is each call from Python. --verify finds lines that were
    changed, added or removed, and says nothing of a log that was deleted whole or put back as it was at some time.
    Without audit.key_file it shows accidents, not somebody who may write the folder and makes the log anew.
    """
    from collections import deque

    from assistant.audit.trail import Audit

    view = _renderer()
    settings = _config(config, data)
    audit = Audit(settings)
    if verify:
        lines = audit.verify()
        view.verified(lines, next(audit.entries(), None), signed=settings.audit_key is not None)
        return
    entries = deque(audit.entries(), count)
    if json_:
        view.json([{"id": entry.id, **entry.raw} for entry in entries])
    else:
        view.log(entries)


@app.command()
def replay(
    id: Annotated[str, typer.Argument(metavar="ID", help="A line of `assistant log`.")],
    config: ConfigFile = None,
    data: Data = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask a logged question again; exit 7 and say what has changed if the answer is another one.

    A command for whoever runs the index: it asks with the roles of whoever asked first, and shows what they may see.
    """
    from assistant.audit.trail import Audit, differences, history_of
    from assistant.contract import answer_json

    view = _renderer(quiet=quiet or json_)
    settings = _config(config, data)
    entry = Audit(settings).find_answer(id)
    roles, as_of = ",".join(entry.raw["roles"]), entry.raw["as_of"]
    with _assistant("replay", config, data, roles, as_of, view) as assistant, view.working("searching"):
        answer = assistant.answer(entry.raw["question"], history_of(entry))
    if json_:
        view.json(answer_json(answer))
    else:
        view.answer(answer)
    if changed := differences(entry, answer, settings):
        raise GateFailed(f"the answer changed: {'; '.join(changed)}.", "The log keeps where the first one was from.")
    view.note("The same answer.")


@app.command()
def prepare(config: ConfigFile = None, quiet: Quiet = False) -> None:
    """Make the packaged models ready now, instead of at their first use."""
    view = _renderer(quiet=quiet)
    settings = _config(config, None)
    _prepare(settings, view, reader=True, generator=True)
    view.note(f"The models are ready in {settings.models_dir}.")


def _renderer(*, quiet: bool = False, verbose: bool = False) -> Renderer:
    from assistant.render import Renderer

    return Renderer(quiet=quiet, verbose=verbose)


def _config(path: Path | None, data: Path | None, view: Renderer | None = None) -> Config:
    """Read the settings, and tell a verbose view where they are from."""
    from assistant.core.config import load_config

    config = load_config(path)
    if view and view.verbose:
        view.note(f"settings {config.file or 'as they come'}")
    return replace(config, index=replace(config.index, data=str(data.resolve()))) if data else config


def _prepare(config: Config, view: Renderer, *, reader: bool, generator: bool) -> None:
    """Make the models that this command needs, if they are not there."""
    from assistant.models.registry import Registry

    registry = Registry(config.models_dir)
    from assistant.core.config import PREPARED
    from assistant.models.active import PACKAGED_ID, served
    from assistant.models.cross_encoder import READER_ID
    from assistant.models.encoder import GUARD_ENCODER

    if not (registry.has(config.encoder.model) and registry.has(GUARD_ENCODER)):
        from assistant.models.prepare.encoder import prepare_encoders

        with view.preparing("the encoders") as progress:
            prepare_encoders(registry, config.encoder, progress)
    if reader and not registry.has(READER_ID):
        from assistant.models.prepare.reader import prepare_reader

        with view.preparing("the reader") as progress:
            prepare_reader(registry, progress)
    if generator and config.generator.runtime in PREPARED and not registry.has(model := served(config)):
        if model != PACKAGED_ID:
            return  # a model of the user's own: opening it says what is missing
        with view.preparing("the generator") as progress:
            from assistant.models.prepare.generator import prepare_generator

            prepare_generator(registry, progress)


def _ready(
    config: Path | None, data: Path | None, view: Renderer, *, reader: bool = True, generator: bool = True
) -> Config:
    """Return the settings once there is an index, and the models to answer from it."""
    from assistant.index.catalog import Catalog

    settings = _config(config, data, view)
    if not generator:
        settings = replace(settings, generator=replace(settings.generator, runtime="none"))
    Catalog.open(settings.data).close()  # say that there is no index before making models for it
    _prepare(settings, view, reader=reader or settings.retrieval.rerank, generator=generator)
    return settings


@contextmanager
def _assistant(
    command: str,
    config: Path | None,
    data: Path | None,
    roles: str,
    as_of: str,
    view: Renderer,
    *,
    answers: bool = True,
) -> Iterator[Assistant]:
    from assistant.answer.pipeline import Assistant, make_access

    access = make_access(roles.split(","), as_of)
    settings = _ready(config, data, view, reader=answers, generator=answers)
    assistant = Assistant(settings, access=access, audit=True, command=command)
    try:
        yield assistant
    finally:
        assistant.close()


def _from_stdin(text: str) -> str:
    if text != "-":
        return text
    if sys.stdin.isatty():
        raise UsageError("there is no question.", "Give one: assistant ask 'How many days of leave do I have?'")
    return sys.stdin.read()


def _run_batch(name: str, view: Renderer, keys: tuple[str, ...], run: Callable[[dict[str, Any]], Any]) -> None:
    """Run each JSON line, write one JSON line for it; a bad line gets its error and the rest go on."""
    for raw in _lines(name):
        line: Any = None
        try:
            line = json.loads(raw)
            if not isinstance(line, dict):
                raise UsageError("a line must be a JSON object.")
            if not any(isinstance(line.get(key), str) for key in keys):
                raise UsageError(f"a line needs {keys[0]!r}, a text.")
            view.json(run(line))
        except (ValueError, RecursionError, UsageError) as error:
            view.json({"id": line.get("id") if isinstance(line, dict) else None, "error": str(error)})


def _lines(name: str) -> Iterator[str]:
    if name == "-":
        yield from (line for line in sys.stdin if line.strip())
        return
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as lines:
            yield from (line for line in lines if line.strip())
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check --batch.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; raises ValueError if a key is told twice, since a reader may believe the first."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _saved_answers(name: str) -> list[Any]:
    """Read one saved answer, a list of them, or JSON lines."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{name} cannot be read: {error}.", "Save one: assistant ask --json QUESTION > ANSWER.json"
        ) from error
    try:
        value = json.loads(text, object_pairs_hook=_once)
        answers = value if isinstance(value, list) else [value]
    except (ValueError, RecursionError):  # a number of 5,000 digits is a bare ValueError
        try:
            answers = [json.loads(line, object_pairs_hook=_once) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name} is not JSON: {error}.", "Save an answer with --json.") from error
    if not answers:
        raise UsageError(f"{name} holds no answer.", "Save one: assistant ask --json QUESTION > ANSWER.json")
    return answers
