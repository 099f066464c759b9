"""Measure the proof of statements:  python -m bench.proof [--pairs FILE ...]

Statements are quoted sentences of real documents, changed in one place: all of them must be refused. The same, laid out
otherwise, must be accepted. `--pairs` reads JSON lines with a quote and a claim that it does not prove (`"expect":
"refuse"` or `"false": true`; `headings`) or that says the same in other words: those are counted, not asked for.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.table import Table

from assistant.answer.proof.citations import is_its_quote
from assistant.core.errors import DocumentRejected
from assistant.text.units import units
from bench.common import ROOT, console, parser, percentile, read_jsonl, shared_folder, write_json
from ingest.formats import SUFFIXES, read_document

DOCUMENTS = ("qa_tts_handbook/docs", "qa_conditionalqa_train/docs", "qa_contoso_benefits/pdf")
ADDED = "not only may must if unless never or no always".split()

Change = Callable[[list[str], random.Random], list[str]]


def dropped(words: list[str], rng: random.Random) -> list[str]:
    at = rng.randrange(len(words))
    return words[:at] + words[at + 1 :]


def added(words: list[str], rng: random.Random) -> list[str]:
    at = rng.randrange(1, len(words))
    return [*words[:at], rng.choice(ADDED), *words[at:]]


def swapped(words: list[str], rng: random.Random) -> list[str]:
    one, other = sorted(rng.sample(range(len(words)), 2))
    return [*words[:one], words[other], *words[one + 1 : other], words[one], *words[other + 1 :]]


def altered(words: list[str], rng: random.Random) -> list[str]:
    """Change one character of one word: a digit, a capital, a sign."""
    at = rng.randrange(len(words))
    place = rng.randrange(len(words[at]))
    other = rng.choice([c for c in "aeinst0159.,-/X" if c != words[at][place]])
    return [*words[:at], f"{words[at][:place]}{other}{words[at][place + 1 :]}", *words[at + 1 :]]


def halved(words: list[str], rng: random.Random) -> list[str]:
    return words[: rng.randrange(2, len(words))]


WRONG: Mapping[str, Change] = {
    "word dropped": dropped,
    "word added": added,
    "words swapped": swapped,
    "character changed": altered,
    "end cut off": halved,
}
SAME: Mapping[str, Change] = {
    "white space": lambda words, rng: [f"{word} " for word in words],
    "a bullet": lambda words, rng: ["-", *words],
    "emphasis": lambda words, rng: [f"**{' '.join(words[:5])}**", *words[5:]],
    "quotation marks": lambda words, rng: [word.translate(str.maketrans("'\"", "’”")) for word in words],
}


def sampled(shared: Path, size: int, rng: random.Random) -> list[str]:
    """Sample sentences and list items that a reader could quote."""
    roots = [ROOT / "corpora", *(shared / "data" / name for name in DOCUMENTS)]
    found: set[str] = set()
    for path in sorted(p for root in roots for p in root.rglob("*") if p.suffix.lower() in SUFFIXES):
        try:
            text = read_document(path.read_bytes(), path.name).text
        except DocumentRejected as error:
            console.print(f"{path.name}: {error}", style="yellow", markup=False)
            continue
        sentences = (" ".join(text[u.start : u.end].split()) for u in units(text) if u.kind in ("paragraph", "item"))
        found.update(sentence for sentence in sentences if 8 <= len(sentence.split()) <= 40)
    return rng.sample(sorted(found), min(size, len(found)))


def accepted(changes: Mapping[str, Change], quotes: Sequence[str], rng: random.Random) -> dict[str, tuple[int, int]]:
    """Return how many of how many changed quotes are taken for the quote, by kind of change."""
    counts = {}
    for kind, change in changes.items():
        made = [(" ".join(change(quote.split(), rng)), quote) for quote in quotes]
        tried = [is_its_quote(said, quote) for said, quote in made if said != quote]
        counts[kind] = sum(tried), len(tried)
    return counts


def of_pairs(path: Path) -> dict[str, tuple[int, int]]:
    """Return how many false and true pairs of a file are accepted, of how many."""
    tried: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for row in read_jsonl(path):
        name = f"{path.name}: {'false' if row.get('expect') == 'refuse' or row.get('false') else 'other words'}"
        tried[name] += 1
        taken[name] += any(is_its_quote(row["claim"], row["quote"], h) for h in ("", *row.get("headings", ())))
    return {name: (taken[name], tried[name]) for name in tried}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sentences", type=int, default=4000, help="how many are sampled")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--pairs", type=Path, nargs="*", default=[], help="JSON lines of quotes and claims")
    given = options.parse_args()
    rng = random.Random(given.seed)
    quotes = sampled(shared_folder(given.shared), given.sentences, rng)
    wrong, same = accepted(WRONG, quotes, rng), accepted(SAME, quotes, rng)
    pairs = {name: counts for path in given.pairs for name, counts in of_pairs(path).items()}
    taken = []
    for quote in quotes[:500]:
        began = time.perf_counter()
        is_its_quote(quote[1:], quote)
        taken.append(1000 * (time.perf_counter() - began))
    table = Table("change", "accepted", "of", title="Statements taken for their quotes")
    for kind, (count, of) in (wrong | same | pairs).items():
        table.add_row(kind, str(count), str(of))
    console.print(table)
    console.print(f"{percentile(taken, 0.5):.3f} ms a statement, 95% under {percentile(taken, 0.95):.3f} ms")
    write_json(given.json, {"wrong": wrong, "same": same, "pairs": pairs})
    false = [*wrong.values(), *(counts for name, counts in pairs.items() if name.endswith("false"))]
    sys.exit(7 if any(count for count, _ in false) or any(count < of for count, of in same.values()) else 0)


if __name__ == "__main__":
    main()
