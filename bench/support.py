"""Measure the support check:  python -m bench.support [--half dev] [--show noun]

Three measurements, in seconds, without a model: how often the check agrees with people on the responses of BEGIN
(../shared/data/faith_begin; Dziri et al., 2022), what share of sentences made wrong in one place it refuses while it
accepts the same sentences said otherwise, and what it costs. The rules were mended on `--half dev`, every other
document, and on BEGIN's development part; what is reported is the rest.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from assistant.answer.proof.citations import parse_claims
from assistant.answer.support import check_support
from assistant.core.config import AnswerSection
from assistant.core.errors import DocumentRejected
from assistant.text.units import units
from bench.common import ROOT, console, note_load, parser, percentile, read_jsonl, shared_folder, write_json
from bench.corruptions import BARS, CORRUPTIONS, FAITHFUL, NAME, NOUN, Others
from ingest.formats import SUFFIXES, read_document

SEED = 7
MIN_SUPPORT = AnswerSection().min_support
MAX_MS = 5.0  # a sentence
DOCUMENTS = ("qa_tts_handbook/docs", "qa_conditionalqa_train/docs", "qa_contoso_benefits/pdf")
MIN_WORDS, MAX_WORDS = 8, 40


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of so many were refused (a corruption) or accepted (a faithful variant)."""

    good: int
    of: int

    @property
    def share(self) -> float:
        return self.good / self.of if self.of else 1.0


