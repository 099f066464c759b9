"""What an answer's quotes come to, for a question that wants a yes or a no: "Yes.", "No." or "It depends.".

The judge (`models/cross_encoder.py`) reads the question with the statements that are proved, and the three words
before them as if they were parts of the same page: which of them answers, or does none? It reads twice, all that is
shown and what the quotes were picked for, and is as sure as it is in the mean. What it says is shown above the quotes
where it is sure enough, never instead of them. `tune/factory/fit_judge.py` finds how sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import Config
from assistant.core.errors import ModelDamaged
from assistant.core.files import PACKAGED
from assistant.core.records import Citation, ShortAnswer
from assistant.models.cross_encoder import Read, open_judge, open_reader
from assistant.models.logistic import read_json
from assistant.models.registry import Registry
from assistant.text.canonical import heading_path, sentences, trim

FILE = PACKAGED / "judge.json"
SAYS: Final = ("Yes.", "No.", "It depends.")


@dataclass(frozen=True, slots=True)
class ShortAnswers:
    """Tells what quotes come to; `read` is the judge's, `thresholds` the least probability of each of `SAYS`."""

    read: Read
    thresholds: tuple[float, ...]

    def of(self, question: str, citations: Sequence[Citation]) -> ShortAnswer | None:
        """Return what proved statements come to, or None if the question wants no yes or no, or nobody is sure."""
        header = heading_path(citations[0].title, citations[0].headings)
        whole = [text for c in citations for text in (c.claim, *(e.text for e in c.context if e.limits))]
        found = chances(self.read, question, header, parts_of(whole), [c.focus or c.claim for c in citations])
        best = int(found.argmax())
        return ShortAnswer(SAYS[best], round(float(found[best]), 4)) if found[best] >= self.thresholds[best] else None


def open_short_answers(config: Config) -> ShortAnswers:
    """Open the packaged judge for those who have no assistant; raises ModelMissing or ModelDamaged."""
    registry = Registry(config.models_dir)
    judge = open_judge(registry, config.encoder, open_reader(registry, config.encoder))
    return ShortAnswers(judge.read, load_thresholds())


def chances(read: Read, question: str, header: str, whole: Sequence[str], focus: Sequence[str]) -> NDArray[np.float64]:
    """Return the probability of each of `SAYS`, given what is quoted; the rest of 1 is that of none of them."""
    said = [read(question, header, [*SAYS, *parts])[: len(SAYS)].astype(np.float64) for parts in (whole, focus)]
    found: NDArray[np.float64] = np.mean([np.exp(odds - np.logaddexp.reduce([0.0, *odds])) for odds in said], axis=0)
    return found


def parts_of(statements: Sequence[str]) -> list[str]:
    """Return the sentences of statements, line by line, since of a long part the judge reads the beginning alone."""
    lines = [line for statement in statements for line in statement.splitlines()]
    return [line[start:end] for line in lines for start, end in sentences(line, *trim(line, 0, len(line)))]


def load_thresholds(path: Path = FILE) -> tuple[float, ...]:
    """Read how sure the judge must be of each of `SAYS`; raises ModelDamaged."""
    raw = read_json(path)
    try:
        found = tuple(float(raw["thresholds"][said]) for said in SAYS)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} does not fit this version: {error}.", "Reinstall the assistant.") from error
    return found
