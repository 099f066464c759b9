"""Check replies that a chat model wrote:  python -m bench.words [--replies NAME] [--rows]

Ingests the sample company, and hands each reply of ../shared/data/model_words to the check that answers pass, with the
passages that it was written from: how many true sentences are shown, how many sentences with something invented are
left out, and what becomes of each subtle kind of flaw. Figures, names and keys are invented by this script, in true
sentences, with a fixed seed. Then ../shared/bench/score_natural.py scores the words alone, raw and as shown.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from assistant.answer.brief import Brief, Source
from assistant.answer.engine import Engine
from assistant.answer.proof.citations import answer_text
from assistant.answer.words import Draft, Words, drafts
from assistant.core.records import Hit, make_access
from assistant.text.prompts import KEY
from bench.common import (
    ROOT,
    console,
    load_script,
    parser,
    read_jsonl,
    run_ingest,
    scratch,
    settings,
    shared_folder,
    show_counts,
    write_json,
)

SEED = 20
NAMES = ("Dana Whitfield", "Zurich", "Acme Facilities", "ISO 50001", "dana.whitfield@tarnwell.example")
NOT_FOUND = "NOT FOUND"
Row = Mapping[str, Any]


def brief_of(prompt: Row, engine: Engine) -> Brief:
    """Return the passages of a prompt as they are indexed today; raises KeyError for one that is not there."""
    access = make_access(("hr", "managers", "finance", "board"))
    queries = engine.catalog.queries
    by_text = {passage.text: passage.id for passage, _ in queries.passages(access)}
    hits: Sequence[Hit] = queries.hits([(by_text[text], 0.0, ()) for text in prompt["texts"]], access)
    ordered = {hit.passage.text: hit for hit in hits}
    sources = tuple(
        Source(ordered[text], place, text) for place, text in zip(prompt["places"], prompt["texts"], strict=True)
    )
    return Brief(sources, (), (prompt["question"], "", ""))


def shown(reply: str, prompt: Row, engine: Engine) -> Words:
    """Check a reply."""
    words = Words(brief_of(prompt, engine), engine.guards)
    words.end(reply)
    return words


def fate(sentence: str, prompt: Row, engine: Engine) -> str:
    """Return what becomes of one sentence with its keys: left out, or how it is shown."""
    found = shown(sentence, prompt, engine).sentences
    return found[0].check if found else "left out"


def invented(draft: Draft, prompt: Row, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (kind, a true sentence with one thing that nothing given has), as far as it has the place for it."""
    keys = "".join(f" [{key}]" for key in draft.keys)
    given = " ".join((*prompt["texts"], *prompt["places"], prompt["question"]))
    if numbers := list(re.finditer(r"(?<![\w.,:-])\d+(?![\w.,:-]*\d)", draft.text)):
        at = rng.choice(numbers)
        free = [str(n) for n in range(2, 400) if not re.search(rf"(?<!\d){n}(?!\d)", given)]
        yield "number", f"{draft.text[: at.start()]}{rng.choice(free)}{draft.text[at.end() :].rstrip('.')}{keys}."
    name = rng.choice([name for name in NAMES if name not in given])
    yield "name", f"{draft.text.rstrip('.')}, as {name} says{keys}."
    yield "name at the start", f"{name} says that {draft.text[:1].lower()}{draft.text[1:].rstrip('.')}{keys}."
    yield "key", f"{draft.text.rstrip('.')} [{len(prompt['texts']) + rng.randint(1, 5)}]."
    yield "no key", draft.text


