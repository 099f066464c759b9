"""Ask everybody for what only some may see:  python -m tests.campaigns.permissions [-n 12000] [--seed 1]

Every document of a made-up corpus holds names and figures that stand nowhere else; people of all kinds of roles, on
several days, ask for them through every surface, and again after every audience has changed and one ingest was run. A
leak is one of these words in anything that comes back to somebody who may not see a document that has it, unless the
question said it. `verify` must say the same of a hidden quote as of a forged one. And what comes back must be what an
index without the hidden documents gives, scores and order included ("unseen").

Half of the questions are for documents whose owner meant to restrict them and slipped, a kind of slip each
(`tests/campaigns/traps.py`): nobody may be shown one, and an ingest must have reported it, or have understood.

What takes long is the cross-encoder. Each pair of question and passage is read once, whoever asks and through whatever
surface, and three people of four are answered from fewer passages; the fourth is answered from as many as ever, and so
is what is compared. `search` and LangChain's retriever show a hundred hits.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from markdown_it import MarkdownIt
from rich.progress import track
from typer.testing import CliRunner

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.cli import app
from assistant.contract import answer_json, dumps, saved_answer, search_json, term_json
from assistant.core.config import Config
from assistant.core.records import Access, IngestReport, Turn, make_access
from assistant.index.catalog import Catalog
from assistant.models.cross_encoder import Floats, open_reader
from assistant.terminal.chat import Chat
from assistant.terminal.render import Renderer
from assistant.text.words import normalise_term
from bench.common import (
    MOST_FAULTS,
    config_text,
    console,
    parser,
    quiet_config,
    run_ingest,
    scratch,
    settings,
    show_counts,
    write_json,
)
from tests.campaigns.scripted import Scripted, echo
from tests.campaigns.traps import ROLE, TRAPS, Trap

TODAY, BEFORE, LATER = "2026-06-01", "2020-06-01", "2031-06-01"
COPIES = 2  # documents of each rule
FEW, ALL_EVERY = 4, 4  # passages that most people's answers are read from; every so many people, it is all of them
FOLDERS = {"hr": '["hr", "board"]', "hr/pay": "", "legal": '"Legal "', "general": ""}
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

The project {name} is led from {place}. Its budget is {budget} euros a year.

## Contract with {partner}

{partner} delivers the sensors and is paid {fee} euros a month. The contract ends when the {device} is built.

**{term}** means the vote by which project {name} is stopped early.

| Item | Cost |
| --- | --- |
| {device} | {price} euros |
"""
GLOSSARY = """\
Term,Meaning
{term},"The vote by which project {name}, which is led from {place}, stops paying {partner} {fee} euros a month."
{device},"The machine that costs {price} euros, paid from a budget of {budget} euros a year."
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
class Rule:
    """Where a document lies, what is said of its audience there, and who may therefore see it, and when."""

    folder: str
    roles: tuple[str, ...] = ()
    front: str = ""
    sidecar: str = ""
    suffix: str = ".md"
    first: str = ""
    last: str = "9999-12-31"
    twin: bool = False  # the bytes of the document before it


RULES = (
    Rule("general"),
    Rule("hr", ("hr", "board"), twin=True),
    Rule("general", ("board",), front='audience: ["Board"]'),
    Rule("general", ("hr", "legal"), front="audience: [hr, legal]"),
    Rule("general", ("hr",), sidecar='audience = "hr"', suffix=".html"),
    Rule("general", ("legal", "board"), sidecar='audience = ["legal", "board"]', suffix=".csv"),
    Rule("hr", ("board",), front="audience: [board, legal]"),
    Rule("hr/pay", ("hr", "board"), suffix=".csv"),
    Rule("legal", ("legal",)),
    Rule("hr", ("hr", "board"), twin=True),
    Rule("hr", ("board",), sidecar='audience = ["board", "legal"]'),
    Rule("general", last="2020-12-31", front="expires: 2020-12-31"),
    Rule("general", first="2031-01-01", front="effective: 2031-01-01"),
    Rule("legal", ("legal",), first="2031-01-01", sidecar="effective = 2031-01-01", suffix=".html"),
)


@dataclass(frozen=True, slots=True)
class Doc:
    """A document, the words that stand in it alone, and the rule that it lies under."""

    rule: Rule
    source: str
    text: str
    words: Words
    trap: Trap | None = None

    def seen_by(self, access: Access, cast: Mapping[str, str]) -> bool:
        """Tell by the rule alone, not by the product's code, whether somebody may see it."""
        if self.trap and self.trap.before and not cast:  # the slip comes with the change of audiences
            return True
        roles = {cast.get(role, role) for role in self.rule.roles}
        return (not roles or bool(roles & access.roles)) and self.rule.first <= access.as_of <= self.rule.last


