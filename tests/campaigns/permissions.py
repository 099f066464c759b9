"""Ask everybody for what only some may see:  python -m tests.campaigns.permissions [-n 12000] [--seed 1] [--real]

Every document of a made-up corpus holds names and figures that stand nowhere else. People of all kinds of roles, on
several days, ask for them through every door: ask, search, terms, LangChain, chat, the command line, MCP, HTTP, lint,
impact, verify and replay. Then time passes: audiences change, files are moved, renamed and edited with their rules,
some are deleted. After each step one ingest is run, and all is asked again.

A leak is one of these words in anything that comes back to somebody who may not see a document that has it, unless the
question said it. `verify` must say the same of a hidden quote as of a forged one. What comes back must be what an index
gives that never held the hidden documents, scores and order included ("unseen": ask, search, terms, lint).

Before each step's questions every slip of `slips.py` is made: the ingest must stop, and the index be the one before.

Texts are encoded by hashing and read by counting the words that they share with the question, in a thousandth of the
time: who may see what depends on no model. `--real` uses the packaged ones.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio
import numpy as np
from fastapi.testclient import TestClient
from markdown_it import MarkdownIt
from mcp import Client
from rich.progress import track
from typer.testing import CliRunner

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.cli import app
from assistant.contract import answer_json, dumps, saved_answer, search_json, term_json
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import Access, Turn, make_access, no_progress
from assistant.index.catalog import Catalog
from assistant.models.cross_encoder import Floats
from assistant.models.encoder import encoder_sha
from assistant.models.registry import Registry
from assistant.serve.app import make_app
from assistant.serve.identity import Door
from assistant.serve.mcp import make_server
from assistant.serve.queue import RequestQueue
from assistant.terminal.chat import Chat
from assistant.terminal.render import Renderer
from assistant.text.words import content, normalise_term
from bench.common import (
    MOST_FAULTS,
    config_text,
    console,
    parser,
    quiet_config,
    scratch,
    settings,
    show_counts,
    write_json,
)
from ingest.build import ingest
from ingest.impact.run import ImpactPlan, assess
from ingest.lint.run import RULES as LINT_RULES
from ingest.lint.run import lint, open_models
from ingest.moves_and_removals import forget
from tests.campaigns.scripted import Scripted, echo
from tests.campaigns.slips import SLIPS
from tests.fakes import HashingEncoder
from tests.manifests import access_toml

TODAY, BEFORE, LATER = "2026-06-01", "2020-06-01", "2031-06-01"
COPIES = 3  # documents of each kind
COMPARED = 3  # people of whom one is compared with an index of their own
PEOPLE = (
    ("", TODAY),
    ("hr", TODAY),
    ("legal", TODAY),
    ("board", TODAY),
    ("hr,legal", TODAY),
    ("hr,board", TODAY),
    ("legal,board", TODAY),
    ("hr,legal,board", TODAY),
    ("visitor", TODAY),
    (" HR ,", TODAY),
    ("Legal,BOARD ", TODAY),
    ("boar,boards,role:board,h r,*,%,' OR 1=1 --", TODAY),
    ("", BEFORE),
    ("hr", BEFORE),
    ("", LATER),
    ("legal", LATER),
)
CAST = {"hr": "legal", "legal": "board", "board": "hr"}  # who becomes whom when the audiences change

TEXT = """\
# Project {name}

The project {name} is led from {place}. Its budget is {budget} euros a year. {filler}

## Contract with {partner}

{partner} delivers the sensors and is paid {fee} euros a month. The contract ends when the {device} is built. {filler}

**{term}** means the vote by which project {name} is stopped early.

| Item | Cost |
| --- | --- |
| {device} | {price} euros |
"""
GLOSSARY = """\
Term,Meaning
{term},"The vote by which project {name}, led from {place}, stops paying {partner} {fee} euros a month: {filler}"
{device},"The machine that costs {price} euros, paid from a budget of {budget} euros a year. {filler}"
"""
QUESTIONS = (
    "What is the budget of project {name}?",
    "Which project is led from {place}?",
    "Which project has a budget of {budget} euros a year?",
    "How much is {partner} paid a month?",
    "Who is paid {fee} euros a month?",
    "What does {term} mean?",
    "What does the {device} cost?",
    "Which item costs {price} euros?",
    "Which projects are there, and what is the budget of each?",
)
FOLLOW_UP = "And how much is that a year?"
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where documents lie, and what a rule of their own says of them; None is no such rule."""

    folder: str
    own: tuple[str, ...] | None = None
    suffix: str = ".md"
    first: str = ""
    last: str = "9999-12-31"
    dates_in_manifest: bool = False
    twin: bool = False  # the text of the document before it