def measure(name: str, prompts: Mapping[str, Row], folder: Path, engine: Engine, score: Any, rows: bool) -> Row:
    """Check one writer's replies, and what was made wrong in them; return what came of it."""
    replies = [row for row in read_jsonl(folder / f"replies_{name}.jsonl") if row["id"] in prompts]
    true: Counter[str] = Counter()
    made_up: dict[str, Counter[str]] = {}
    rng = random.Random(SEED)
    answers: dict[str, dict[str, Row]] = {"raw": {}, "shown": {}}
    for row in replies:
        prompt, reply = prompts[row["id"]], row["reply"]
        raw = "abstained" if reply.startswith(NOT_FOUND) else "answered"
        answers["raw"][row["id"]] = {"status": raw, "answer": KEY.sub("", reply), "citations": []}
        words = shown(reply, prompt, engine)
        text = KEY.sub("", answer_text(words.sentences, worded=True))
        status = "answered" if words.sentences and raw == "answered" else "abstained"
        answers["shown"][row["id"]] = {"status": status, "answer": text, "citations": []}
        if raw == "abstained":
            continue
        true.update(sentence.check for sentence in words.sentences)
        true["left out"] += words.left_out
        if rows:
            for verdict in words.verdicts:
                console.print(f"{row['id']} {verdict.reason}", markup=False)
        for draft in drafts(reply):
            for kind, sentence in invented(draft, prompt, rng):
                made_up.setdefault(kind, Counter())[fate(sentence, prompt, engine)] += 1
    subtle: dict[str, Counter[str]] = {}
    for row in read_jsonl(folder / f"flawed_{name}.jsonl"):
        came = fate(row["wrong"], prompts[row["id"]], engine)
        subtle.setdefault(re.split(r"[:(]", row["how"])[0].strip(), Counter())[came] += 1
        if rows:
            console.print(f"{row['id']} {came}: {row['how']}: {row['wrong']}", markup=False)
    _show(name, true, made_up, subtle)
    questions = [row for row in score.questions if row["id"] in answers["raw"]]
    rates = {}
    for kind, given in answers.items():
        judged = [score.script.judge(question, given[question["id"]]) for question in questions]
        rates[kind] = score.script.rates(judged)
        useful, wrong, abstained = rates[kind]
        console.print(f"{kind}: useful {useful:.1%}, wrong {wrong:.1%}, abstained {abstained:.1%} ({len(judged)})")
    shares = {kind: counts["left out"] / counts.total() for kind, counts in made_up.items()}
    return {"true_shown": 1 - true["left out"] / true.total(), "left_out": shares, "rates": rates}


def _show(name: str, true: Counter[str], *tables: Mapping[str, Counter[str]]) -> None:
    for title, kinds in zip(("true", "invented", "subtle flaws"), ({"true": true}, *tables), strict=True):
        columns = {
            fate: Counter({kind: counts[fate] for kind, counts in kinds.items()})
            for fate in ("quote", "agrees", "unchecked", "left out")
        }
        show_counts(f"{name}: {title}", "kind", columns, ())


class Scorer:
    """The scorer, and the questions that it knows."""

    def __init__(self, shared: Path) -> None:
        self.script = load_script(shared / "bench" / "score_natural.py")
        self.questions = read_jsonl(shared / "data" / "natural_dev" / "company.jsonl")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--replies", action="append", metavar="NAME", help="replies_NAME.jsonl (those of company)")
    options.add_argument("--rows", action="store_true", help="list what becomes of each flawed sentence")
    given = options.parse_args()
    shared = shared_folder(given.shared)
    folder = shared / "data" / "model_words"
    prompts = {row["id"]: row for row in read_jsonl(folder / "prompts_company.jsonl")}
    scorer = Scorer(shared)
    with scratch("words") as place:
        config = settings(given, place / "company")
        run_ingest((ROOT / "corpora",), config)
        with closing(Engine(config)) as engine, engine.snapshot():
            names = given.replies or ("company", "company_2")
            found = {name: measure(name, prompts, folder, engine, scorer, given.rows) for name in names}
    write_json(given.json, found)
    kinds = ("number", "name", "name at the start", "key")
    held = all(f["true_shown"] >= 0.97 and all(f["left_out"][kind] >= 0.95 for kind in kinds) for f in found.values())
    sys.exit(0 if held else 7)


if __name__ == "__main__":
    main()
