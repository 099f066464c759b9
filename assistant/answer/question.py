"""One question, by one person, now: what is asked, alone or together with the question before it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from assistant.core.errors import UsageError
from assistant.core.records import MAX_QUESTION, Access, IndexInfo, Sentence, Turn, Verdict
from assistant.text.quantities import MEASURES
from assistant.text.words import STOP_WORDS, VERBS, WORD, stem

ASKS = VERBS | frozenset("who what when where how which why whom whose until till".split())
ASKING = "|".join(sorted(ASKS))
NOT_OWN = STOP_WORDS | ASKS  # words that say nothing of what a question is about
# Where a second question begins: "how many days, and who decides?"
SECOND_HALF = re.compile(rf"(?:(?<=\?)\s++|,?(?<!\s)\s++and\s++|,\s++)(?=(?:{ASKING})\b)", re.IGNORECASE)
HOW_MANY = re.compile(r"\bhow (?:many|much)\b(?: ([^\W\d_]+))?", re.IGNORECASE)
ASKS_SOMETHING = re.compile(rf"\b(?:{ASKING})\b", re.IGNORECASE)
LEAST_HALF = 2  # content words of a half that asks something of its own: "and until when?" does not
MAX_ABOUT = 200  # characters that somebody may say of themselves
MAX_TURNS = 20  # the last ones of a conversation: what a question refers to is not further back
MAX_TURN = 16_000  # characters; a question may have 4,000, and masking makes it longer
MOST_BEFORE = 3  # questions of a conversation from which the next one takes its subject
LEAST_MISSPELT, MOST_MISSPELT = 5, 8  # letters of a word that is looked up, and such words of a question

ReportStage = Callable[[str], None]  # is told what is going on: "searching", "reading", "wording"
Tell = Callable[[Sentence], None]  # is given a sentence that a model wrote as soon as it is checked


def no_report(stage: str) -> None:
    """Be told what is going on, and tell nobody."""


def tell_nobody(_: Sentence) -> None:
    """Wait for the whole answer."""


class StageTimer:
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
        """Return the stages' times, and that of all since the timer was made."""
        return {**self._stages, "total": round((time.perf_counter() - self._began) * 1000, 2)}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question with what decides its answer: the turns before it, who asks and as of when, and the index.

    `verdicts` are what the guards said of it so far, `about` what whoever asks said of themselves.
    """

    question: str
    history: Sequence[Turn]
    access: Access
    index: IndexInfo
    timer: StageTimer
    report: ReportStage
    k: int
    verdicts: tuple[Verdict, ...] = ()
    typed: str = ""  # the question before its words were respelt, where they were
    about: str = ""
    tell: Tell = tell_nobody
    is_second_half: bool = False  # of a question whose first half stands before it, and is not answered yet

    def as_told(self, asked: str) -> str:
        """Return a question as somebody asks it who says who they are: "Contractor, Leeds. How many days do I get?"."""
        return f"{self.about}. {asked}" if self.about else asked


def checked_question(question: str) -> str:
    """Return a question as it is asked; raises UsageError for an empty or endless one."""
    question = encodable(question).strip()
    if not question:
        raise UsageError("the question is empty.", "Ask something, e.g. assistant ask 'Who approves travel?'")
    if len(question) > MAX_QUESTION:
        raise UsageError(f"the question has {len(question):,} characters; the limit is {MAX_QUESTION:,}.")
    return question


def checked_about(about: str) -> str:
    """Return what somebody says of themselves, in one line; raises UsageError for a story."""
    about = " ".join(encodable(about).split()).rstrip(".")
    if len(about) > MAX_ABOUT:
        cause = f"what is said about whoever asks has {len(about):,} characters; the limit is {MAX_ABOUT:,}."
        raise UsageError(cause, 'Say what decides, like "contractor, London office".')
    return about


def encodable(text: str) -> str:
    """Return a text without lone surrogates and null characters, which no model and no file takes."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def respelt(question: str, knows: Callable[[str], bool], written: Callable[[str], str]) -> str:
    """Return a question with its misspelt words as the documents write them.

    A word is looked up that the encoder does not know as a word, the first few; `written` returns "" for one that the
    documents have or that is like none of theirs.
    """
    words = dict.fromkeys(word for word in WORD.findall(question) if len(word) >= LEAST_MISSPELT and word.isalpha())
    unknown = [word for word in words if not word.isupper() and not (knows(word) or knows(stem(word)))][:MOST_MISSPELT]
    meant = {word: found for word in unknown if (found := written(word))}
    return WORD.sub(lambda match: meant.get(match.group(), match.group()), question)


def recent(history: Sequence[Turn], most: int = MAX_TURNS) -> Sequence[Turn]:
    """Return the last turns of a conversation; raises UsageError if one of them has more than MAX_TURN characters."""
    history = history[-most:]
    if (longest := max((len(turn.content) for turn in history), default=0)) > MAX_TURN:
        cause = f"a message of the history has {longest:,} characters; the limit is {MAX_TURN:,}."
        raise UsageError(cause, "Shorten that message, or leave it out.")
    return [replace(turn, content=encodable(turn.content).strip()) for turn in history]


def questions_before(history: Sequence[Turn]) -> list[str]:
    """Return the questions of a conversation that alone decide what the next one may mean; the log holds no others."""
    asked = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    return asked[-MOST_BEFORE:]


def halves(question: str) -> tuple[str, str] | None:
    """Return the two questions that one asks, None where it asks one."""
    for match in reversed(list(SECOND_HALF.finditer(question))):
        first, second = question[: match.start()].rstrip(" ,?"), question[match.end() :]
        whole = min(len(own_words(half)) for half in (first, second)) >= LEAST_HALF
        if whole and ASKS_SOMETHING.search(first):
            return f"{first}?", second
    return None


def own_words(question: str) -> list[str]:
    """Return the content words but what asks, and a unit that is asked for: "how many days" is about no days."""
    words = WORD.findall(HOW_MANY.sub(_asked_for, question))
    return [word for word in words if word.casefold() not in NOT_OWN]


def _asked_for(match: re.Match[str]) -> str:
    """Return what is counted, nothing for a unit."""
    return "" if not match[1] or stem(match[1]) in MEASURES else match[1]