def make_docs(rng: random.Random) -> list[Doc]:
    names, figures = unique_names(rng), (f"{n // 1000},{n % 1000:03}" for n in rng.sample(range(10_000, 99_999), 999))
    docs: list[Doc] = []
    for rule in RULES * COPIES:
        words: Words = {key: next(names) for key in ("name", "place", "partner", "device", "term")}
        words = {**words, **{key: next(figures) for key in ("budget", "fee", "price")}}
        if rule.twin:
            words = docs[-1].words
        text = (GLOSSARY if rule.suffix == ".csv" else TEXT).format_map(words)
        if rule.suffix == ".html":
            text = MarkdownIt().enable("table").render(text)
        docs.append(Doc(rule, f"{rule.folder}/{next(names).lower()}{rule.suffix}", text, words))
    for trap in TRAPS.values():
        words = {key: next(names) for key in ("name", "place", "partner", "device", "term")}
        words = {**words, **{key: next(figures) for key in ("budget", "fee", "price")}}
        suffix = next(iter(trap.before or trap.files)).rpartition(".")[2]
        text = (GLOSSARY if suffix == "csv" else TEXT).format_map(words)
        docs.append(Doc(Rule("traps", (ROLE,)), f"traps/{next(names).lower()}.{suffix}", text, words, trap))
    return docs


def unique_names(rng: random.Random) -> Iterator[str]:
    met: set[str] = set()
    while True:
        name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(4)).capitalize() + "x"
        if name not in met:
            met.add(name)
            yield name


def index_docs(docs: Sequence[Doc], root: Path, config: Config, cast: Mapping[str, str]) -> IngestReport:
    """Write the documents with their metadata, the roles in it as `cast` says, and ingest them."""
    for folder, audience in FOLDERS.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        if audience:
            (root / folder / "_meta.toml").write_text(recast(f"audience = {audience}\n", cast), encoding="utf-8")
    given = [root]
    for doc in docs:
        if doc.trap:
            place, name = trap_folder(doc, root), Path(doc.source).stem
            path = doc.trap.write(place, name, doc.text, first=not cast)
            given += [path] if doc.trap.given else []
            continue
        front = f"---\n{recast(doc.rule.front, cast)}\n---\n" if doc.rule.front else ""
        (root / doc.source).write_text(front + doc.text, encoding="utf-8")
        if doc.rule.sidecar:
            (root / f"{doc.source}.meta.toml").write_text(recast(doc.rule.sidecar, cast), encoding="utf-8")
    return run_ingest(given, config)


def trap_folder(doc: Doc, root: Path) -> Path:
    """Return where a trap's tree lies: one that is ingested in part, apart from the rest."""
    apart = doc.trap is not None and bool(doc.trap.given)
    return (root.with_name(f"{root.name}-apart") if apart else root / "traps") / Path(doc.source).stem


def unreported(docs: Sequence[Doc], root: Path, config: Config, report: IngestReport) -> Iterator[str]:
    """Yield the kinds of traps that are neither open only to their audience nor reported as rejected."""
    with closing(Catalog.open(config.data)) as catalog:
        known = catalog.sources()
    kinds = {id(trap): kind for kind, trap in TRAPS.items()}
    for doc in (doc for doc in docs if doc.trap):
        stem = Path(doc.source).stem
        rows = [row for path, row in known.items() if Path(path).is_relative_to(trap_folder(doc, root))]
        told = any(stem in Path(rejected.source).parts[:2] or stem in rejected.source for rejected in report.rejected)
        if not (told or rows) or any(row.meta.audience != (ROLE,) for row in rows):
            yield kinds[id(doc.trap)]


