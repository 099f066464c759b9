"""Ask every sampled question and re-check every quote by other means:  python -m bench.answers [--limit 20]

Each citation is checked twice: with plain SQL against the catalog file, and by `verify_answer` on the saved JSON. Then
saved answers are tampered with, one byte each, in a quote, an offset, a claim and the answer's text, and `verify` must
refuse every one. Also prints who answered in the generator's own words, and the warm latency of each stage.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import track
from rich.table import Table

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, dumps, saved_answer
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import make_access
from assistant.index.catalog import Catalog
from assistant.index.schema import FILE_NAME
from bench.common import (
    SETS,
    QuestionSet,
    console,
    note_load,
    parser,
    percentile,
    questions,
    run_ingest,
    scratch,
    settings,
    shared_folder,
    write_json,
)

WARM_UP = 3  # questions at the start of each set that do not count for latency
TAMPERED = 50  # saved answers that each tampering is tried on
STAGES = ("retrieve", "read", "generate", "verify")
Json = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """Counts over the questions of one set."""

    questions: int = 0
    answered: int = 0
    generated: int = 0
    citations: int = 0
    verbatim: int = 0
    verified: int = 0  # answers that verify_answer accepts
    faults: list[str] = field(default_factory=list)
    timings: list[dict[str, float]] = field(default_factory=list)
    tampered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def ask_all(of: QuestionSet, config: Config, shared: Path, saved: Path, limit: int | None) -> Tally:
    """Ask the set's questions, save the answers as JSON lines, check and tamper with them."""
    tally = Tally()
    assistant = Assistant(config)
    try:
        with saved.open("w", encoding="utf-8") as lines:
            for number, row in enumerate(
                track(questions(shared, of, limit), f"{of.name}: asking", console=console, transient=True)
            ):
                answer = assistant.answer(row["asked"])
                lines.write(dumps(answer_json(answer, row["id"])) + "\n")
                tally.questions += 1
                tally.answered += answer.status == "answered"
                tally.generated += answer.generated
                if number >= WARM_UP and answer.status == "answered":
                    tally.timings.append(dict(answer.timings))
    finally:
        assistant.close()
    answers = [json.loads(line) for line in saved.read_text(encoding="utf-8").splitlines()]
    with closing(Catalog.open(config.data)) as catalog:

        def problems(raw: Json) -> list[str]:
            """Say what `verify` has against a saved answer; nothing means that it accepts it."""
            try:
                checks = verify_answer(saved_answer(raw), catalog, make_access())
            except UsageError as error:
                return [str(error)]
            return [check.problem for check in checks if check.problem]

        check_quotes(answers, config, tally)
        check_verify(answers, problems, tally)
        tamper(answers, problems, tally)
    return tally


def check_quotes(answers: list[Json], config: Config, tally: Tally) -> None:
    """Compare each quote with the document's text, read with plain SQL."""
    query = "SELECT d.text FROM sources s JOIN documents d ON d.id = s.document_id WHERE s.source = ? AND d.sha256 = ?"
    with closing(sqlite3.connect(f"file:{config.data / FILE_NAME}?mode=ro", uri=True)) as db:
        for raw in answers:
            if raw["status"] == "answered" and not raw["citations"]:
                tally.faults.append(f"{raw['id']}: answered without a citation")
            for c in raw["citations"]:
                tally.citations += 1
                texts = [row[0] for row in db.execute(query, (c["source"], c["document_sha256"]))]
                if c["quote"] and texts and all(text[c["start"] : c["end"]] == c["quote"] for text in texts):
                    tally.verbatim += 1
                else:
                    tally.faults.append(f"{raw['id']}: [{c['key']}] is not in {c['source']}: {c['quote'][:60]!r}")


def check_verify(answers: list[Json], problems: Callable[[Json], list[str]], tally: Tally) -> None:
    for raw in answers:
        if found := problems(raw):
            tally.faults.append(f"{raw['id']}: verify says {found[0]}")
        elif raw["status"] == "answered":
            tally.verified += 1


def tamper(answers: list[Json], problems: Callable[[Json], list[str]], tally: Tally) -> None:
    """Change one byte in each of several places of saved answers; every change must be refused."""
    rng = random.Random(0)
    sound = [raw for raw in answers if raw["citations"] and not problems(raw)]
    for raw in rng.sample(sound, min(TAMPERED, len(sound))):
        for name, changed in tamperings(raw, rng):
            tally.tampered[name] += 1
            if problems(changed):
                tally.refused[name] += 1
            else:
                tally.faults.append(f"{raw['id']}: verify accepts a changed {name}")


