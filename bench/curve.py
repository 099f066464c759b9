"""Tune the reader on more and more questions:  python -m bench.curve DOCUMENTS QUESTIONS [QUESTIONS ...]

Half of the documents teach, as in `assistant tune run`, and the questions of the other half are asked of the packaged
reader and of each tuned one. Questions without a document are parted by their ids. An answer is right where it quotes
gold evidence. Each count's questions are among the next one's, drawn by the hash of their ids. Needs the extra `tune`;
100 questions take a quarter of an hour on two cores. --plot draws the curve.
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
from assistant.evaluate.metrics import interval, resamples
from assistant.evaluate.questions import Question, Split, access_of, read_questions, split_of
from assistant.evaluate.retrieval_scores import covers_gold
from bench.common import console, parser, run_ingest, scratch, settings, write_json
from tune.examples import digest
from tune.reader import teach

COUNTS = (25, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the questions, in their order."""

    answerable: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    right: NDArray[np.bool_]

    def rates(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return useful, wrong of answered, and abstained, of the chosen questions [samples, questions]."""
        answerable, answered, right = self.answerable[chosen], self.answered[chosen], self.right[chosen]
        useful = (right & answered).sum(-1) / np.maximum(answerable.sum(-1), 1)
        wrong = (answered & ~right).sum(-1) / np.maximum(answered.sum(-1), 1)
        abstained = (~answerable & ~answered).sum(-1) / np.maximum((~answerable).sum(-1), 1)
        return np.stack([useful, wrong, abstained], -1)


def part(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Return the questions to learn from, in the order in which they are taken, and those to ask."""
    learned = [q for q in questions if split_of(q.document or q.id) is Split.DEV]
    asked = [q for q in questions if split_of(q.document or q.id) is Split.TEST]
    return sorted(learned, key=lambda q: digest(q.id)), asked


def ask(config: Config, reader: ReaderFile, questions: Sequence[Question]) -> Outcomes:
    """Answer each question with this reader, at the packaged calibration."""
    answered, right = [], []
    with closing(Assistant(config, reader=reader)) as assistant:
        for question in questions:
            answer = assistant.answer(question.asked, access=access_of(assistant.access, question))
            answered.append(answer.status == "answered")
            quotes = (citation.quote for citation in answer.citations)
            right.append(question.answerable and any(covers_gold(quote, question.evidence) for quote in quotes))
    return Outcomes(np.array([q.answerable for q in questions]), np.array(answered), np.array(right))


def difference(before: Outcomes, after: Outcomes) -> list[list[float]]:
    """Return useful, wrong and abstained: what the second has more, and its 95% interval over the same questions."""
    whole = np.arange(len(before.answered))[None]
    more = (after.rates(whole) - before.rates(whole))[0]
    samples = resamples(len(before.answered))
    drawn = after.rates(samples) - before.rates(samples)
    return [[float(more[i]), *interval(drawn[:, i])] for i in range(len(more))]


def show(count: int, row: dict[str, Any]) -> None:
    useful, wrong, abstained = row["rates"]
    console.print(
        f"{count:4} questions: useful {useful:.2f}, wrong {wrong:.2f}, abstained {abstained:.2f}", markup=False
    )
    for name, (more, low, high) in zip(("useful", "wrong", "abstained"), row.get("difference", ()), strict=False):
        console.print(f"     {name} {more:+.2f} [{low:+.2f}, {high:+.2f}]", markup=False)


def plot(found: dict[int, dict[str, Any]], path: Path) -> None:
    """Draw the rates over the questions that were learned from."""
    from assistant.evaluate.plots import plot_lines

    names = ("useful", "wrong of answered", "abstained where nothing answers")
    lines = {name: (list(found), [row["rates"][i] for row in found.values()]) for i, name in enumerate(names)}
    plot_lines(path, lines, xlabel="questions that the reader was tuned on", ylabel="share", ylim=(0, 1))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("documents", type=Path, metavar="DOCUMENTS")
    options.add_argument("questions", type=Path, nargs="+", metavar="QUESTIONS")
    options.add_argument("--counts", type=int, nargs="+", default=COUNTS)
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
        everything = np.arange(len(asked))[None]
        found: dict[int, dict[str, Any]] = {0: {"rates": packaged.rates(everything)[0].tolist()}}
        show(0, found[0])
        for count in sorted({min(count, len(learned)) for count in given.counts}):
            name = f"curve-{digest(str(folder)):08x}-{count}"
            try:
                reader, measured = teach(config, learned[:count], serving, folder / name, name, lambda *_: None)
                tuned = ask(config, reader, asked)
            finally:
                shutil.rmtree(config.models_dir / name, ignore_errors=True)
            rates = tuned.rates(everything)[0].tolist()
            found[count] = {"rates": rates, "difference": difference(packaged, tuned), "training": measured}
            show(count, found[count])
            write_json(given.json, found)
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