KINDS = (
    Kind("general"),
    Kind("hr", twin=True),
    Kind("general", ("board",)),
    Kind("general", ("hr", "legal")),
    Kind("general", ("hr",), ".html"),
    Kind("general", (), ".md"),
    Kind("hr", ("board", "legal")),
    Kind("hr/pay", suffix=".csv"),
    Kind("hr/pay", ("legal",)),
    Kind("legal"),
    Kind("general", last="2020-12-31"),
    Kind("general", first="2031-01-01", dates_in_manifest=True),
    Kind("legal", first="2031-01-01", suffix=".html", dates_in_manifest=True),
)
FOLDERS: Mapping[str, tuple[str, ...]] = {"hr": ("hr", "board"), "legal": ("legal",)}


@dataclass(frozen=True, slots=True)
class Doc:
    """A document, the words that stand in it alone, and who may see it now by this campaign's own reckoning."""

    kind: Kind
    source: str
    text: str
    words: Words
    own: tuple[str, ...] | None
    folders: Mapping[str, tuple[str, ...]]

    @property
    def roles(self) -> frozenset[str] | None:
        """Whom all rules allow; None is everyone."""
        top = self.source.split("/")[0]
        said = [set(roles) for roles in (self.folders.get(top), self.own) if roles is not None]
        return frozenset(set.intersection(*said)) if said else None

    def seen_by(self, access: Access, *, ended: bool = False) -> bool:
        """Tell by this campaign's own reckoning whether somebody sees it, or has seen it if what has `ended` counts."""
        allowed = self.roles is None or bool(self.roles & access.roles)
        return allowed and self.kind.first <= access.as_of and (ended or access.as_of <= self.kind.last)


def make_docs(rng: random.Random) -> list[Doc]:
    names, figures = unique_names(rng), (f"{n // 1000},{n % 1000:03}" for n in rng.sample(range(10_000, 99_999), 999))
    docs: list[Doc] = []
    for kind in KINDS * COPIES:
        words: Words = {key: next(names) for key in ("name", "place", "partner", "device", "term")}
        words = {**words, **{key: next(figures) for key in ("budget", "fee", "price")}}
        if kind.twin:
            words = docs[-1].words
        # As many words as no other has, so that no two passages are as near to a question: a tie has no order.
        filler = " ".join(next(names) for _ in range(len(docs) + 1)) + "."
        text = (GLOSSARY if kind.suffix == ".csv" else TEXT).format_map({**words, "filler": filler})
        if kind.suffix == ".html":
            text = MarkdownIt().enable("table").render(text)
        source = f"{kind.folder}/{next(names).lower()}{kind.suffix}"
        docs.append(Doc(kind, source, text, words, kind.own, FOLDERS))
    return docs


def unique_names(rng: random.Random) -> Iterator[str]:
    met: set[str] = set()
    while True:
        name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(4)).capitalize() + "x"
        if name not in met:
            met.add(name)
            yield name


# --- time passes -----------------------------------------------------------------------------------------------------


def recast(docs: Sequence[Doc], rng: random.Random) -> list[Doc]:
    """Change every audience."""
    folders = {folder: tuple(CAST[role] for role in roles) for folder, roles in FOLDERS.items()}
    cast = [doc.own and tuple(CAST[role] for role in doc.own) for doc in docs]
    return [replace(doc, own=own, folders=folders) for doc, own in zip(docs, cast, strict=True)]


def moved(docs: Sequence[Doc], rng: random.Random) -> list[Doc]:
    """Move a third of the files to other folders, and rename and edit a third: their rules go with them."""
    names, after = unique_names(rng), []
    for number, doc in enumerate(docs):
        folder, _, name = doc.source.rpartition("/")
        if number % 3 == 0:
            folder = rng.choice(["general", "hr", "hr/pay", "legal"])
        elif number % 3 == 1:
            name = f"{next(names).lower()}{doc.kind.suffix}"
            words = {**doc.words, "fee": f"{rng.randrange(10, 99)},{rng.randrange(100, 999)}"}
            doc = replace(doc, text=doc.text.replace(doc.words["fee"], words["fee"]), words=words)
        after.append(replace(doc, source=f"{folder}/{name}"))
    return after


