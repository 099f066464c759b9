"""How a question ends: answered, not answered or refused; and the sentences that say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.answer.phrase import Wording
from assistant.answer.question import Inquiry
from assistant.answer.words import LEFT_OUT
from assistant.core.records import NO_MODEL, Answer, EarlierQuote, Hit, ModelInfo, Quote, Reading, Status, Verdict
from assistant.text.languages import NAMES, language_of
from assistant.text.prompts import counted

ABSTAINED = "The documents do not answer this. I searched {documents} ({passages})."
OTHER_LANGUAGE = "These documents are in {documents}, and your question is in {question}. Please ask in {documents}."
UNSURE = "I'm not certain. These passages come closest:"
UNSURE_OWNED = "I'm not certain. These passages come closest; if they do not help, ask {owner}, who owns the first:"
THANKS = "You're welcome."
HELLO = "Hello. What would you like to know? For example about {titles}."
ABOUT = (
    "I answer questions from {documents}, with exact quotes and their places; where they say nothing, I tell you so. "
    "Ask in your own words, for example about {titles}."
)
AGAIN = (
    "I can only quote the documents. Ask once more in other words, or open the source to read what stands around it."
)
TALK = {"thanks": THANKS, "hello": HELLO, "about": ABOUT, "again": AGAIN}  # by kind of small talk
BETWEEN = "; "  # titles
NEAR = 0.15  # score of a hit from which its document is on the subject of a question
MOST_BEGUN = 60  # characters of a sentence that is named
MOST_NEAR = 3  # documents that are named


def worded_line(answer: Answer) -> str:
    """Say who worded an answer and what was checked of it, never that it is proved; "" where it is quotes."""
    if not answer.worded_by:
        return ""
    unchecked = [_begun(sentence.text) for sentence in answer.sentences if sentence.check == "unchecked"]
    left_out = sum(verdict.reason.startswith(LEFT_OUT) for verdict in answer.verdicts)
    line = f"Worded by {answer.worded_by}; figures and names checked."
    line += f" Not borne out by what it names: {', '.join(unchecked)}." if unchecked else ""
    return line + (f" {counted(left_out, 'sentence')} left out." if left_out else "")


def _begun(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words if len(words) <= MOST_BEGUN else words[:MOST_BEGUN].rsplit(' ', 1)[0] + ' …'}”"


def _filled(template: str, **patterns: str) -> str:
    """Return the pattern of a sentence whose places are filled by what the patterns match."""
    written = re.escape(template)
    for name, pattern in patterns.items():
        written = written.replace(re.escape(f"{{{name}}}"), f"(?:{pattern})")
    return written


LANGUAGE = "|".join(NAMES.values())
SAYS_ABSTAINED = re.compile(
    _filled(ABSTAINED, documents=r"1 document|[\d,]+ documents", passages=r"1 passage|[\d,]+ passages")
    + "|"
    + _filled(OTHER_LANGUAGE, documents=LANGUAGE, question=LANGUAGE)
)
SAYS_UNSURE = re.compile(f"{re.escape(UNSURE)}|{_filled(UNSURE_OWNED, owner='(.+)')}")
SAYS_TALK = re.compile(
    "|".join(_filled(said, documents=r"1 document|[\d,]+ documents", titles="(.+)") for said in TALK.values())
)


def answered(
    inquiry: Inquiry, reading: Reading, wording: Wording, earlier: tuple[EarlierQuote, ...], model: ModelInfo
) -> Answer:
    """Return an answer with its proof, and what an earlier version said."""
    return replace(
        _outcome("answered", wording.text, inquiry, reading, wording.verdicts),
        citations=wording.citations,
        model=model,
        sentences=wording.said,
        worded_by=wording.worded_by,
        earlier=earlier,
    )


def unanswered(
    inquiry: Inquiry, reading: Reading, closest: tuple[Quote, ...], owner: str, withheld: tuple[Verdict, ...]
) -> Answer:
    """Say that the documents do not surely answer, and what came closest; or that they are in another language.

    `owner` is whose document the closest quote is of, "" where nobody says so.
    """
    index = inquiry.index
    searched = {"documents": counted(index.documents, "document"), "passages": counted(index.passages, "passage")}
    unsure = UNSURE_OWNED.format(owner=owner) if owner else UNSURE
    text = unsure if closest else _other_language(inquiry.question, reading) or ABSTAINED.format(**searched)
    return replace(_outcome("abstained", text, inquiry, reading, withheld), closest=closest)


def nearest(answer: Answer) -> list[Hit]:
    """Return the best hit of each document on the subject of a question that nothing answers, not even closely."""
    best: dict[str, Hit] = {}
    if answer.status == "abstained" and not answer.closest:
        for hit in answer.hits:
            if hit.score >= NEAR:
                best.setdefault(hit.source, hit)
    return [*best.values()][:MOST_NEAR]


def talked(inquiry: Inquiry, kind: str, titles: Sequence[str]) -> Answer:
    """Answer what asks nothing of the documents; `titles` are some of theirs."""
    documents = counted(inquiry.index.documents, "document")
    text = TALK[kind].format(documents=documents, titles=BETWEEN.join(titles))
    return _outcome("abstained", text, inquiry, Reading((), (), 0.0), ())


def _other_language(question: str, reading: Reading) -> str:
    """Say that the documents that were found are in another language than the question; "" where they are not."""
    asked = language_of(question)
    found = language_of(" ".join(hit.passage.text for hit in reading.hits)) if asked else ""
    return OTHER_LANGUAGE.format(documents=found, question=asked) if found not in ("", asked) else ""


def blocked(inquiry: Inquiry, refusal: str) -> Answer:
    """Refuse a question."""
    return _outcome("blocked", refusal, inquiry, Reading((), (), 0.0), ())


def _outcome(status: Status, text: str, inquiry: Inquiry, reading: Reading, verdicts: tuple[Verdict, ...]) -> Answer:
    return Answer(
        question=inquiry.typed or inquiry.question,
        status=status,
        text=text,
        confidence=round(reading.probability, 4),
        citations=(),
        hits=reading.hits,
        verdicts=(*inquiry.verdicts, *verdicts),
        model=NO_MODEL,
        index=inquiry.index,
        timings=inquiry.timer.timings(),
        asked=inquiry.question if inquiry.typed else "",
        about=inquiry.about,
    )