def begin(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Compare the check with people's labels: a response is supported where each of its sentences is."""
    counts: Counter[tuple[bool, bool]] = Counter()
    reasons: Counter[str] = Counter()
    for row in rows:
        checks = [check_support(c.text, row["context"], MIN_SUPPORT) for c in parse_claims(row["text"])]
        attributable = row["label"] == "Fully attributable"
        counts[attributable, bool(checks) and all(c.supported for c in checks)] += 1
        if attributable:
            reasons.update([next((c.missing[:14] for c in checks if not c.supported), "accepted")])
    accepted = Rate(counts[True, True], counts[True, True] + counts[True, False])
    refused = Rate(counts[False, False], counts[False, False] + counts[False, True])
    return {
        "rows": len(rows),
        "accepted": accepted.share,
        "refused": refused.share,
        "balanced_accuracy": (accepted.share + refused.share) / 2,
        "false_refusals": dict(reasons.most_common()),
    }


def begin_parts(shared: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    rows = read_jsonl(shared / "data" / "faith_begin" / "items.jsonl")
    yield "development (looked at)", [row for row in rows if row["source"].startswith("begin_dev")]
    yield "test (wow)", [row for row in rows if row["source"] == "begin_test_wow"]


def documents(shared: Path, half: str) -> list[str]:
    """Read every other document, as ingest reads it."""
    roots = [ROOT / "corpora", *(shared / "data" / name for name in DOCUMENTS)]
    paths = [p for root in roots for p in sorted(root.rglob("*")) if p.suffix.lower() in SUFFIXES]
    texts = []
    for path in paths[half == "dev" :: 2]:
        try:
            texts.append(read_document(path.read_bytes(), path.name).text)
        except DocumentRejected as error:
            console.print(f"{path.name}: {error}", style="yellow", markup=False)
    return texts


def quotes(texts: Sequence[str], size: int, rng: random.Random) -> list[str]:
    """Sample sentences and list items that a reader could quote."""
    found = {
        " ".join(text[u.start : u.end].split())
        for text in texts
        for u in units(text)
        if u.kind in ("paragraph", "item") and MIN_WORDS <= len(text[u.start : u.end].split()) <= MAX_WORDS
    }
    return rng.sample(sorted(found), min(size, len(found)))


def others(texts: Sequence[str]) -> Others:
    """Collect the names, and the nouns that are used often."""
    names = Counter(m.group() for text in texts for m in NAME.finditer(text))
    nouns = Counter(m.group() for text in texts for m in NOUN.finditer(text))
    return Others(
        tuple(sorted(n for n, count in names.items() if count > 2)),
        tuple(sorted(n for n, count in nouns.items() if count > 4)),
    )


def faithful(sample: Sequence[str], pool: Others, rng: random.Random, show: str) -> dict[str, Rate]:
    """Count the variants that the check accepts, as it should."""
    rates = {}
    for kind, change in FAITHFUL.items():
        pairs = [(new, text) for text in sample if (new := change(text, rng, pool)) is not None]
        checks = [check_support(new, text, MIN_SUPPORT) for new, text in pairs]
        rates[kind] = Rate(sum(c.supported for c in checks), len(pairs))
        if kind == show:
            _show([(n, t, c.missing) for (n, t), c in zip(pairs, checks, strict=True) if not c.supported])
    return rates


def corrupted(sample: Sequence[str], pool: Others, rng: random.Random, show: str) -> dict[str, Rate]:
    """Count the corruptions that the check refuses, as it should; every other one is of a sentence said otherwise."""
    rates = {}
    for kind, corrupt in CORRUPTIONS.items():
        caught, missed = 0, []
        for i, text in enumerate(sample):
            said = [new for change in FAITHFUL.values() if (new := change(text, rng, pool))] if i % 2 else []
            base = rng.choice([new for new in said if check_support(new, text, MIN_SUPPORT).supported] or [text])
            wrong = corrupt(base, rng, pool)
            if wrong is None or re.sub(r"\W+", " ", wrong.lower()) == re.sub(r"\W+", " ", text.lower()):
                continue
            check = check_support(wrong, text, MIN_SUPPORT)
            caught += not check.supported
            if check.supported:
                missed.append((wrong, text, f"{check.score:.2f}"))
        rates[kind] = Rate(caught, caught + len(missed))
        if kind == show:
            _show(missed)
    return rates


def _show(rows: Sequence[tuple[str, str, str]]) -> None:
    for claim, quote, why in rows[:40]:
        console.print(f"claim: {claim}\nquote: {quote}\n       {why}\n", markup=False, soft_wrap=True)


def timing(sample: Sequence[str], pool: Others, rng: random.Random) -> dict[str, float]:
    """Time the check on claims that differ from their quotes."""
    pairs = [
        (new, text)
        for text in sample
        for change in (*FAITHFUL.values(), *CORRUPTIONS.values())
        if (new := change(text, rng, pool)) is not None
    ]
    taken = []
    for claim, quote in pairs:
        start = time.perf_counter()
        check_support(claim, quote, MIN_SUPPORT)
        taken.append(1000 * (time.perf_counter() - start))
    return {"sentences": len(taken), "p50_ms": percentile(taken, 0.5), "p95_ms": percentile(taken, 0.95)}


def show_all(people: dict[str, dict[str, Any]], accepted: dict[str, Rate], caught: dict[str, Rate]) -> None:
    table = Table(title="Agreement with people (BEGIN)")
    for name in ("part", "responses", "attributable accepted", "others refused", "balanced accuracy"):
        table.add_column(name, justify="left" if name == "part" else "right")
    for part, r in people.items():
        table.add_row(
            part, str(r["rows"]), f"{r['accepted']:.1%}", f"{r['refused']:.1%}", f"{r['balanced_accuracy']:.3f}"
        )
    console.print(table)
    table = Table(title="Sentences changed in one place")
    for name in ("change", "tried", "accepted", "refused", "bar"):
        table.add_column(name, justify="left" if name == "change" else "right")
    for kind, rate in accepted.items():
        table.add_row(f"faithful: {kind}", str(rate.of), f"{rate.share:.1%}", "", "")
    for kind, rate in caught.items():
        bar = f"{BARS[kind]:.0%}" if kind in BARS else ""
        style = "red" if rate.share < BARS.get(kind, 0.0) else ""
        table.add_row(f"wrong: {kind}", str(rate.of), "", f"{rate.share:.1%}", bar, style=style)
    console.print(table)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--half", choices=("dev", "report"), default="report", help="which half of the documents")
    options.add_argument("--sentences", type=int, default=4000, help="how many are sampled")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--show", default="", metavar="CHANGE", help="print what the check gets wrong of this change")
    given = options.parse_args()
    shared = shared_folder(given.shared)
    load = note_load()
    people = {part: begin(rows) for part, rows in begin_parts(shared)}
    rng = random.Random(given.seed)
    with console.status("reading the documents"):
        texts = documents(shared, given.half)
    sample, pool = quotes(texts, given.sentences, rng), others(texts)
    accepted = faithful(sample, pool, rng, given.show)
    caught = corrupted(sample, pool, rng, given.show)
    cost = timing(sample[:200], pool, rng)
    show_all(people, accepted, caught)
    console.print(f"{cost['p50_ms']:.2f} ms a sentence, 95% under {cost['p95_ms']:.2f} ms, of {cost['sentences']}")
    rates = {
        name: {kind: {"good": r.good, "of": r.of, "share": r.share} for kind, r in of.items()}
        for name, of in (("accepted", accepted), ("refused", caught))
    }
    write_json(given.json, {"begin": people, **rates, "timing": cost, "load": load})
    failed = [kind for kind, bar in BARS.items() if caught[kind].share < bar]
    sys.exit(7 if failed or cost["p95_ms"] > MAX_MS else 0)


if __name__ == "__main__":
    main()