def opened(docs: Sequence[Doc], rng: random.Random) -> list[Doc]:
    """Open some restricted documents, restrict some open ones, and delete a few."""
    after = [replace(doc, own=rng.choice([None, ("hr",), ("board", "legal"), ()])) for doc in docs]
    return [doc for number, doc in enumerate(after) if number % 9]


STEPS: Mapping[str, Callable[[Sequence[Doc], random.Random], list[Doc]]] = {
    "at first": lambda docs, rng: list(docs),
    "other audiences": recast,
    "moved, renamed, edited": moved,
    "opened, restricted, deleted": opened,
}


def write_docs(docs: Sequence[Doc], root: Path) -> None:
    """Make the folder hold these documents and their manifest, and nothing else."""
    shutil.rmtree(root, ignore_errors=True)
    entries = []
    for doc in docs:
        dates = {"effective": doc.kind.first, "expires": doc.kind.last if doc.kind.last[:4] != "9999" else ""}
        said = [f"{key}: {day}" for key, day in dates.items() if day]
        front = "" if doc.kind.dates_in_manifest or not said else "\n".join(["---", *said, "---", ""])
        if doc.kind.dates_in_manifest:
            lines = "".join(f'{key} = "{day}"\n' for key, day in dates.items() if day)
            entries.append(f'[[documents]]\npath = "{doc.source}"\n{lines}')
        (root / doc.source).parent.mkdir(parents=True, exist_ok=True)
        (root / doc.source).write_text(front + doc.text, encoding="utf-8")
    tops = {doc.source.split("/")[0] for doc in docs}
    folders = docs[0].folders if docs else {}
    rules: dict[str, str | Sequence[str]] = {f"{top}/**": to for top, to in folders.items() if top in tops}
    rules |= {doc.source: doc.own or "nobody" for doc in docs if doc.own is not None}
    (root / "access.toml").write_text(access_toml(rules, more="\n".join(entries)), encoding="utf-8")


def not_stopped(docs: Sequence[Doc], folder: Path, config: Config, encoder: Any) -> Iterator[str]:
    """Make each slip on a copy in the place of the documents; yield those that an ingest did not stop at."""
    root, safe = folder / "docs", folder / "safe"
    shutil.copytree(root, safe)
    restricted = next(doc.source for doc in docs if doc.own and doc.source.endswith(".md") and "/" in doc.source)
    before = state_of(config)
    for name, slip in SLIPS.items():
        slip(root, restricted)
        try:
            ingest([root], config, encoder)
            yield f"not stopped: {name}"
        except UsageError:
            if state_of(config) != before:
                yield f"the index changed: {name}"
        shutil.rmtree(root)
        shutil.copytree(safe, root)
    shutil.rmtree(safe)


def state_of(config: Config) -> object:
    with closing(Catalog.open(config.data)) as catalog:
        return catalog.meta("generation"), sorted(catalog.sources().items())


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks: the documents that must not come back and their words, and those that few others get."""

    roles: str
    access: Access
    gone: frozenset[str]
    hidden: frozenset[str]
    privy: frozenset[str]


def make_person(roles: str, day: str, docs: Sequence[Doc], *, ended: bool = False) -> Person:
    access = make_access(roles.split(","), day)
    seen = [doc for doc in docs if doc.seen_by(access, ended=ended)]
    gone = [doc for doc in docs if doc not in seen]
    known = canaries(seen)
    return Person(
        roles,
        access,
        frozenset(doc.source for doc in gone),
        canaries(gone) - known,
        canaries(doc for doc in seen if doc.roles is not None),
    )


def canaries(docs: Iterable[Doc]) -> frozenset[str]:
    """Return what gives documents away: their words, and the files' names."""
    return frozenset(word.casefold() for doc in docs for word in (*doc.words.values(), Path(doc.source).stem))


@dataclass(slots=True)
class Tally:
    """Counts by surface; `told` is how often somebody was shown what only some may see, and rightly."""

    asked: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    leaked: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)

    def add(self, surface: str, who: Person, question: str, shown: str) -> None:
        shown, said = shown.casefold(), question.casefold()
        self.count(surface, who, question, [word for word in who.hidden if word in shown and word not in said])
        self.told[surface] += any(word in shown and word not in said for word in who.privy)

    def count(self, surface: str, who: Person, question: str, faults: Sequence[str]) -> None:
        self.asked[surface] += 1
        if faults:
            self.leaked[surface] += 1
            self.leaks.append(
                f"{surface}, as {who.roles!r} on {who.access.as_of}: {question}: {', '.join(faults[:MOST_FAULTS])}"
            )


