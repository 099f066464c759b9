"""How a question ends: answered, not answered, withheld or refused."""

from __future__ import annotations

from dataclasses import replace

from assistant.answer.evidence import place
from assistant.answer.phrase import GroundedText
from assistant.answer.question import Inquiry
from assistant.core.records import NO_MODEL, Answer, EarlierQuote, ModelInfo, Quote, Reading, Status, Verdict
from assistant.text.prompts import ABSTAINED, UNSURE, WITHHELD, WITHHELD_FOR, counted


def answered(
    inquiry: Inquiry, reading: Reading, wording: GroundedText, earlier: tuple[EarlierQuote, ...], model: ModelInfo
) -> Answer:
    """Return an answer with its proof, and what an earlier version said."""
    return replace(
        _outcome("answered", wording.text, inquiry, reading, wording.verdicts),
        citations=wording.citations,
        model=model,
        generated=wording.generated,
        earlier=earlier,
    )


def unanswered(inquiry: Inquiry, reading: Reading, closest: tuple[Quote, ...], withheld: tuple[Verdict, ...]) -> Answer:
    """Say that the documents do not surely answer, and what came closest."""
    index = inquiry.index
    searched = {"documents": counted(index.documents, "document"), "passages": counted(index.passages, "passage")}
    text = UNSURE if closest else ABSTAINED.format(**searched)
    return replace(_outcome("abstained", text, inquiry, reading, withheld), closest=closest)


def withheld(inquiry: Inquiry, reading: Reading, verdicts: tuple[Verdict, ...]) -> Answer:
    """Say where the answer is that a guard does not let out."""
    guard = next(v.guard for v in verdicts if v.stage == "output" and v.action != "allow")  # the best is first
    hit = reading.evidence[0].hit
    text = WITHHELD.format(what=WITHHELD_FOR[guard], place=f"{place(hit)} ({hit.source})")
    return _outcome("blocked", text, inquiry, reading, verdicts)


def blocked(inquiry: Inquiry, refusal: str) -> Answer:
    """Refuse a question."""
    return _outcome("blocked", refusal, inquiry, Reading((), (), 0.0), ())


def _outcome(status: Status, text: str, inquiry: Inquiry, reading: Reading, verdicts: tuple[Verdict, ...]) -> Answer:
    return Answer(
        question=inquiry.question,
        status=status,
        text=text,
        confidence=round(reading.probability, 4),
        citations=(),
        hits=reading.hits,
        verdicts=(*inquiry.verdicts, *verdicts),
        model=NO_MODEL,
        index=inquiry.index,
        timings=inquiry.timer.timings(),
    )