def tamperings(raw: Json, rng: random.Random) -> Iterator[tuple[str, Json]]:
    """Yield (what was changed, the changed answer)."""
    for key in ("quote", "claim"):
        changed = copy.deepcopy(raw)
        citation = rng.choice(changed["citations"])
        citation[key] = flip(citation[key], rng)
        yield key, changed
    changed = copy.deepcopy(raw)
    rng.choice(changed["citations"])[rng.choice(("start", "end"))] += rng.choice((-1, 1))
    yield "offset", changed
    changed = copy.deepcopy(raw)
    changed["answer"] = flip(changed["answer"], rng)
    yield "answer", changed
    changed = copy.deepcopy(raw)
    words = changed["answer"].split()
    words.pop(rng.randrange(len(words)))
    yield "answer, by a word", {**changed, "answer": " ".join(words)}


def flip(text: str, rng: random.Random) -> str:
    """Replace one printable ASCII character by another one: one byte of the file. White space stays."""
    places = [i for i, c in enumerate(text) if "!" <= c <= "~"]
    if not places:
        return f"{text}x"
    at = rng.choice(places)
    other = rng.choice([chr(c) for c in range(0x21, 0x7F) if chr(c) != text[at]])
    return text[:at] + other + text[at + 1 :]


def run_all(options: argparse.Namespace) -> dict[str, Tally]:
    shared = shared_folder(options.shared)
    chosen = [of for of in SETS if not options.only or of.name in options.only]
    tallies = {}
    with scratch("answers") as folder:
        for docs in dict.fromkeys((of.data, of.docs) for of in chosen):
            config = settings(options, folder / docs[0])
            with console.status(f"ingesting {docs[0]}"):
                run_ingest([shared / "data" / docs[0] / docs[1]], config)
            for of in chosen:
                if (of.data, of.docs) == docs:
                    saved = (options.save or folder) / f"{of.name}.answers.jsonl"
                    tallies[of.name] = ask_all(of, config, shared, saved, options.limit)
    return tallies


def show(tallies: dict[str, Tally]) -> None:
    table = Table(title="Answers")
    for name in (
        "set",
        "asked",
        "answered",
        "own words",
        "quotes",
        "verbatim",
        "verified",
        "p50 ms",
        "p95 ms",
        *STAGES,
    ):
        table.add_column(name, justify="left" if name == "set" else "right", no_wrap=True)
    for name, t in tallies.items():
        totals = [one["total"] for one in t.timings] or [0.0]
        shares = [sum(one.get(stage, 0.0) for one in t.timings) / max(sum(totals), 0.001) for stage in STAGES]
        table.add_row(
            name,
            str(t.questions),
            share(t.answered, t.questions),
            share(t.generated, t.answered),
            str(t.citations),
            f"{t.verbatim / t.citations:.4f}" if t.citations else "-",
            f"{t.verified}/{t.answered}",
            f"{percentile(totals, 0.5):.0f}",
            f"{percentile(totals, 0.95):.0f}",
            *(f"{s:.0%}" for s in shares),
        )
    console.print(table)
    tampered = sum((t.tampered for t in tallies.values()), Counter())
    refused = sum((t.refused for t in tallies.values()), Counter())
    for what, count in tampered.items():
        console.print(f"changed {what}: verify refuses {refused[what]} of {count}")
    faults = [f"{name}: {fault}" for name, t in tallies.items() for fault in t.faults]
    for fault in faults[:40]:
        console.print(fault, style="red", markup=False)
    console.print(f"{len(faults)} faults", style="red" if faults else "green")


def share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def as_json(t: Tally) -> Json:
    totals = [one["total"] for one in t.timings] or [0.0]
    return {
        "questions": t.questions,
        "answered": t.answered,
        "own_words": t.generated,
        "citations": t.citations,
        "verbatim": t.verbatim,
        "verified": t.verified,
        "faults": t.faults,
        "p50_ms": percentile(totals, 0.5),
        "p95_ms": percentile(totals, 0.95),
        "stage_p50_ms": {s: percentile([one.get(s, 0.0) for one in t.timings] or [0.0], 0.5) for s in STAGES},
        "tampered": dict(t.tampered),
        "refused": dict(t.refused),
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", action="append", choices=[of.name for of in SETS], help="this set (repeatable)")
    options.add_argument("--limit", type=int, help="ask only the first so many questions of each set")
    options.add_argument("--save", type=Path, metavar="FOLDER", help="keep the answers here")
    given = options.parse_args()
    if given.save:
        given.save.mkdir(parents=True, exist_ok=True)
    note_load()
    tallies = run_all(given)
    show(tallies)
    write_json(given.json, {name: as_json(tally) for name, tally in tallies.items()})
    sys.exit(7 if any(t.faults for t in tallies.values()) else 0)


if __name__ == "__main__":
    main()