# --- doors---


def search(assistant: Assistant, question: str) -> str:
    return dumps(search_json(assistant.search(question, k=100)))


def answer(assistant: Assistant, question: str) -> str:
    """Also show every sentence that the reader weighed."""
    weighed = [e.text for e in assistant.candidates(question).sentences]
    return dumps([answer_json(assistant.answer(question)), weighed])


def follow_up(assistant: Assistant, question: str) -> str:
    """Ask on in the conversation of somebody who was told more."""
    history = Turn("user", question), Turn("assistant", "It does. [1]")
    return dumps(answer_json(assistant.answer(FOLLOW_UP, history)))


def terms(assistant: Assistant, question: str) -> str:
    norms = [normalise_term(word) for word in question.split()]
    found = (assistant.catalog.queries.terms(assistant.access, asked) for asked in (norms, None))
    return dumps([term_json(*entry) for entries in found for entry in entries])


def langchain(assistant: Assistant, question: str) -> str:
    documents = assistant.as_retriever(k=100).invoke(question)
    return dumps([[d.model_dump() for d in documents], assistant.as_runnable().invoke(question)])


def chat(assistant: Assistant, question: str) -> str:
    lines = iter((question, "/open 1", FOLLOW_UP, "/sources", "/as", "/quit"))
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        Chat(assistant, Renderer(verbose=True), lambda: next(lines)).run()
    return out.getvalue()


def mcp(assistant: Assistant, question: str) -> str:
    server = make_server(assistant, lambda: assistant.access, print)

    async def call() -> list[Any]:
        async with Client(server) as client:
            asked = [("ask", {"question": question}), ("search", {"query": question}), ("terms", {"name": ""})]
            return [(await client.call_tool(name, given)).model_dump(mode="json") for name, given in asked]

    return dumps(anyio.run(call))


def http(assistant: Assistant, question: str) -> str:
    """Ask the server's three ways of asking."""
    queue = RequestQueue(assistant.config.serve)
    door = Door(frozenset({"127.0.0.1"}), everybody=lambda: assistant.access)
    client = TestClient(make_app(assistant, door, queue, lambda *told: None), "http://127.0.0.1")
    chat = {"model": "x", "messages": [{"role": "user", "content": question}]}
    asked = (("ask", {"question": question}), ("search", {"query": question}), ("chat/completions", chat))
    return "".join(client.post(f"/v1/{way}", json=body).text for way, body in asked)


SURFACES: Mapping[str, Callable[[Assistant, str], str]] = {
    "search": search,
    "answer": answer,
    "follow-up": follow_up,
    "terms": terms,
    "langchain": langchain,
    "chat": chat,
    "mcp": mcp,
    "serve": http,
}
BATCHES = ("ask", "search")


def batch(command: str, questions: Sequence[str], who: Person, config: Path) -> list[str]:
    """Ask through the command line, all at once."""
    lines = config.with_name("questions.jsonl")
    lines.write_text("".join(json.dumps({"question": q}) + "\n" for q in questions), encoding="utf-8")
    options = ["--as", who.roles, "--as-of", who.access.as_of, "--config", str(config), "--quiet"]
    return CliRunner().invoke(app, [command, "--batch", str(lines), *options]).stdout.splitlines()


def told_apart(assistant: Assistant, question: str, who: Person) -> list[str] | None:
    """Return what `verify` says of hidden quotes and forged ones if it is not one thing; None without hidden quotes."""
    everybody = make_access(tuple(CAST), who.access.as_of)
    raw = json.loads(dumps(answer_json(assistant.answer(question, access=everybody))))
    said = set()
    hidden = [c for c in raw["citations"] if c["source"] in who.gone]
    for citation in hidden:
        for change in ({}, {"quote": "forged"}, {"start": 0}, {"source": "no/such.md"}, {"document_sha256": "0"}):
            saved = {
                "status": "answered",
                "answer": f"{citation['claim']} [{citation['key']}]",
                "citations": [{**citation, **change}],
            }
            checks = verify_answer(saved_answer(saved), assistant.catalog, who.access)
            said |= {check.problem for check in checks}
    if not hidden:
        return None
    return sorted(said) if len(said) > 1 or "" in said else []


def linted(config: Config, who: Person) -> str:
    report = lint(config, who.access, LINT_RULES, open_models(config))
    return dumps([asdict(finding) for finding in report.findings])


