"""Tune the reader on more and more questions:  python -m bench.curve DOCUMENTS QUESTIONS [QUESTIONS ...]

Half of the documents teach, as in `assistant tune run`, and the questions of the other half are asked of the packaged
reader and of each tuned one, at the packaged calibration. Questions without a document are parted by their ids. An
answer is right whose evidence has gold in it. Each count's questions are among the next one's, drawn by the hash of
their ids. `ranked` are the right answers among the likeliest ones, up to as many wrong ones as the packaged reader
gives: what a calibration of one's own could make of it. Needs the extra `tune`; 100 questions take a quarter of an hour
on two cores. --out keeps the adapters, from which it goes on; --plot draws the curve.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.answer.assistant import Assistant
from assistant.answer.read import ReaderFile, load_reader
from assistant.core.config import Config
from assistant.evaluate.calibrate import outcome
from assistant.evaluate.metrics import Bools, Floats, interval, resamples
from assistant.evaluate.questions import Question, Split, access_of, read_questions, split_of
from bench.common import console, parser, run_ingest, scratch, settings, write_json
from tune.examples import digest
from tune.reader import install_reader, teach

COUNTS = (25, 50, 100, 200)
RATES = ("useful", "wrong of answered", "abstained where nothing answers")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the questions, in their order, [n] each."""

    answerable: Bools
    right: Bools  # the evidence that was picked, whether or not it was shown
    chance: Floats
    answered: Bools

    def rates(self, chosen: NDArray[np.int64]) -> Floats:
        """Return useful, wrong of answered, and abstained, of the chosen questions [samples, questions]."""
        answerable, answered, right = self.answerable[chosen], self.answered[chosen], self.right[chosen]
        useful = (right & answered).sum(-1) / np.maximum(answerable.sum(-1), 1)
        wrong = (answered & ~right).sum(-1) / np.maximum(answered.sum(-1), 1)
        abstained = (~answerable & ~answered).sum(-1) / np.maximum((~answerable).sum(-1), 1)
        return np.stack([useful, wrong, abstained], -1)

    def ranked(self, wrong: int) -> int:
        """Return how many right answers are likelier than the one that would be wrong after so many."""
        right = self.right[np.argsort(-self.chance, kind="stable")]
        return int(right[np.cumsum(~right) <= wrong].sum())


def part(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Return the questions to learn from, in the order in which they are taken, and those to ask."""
    learned = [q for q in questions if split_of(q.document or q.id) is Split.DEV]
    asked = [q for q in questions if split_of(q.document or q.id) is Split.TEST]
    return sorted(learned, key=lambda q: digest(q.id)), asked


def ask(config: Config, reader: ReaderFile, questions: Sequence[Question]) -> Outcomes:
    """Read each question with this reader."""
    with closing(Assistant(config, reader=reader)) as assistant:
        found = [assistant.read(q.asked, q.history, access=access_of(assistant.access, q)) for q in questions]
        chance = np.array([reading.probability for reading in found])
        answered = chance >= assistant.threshold
    right = [outcome(q, reading.evidence, {}, "").right for q, reading in zip(questions, found, strict=True)]
    return Outcomes(np.array([q.answerable for q in questions]), np.array(right), chance, answered)


def difference(before: Outcomes, after: Outcomes) -> list[list[float]]:
    """Return useful, wrong and abstained: what the second has more, and its 95% interval over the same questions."""
    whole = np.arange(len(before.right))[None]
    more = (after.rates(whole) - before.rates(whole))[0]
    samples = resamples(len(before.right))
    drawn = after.rates(samples) - before.rates(samples)
    return [[float(more[i]), *interval(drawn[:, i])] for i in range(len(more))]


def row_of(packaged: Outcomes, tuned: Outcomes) -> dict[str, Any]:
    """Return what a reader is worth beside the packaged one."""
    wrong = int((packaged.answered & ~packaged.right).sum())
    rates = tuned.rates(np.arange(len(tuned.right))[None])[0].tolist()
    return {"rates": rates, "difference": difference(packaged, tuned), "ranked": tuned.ranked(wrong), "wrong": wrong}


def show(count: int, row: dict[str, Any]) -> None:
    told = (f"{name} {rate:.2f}" for name, rate in zip(RATES, row["rates"], strict=True))
    line = f"{count:4} questions: {', '.join(told)}; right before {row['wrong']} wrong ones: {row['ranked']}"
    console.print(line, markup=False)
    for name, (more, low, high) in zip(RATES, row["difference"], strict=True):
        console.print(f"     {name} {more:+.2f} [{low:+.2f}, {high:+.2f}]", markup=False)


def plot(found: dict[int, dict[str, Any]], path: Path) -> None:
    """Draw the rates over the questions that were learned from."""
    from assistant.evaluate.plots import plot_lines

    lines = {name: (list(found), [row["rates"][i] for row in found.values()]) for i, name in enumerate(RATES)}
    plot_lines(path, lines, xlabel="questions that the reader was tuned on", ylabel="share", ylim=(0, 1))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("documents", type=Path, metavar="DOCUMENTS")
    options.add_argument("questions", type=Path, nargs="+", metavar="QUESTIONS")
    options.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    options.add_argument("--out", type=Path, metavar="FOLDER", help="keep the adapters here, and go on from them")
    options.add_argument("--plot", type=Path, metavar="FILE", help="the curve, a PNG")
    given = options.parse_args()
    learned, asked = part([question for path in given.questions for question in read_questions(path)])
    console.print(f"{len(learned)} questions to learn from, {len(asked)} to ask.")
    with scratch("curve") as folder:
        config = settings(given, folder / "index")
        config = replace(config, generator=replace(config.generator, runtime="none"))
        run_ingest([given.documents], config)
        serving = load_reader(config)
        packaged = ask(config, serving, asked)
        found = {0: row_of(packaged, packaged)}
        show(0, found[0])
        for count in sorted({min(count, len(learned)) for count in given.counts}):
            out = (given.out or folder) / str(count)
            if not out.exists():
                teach(config, learned[:count], serving, folder / "taught", lambda *_: None)
                out.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(folder / "taught", out)
            name = f"curve-{digest(str(folder)):08x}-{count}"
            try:
                tuned = ask(config, install_reader(config, serving, out, name), asked)
            finally:
                shutil.rmtree(config.models_dir / name, ignore_errors=True)
            found[count] = row_of(packaged, tuned)
            show(count, found[count])
            write_json(given.json, found)
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
