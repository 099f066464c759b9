"""How a question ends: answered, not answered, withheld or refused; and how long its stages took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from assistant.answer.evidence import place
from assistant.answer.phrase import GroundedText
from assistant.core.records import (
    NO_MODEL,
    Answer,
    EarlierQuote,
    Hit,
    IndexInfo,
    ModelInfo,
    Quote,
    Reading,
    Status,
    Verdict,
)
from assistant.guards.run import Screened
from assistant.text.prompts import ABSTAINED, UNSURE, WITHHELD, WITHHELD_FOR

DIGITS = 4  # of a confidence


class Clock:
    """Times the stages, in milliseconds."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[name] = round(self._stages.get(name, 0.0) + (time.perf_counter() - began) * 1000, 2)

    def timings(self) -> Mapping[str, float]:
        """Return the stages' times, and that of all since the clock was made."""
        return {**self._stages, "total": round((time.perf_counter() - self._began) * 1000, 2)}


def answered(
    question: str,
    reading: Reading,
    wording: GroundedText,
    earlier: tuple[EarlierQuote, ...],
    model: ModelInfo,
    index: IndexInfo,
    clock: Clock,
) -> Answer:
    """Return an answer with its proof, and what an earlier version said."""
    return Answer(
        question=question,
        status="answered",
        text=wording.text,
        confidence=round(reading.probability, DIGITS),
        citations=wording.citations,
        hits=reading.hits,
        verdicts=wording.verdicts,
        model=model,
        index=index,
        timings=clock.timings(),
        generated=wording.generated,
        earlier=earlier,
    )


def unanswered(
    question: str,
    reading: Reading,
    closest: tuple[Quote, ...],
    verdicts: tuple[Verdict, ...],
    index: IndexInfo,
    clock: Clock,
) -> Answer:
    """Say that the documents do not surely answer, and what came closest."""
    text = (UNSURE if closest else ABSTAINED).format(documents=index.documents, passages=index.passages)
    return replace(_unsaid("abstained", text, question, reading, verdicts, index, clock), closest=closest)


def withheld(question: str, reading: Reading, verdicts: tuple[Verdict, ...], index: IndexInfo, clock: Clock) -> Answer:
    """Say where the answer is that a guard does not let out."""
    guard = next(v.guard for v in verdicts if v.stage == "output" and v.action != "allow")  # the best is first
    text = WITHHELD.format(what=WITHHELD_FOR[guard], place=_place(reading.evidence[0].hit))
    return _unsaid("blocked", text, question, reading, verdicts, index, clock)


def _unsaid(
    status: Status,
    text: str,
    question: str,
    reading: Reading,
    verdicts: tuple[Verdict, ...],
    index: IndexInfo,
    clock: Clock,
) -> Answer:
    """Return what is said instead of an answer, though something was read."""
    return Answer(
        question=question,
        status=status,
        text=text,
        confidence=round(reading.probability, DIGITS),
        citations=(),
        hits=reading.hits,
        verdicts=verdicts,
        model=NO_MODEL,
        index=index,
        timings=clock.timings(),
    )


def blocked(screened: Screened, index: IndexInfo, clock: Clock) -> Answer:
    """Refuse a question."""
    return Answer(
        question=screened.text,
        status="blocked",
        text=screened.refusal,
        confidence=0.0,
        citations=(),
        hits=(),
        verdicts=screened.verdicts,
        model=NO_MODEL,
        index=index,
        timings=clock.timings(),
    )


def _place(hit: Hit) -> str:
    return f"{place(hit)} ({hit.source})"