def weighed(config: Config, folder: Path, who: Person) -> str:
    """Ask for the impact of taking half of the documents away and changing the others."""
    clone = folder / "clone"
    shutil.copytree(folder / "docs", clone)
    for path in sorted(clone.rglob("*.*"))[::2]:
        if path.name != "access.toml":
            path.write_text(path.read_text(encoding="utf-8").replace("euros", "dollars"), encoding="utf-8")
    try:
        return dumps(assess(ImpactPlan([clone]), config, who.access, no_progress)[0].to_json())
    finally:
        shutil.rmtree(clone)


def replayed(config: Path, who: Person, most: int) -> Iterator[tuple[str, str]]:
    """Ask again what this person asked before the last step; yields the question and what came back."""
    logged = CliRunner().invoke(app, ["log", "--json", "--config", str(config)]).stdout
    entries = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    own = [e for e in entries if e["command"] == "ask" and set(e["roles"]) == who.access.roles]
    for entry in [e for e in own if e["as_of"] == who.access.as_of][-most:]:
        done = CliRunner().invoke(app, ["replay", str(entry["id"]), "--json", "--config", str(config)])
        yield entry["question"], done.stdout + done.stderr


def unseen(assistant: Assistant, alone: Assistant, question: str) -> list[str]:
    """Return what differs from what an index without the hidden documents gives; ids are of an index alone."""
    ours, theirs = (answer_json(a.answer(question)) for a in (assistant, alone))
    for raw in (ours, theirs):
        raw["hits"] = [(hit["source"], hit["text"], hit["score"]) for hit in raw["hits"]]
    differs = [key for key in ours if key != "timings_ms" and ours[key] != theirs[key]]
    found = [
        [(hit.source, hit.passage.text, hit.score) for hit in a.search(question, k=100).hits]
        for a in (assistant, alone)
    ]
    named = [terms(a, question) for a in (assistant, alone)]
    return [*differs, *(["search"] if found[0] != found[1] else []), *(["terms"] if named[0] != named[1] else [])]


# --- the run -------------------------------------------------------------------------------------------------------


class WordReader:
    """Reads by the share of a question's words that a unit and its headings hold."""

    def read(self, question: str, header: str, units: Sequence[str]) -> Floats:
        """Return log-odds between -4 and 4, [units]."""
        asked = content(question) or {question}
        shares = [len(asked & content(f"{header} {unit}")) / len(asked) for unit in units]
        return np.array([8 * share - 4 for share in shares], dtype=np.float32)


class SmallEncoder(HashingEncoder):
    """What the guards and the limits look with."""

    dimensions = 384


@contextmanager
def without_models(config: Config) -> Iterator[HashingEncoder]:
    """Let nothing load a model; the hash of the encoder is the packaged one's, which the registry knows."""
    encoder, small = HashingEncoder(), SmallEncoder()
    encoder.sha = encoder_sha(Registry(config.models_dir).load(config.encoder.model))

    def open_either(registry: object, settings: object, name: str = "") -> HashingEncoder:
        return small if name else encoder

    with ExitStack() as stack:
        for name in ("assistant.answer.engine", "ingest.lint.run"):
            stack.enter_context(patch(f"{name}.open_encoder", open_either))
        stack.enter_context(patch("assistant.answer.engine.open_reader", lambda *given: WordReader()))
        for name in ("ingest.build", "ingest.lint.run"):
            stack.enter_context(patch(f"{name}.guard_encode", lambda config: small.encode))
        stack.enter_context(patch("ingest.build.open_embedder", lambda config: nullcontext(encoder)))
        yield encoder


def ingest_as_told(paths: Sequence[Path], config: Config, encoder: HashingEncoder | None) -> None:
    """Ingest, and forget by name each document that the ingest stops for: it was moved to where others may see it."""
    while True:
        try:
            ingest(paths, config, encoder)
            return
        except UsageError as error:
            named = re.search(r"assistant forget (\S+)", error.hint)
            if not named:
                raise
            forget([named[1]], config)


