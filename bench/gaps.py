"""Find planted gaps:  python -m bench.gaps [FILE ...]

Groups questions that were asked in vain as `assistant gaps` does, and counts which planted gaps are found. A row of a
file is a question, its set, and its ask: what it wants to know, or "" where no other question wants the same. Without
a file it takes the three sets that the map of `gaps` did not learn from. Seconds on two cores.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.evaluate.gaps import group
from assistant.models.encoder import open_encoder
from assistant.models.registry import Registry
from bench.common import ROOT, console, parser, read_jsonl, settings, write_json

WRITTEN = ROOT / "tune" / "factory" / "examples" / "same_questions.jsonl"
HELD_OUT = ("brewery", "research hospital", "camps")
LEAST = 3  # questions of a gap that is told, each asked by somebody else
BARS = {"found": 18, "under_one_name": 18, "others": 4}


def count_gaps(asks: Sequence[str], groups: Sequence[int]) -> dict[str, int]:
    """Return how many asks are found, are found under one name, and how many told groups are of no ask.

    A group is of the ask of most of its questions.
    """
    members: dict[int, list[str]] = {}
    for ask, label in zip(asks, groups, strict=True):
        members.setdefault(label, []).append(ask)
    told = [Counter(inside).most_common(1)[0] + (len(inside),) for inside in members.values() if len(inside) >= LEAST]
    of = Counter(ask for ask, count, size in told if ask and count * 2 > size)
    return {
        "planted": len(set(asks) - {""}),
        "found": len(of),
        "under_one_name": sum(count == 1 for count in of.values()),
        "others": len(told) - of.total(),
    }


def are_held(found: Mapping[str, int]) -> bool:
    """Tell whether a set holds the bars."""
    return all(found[name] >= BARS[name] for name in ("found", "under_one_name")) and found["others"] <= BARS["others"]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("files", nargs="*", type=Path, metavar="FILE")
    given = options.parse_args()
    rows = [row for file in given.files or [WRITTEN] for row in read_jsonl(file)]
    sets: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if given.files or row["set"] in HELD_OUT:
            sets.setdefault(row["set"], []).append(row)
    config = settings(given, ROOT)
    encoder = open_encoder(Registry(config.models_dir), config.encoder)
    results = {}
    for name, asked in sets.items():
        groups = group(encoder.encode([row["question"] for row in asked]))
        results[name] = count_gaps([row["ask"] for row in asked], groups)
        console.print(f"{name}: {results[name]}", markup=False)
    write_json(given.json, results)
    sys.exit(0 if all(map(are_held, results.values())) else 7)


if __name__ == "__main__":
    main()