def recast(text: str, cast: Mapping[str, str]) -> str:
    """Replace each role by the one that it becomes."""
    return re.sub(r"\b(?:hr|legal|board)\b", lambda m: cast.get(m[0].lower(), m[0]), text, flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks: the documents that must not come back and their words, and those that few others get."""

    roles: str
    access: Access
    gone: frozenset[str]
    hidden: frozenset[str]
    privy: frozenset[str]


def make_person(roles: str, day: str, docs: Sequence[Doc], cast: Mapping[str, str]) -> Person:
    access = make_access(roles.split(","), day)
    seen = [doc for doc in docs if doc.seen_by(access, cast)]
    gone = [doc for doc in docs if doc not in seen]
    known = canaries(seen)
    return Person(
        roles,
        access,
        frozenset(doc.source for doc in gone),
        canaries(gone) - known,
        canaries(doc for doc in seen if doc.rule.roles),
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


# --- surfaces: all that comes back when the assistant, opened for somebody, is asked a question -----------------


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
    found = (assistant.catalog.terms(assistant.access, asked) for asked in (norms, None))
    return dumps([term_json(*entry) for entries in found for entry in entries])


def langchain(assistant: Assistant, question: str) -> str:
    documents = assistant.as_retriever(k=100).invoke(question)
    return dumps([[d.model_dump() for d in documents], assistant.as_runnable().invoke(question)])


def chat(assistant: Assistant, question: str) -> str:
    lines = iter((question, "/open 1", FOLLOW_UP, "/sources", "/as", "/quit"))
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        Chat(assistant, Renderer(verbose=True), lambda: next(lines)).run()
    return out.getvalue()


SURFACES: Mapping[str, Callable[[Assistant, str], str]] = {
    "search": search,
    "answer": answer,
    "follow-up": follow_up,
    "terms": terms,
    "langchain": langchain,
    "chat": chat,
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


def unseen(assistant: Assistant, alone: Assistant, question: str) -> list[str]:
    """Return what differs from what an index without the hidden documents gives; ids are of an index alone."""
    ours, theirs = (answer_json(a.answer(question)) for a in (assistant, alone))
    for raw in (ours, theirs):
        raw["hits"] = [(hit["source"], hit["text"], hit["score"]) for hit in raw["hits"]]
    return [key for key in ours if key != "timings_ms" and ours[key] != theirs[key]]


# --- the run -------------------------------------------------------------------------------------------------------


class Remembering:
    """A cross-encoder that reads a passage with a question once: what it says depends on nothing else."""

    def __init__(self, model: Any, known: dict[tuple[str, str, tuple[str, ...]], Floats]) -> None:
        self._model = model
        self._known = known

    def read(self, question: str, header: str, units: Sequence[str]) -> Floats:
        """Return what the model says, or said."""
        key = question, header, tuple(units)
        if key not in self._known:
            self._known[key] = self._model.read(question, header, units)
        return self._known[key]


def run_all(options: argparse.Namespace, folder: Path) -> Tally:
    rng, tally = random.Random(options.seed), Tally()
    config = quiet_config(folder / "index", settings(options, folder).models_dir)
    few = replace(config, reader=replace(config.reader, passages=FEW))
    docs = make_docs(rng)
    (folder / "elsewhere.md").write_text("# Elsewhere\n\nThis lies outside.\n", encoding="utf-8")
    pools = [questions_for(doc for doc in docs if not doc.trap), questions_for(doc for doc in docs if doc.trap)]
    each = min(*map(len, pools), -(-options.n // (2 * len(pools) * len(PEOPLE) * (len(SURFACES) + len(BATCHES)))))
    known: dict[tuple[str, str, tuple[str, ...]], Floats] = {}
    with patch("assistant.answer.engine.open_reader", lambda *given: Remembering(open_reader(*given), known)):
        for cast in ({}, CAST):
            report = index_docs(docs, folder / "docs", config, cast)
            for number, (roles, day) in enumerate(track(PEOPLE, "asking", console=console, transient=True)):
                who = make_person(roles, day, docs, cast)
                drawn = [question for pool in pools for question in rng.sample(pool, each)]
                ask_all(few if number % ALL_EVERY else config, who, drawn, folder / "config.toml", tally)
        tally.leaks += [f"not reported: {kind}" for kind in unreported(docs, folder / "docs", config, report)]
        for number, (roles, day) in enumerate(track(PEOPLE, "comparing", console=console, transient=True)):
            who = make_person(roles, day, docs, CAST)
            drawn = [question for pool in pools for question in rng.sample(pool, each)]
            own = replace(config, index=replace(config.index, data=str(folder / f"index-{number}")))
            index_docs([doc for doc in docs if doc.source not in who.gone], folder / f"docs-{number}", own, CAST)
            with closing(open_as(who, config)) as assistant, closing(open_as(who, own)) as alone:
                compare(assistant, alone, who, drawn, tally)
    return tally


def questions_for(docs: Iterable[Doc]) -> list[str]:
    return sorted({template.format_map(doc.words) for doc in docs for template in QUESTIONS})


def open_as(who: Person, config: Config) -> Assistant:
    return Assistant(config, access=who.access, model=Scripted(echo))


def ask_all(config: Config, who: Person, questions: Sequence[str], path: Path, tally: Tally) -> None:
    """Ask through every surface, in one process and by the command line."""
    path.write_text(config_text(config), encoding="utf-8")
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


def compare(assistant: Assistant, alone: Assistant, who: Person, questions: Sequence[str], tally: Tally) -> None:
    for question in questions:
        tally.count("unseen", who, question, unseen(assistant, alone, question))


def show(tally: Tally) -> None:
    columns = {"questions": tally.asked, "rightly told": tally.told, "leaks": tally.leaked}
    show_counts("Who may see what", "surface", columns, tally.leaks)
    console.print(f"{len(TRAPS)} kinds of slips")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("-n", type=int, default=12_000, help="questions, in all")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with scratch("permissions") as folder:
        tally = run_all(given, folder)
    show(tally)
    write_json(given.json, {f.name: getattr(tally, f.name) for f in fields(tally)})
    sys.exit(7 if tally.leaks else 0)


if __name__ == "__main__":
    main()