def run_all(options: argparse.Namespace, folder: Path) -> Tally:
    rng, tally = random.Random(options.seed), Tally()
    config = quiet_config(folder / "index", settings(options, folder).models_dir)
    config = replace(config, guards=replace(config.guards, injection="off"))
    path = folder / "config.toml"
    path.write_text(config_text(config), encoding="utf-8")
    with nullcontext(None) if options.real else without_models(config) as encoder:
        docs = make_docs(rng)
        each = max(1, round(options.n / (len(STEPS) * len(PEOPLE) * (len(SURFACES) + len(BATCHES) + 1))))
        for number, (step, change) in enumerate(STEPS.items()):
            docs = change(docs, rng)
            write_docs(docs, folder / "docs")
            ingest_as_told([folder / "docs"], config, encoder)
            tally.leaks += [f"{step}: {fault}" for fault in not_stopped(docs, folder, config, encoder)]
            pool = questions_for(docs)
            for at, (roles, day) in enumerate(track(PEOPLE, step, console=console, transient=True)):
                who = make_person(roles, day, docs)
                drawn = rng.sample(pool, min(each, len(pool)))
                for question, said in replayed(path, who, each) if number else ():
                    tally.add("replay", who, question, said)
                ask_all(config, who, drawn, path, tally)
                upkeep = make_person(roles, day, docs, ended=True)  # a linter looks at what has expired, too
                tally.add("lint", upkeep, "", linted(config, upkeep))
                if at % COMPARED == number % COMPARED:
                    tally.add("impact", who, "", weighed(config, folder, who))
                    with alone(config, who, docs, folder, encoder) as own:
                        compare(config, own, who, drawn, tally)
                    with alone(config, upkeep, docs, folder, encoder) as own:
                        same = linted(config, upkeep) == linted(own, upkeep)
                        tally.count("unseen, lint", upkeep, "", [] if same else ["lint"])
            console.print(f"{step}: {tally.asked.total():,} questions, {len(tally.leaks)} faults")
    return tally


def questions_for(docs: Iterable[Doc]) -> list[str]:
    return sorted({template.format_map(doc.words) for doc in docs for template in QUESTIONS})


def open_as(who: Person, config: Config) -> Assistant:
    return Assistant(config, access=who.access, model=Scripted(echo))


def ask_all(config: Config, who: Person, questions: Sequence[str], path: Path, tally: Tally) -> None:
    """Ask through every door, in one process and by the command line."""
    with closing(open_as(who, config)) as assistant:
        for name, surface in SURFACES.items():
            for question in questions:
                tally.add(name, who, question, surface(assistant, question))
        for question in questions:
            said = told_apart(assistant, question, who)
            if said is not None:
                tally.count("verify", who, question, said)
    for command in BATCHES:
        for question, line in zip(questions, batch(command, questions, who, path), strict=True):
            tally.add(f"{command} --batch", who, question, line)


@contextmanager
def alone(config: Config, who: Person, docs: Sequence[Doc], folder: Path, encoder: Any) -> Iterator[Config]:
    """Make an index that never held the documents that somebody does not see."""
    place = folder / "alone"
    own = replace(config, index=replace(config.index, data=str(place / "index")))
    write_docs([doc for doc in docs if doc.source not in who.gone], place / "docs")
    ingest([place / "docs"], own, encoder)
    yield own
    shutil.rmtree(place)


def compare(config: Config, own: Config, who: Person, questions: Sequence[str], tally: Tally) -> None:
    """Hold what somebody gets to what an index without the hidden documents gives."""
    with closing(open_as(who, config)) as assistant, closing(open_as(who, own)) as other:
        for question in questions:
            tally.count("unseen", who, question, unseen(assistant, other, question))


def show(tally: Tally, seconds: float) -> None:
    columns = {"questions": tally.asked, "rightly told": tally.told, "leaks": tally.leaked}
    show_counts("Who may see what", "door", columns, tally.leaks)
    console.print(f"{tally.asked.total():,} questions, {len(SLIPS) * len(STEPS)} slips, {seconds:,.0f} s")


def run_campaign(
    doc: str | None,
    name: str,
    asked: int,
    run_all: Callable[[argparse.Namespace, Path], Tally],
    show: Callable[[Tally, float], None],
) -> None:
    """Run a campaign of so many questions as the command line says, show what it told, and exit with 7 for a leak."""
    options = parser(doc)
    options.add_argument("-n", type=int, default=asked, help="questions, in all")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--real", action="store_true", help="encode and read with the packaged models")
    given = options.parse_args()
    began = time.monotonic()
    with scratch(name) as folder:
        tally = run_all(given, folder)
    show(tally, time.monotonic() - began)
    write_json(given.json, {f.name: getattr(tally, f.name) for f in fields(tally)})
    sys.exit(7 if tally.leaks else 0)


if __name__ == "__main__":
    run_campaign(__doc__, "permissions", 12_000, run_all, show)
