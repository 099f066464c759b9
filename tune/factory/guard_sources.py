"""Say what the guards find of a source that they were not tuned on:  python -m tune.factory.guard_sources ../shared

Each source of attacks, and each family of our own, is left out whole, with all that is nearly the same as a text of it;
a model is made of the rest as `tune.factory.train_guards` makes it. Its threshold is the least at which no more than a
hundredth of the test half's policy questions is refused, none of which it has seen. What it finds of the source is told
with and without the rules, and at the threshold that ships; last the share of harmless texts that are refused there.
Two minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.evaluate.splits import Split
from assistant.guards import Context, injection
from assistant.guards.classifier import load_linear
from assistant.guards.rules import matches
from tune.factory import train_guards as recipes
from tune.factory.guard_data import Encode, Item

ALLOWED = 0.01  # of policy questions


@dataclass(frozen=True, slots=True)
class Found:
    """What is found of a source that was left out: shares of `total`, and of policy questions that are refused."""

    source: str
    total: int
    model: float
    both: float
    shipped: float
    refused: float


def source_of(item: Item) -> str:
    """Return the source of an attack; a family of our own, and each kind of garak's, is one."""
    return item.origin if item.origin in ("guard_piguard_valid", "guard_giskard_injections") else item.part


def left_out(items: Sequence[Item], encode: Encode) -> Iterator[Found]:
    """Yield what a model without a source finds of it, source by source."""
    recipe = recipes.RECIPES[0]
    shipped = load_linear(recipe.path, recipe.names).threshold
    made = recipes.make_samples(recipe, [i for i in items if i.split is Split.DEV], encode)
    asked = [i for i in items if i.kind == "question" and i.split is Split.TEST]
    questions = recipes.make_samples(recipe, asked, encode)
    attacks = [i for i in items if i.kind == "direct"]
    for source in sorted({source_of(i) for i in attacks}):
        of_it = [i for i in attacks if source_of(i) == source]
        groups = {i.group for i in of_it}
        kept = np.array([made.items[n].group not in groups for n in made.owner])
        model = recipes.fit(recipe, made.where(kept))
        harmless = np.sort(recipes.scores_of(model, questions))[::-1]
        allowed = max(float(harmless[int(ALLOWED * len(harmless))]) + 1e-9, 0.0)
        scores = recipes.scores_of(model, recipes.make_samples(recipe, of_it, encode))
        ruled = np.array([any(matches(injection.RULES, Context(i.text, "input").views)) for i in of_it])
        yield Found(
            source,
            len(of_it),
            float((scores >= allowed).mean()),
            float(((scores >= allowed) | ruled).mean()),
            float(((scores >= shipped) | ruled).mean()),
            float((harmless >= shipped).mean()),
        )


def refused(items: Sequence[Item], encode: Encode) -> Iterator[tuple[str, int, float]]:
    """Yield of the harmless texts of the test half, by set, how many there are and the share that is refused."""
    guard = injection.Injection()
    kinds = ("question", "lookalike", "chat", "safe")
    harmless = [i for i in items if i.kind in kinds and i.split is Split.TEST]
    hits = [guard.check(Context(i.text, "input", encode)) is not None for i in harmless]
    for name in sorted({(i.kind, i.origin) for i in harmless}):
        of = [hit for i, hit in zip(harmless, hits, strict=True) if (i.kind, i.origin) == name]
        yield f"{name[0]}: {name[1]}", len(of), float(np.mean(of))


def main() -> None:
    shared = Path(sys.argv[1])
    encode, _ = recipes.open_encode(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    items = recipes.read_all(shared, encode)
    say = sys.stdout.write
    say(f"{'source left out':28} texts  model  +rules  at the shipped threshold (policy questions refused)\n")
    found = list(left_out(items, encode))
    for f in found:
        say(f"{f.source:28} {f.total:5} {f.model:6.3f} {f.both:7.3f} {f.shipped:7.3f} ({f.refused:.4f})\n")
    means = [np.mean([getattr(f, name) for f in found]) for name in ("model", "both", "shipped")]
    say(f"{'mean':28} {'':5} {means[0]:6.3f} {means[1]:7.3f} {means[2]:7.3f}\n")
    for name, count, share in refused(items, encode):
        say(f"refused by mistake, {name:36} {count:5} {share:.4f}\n")


if __name__ == "__main__":
    main()
